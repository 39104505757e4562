/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files of the lab's library share among themselves. */
#ifndef AEROSTAT_LAB_INTERNAL_H
#define AEROSTAT_LAB_INTERNAL_H

#include <sys/types.h>

#include "lab.h"
#include "xen.h"

/* A stream of bytes from QEMU, of which whole messages are cut off the front. */
struct lab_stream {
	int fd;
	char *bytes; /* always NUL-terminated when not NULL */
	size_t length;
	size_t room;
};

/* An answer of the agent that nobody has asked for yet. */
struct lab_answer {
	unsigned int id;
	int status;
	char *text;
	size_t length; /* of text, which has a NUL behind it */
	struct lab_answer *next;
};

/* What a domU has said, in order of the first start; kept until dom0 ends. */
struct lab_domu_log {
	char name[64];
	char *path;
	off_t mark;
	struct lab_domu_log *next;
};

struct lab_guest {
	struct lab_config config; /* names point to the caller's or to static strings */
	pid_t pid;		  /* 0 once waited for */
	int wait_status;
	char *console_path;
	char *qemu_log_path;
	off_t log_mark;

	struct lab_stream agent;
	unsigned int next_id;
	unsigned int ready_count; /* how often the agent said that it is up */
	struct lab_answer *answers;

	struct lab_stream qmp;
	unsigned int next_qmp_id;

	struct lab_xen xen;	 /* of a dom0, with the defaults filled in */
	struct lab_guest *dom0;	 /* of a domU; NULL once dom0 has ended */
	unsigned int domain;	 /* of a domU; 0 for all others */
	bool gone;		 /* a domU that is known to have ended */
	struct lab_guest *domus; /* of a dom0, linked by next_domu */
	struct lab_guest *next_domu;
	struct lab_domu_log *logs; /* of a dom0 */
};

/* Sets lab_error() and returns -error. */
int lab_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Time left of timeout_ms, begun at start_ms, also bounded by lab_deadline(); >= 0. */
int lab_left_ms(int64_t start_ms, int64_t timeout_ms);

/* $AERO_LAB_SLOW, 1 to 20: all time-outs are so many times longer. */
unsigned int lab_slowness(void);

/* Reads what there is, waiting up to wait_ms: bytes, 0 on time-out, -EPIPE at the end. */
ssize_t lab_stream_fill(struct lab_stream *s, int wait_ms);
void lab_stream_drop(struct lab_stream *s, size_t length);
int lab_stream_send(struct lab_stream *s, const char *bytes, size_t length);
void lab_stream_close(struct lab_stream *s);

/* "QEMU has ended: ..." from its exit status and its last words; returns -EPIPE. */
int lab_qemu_gone(struct lab_guest *g);

int lab_qmp_greet(struct lab_guest *g, unsigned int timeout_ms);

/* Waits until the agent has said more than `count` times that it is ready. */
int lab_wait_ready(struct lab_guest *g, unsigned int count, unsigned int timeout_ms);

/* ---- xen.c ---- */

/* Checks what the caller wants of Xen and fills in the defaults. */
int lab_xen_config(struct lab_guest *g, const struct lab_xen *wanted);

/* The ELF kernel's path, or NULL with lab_error(). */
const char *lab_xen_kernel(enum lab_kernel kernel);

/* Prepares Xen's tools in a dom0 that has just booted. */
int lab_xen_up(struct lab_guest *g);

/* Domus lose their dom0; logs are forgotten. */
void lab_xen_down(struct lab_guest *g);

/* A frame of dom0's agent with what a domU has said. */
void lab_xen_console(struct lab_guest *g, const struct lab_answer *answer);

/* Everything that domUs have said until now is in their logs. */
int lab_xen_flush(struct lab_guest *dom0);

/* What a relay's answer means: a status, or -errno.  Cuts the mark off *text. */
int lab_xen_relayed(struct lab_guest *domu, int status, char *text);

/* BUILD/logs/DOM0.DOMU.console.log, to be freed; NULL with lab_error(). */
char *lab_xen_log_path(const struct lab_guest *dom0, const char *name);

/* The whole file or its part from `from`, NUL-terminated, to be freed; NULL on failure. */
char *lab_slurp(const char *path, off_t from, size_t *length);

/* Cuts one frame off an agent's stream.  1: done; 0: not whole yet; bytes outside frames are
 * skipped. */
int lab_frame_take(struct lab_stream *s, struct lab_answer *answer);

#endif
