/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The backend for libvirt.  Its event loop has to run. */
#ifndef AEROSTAT_HOSTD_VIRT_H
#define AEROSTAT_HOSTD_VIRT_H

#include "backend.h"

/* Of the element <memory min= max= shares= managed=/> in a domain's metadata. */
#define VIRT_NAMESPACE "https://aerostat.example.org/xmlns/host/1"
#define VIRT_PREFIX    "aerostat"

struct virt;

/* @hurry is called when a guest has come, gone or changed its settings.  NULL: no memory. */
struct virt *virt_new(const char *uri, void (*hurry)(void *to), void *to);
void virt_free(struct virt *v);

/* The self of it is a struct virt. */
extern const struct aero_host_backend virt_backend;

/* ---- virt_domain.c: what is to be known of a domain from its description ---- */

struct virt_domain {
	bool balloon;
	uint64_t period_s; /* of statistics; 0: they are off */
	struct aero_host_settings settings;
	char complaint[AERO_HOST_WORDS_MAX];
};

/* False: it is no description of a domain. */
bool virt_domain_parse(const char *xml, struct virt_domain *domain);

/* The element for settings, to be freed; NULL: no memory. */
char *virt_domain_metadata(const struct aero_host_settings *settings);

#endif
