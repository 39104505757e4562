/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * dom0's end of the channel to domUs, whose other end is mailbox.c: puts a request into
 * a domU's mailbox in xenstore and prints the answer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "relay.h"
#include "xenstore.h"

#define LOST_MS 5000 /* how much longer than its own limit a domU may take */

static int relay_error(const char *what, uint64_t domain, int error)
{
	printf("%cdomain %llu %s%s%s", RELAY_ERROR, (unsigned long long)domain, what,
	       error ? ": " : "", error ? strerror(error) : "");
	fflush(stdout);
	return 1;
}

/* Waits for a node to be written: 0, ETIMEDOUT, ENOLINK when the domain is gone, or another errno.
 */
static int await(const char *home, const char *path, int64_t deadline_ms, struct reply *reply)
{
	static struct reply unwanted;
	int ret;

	for (;;) {
		struct pollfd p = {.fd = xs_fd(), .events = POLLIN};
		int64_t left = deadline_ms - now_ms();

		xs_event_clear();
		ret = xs_fetch(path, reply);
		if (ret != ENOENT)
			return ret;
		if (xs_fetch(home, &unwanted) == ENOENT)
			return ENOLINK;
		if (left <= 0)
			return ETIMEDOUT;
		/* Polls as well, because the end of a domain causes no event on its nodes. */
		if (!xs_event_pending() && poll(&p, 1, left < 300 ? (int)left : 300) > 0)
			xs_take_message();
	}
}

static int relay_answer(const char *home, unsigned int id, const struct reply *end)
{
	static struct reply piece;
	unsigned int pieces;
	char path[PATH_ROOM];
	int status;

	if (sscanf(end->text, "%d %u", &status, &pieces) != 2)
		return -1;
	putchar(RELAY_ANSWER);
	for (unsigned int i = 0; i < pieces; i++) {
		snprintf(path, sizeof(path), "%s/data/aero/out/%u/%u", home, id, i);
		if (xs_fetch(path, &piece))
			break; /* the domU said on its console why */
		fwrite(piece.text, 1, piece.length, stdout);
	}
	snprintf(path, sizeof(path), "%s/data/aero/out/%u", home, id);
	xs_remove(path);
	fflush(stdout);
	return status;
}

/*
 * The request "@ready" waits until the domU's agent is up.  Returns the exit status.
 */
static int relay(unsigned int id, uint64_t domain, uint64_t timeout_ms, const char *text)
{
	static struct reply reply;
	char home[48], in[PATH_ROOM], wanted[PATH_ROOM], line[PAYLOAD_MAX];
	bool ready = !strcmp(text, "@ready");
	int ret = 0, length;

	snprintf(home, sizeof(home), "/local/domain/%llu", (unsigned long long)domain);
	snprintf(in, sizeof(in), "%s/data/aero/in/%u", home, id);
	snprintf(wanted, sizeof(wanted), "%s/data/aero/out/%u/end", home, id);
	if (ready)
		snprintf(wanted, sizeof(wanted), "%s/data/aero/ready", home);
	length = snprintf(line, sizeof(line), "%llu %s", (unsigned long long)timeout_ms, text);
	if (length + sizeof(in) > PAYLOAD_MAX)
		return relay_error("can't be sent so long a request", domain, 0);
	if (!xs_open())
		return relay_error("can't be reached through xenstore", domain, errno);
	if (xs_fetch(home, &reply) == ENOENT)
		return relay_error("is not there", domain, 0);
	ret = xs_watch(wanted);
	if (!ret && !ready)
		ret = xs_store(in, line, (size_t)length);
	if (!ret)
		ret = await(home, wanted, now_ms() + (int64_t)timeout_ms + LOST_MS, &reply);
	if (ret == ENOLINK)
		return relay_error("has ended", domain, 0);
	if (ret == ETIMEDOUT)
		return relay_error("does not answer", domain, 0);
	if (ret)
		return relay_error("can't be asked through xenstore", domain, ret);
	if (ready) {
		putchar(RELAY_ANSWER);
		fflush(stdout);
		return 0;
	}
	ret = relay_answer(home, id, &reply);
	return ret < 0 ? relay_error("answered something strange", domain, 0) : ret;
}

/* domu DOMID TIMEOUT_MS VERB [ARGUMENTS]: a request for the agent of a domU. */
void do_domu(unsigned int id, uint64_t timeout_ms, char *args)
{
	uint64_t domain, limit_ms;

	if (!take_number(&args, 0x7fef, &domain) || !take_number(&args, timeout_ms, &limit_ms) ||
	    !*args) {
		answer_text(id, STATUS_BAD, "usage: domu DOMID TIMEOUT_MS VERB [ARGUMENTS]");
		return;
	}
	if (job_fork(id, timeout_ms))
		_exit(relay(id, domain, limit_ms, args));
}

/* store PATH VALUE: into xenstore, without starting a process. */
void do_store(unsigned int id, char *args)
{
	char *space = strchr(args, ' ');

	if (!space) {
		answer_text(id, STATUS_BAD, "store wants a path and a value");
		return;
	}
	*space = 0;
	answer(id, xenstore_put(args, space + 1), "", 0);
}
