/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files of the lab's library share among themselves. */
#ifndef AEROSTAT_LAB_INTERNAL_H
#define AEROSTAT_LAB_INTERNAL_H

#include <stdarg.h>
#include <sys/types.h>

#include "lab.h"
#include "platform.h"

#define LAB_NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

/* A stream of bytes from QEMU; complete messages are removed from its front. */
struct lab_stream {
	int fd;
	char *bytes; /* always NUL-terminated when not NULL */
	size_t length;
	size_t room;
};

/* An answer of the agent that lab_end() has not fetched yet. */
struct lab_answer {
	unsigned int id;
	int status;
	char *text;
	size_t length; /* of text, not counting the NUL after it */
	struct lab_answer *next;
};

/* What a nested guest has said, in order of the first start; kept until its host ends. */
struct lab_nested_log {
	char name[64];
	char *path;
	off_t mark;
	struct lab_nested_log *next;
};

struct lab_guest {
	struct lab_config config; /* names point to the caller's or to static strings */
	void *platform_data;	  /* the platform's own; freed with the guest */
	pid_t pid;		  /* 0 once waited for */
	int wait_status;
	char *console_path;
	char *qemu_log_path;
	off_t log_mark;

	struct lab_guest *heir; /* the other QEMU, during a migration */
	const char *incoming;	/* where QEMU waits for a migration from; NULL: it boots */
	char *kept;		/* the file of this boot's state (kept.c); NULL: it is not kept */
	bool from_kept;		/* QEMU goes on from that file */

	struct lab_stream agent;
	unsigned int next_id;
	unsigned int ready_count; /* how often the agent said that it is up */
	unsigned int boots;	  /* the same, when a restart was last expected */
	struct lab_answer *answers;

	struct lab_stream qmp;
	unsigned int next_qmp_id;

	/* A nested guest is one inside another: a domU in Xen's dom0. */
	unsigned int domain;	  /* its number; 0: not nested */
	struct lab_guest *host;	  /* of a nested guest; NULL once the host has ended */
	bool gone;		  /* a nested guest that is known to have ended */
	struct lab_guest *nested; /* those in this guest, linked by next_nested */
	struct lab_guest *next_nested;
	struct lab_nested_log *logs; /* of the nested guests, ended ones included */
};

/* ---- util.c ---- */

/* Sets lab_error() and returns -error. */
int lab_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The formatted text, to be freed; NULL, with lab_error() set: there is no memory. */
char *lab_format(const char *format, va_list args);

/* The formatted text in @words, which the arguments may contain. */
void lab_reword(char *words, size_t size, const char *format, va_list args);

/* Time left of timeout_ms, begun at start_ms, also bounded by lab_deadline(); >= 0. */
int lab_left_ms(int64_t start_ms, int64_t timeout_ms);

/* $AERO_LAB_SLOW, 1 to 20: all time-outs are so many times longer. */
unsigned int lab_slowness(void);

/* Reads what there is, waiting up to wait_ms: bytes, 0 on time-out, -EPIPE at the end. */
ssize_t lab_stream_fill(struct lab_stream *s, int wait_ms);
void lab_stream_drop(struct lab_stream *s, size_t length);
int lab_stream_send(struct lab_stream *s, const char *bytes, size_t length);
void lab_stream_close(struct lab_stream *s);

/* The whole file or its part from `from`, NUL-terminated, to be freed; NULL on failure. */
char *lab_slurp(const char *path, off_t from, size_t *length);

/* ---- qmp_migration.c ---- */

int lab_migration_speed(struct lab_guest *g, uint64_t bytes_per_s);

/* Waits until @least bytes are transferred, or all; *@bytes is how many were. */
int lab_migration_wait(struct lab_guest *g, unsigned int timeout_ms, uint64_t least,
		       uint64_t *bytes);

/* ---- qemu_args.c ---- */

#define LAB_ARGS_MAX 96

struct lab_args {
	char *word[LAB_ARGS_MAX + 1];
	unsigned int count;
	bool failed; /* too many, or no memory */
};

