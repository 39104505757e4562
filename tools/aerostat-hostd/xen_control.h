/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Xen's control interface: of struct xen_world, the part that is the hypervisor's. */
#ifndef AEROSTAT_HOSTD_XEN_CONTROL_H
#define AEROSTAT_HOSTD_XEN_CONTROL_H

#include "xen.h"

struct xen_control;

/* NULL: no memory. */
struct xen_control *xen_control_new(void);
void xen_control_free(struct xen_control *c);

/* 0 or -errno; all that follow too, but for what xen.h says of them. */
int xen_control_open(struct xen_control *c);

int xen_control_domains(struct xen_control *c, uint32_t first, struct xen_domain *domains,
			unsigned int most);
int xen_control_host(struct xen_control *c, uint64_t *total_kib, uint64_t *free_kib);
int xen_control_allow(struct xen_control *c, const struct xen_domain *domain, uint64_t kib);
int xen_control_back(struct xen_control *c, const struct xen_domain *domain, uint64_t kib);

/* The last failure. */
const char *xen_control_error(const struct xen_control *c);

#endif
