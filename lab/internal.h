/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files of the lab's library share among themselves. */
#ifndef AEROSTAT_LAB_INTERNAL_H
#define AEROSTAT_LAB_INTERNAL_H

#include <sys/types.h>

#include "lab.h"

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
	struct lab_answer *next;
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

/* The whole file or its part from `from`, NUL-terminated, to be freed; NULL on failure. */
char *lab_slurp(const char *path, off_t from, size_t *length);

/* Cuts one frame off an agent's stream.  1: done; 0: not whole yet; bytes outside frames are
 * skipped. */
int lab_frame_take(struct lab_stream *s, struct lab_answer *answer);

#endif