void lab_add(struct lab_args *args, const char *format, ...) __attribute__((format(printf, 2, 3)));
void lab_args_free(struct lab_args *args);

/* QEMU's option syntax requires commas inside a value to be doubled. */
void lab_quote_commas(const char *value, char *out, size_t room);

/* Memory, as the backend "ram", and CPUs. */
void lab_add_memory(struct lab_args *args, const struct lab_config *c);

/* A PC with both serial ports: TCG's threads, options of the machine, CPU model. */
void lab_add_pc(struct lab_args *args, const struct lab_config *c, const char *threads,
		const char *machine, const char *cpu);

/* A Linux kernel that QEMU loads itself, its initramfs and its parameters. */
int lab_add_linux(struct lab_args *args, const struct lab_config *c);

/* The same with @more parameters of the platform's own before those of the configuration. */
int lab_add_linux_with(struct lab_args *args, const struct lab_config *c, const char *more);

/* ---- platform_virtio.c ---- */

/* The balloon device, by the name of its type in QEMU.  Further arguments may change it. */
void lab_add_balloon(struct lab_args *args, const char *device, bool reports);

/* ---- kept.c ---- */

/*
 * Names the file of this boot's state; if it is there, adds what makes QEMU go on from it.  Does
 * nothing where config.keep_boot is not set or can't be followed.
 */
void lab_kept_find(struct lab_guest *g, struct lab_args *args);

/* Waits until a guest that goes on from a kept boot does so. */
int lab_kept_wait(struct lab_guest *g);

/* Saves the state of a guest that has just booted, unless another program is doing so. */
int lab_kept_save(struct lab_guest *g);

/* Removes a state that does not work. */
void lab_kept_forget(struct lab_guest *g);

/* ---- qemu_process.c ---- */

/* The file descriptors of QEMU's two sockets in the child. */
#define LAB_AGENT_FD 3
#define LAB_QMP_FD   4

int lab_process_start(struct lab_guest *g, struct lab_args *args);
void lab_process_end(struct lab_guest *g);

/* "QEMU has ended: ..." from its exit status and its last words; returns -EPIPE. */
int lab_qemu_gone(struct lab_guest *g);

/* ---- qmp.c, qmp_balloon.c ---- */

int lab_qmp_greet(struct lab_guest *g, unsigned int timeout_ms);

/* lab_qmp() for commands without a result: 0 or -errno. */
int lab_qmp_do(struct lab_guest *g, const char *command, json_t *args);

/* For struct lab_platform: set_target, size and figures by QMP's balloon commands. */
int lab_balloon_set_target(struct lab_guest *g, uint64_t guest_kib);
int lab_balloon_size(struct lab_guest *g, uint64_t *guest_kib);
int lab_balloon_figures(struct lab_guest *g, struct lab_figures *out);

/* ---- boot.c ---- */

/* QEMU runs and answers on QMP; g->config is checked and completed. */
int lab_machine_start(struct lab_guest *g);

/* ---- nested.c ---- */

/* The log of a nested guest, created if it is new; NULL with lab_error(). */
struct lab_nested_log *lab_nested_log(struct lab_guest *host, const char *name);

/* A frame of the host's agent with what a nested guest has said. */
void lab_nested_console(struct lab_guest *g, const struct lab_answer *answer);

/* The nested guests lose their host, and their logs are forgotten. */
void lab_nested_forget(struct lab_guest *g);

/* ---- channel.c ---- */

/* Waits until the agent has said more than `count` times that it is ready. */
int lab_wait_ready(struct lab_guest *g, unsigned int count, unsigned int timeout_ms);

/* Everything that nested guests have said until now is in their logs. */
int lab_nested_flush(struct lab_guest *host);

/* Cuts one frame off an agent's stream.  1: done; 0: not whole yet; bytes outside frames are
 * skipped. */
int lab_frame_take(struct lab_stream *s, struct lab_answer *answer);

#endif
