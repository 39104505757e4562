/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A heartbeat: a process that wakes ten times a second and keeps the largest gap
 * between two beats, so that one can see how long a program of the guest had to wait.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

#define INTERVAL_MS 100

static struct {
	pid_t pid;
	/* Shared with the child. */
	volatile struct beats {
		int64_t last_ms, largest_gap_ms;
		uint64_t count;
	} * beats;
} heart;

static void beat_run(volatile struct beats *b)
{
	/* A name, so that a test can stop it; and nothing of it may have to wait for memory. */
	prctl(PR_SET_NAME, "heartbeat");
	mlockall(MCL_CURRENT);
	for (;;) {
		int64_t now = now_ms();

		if (now - b->last_ms > b->largest_gap_ms)
			b->largest_gap_ms = now - b->last_ms;
		b->last_ms = now;
		b->count++;
		usleep(INTERVAL_MS * 1000);
	}
}

static bool beat_stop(void)
{
	bool was = heart.pid > 0;

	if (was) {
		kill(heart.pid, SIGKILL);
		waitpid(heart.pid, NULL, 0);
	}
	heart.pid = 0;
	return was;
}

static void beat_start(unsigned int id)
{
	void *shared = (void *)heart.beats;

	beat_stop();
	if (!shared)
		shared =
			mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		answer_text(id, 1, "mmap: %s", strerror(errno));
		return;
	}
	heart.beats = shared;
	*heart.beats = (struct beats){.last_ms = now_ms()};
	heart.pid = fork();
	if (heart.pid == 0) {
		child_setup(-1);
		beat_run(heart.beats);
	}
	if (heart.pid < 0)
		answer_text(id, 1, "fork: %s", strerror(errno));
	else
		answer(id, 0, "", 0);
}

/* beat start | beat stop; a beat that is still to come counts as a gap, too. */
void do_beat(unsigned int id, char *args)
{
	if (take_word(&args, "start") && !*args) {
		beat_start(id);
	} else if (take_word(&args, "stop") && !*args) {
		int64_t gap, open;

		if (!beat_stop()) {
			answer_text(id, 1, "there is no heartbeat");
			return;
		}
		open = now_ms() - heart.beats->last_ms;
		gap = heart.beats->largest_gap_ms;
		answer_text(id, 0, "largest_gap_ms %lld beats %llu\n",
			    (long long)(open > gap ? open : gap),
			    (unsigned long long)heart.beats->count);
	} else {
		answer_text(id, STATUS_BAD, "usage: beat start | beat stop");
	}
}
