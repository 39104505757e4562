/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The event loop that runs the daemon.  A kind of host brings its own, because libvirt's library
 * wants its own to be run.  There is one in a process.
 */
#ifndef AEROSTAT_HOSTD_LOOP_H
#define AEROSTAT_HOSTD_LOOP_H

#include <stdbool.h>

/* What happens to a file; as in libvirt. */
enum {
	LOOP_READABLE = 1 << 0,
	LOOP_WRITABLE = 1 << 1,
	LOOP_ERROR = 1 << 2,
	LOOP_HANGUP = 1 << 3,
};

typedef void (*loop_ready)(int watch, int fd, int events, void *data);
typedef void (*loop_due)(int timer, void *data);

struct loop {
	/* Before all others.  False: error() says why; so with the others. */
	bool (*start)(void);
	/* Calls ready() whenever one of the events is there.  A watch, or -1. */
	int (*add)(int fd, int events, loop_ready ready, void *data);
	void (*set)(int watch, int events);
	void (*remove)(int watch);
	/* Calls due() each so many ms.  A timer, or -1. */
	int (*add_timer)(int ms, loop_due due, void *data);
	/* From now on each so many ms. */
	void (*set_timer)(int timer, int ms);
	/* Waits, and calls what is to be called. */
	bool (*run)(void);
	const char *(*error)(void);
};

/* That of libsystemd. */
extern const struct loop loop_own;

#endif
