/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Real Xen in the lab's QEMU: lab_boot() with lab_config.xen set starts Xen and
 * a dom0; lab_domu_start() starts domUs in it.  dom0 and domU are both a struct
 * lab_guest, so lab_sh(), lab_must(), lab_read_file(), lab_meminfo(), lab_data_*()
 * and the agent's other verbs work in both.  What is about QEMU's guest RAM or
 * the VMware monitor (lab_qmp() apart) fails with -ENOTSUP or makes no sense.
 *
 * The conventions of lab.h hold: 0 or -errno with lab_error(), bounded waits, one
 * thread.  `lab/setup xen BUILD` makes what is needed.  Sizes are in KiB as Xen
 * counts them (its pages of 4 KiB), exact to the page.
 */
#ifndef AEROSTAT_LAB_XEN_H
#define AEROSTAT_LAB_XEN_H

#include "lab.h"

enum lab_kernel {
	LAB_KERNEL_STOCK, /* Debian's, with the built-in balloon driver */
	LAB_KERNEL_OWN,	  /* ours, without it (lab/setup kernel-xen) */
	LAB_KERNEL_DEBUG, /* ours, looking for mistakes (lab/setup kernel-xen debug) */
};

/* Is this kernel there?  (Else a test that wants it is to be skipped.) */
bool lab_kernel_built(enum lab_kernel kernel);

/* Its `uname -r`, or NULL with lab_error(). */
const char *lab_kernel_release(enum lab_kernel kernel);

/*
 * For lab_config.xen.  lab_config's memory_mib (here by default 2048), cpus, append (for
 * dom0's kernel), name and extra count for Xen too; its other members don't, but for kernel
 * and initramfs: dom0's, where it is another than those above.  `lab/setup kernels-xen` packs
 * such an initramfs, in which LAB_KERNEL_STOCK is the same kernel for domUs.
 */
struct lab_xen {
	enum lab_kernel kernel;	   /* dom0's */
	unsigned int dom0_mib;	   /* at boot; 1024 */
	unsigned int dom0_max_mib; /* dom0_mib */
	unsigned int dom0_vcpus;   /* 1 */
	const char *append;	   /* further parameters for Xen; none */
};

enum lab_domu_type {
	LAB_PV,
	LAB_PVH,
};

/* Everything left 0 or NULL has the default named beside it. */
struct lab_domu {
	const char *name; /* for Xen and the logs; letters, digits, - and _; "domu" */
	enum lab_domu_type type;
	enum lab_kernel kernel;
	unsigned int memory_mib; /* 256 */
	unsigned int maxmem_mib; /* memory_mib */
	unsigned int vcpus;	 /* 1; more for PV only */
	const char *append;	 /* further kernel parameters; none */
	const char *modules; /* modules that its init loads before all else; none; "aerostat_xen" */
	const char *config;  /* further lines for xl; none */
	unsigned int boot_timeout_ms; /* 180000 */
};

/*
 * The CPU that Xen sees; further words may follow.  TCG's failings: with SMAP dom0 dies
 * at once, with RDTSCP PVH domUs hang, and with XSAVE and AVX one process of a PVH domU in
 * some hundred finds wrong values in its vector registers (one text pipeline in fifty
 * goes wrong).
 */
#define LAB_XEN_CPU	  "max,-smap,-rdtscp,-xsave,-avx,-avx2"

/*
 * For lab_config.extra: a machine with a clock of its own, 4 ns an instruction, however
 * busy the host is; when nothing is to be done it is put forward.  Without "erms" the
 * kernel clears and copies pages by words, as QEMU counts each round of a string
 * instruction.  Ends with NULL.
 */
#define LAB_XEN_OWN_CLOCK "-icount", "shift=2,sleep=off", "-cpu", LAB_XEN_CPU ",-erms,-fsrm", NULL

/* ---- life ---- */

/*
 * Starts a domU and waits until its agent answers.  The domU ends with
 * lab_domu_stop() or lab_stop(), and with its host.  *out is set on success only.
 */
int lab_domu_start(struct lab_guest **out, struct lab_guest *dom0, const struct lab_domu *config);

/* Destroys it, waits until Xen has its memory back, and frees; its log stays.  NULL is allowed. */
int lab_domu_stop(struct lab_guest *domu);

/* All that lab_domu_start() has started and nobody has stopped. */
int lab_domu_stop_all(struct lab_guest *dom0);

/* The same but for one; NULL: all. */
int lab_domu_stop_others(struct lab_guest *dom0, const struct lab_guest *keep);

/* 0 for dom0. */
unsigned int lab_domain(const struct lab_guest *g);

/* dom0 itself, or the dom0 that a domU runs under. */
struct lab_guest *lab_dom0(struct lab_guest *g);

/* ---- the hypervisor ---- */

/* `xl` with these arguments, in dom0; as lab_sh() and lab_must(). */
int lab_xl(struct lab_guest *g, unsigned int timeout_ms, char **out, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* xl mem-set: the target in KiB for dom0 or a domU.  Returns when xl does, not when it is met. */
int lab_mem_set_kib(struct lab_guest *g, uint64_t kib);

struct lab_xen_memory {
	uint64_t total_kib, free_kib;
	uint64_t scrub_kib;   /* part of free that is still to be scrubbed */
	uint64_t claimed_kib; /* part of free that is promised to domains being built */
};

int lab_xen_memory(struct lab_guest *g, struct lab_xen_memory *out);

struct lab_domain_memory {
	uint64_t kib;	  /* its reservation: what it has now */
	uint64_t max_kib; /* what Xen lets it have at most now */
	bool running;	  /* neither shut down, nor dying, nor paused */
};

/* Of dom0 or a domU; -ENOENT when the domain has ended. */
int lab_domain_memory(struct lab_guest *g, struct lab_domain_memory *out);

/* Both at one moment (one call of the helper in dom0); either may be NULL. */
int lab_memory_now(struct lab_guest *g, struct lab_xen_memory *xen,
		   struct lab_domain_memory *domain);

/*
 * Waits until the reservation is from low to high KiB and stays so for a moment.
 * 0, -ETIMEDOUT (with the size reached in lab_error()), or -errno.
 */
int lab_wait_domain_kib(struct lab_guest *g, uint64_t low_kib, uint64_t high_kib,
			unsigned int timeout_ms);

/*
 * Waits until the reservation has not changed for quiet_ms; *out (may be NULL) is
 * what it is then.  For domains whose reservation is not exactly their target: a
 * PVH domain has some special pages besides.
 */
int lab_wait_domain_steady(struct lab_guest *g, unsigned int quiet_ms, unsigned int timeout_ms,
			   struct lab_domain_memory *out);

/* A value in xenstore, to be freed; -ENOENT when it is not there.  Relative: to the domain's home.
 */
int lab_xenstore_read(struct lab_guest *g, const char *path, char **out);

#endif
