/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Requests to xenstore, each 0 or an errno. */
#ifndef AEROSTAT_LAB_GUEST_XENSTORE_H
#define AEROSTAT_LAB_GUEST_XENSTORE_H

#include <stdbool.h>
#include <stddef.h>

#define PAYLOAD_MAX 4096u /* XENSTORE_PAYLOAD_MAX */
#define PATH_ROOM   128

struct reply {
	char text[PAYLOAD_MAX + 1]; /* NUL behind it */
	size_t length;
};

/* Writes a value without keeping the device open. */
int xenstore_put(const char *path, const char *value);

/* Opens the device; false with errno.  Paths without '/' are below /local/domain/DOMID. */
bool xs_open(void);
int xs_fd(void);

int xs_store(const char *path, const void *value, size_t length);
int xs_fetch(const char *path, struct reply *reply);
/* Names, each with a NUL behind it. */
int xs_list(const char *path, struct reply *reply);
int xs_make(const char *path);
int xs_remove(const char *path);
int xs_watch(const char *path);

/* Has an event of a watch arrived since xs_event_clear()? */
bool xs_event_pending(void);
void xs_event_clear(void);
/* Reads one message, which is there; for when the device is readable. */
void xs_take_message(void);

#endif
