/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The lab: boots real Linux guests in stock QEMU, drives them and looks at
 * them from inside (through the agent), from the hypervisor (through QMP) and
 * from the host (through /proc).
 *
 * Conventions.  A function that can fail returns 0 (or what it says) on success
 * and -errno on failure, with one line of text in lab_error() that says what is
 * wrong and, where that is known, what to do.  Every wait has a time-out in
 * milliseconds and is further bounded by lab_deadline(); $AERO_LAB_SLOW (1 to 20)
 * multiplies all of them, for a slow or busy machine.  One thread only: the
 * library keeps a list of its running QEMUs and ends them when the process
 * ends, however it ends.
 *
 * Files, all found from the lab.env that `lab/setup guest BUILD` writes (named
 * by $AERO_LAB_ENV, or found in a folder above the running program): kernel,
 * initramfs, the monitor's plug-in; consoles go to BUILD/logs/.
 */
#ifndef AEROSTAT_LAB_H
#define AEROSTAT_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#define LAB_PAGE_KIB	  4u
#define LAB_PAGES_PER_MIB 256u

struct lab_guest;

enum lab_backend {
	LAB_ANONYMOUS, /* the guest's memory is private memory of QEMU */
	LAB_MEMFD,     /* a shared memory file */
};

/* Everything left 0 or NULL has the default named beside it. */
struct lab_config {
	const char *name;	 /* names the logs; letters, digits, - and _; "guest" */
	unsigned int memory_mib; /* as the platform says; 128 .. 65536 */
	unsigned int used_mib;	 /* what the host must have for it; memory_mib */
	unsigned int cpus;	 /* 1; at most 16 */
	enum lab_backend backend;
	/* platform.h: what the guest runs on; vmware, or xen if xen (below) is set. */
	const struct lab_platform *platform;
	unsigned int type;	   /* platform.h: an index of the platform's types; 0 */
	const char *plugin;	   /* BUILD/host/aerostat-vmware-qemu.so */
	const char *plugin_args;   /* "key=value,key=value"; none */
	const char *append;	   /* further kernel parameters; none */
	const char *kernel;	   /* as lab.env says */
	const char *initramfs;	   /* as lab.env says */
	const char *disk;	   /* an image; booted from unless there is a kernel; none */
	unsigned int boot_s;	   /* the longest time for a boot; 90 */
	bool keep_boot;		   /* may go on from the state after an earlier boot (kept.c) */
	const char *const *extra;  /* further arguments for QEMU, up to NULL; none */
	const struct lab_xen *xen; /* options of platform xen (xen.h) */
};

/* The last failure in words; never NULL. */
const char *lab_error(void);

/* A value of lab.env, or NULL with lab_error() set. */
const char *lab_env(const char *key);

/* The build folder (where lab.env lies), or NULL with lab_error() set. */
const char *lab_build_folder(void);

/*
 * No wait of this library lasts longer than until timeout_ms from now; 0 lifts
 * the limit.  For a test's overall time limit.
 */
void lab_deadline(int64_t timeout_ms);

int64_t lab_now_ms(void); /* monotonic */
void lab_sleep_ms(unsigned int ms);

/* ---- life ---- */

/* Boots and waits until the agent answers (about 2 s).  *out is set on success only. */
int lab_boot(struct lab_guest **out, const struct lab_config *config);

/* Ends QEMU for sure and frees; NULL is allowed.  The logs stay. */
void lab_stop(struct lab_guest *g);

/* Is QEMU still there?  For a domU: and is the domain known to be running? */
bool lab_alive(struct lab_guest *g);

/* system_reset; waits until the agent is up again.  Not for Xen: -ENOTSUP. */
int lab_reset(struct lab_guest *g);

/*
 * For a guest that restarts by itself: another kernel boots, after a reset of the machine or by
 * kexec.  Between the two calls that is no failure; wait_restart() waits until the agent is up.
 */
int lab_expect_restart(struct lab_guest *g);
int lab_wait_restart(struct lab_guest *g, unsigned int timeout_ms);

/*
 * Migration to another QEMU on this host, with the same configuration.  begin() starts it so slowly
 * that it does not end by itself, and the guest goes on.  end() stops the guest, lets the rest be
 * sent, ends the old QEMU, and g is the guest in the new one, where it goes on; requests that are
 * under way are answered there.  *bytes is what was transferred.
 *
 * The guest stands still meanwhile because QEMU's emulation (7.2) loses writes that a guest makes
 * to pages that are already sent.  In some runs the guest crashed of that, with no balloon driver
 * as well.
 */
int lab_migrate_begin(struct lab_guest *g);
int lab_migrate_end(struct lab_guest *g, unsigned int timeout_ms, uint64_t *bytes);
/* The guest stays where it is, and never stood still. */
int lab_migrate_cancel(struct lab_guest *g);

