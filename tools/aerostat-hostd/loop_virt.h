/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef AEROSTAT_HOSTD_LOOP_VIRT_H
#define AEROSTAT_HOSTD_LOOP_VIRT_H

#include "loop.h"

/* That of libvirt's library. */
extern const struct loop loop_virt;

#endif
