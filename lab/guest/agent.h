/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files of the guests' init share. */
#ifndef AEROSTAT_LAB_GUEST_AGENT_H
#define AEROSTAT_LAB_GUEST_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t now_ms(void); /* monotonic */

/* ---- agent.c ---- */

/* Carries out one request line: "ID TIMEOUT_MS VERB [ARGUMENTS]". */
void request(char *line);

/* Answers request `id`; ID 0 is what nobody asked for. */
void answer(unsigned int id, int status, const char *text, size_t length);

/* ---- xen.c: a domU's channel, which is a mailbox in xenstore ---- */

/* Opens the mailbox; the file descriptor to poll, or -1. */
int mailbox_open(void);
bool mailbox_pending(void);
/* Takes what has arrived and hands each request to request(). */
void mailbox_read(bool readable);
void mailbox_answer(unsigned int id, int status, const char *text, size_t length);

/* ---- xen.c: dom0's half ---- */

/* What the relay's output begins with. */
#define RELAY_ANSWER 'A' /* the domU's answer follows, and its status is the exit status */
#define RELAY_ERROR  'E' /* there is no answer; why not, in words */

/*
 * Puts a request into a domU's mailbox and prints the answer; the request
 * "@ready" waits until the domU's agent is up.  Returns the exit status.
 */
int relay(unsigned int id, uint64_t domain, uint64_t timeout_ms, const char *text);

/* Writes a value into xenstore; 0, or an errno. */
int xenstore_put(const char *path, const char *value);

#define CONSOLE_STATUS 1 /* of the frames with ID 0 that carry a domU's console */

/* Sends on what domUs' consoles have said since the last call. */
void consoles_send(void);

#endif
