/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* aerostat host: asks aerostat-hostd, and shows what it says. */
#ifndef AEROSTAT_CLI_HOST_H
#define AEROSTAT_CLI_HOST_H

#include "balloon.h"
#include "json.h"

#define HOST_FOLDER "/run/aerostat-hostd"

/* ---- host_ask.c ---- */

/*
 * Sends the request, whose reference it takes, to the daemon's socket for reading or for changes,
 * and waits up to @timeout_ms.  NULL: it has been said.  The answer's "ok" is true.
 */
json_t *host_ask(const char *root, bool changes, json_t *request, uint64_t timeout_ms);

/* The same for {"command": NAME} to the socket for reading. */
json_t *host_read(const char *root, const char *command);

/* A size in an answer; BALLOON_UNKNOWN where it is not known. */
uint64_t host_kib(const json_t *object, const char *name);
const char *host_text(const json_t *object, const char *name);

/* ---- host_show.c ---- */

#define HOST_LINE_MAX 256U

/* "2.0 GiB to share out, ..." */
void host_summary(const json_t *all, char text[2 * HOST_LINE_MAX]);
const char *host_table_head(void);
void host_table_line(const json_t *guest, bool decided, char text[HOST_LINE_MAX]);
void host_show(const json_t *all, bool decided);

/* Why the guest has what it has: sentences. */
void host_explain(const json_t *all, const json_t *guest);

/* ---- host_metrics.c ---- */

/* @of: a json_t of the daemon's status, or NULL when it does not answer. */
void host_metrics(FILE *to, const void *of);

#endif
