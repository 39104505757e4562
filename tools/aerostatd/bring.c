// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A child brings an area home, and is watched meanwhile. */
#include "home.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "group.h"
#include "os.h"
#include "say.h"

/* After giving up several times in a row, rests double up to so many reports. */
#define REST_REPORTS_MOST 960U

/* An area that is not empty after so many reports is on a slow disk, or in a busy guest. */
#define LIMIT_REPORTS	  30U

/* ---- what the machine says ---- */

static int read_effort(const char *root, struct aero_effort *effort)
{
	static char text[65536];
	int err = aero_read(root, "/proc/vmstat", text, sizeof(text));

	if (err)
		return err;
	effort->stalls = aero_sum(text, "allocstall");
	effort->swap_out_pages = aero_sum(text, "pswpout");
	return 0;
}

static bool is_on(const char *root, const struct aero_area *area)
{
	static struct aero_areas one;

	memset(&one, 0, sizeof(one));
	one.count = 1;
	one.area[0] = *area;
	return !aero_areas_look(root, &one) && one.area[0].on;
}

/* ---- the child ---- */

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE	   (3 << 13) /* of the kernel's three classes the last */

/*
 * Where memory runs out all the same, it is the one to be killed: the area stays in
 * use then.  Its priority on the processor is not lowered: it holds locks of those
 * whose pages it brings.
 */
static void gentle(const struct aero_home *h)
{
	if (*h->root)
		return;
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
	aero_write("", "/proc/self/oom_score_adj", "1000");
}

static void child(const struct aero_home *h, pid_t parent)
{
	sigset_t none;
	int fd, err;

	/* Without the daemon nobody would look out for pressure. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	aero_group_enter();
	gentle(h);
	/* What is switched on is what was switched off, whatever lies at its path by then. */
	fd = aero_header_open(h->root, &h->area);
	if (fd < 0)
		_exit(2);
	err = aero_os_swapoff(h->root, h->area.path);
	if (!err)
		aero_os_swapon(h->root, h->area.path, fd, h->priority);
	_exit(err == -EINTR ? 1 : err ? 2 : 0);
}

void aero_home_blind(struct aero_home *h, const char *why)
{
	if (!h->blind_said)
		aero_say("nothing is brought home: %s", why);
	h->blind_said = true;
}

/* What is to be watched meanwhile.  Without it nothing begins. */
static bool take_bearings(struct aero_home *h)
{
	char why[AERO_PATH_MAX];
	int err = read_effort(h->root, &h->effort);

	snprintf(why, sizeof(why), "can't read %.512s/proc/vmstat: %s", h->root, strerror(-err));
	if (!err) {
		err = aero_psi_read(h->root, &h->psi);
		snprintf(why, sizeof(why), "can't read %.512s" AERO_PSI_FILE ": %s", h->root,
			 strerror(-err));
	}
	if (err)
		aero_home_blind(h, why);
	return !err;
}

void aero_home_begin(struct aero_home *h, const struct aero_area *area, int priority)
{
	pid_t parent = getpid(), pid;

	if (h->dry_run) {
		aero_say("would bring %" PRIu64 " KiB home from %s", area->used_kib, area->path);
		h->due_kib = 0;
		return;
	}
	h->lock = aero_areas_lock(h->root, 0);
	if (h->lock < 0 || !take_bearings(h))
		goto fail;
	h->area = *area;
	h->priority = priority;
	h->killed = false;
	h->working = 0;
	h->started_us = h->psi.at_us;
	h->own_us = aero_group_waited_us();
	pid = fork();
	if (pid == 0)
		child(h, parent);
	if (pid > 0) {
		h->child = pid;
		h->blind_said = false;
		return;
	}
	aero_home_blind(h, "there can be no other process");
fail:
	if (h->lock >= 0)
		close(h->lock);
	h->lock = -1;
}

/* ---- while it goes on ---- */

static bool others_wait(const struct aero_home *h)
{
	uint64_t own_us = aero_group_waited_us();
	struct aero_psi now;

	if (aero_psi_read(h->root, &now))
		return true;
	/* The group's file may have vanished. */
	return aero_psi_is_urgent(&h->psi, &now, own_us > h->own_us ? own_us - h->own_us : 0);
}

/* Half of what should stay: the pages that come take a part of it themselves. */
static bool memory_is_short(const struct aero_home *h)
{
	uint64_t available_kib, headroom_kib;

	return aero_memory(h->root, &available_kib, &headroom_kib) ||
	       available_kib < headroom_kib / 2;
}

/* A reason to give up; NULL: none. */
static const char *trouble(const struct aero_home *h)
{
	struct aero_effort now;
	uint64_t on;

	if (others_wait(h))
		return "tasks wait for memory";
	if (h->working > LIMIT_REPORTS)
		return "it takes too long";
	if (memory_is_short(h))
		return "memory is short";
	if (read_effort(h->root, &now) || now.stalls != h->effort.stalls ||
	    now.swap_out_pages != h->effort.swap_out_pages)
		return "the kernel reclaims memory";
	if (aero_read_number(h->root, AERO_POLICY_FOLDER "/frontswap_selfshrinking", &on) || !on)
		return "it was switched off";
	return NULL;
}

static void give_up(struct aero_home *h, const char *why)
{
	if (h->killed)
		return;
	kill(h->child, SIGKILL);
	h->killed = true;
	h->resting = h->rest;
	h->rest = 2 * h->rest < REST_REPORTS_MOST ? 2 * h->rest : REST_REPORTS_MOST;
	aero_say("left %s as it is, half-way: %s; not again before %u reports", h->area.path, why,
		 h->resting);
}

/* What matters is not how the child ended but how the area is. */
static void finish(struct aero_home *h, int status)
{
	unsigned long long ms = (aero_now_us() - h->started_us) / 1000;
	bool came = !is_on(h->root, &h->area);

	if (came)
		aero_home_restore(h, &h->area, h->priority);
	came |= WIFEXITED(status) && !WEXITSTATUS(status);
	if (came) {
		h->due_kib = 0;
		h->rest = AERO_REST_REPORTS;
		h->resting = 0;
		if (h->verbose)
			aero_say("%" PRIu64 " KiB came home from %s in %llu ms", h->area.used_kib,
				 h->area.path, ms);
	} else if (!h->killed) {
		h->resting = h->rest;
		aero_say("can't switch %s off; not again before %u reports", h->area.path,
			 h->resting);
	}
	close(h->lock);
	h->lock = -1;
	h->child = 0;
	h->calm = 0;
}

void aero_home_watch(struct aero_home *h)
{
	const char *why;
	int status;

	if (!h->child)
		return;
	if (waitpid(h->child, &status, WNOHANG) == h->child) {
		finish(h, status);
		return;
	}
	why = trouble(h);
	if (why)
		give_up(h, why);
}

void aero_home_end(struct aero_home *h)
{
	int status;

	if (h->child) {
		kill(h->child, SIGKILL);
		h->killed = true;
		if (waitpid(h->child, &status, 0) == h->child)
			finish(h, status);
	}
	if (h->off)
		aero_home_restore_all(h);
	aero_group_end();
}
