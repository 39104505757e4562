/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The channel of the agent in a domU of Xen.  A domU has no serial port of its own, and its console
 * carries the kernel's messages, so requests and answers travel through
 * xenstore, below the domU's `data` folder, which it may write:
 *
 *   data/aero/ready         exists once the agent is up
 *   data/aero/in/ID         TIMEOUT_MS VERB [ARGUMENTS]; the domU removes it
 *   data/aero/out/ID/N      the answer's text, in pieces
 *   data/aero/out/ID/end    STATUS PIECES, written last; dom0 removes out/ID
 *
 * The other end of it is relay.c in dom0.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "xenstore.h"

#define PIECE 3072u /* lab/guest/dom0.sh raises xenstored's limit on values to hold it */

int mailbox_open(void)
{
	if (!xs_open() || xs_make("data/aero/in") || xs_watch("data/aero/in") ||
	    xs_store("data/aero/ready", "1", 1))
		return -1;
	return xs_fd();
}

bool mailbox_pending(void)
{
	return xs_event_pending();
}

static void take(const char *name, void (*request)(char *line))
{
	static struct reply text;
	static char line[PAYLOAD_MAX + 32];
	char path[PATH_ROOM];

	if (snprintf(path, sizeof(path), "data/aero/in/%s", name) >= (int)sizeof(path) ||
	    xs_fetch(path, &text))
		return;
	xs_remove(path);
	snprintf(line, sizeof(line), "%.15s %s", name, text.text);
	request(line);
}

void mailbox_read(bool readable, void (*request)(char *line))
{
	static struct reply names;

	if (readable && !xs_event_pending())
		xs_take_message();
	if (!xs_event_pending())
		return;
	xs_event_clear();
	if (xs_list("data/aero/in", &names))
		return;
	for (size_t at = 0; at < names.length; at += strlen(names.text + at) + 1)
		take(names.text + at, request);
}

void mailbox_answer(unsigned int id, int status, const char *text, size_t length)
{
	unsigned int pieces = 0;
	char path[PATH_ROOM], end[32];
	int ret = 0;

	for (size_t at = 0; at < length && !ret; at += PIECE, pieces++) {
		size_t n = length - at < PIECE ? length - at : PIECE;

		snprintf(path, sizeof(path), "data/aero/out/%u/%u", id, pieces);
		ret = xs_store(path, text + at, n);
	}
	if (ret)
		fprintf(stderr, "agent: xenstore does not take an answer of %zu bytes: %s\n",
			length, strerror(ret));
	snprintf(path, sizeof(path), "data/aero/out/%u/end", id);
	snprintf(end, sizeof(end), "%d %u", status, pieces);
	xs_store(path, end, strlen(end));
}
