/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The platforms of the lab: what a guest is run on, behind one table.  A platform
 * is a file platform_NAME.c with its struct lab_platform, and an entry in the
 * table of platform.c; demonstration, benches and tests need no more.
 *
 * A subject is a guest with its host, started the same way on each platform: on
 * Xen the host is dom0 and the guest a domU; on all others both are the same
 * guest of QEMU.  The conventions of lab.h hold.
 *
 *     struct lab_subject s;
 *     struct lab_subject_config c = {.platform = lab_platform_find("xen"), .memory_mib = 512};
 *
 *     if (lab_subject_start(&s, &c) == 0) {
 *             lab_set_target(s.guest, 256 * 1024);
 *             lab_settled(s.guest, 256 * 1024, 256 * 1024, 60000);
 *     }
 *     lab_subject_stop(&s);
 *
 * Sizes are what the guest has, in KiB, as the hypervisor counts it.
 */
#ifndef AEROSTAT_LAB_PLATFORM_H
#define AEROSTAT_LAB_PLATFORM_H

#include "lab.h"

#define LAB_UNKNOWN UINT64_MAX /* a figure that the platform does not have */

struct lab_args;

/* All at one moment, as far as the platform allows. */
struct lab_figures {
	uint64_t guest_kib;	   /* what the guest has */
	uint64_t host_free_kib;	   /* what the hypervisor can give to others */
	uint64_t host_ram_kib;	   /* memory of the host that backs the guest's RAM */
	uint64_t host_process_kib; /* the whole process that the guest runs in */
	double busy_seconds;	   /* how long the driver has worked since the boot; 0: unknown */
};

struct lab_subject {
	struct lab_guest *host, *guest; /* equal where the guest runs in QEMU itself */
};

struct lab_subject_config {
	const char *name; /* names the logs; the platform's name */
	const struct lab_platform *platform;
	unsigned int type;	 /* an index of platform->types */
	unsigned int memory_mib; /* of the guest; 512 */
	unsigned int host_mib;	 /* of dom0, where there is one; 1024 */
	enum lab_backend backend;
	const char *append;	  /* further parameters for the guest's kernel; none */
	const char *plugin_args;  /* for the monitor, where there is one; none */
	const char *const *extra; /* further arguments for QEMU, up to NULL; none */
};

struct lab_platform {
	const char *name;	  /* as the command lines spell it */
	const char *title;	  /* as texts spell it */
	const char *const *types; /* kinds of guests, up to NULL, the default first; NULL: one */
	const char *version;	  /* the key of lab.env with its version; NULL: none */
	const char *driver;	  /* Aerostat's module; NULL: none */
	const char *in_tree;	 /* the module of the kernel's own driver; NULL: none or built in */
	bool takes_over;	 /* the kernel's own driver is built in, and ours replaces it */
	const char *qemu;	 /* the program */
	unsigned int memory_mib; /* of the machine, by default */
	unsigned int
		slack_kib;    /* how far from a target (other than all memory) a driver may stop */
	unsigned int look_ms; /* how often to look at the size, as a look takes time of its own */
	bool no_reset;	      /* lab_reset() does not work */
	/*
	 * The state of a machine can be saved and loaded (kept.c), and nobody wants to know how
	 * much of the host's memory it takes: loading touches all of it.
	 */
	bool keeps_boots;

	/* ---- a machine in QEMU ---- */

	/* Checks the configuration and fills in defaults; may be NULL. */
	int (*configure)(struct lab_guest *g);
	/* Machine, CPU, memory, serial ports, kernel and devices of QEMU's command line. */
	int (*args)(struct lab_args *args, const struct lab_guest *g);
	/* After the boot; may be NULL. */
	int (*up)(struct lab_guest *g);
	/* What is not set up on this machine (NULL: for any configuration); NULL: nothing. */
	const char *(*lacks)(const struct lab_config *config);

	/* ---- a subject ---- */

	/* Both NULL where the host is the guest.  The first changes the host's machine. */
	void (*host_config)(struct lab_config *out, const struct lab_subject_config *config);
	int (*start_guest)(struct lab_subject *s, const struct lab_subject_config *config);
	/* Ends a guest that runs inside another; NULL where there are none. */
	int (*nested_stop)(struct lab_guest *g);

	/* ---- the balloon; NULL where there is none ---- */

	int (*set_target)(struct lab_guest *g, uint64_t guest_kib);
	int (*size)(struct lab_guest *g, uint64_t *guest_kib);
	/* Waits for a size from low_kib to high_kib; NULL: by looking at size. */
	int (*settled)(struct lab_guest *g, uint64_t low_kib, uint64_t high_kib,
		       unsigned int timeout_ms);
	int (*figures)(struct lab_guest *g, struct lab_figures *out);
	/* All that the monitor knows; NULL where there is none. */
	json_t *(*report)(struct lab_guest *g);
};

extern const struct lab_platform lab_platform_arm64, lab_platform_bare, lab_platform_vmware,
	lab_platform_xen, lab_platform_virtio;

/* All of them, up to NULL. */
extern const struct lab_platform *const lab_platforms[];

/* The platform of this name, or NULL with the names that there are in lab_error(). */
const struct lab_platform *lab_platform_find(const char *name);

/* The index of a type by its name, or -EINVAL with the names that there are. */
int lab_platform_type(const struct lab_platform *p, const char *type);

/* That of a configuration, whose platform may be NULL (lab.h). */
const struct lab_platform *lab_platform_of(const struct lab_config *config);

/* Boots the host and starts the guest; on failure nothing is left. */
int lab_subject_start(struct lab_subject *out, const struct lab_subject_config *config);

/* The same in two steps, for programs that report on each; then stop after failures, too. */
int lab_subject_boot_host(struct lab_subject *out, const struct lab_subject_config *config);
int lab_subject_start_guest(struct lab_subject *s, const struct lab_subject_config *config);

void lab_subject_stop(struct lab_subject *s);

/* The platform's functions of the same names; -ENOTSUP where it has none. */
int lab_set_target(struct lab_guest *g, uint64_t guest_kib);
int lab_guest_size(struct lab_guest *g, uint64_t *guest_kib);
int lab_settled(struct lab_guest *g, uint64_t low_kib, uint64_t high_kib, unsigned int timeout_ms);
int lab_figures_now(struct lab_guest *g, struct lab_figures *out);

#endif
