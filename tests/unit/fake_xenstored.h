/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A xenstored in a process of its own, which speaks as much of the protocol as the backend for Xen
 * needs, with the real libxenstore.  It holds what the test has put in before it starts.
 */
#ifndef AEROSTAT_TESTS_FAKE_XENSTORED_H
#define AEROSTAT_TESTS_FAKE_XENSTORED_H

#include <stddef.h>

/* In this folder, which XENSTORED_RUNDIR names, is its socket. */
void fake_xenstored_start(const char *folder);
void fake_xenstored_kill(void);

void fake_xenstored_forget(void);
void fake_xenstored_put(const char *path, const char *value, size_t length);

/* So many of the next transactions end with EAGAIN. */
void fake_xenstored_disturb(unsigned int times);

#endif
