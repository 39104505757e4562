/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The backend for Xen.  What it asks of the machine is a table of functions, so that all of it can
 * be tested without one: xen_world.c has the real ones.
 */
#ifndef AEROSTAT_HOSTD_XEN_H
#define AEROSTAT_HOSTD_XEN_H

#include "backend.h"

#define XEN_UUID_SIZE 16U

/* A domain as the hypervisor sees it: nothing that the guest could say. */
struct xen_domain {
	uint32_t number;
	uint8_t uuid[XEN_UUID_SIZE];
	uint64_t has_kib;
	uint64_t most_kib; /* what the hypervisor lets it have at present */
	bool hvm;	   /* PVH or HVM */
	bool paused, shut_down, crashed, dying;
};

/* A node of xenstore to be written; NULL: to be removed, if it is there. */
struct xen_change {
	const char *path, *value;
};

/* Longer values are nobody's that are looked at here. */
#define XEN_VALUE_MAX 512U
#define XEN_PATH_MAX  128U

/* Functions return 0, or -errno with error(), unless something else is said. */
struct xen_world {
	/* Before each look: connects, where that is needed. */
	int (*connect)(void *self);
	/* Domains from this number on, in order; how many there were. */
	int (*domains)(void *self, uint32_t first, struct xen_domain *domains, unsigned int most);
	int (*host)(void *self, uint64_t *total_kib, uint64_t *free_kib);
	/* From now on the hypervisor lets it have this much. */
	int (*allow)(void *self, const struct xen_domain *domain, uint64_t kib);
	/*
	 * So much may be behind what a PVH or HVM guest has not touched yet.  Without this one that
	 * is to have more before it has come down to its first target would run dry.
	 */
	int (*back)(void *self, const struct xen_domain *domain, uint64_t kib);
	/*
	 * -ENOENT: the node is not there, or may not be read; -E2BIG: its value is longer, or has
	 * a NUL in it.  Neither sets error().
	 */
	int (*read)(void *self, const char *path, char value[XEN_VALUE_MAX]);
	/* All or none of them, and none without the node @there: -ENOENT, without error(). */
	int (*change)(void *self, const char *there, const struct xen_change *changes,
		      size_t count);
	/* The last failure: a line that says what to do. */
	const char *(*error)(void *self);
	void (*close)(void *self);
};

struct xen;

/* Closes the world when it is freed.  NULL: no memory. */
struct xen *xen_new(const struct xen_world *world, void *self);
void xen_free(struct xen *x);

/* The self of it is a struct xen. */
extern const struct aero_host_backend xen_backend;

/* ---- xen_guest.c: what xenstore has of a domain ---- */

/* What its toolstack has written, and the administrator. */
struct xen_about {
	char name[AERO_HOST_NAME_MAX];
	uint64_t static_max_kib; /* AERO_HOST_UNKNOWN: it makes no sense */
	uint64_t video_kib;	 /* of what it has; a target is without it */
	struct aero_host_settings settings;
	char complaint[AERO_HOST_WORDS_MAX];
};

/*
 * What the guest itself has written: the line of aerostatd in data/aerostat, or what XenServer's
 * agents write.  What is not possible is not taken over.
 */
struct xen_said {
	bool here;     /* a driver is there, or something that gives statistics */
	uint64_t mark; /* 0: it gives no statistics */
	uint64_t unused_kib, usable_kib, cache_kib;
	uint64_t swap_in_kib, swap_out_kib, major_faults;
};

struct xen_source {
	const struct xen_world *world;
	void *self;
	uint32_t number; /* of the domain */
};

/* 0; -ENOENT: xenstore does not know the domain; or the world's failure. */
int xen_about_read(const struct xen_source *from, struct xen_about *about);

/* What the toolstack wants it to have. */
int xen_target_read(const struct xen_source *from, uint64_t *kib);

/* 0, or the world's failure. */
int xen_said_read(const struct xen_source *from, const struct xen_about *about,
		  struct xen_said *said);

/* The path of a node of the domain.  Returns @path. */
const char *xen_path(uint32_t number, const char *name, char path[XEN_PATH_MAX]);

/* The names of the settings that are kept with the domain, and how many. */
#define XEN_SETTINGS	    4U
#define XEN_SETTINGS_FOLDER "aerostat"
extern const char *const xen_setting_names[XEN_SETTINGS];

#endif