const struct lab_config *lab_guest_config(const struct lab_guest *g);
uint64_t lab_guest_bytes(const struct lab_guest *g); /* RAM as given to QEMU */
int lab_guest_pid(const struct lab_guest *g);	     /* of QEMU */

/* ---- inside: the agent ---- */

/*
 * Runs a command with the guest's shell; its standard output and error go to
 * *out (NUL-terminated, to be freed; NULL: not wanted).  Returns the exit status
 * (128 + signal when killed, 124 when it took longer than timeout_ms and was
 * killed), or -errno when the guest did not answer at all.
 */
int lab_sh(struct lab_guest *g, unsigned int timeout_ms, char **out, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The same for any verb of the agent (docs/lab/lab.md): "data fill 64 1". */
int lab_call(struct lab_guest *g, unsigned int timeout_ms, char **out, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * The same in two halves.  lab_begin() returns the request's id (positive) or
 * -errno.  lab_end() waits up to wait_ms: the status, or -ETIMEDOUT when the
 * answer is still to come (call it again), or another -errno.
 */
int lab_begin(struct lab_guest *g, unsigned int timeout_ms, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int lab_end(struct lab_guest *g, int id, unsigned int wait_ms, char **out);

/* Fails with -EREMOTEIO, and the command and its output in lab_error(), unless it exits with 0. */
int lab_must(struct lab_guest *g, unsigned int timeout_ms, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * A file of the guest without starting a process there, so it works in a guest
 * without memory.  0; a positive errno of the guest; or -errno.
 */
int lab_read_file(struct lab_guest *g, const char *path, char **out);
int lab_write_file(struct lab_guest *g, const char *path, const char *value);

/* The first number in a file of the guest.  0 or -errno (-EPROTO: no number there). */
int lab_read_number(struct lab_guest *g, const char *path, uint64_t *out);

struct lab_meminfo {
	uint64_t total_kib, free_kib, available_kib, cached_kib;
};

int lab_meminfo(struct lab_guest *g, struct lab_meminfo *out);

/* The checksummed data set: 0 when every byte is right; -EILSEQ when not. */
int lab_data_fill(struct lab_guest *g, unsigned int mib, uint64_t seed);
int lab_data_check(struct lab_guest *g);

/*
 * Fills the page cache with mib of clean, reclaimable pages (by reading an
 * empty compressed RAM disk, so nothing backs them).
 */
int lab_fill_page_cache(struct lab_guest *g, unsigned int mib);

/* ---- the hypervisor: QMP and the monitor ---- */

/* One QMP command; args is taken over and may be NULL.  The "return" value, or NULL. */
json_t *lab_qmp(struct lab_guest *g, const char *command, json_t *args);

/* QMP balloon and query-balloon: bytes that the guest keeps (RAM less balloon). */
int lab_balloon_set(struct lab_guest *g, uint64_t guest_bytes);
int lab_balloon_get(struct lab_guest *g, uint64_t *guest_bytes);

/* The same, seen from the balloon: its wanted and its present size in pages. */
int lab_target(struct lab_guest *g, uint64_t balloon_pages);
int lab_size(struct lab_guest *g, uint64_t *balloon_pages);

/*
 * Waits until the balloon has from low to high pages.  0, -ETIMEDOUT (with the
 * size reached in lab_error()), or -errno.
 */
int lab_wait_size(struct lab_guest *g, uint64_t low_pages, uint64_t high_pages,
		  unsigned int timeout_ms);

/* The monitor's report (docs/lab/monitor.md), to be json_decref()ed; NULL on failure. */
json_t *lab_monitor_report(struct lab_guest *g);

/* A document of settings for the monitor (docs/lab/monitor.md), as text. */
int lab_monitor_control(struct lab_guest *g, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- the host ---- */

struct lab_host_memory {
	uint64_t ram_kib;     /* backs the guest's RAM only, not the rest of QEMU */
	uint64_t process_kib; /* QEMU as a whole, as `ps` would show it (VmRSS) */
};

int lab_host_memory(struct lab_guest *g, struct lab_host_memory *out);

/* ---- the console ---- */

const char *lab_console_path(const struct lab_guest *g);

/* Later checks ignore what the console has said so far. */
void lab_log_mark(struct lab_guest *g);

/*
 * What went wrong in the guest's kernel since the mark: warnings, bugs, oopses,
 * lockdep and leak reports, stalls, OOM kills; for a dom0 also what Xen and all its
 * domUs, ended ones included, have said.  Returns how many such lines there
 * are and the lines (to be freed; NULL when there are none), or -errno.  Lines
 * that contain `allow` (may be NULL) do not count.
 */
int lab_log_problems(struct lab_guest *g, const char *allow, char **lines);

/* The same for any text. */
int lab_scan_log(const char *text, size_t length, const char *allow, char **lines);

/* Prints the console's last lines, each after a prefix; for a dom0 also those of its domUs. */
void lab_log_tail(const struct lab_guest *g, FILE *to, unsigned int lines, const char *prefix);

#endif
