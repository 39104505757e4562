/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the lab's files about Xen share. */
#ifndef AEROSTAT_LAB_XEN_INTERNAL_H
#define AEROSTAT_LAB_XEN_INTERNAL_H

#include "xen.h"

#define LAB_XL_MS 60000 /* for one command of Xen's tools */

/* Checks config.xen (NULL: the defaults) and replaces it by a complete copy. */
int lab_xen_config(struct lab_guest *g);

/* The ELF kernel's path, or NULL with lab_error(). */
const char *lab_xen_kernel(enum lab_kernel kernel);

/* "stock", "own" or "debug". */
const char *lab_xen_kernel_name(enum lab_kernel kernel);

/* The dom0 of a guest, or NULL with lab_error() when it has ended or there is none. */
struct lab_guest *lab_xen_dom0(struct lab_guest *g);

#endif
