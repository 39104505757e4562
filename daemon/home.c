// SPDX-License-Identifier: GPL-2.0-only OR MIT
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

#include "daemon.h"
#include "group.h"
#include "os.h"

#define AERO_POLICY_INTERVAL_S (AERO_POLICY_INTERVAL_MS / 1000)

/* Reports in a row below the policy's threshold of pressure before anything begins. */
#define CALM_REPORTS	       5U

/* After giving up, so many reports; twice as many each time in a row. */
#define REST_REPORTS	       30U
#define REST_REPORTS_MOST      960U

/* An area that is not empty after so many is on a slow disk, or in a busy guest. */
#define LIMIT_REPORTS	       30U

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

/* Available memory beyond what should stay available; 0 where nobody can tell. */
static uint64_t spare_kib(const char *root)
{
	uint64_t available_kib, total_kib, headroom_kib;

	if (aero_memory(root, &available_kib, &total_kib))
		return 0;
	headroom_kib = aero_headroom_kib(total_kib);
	return available_kib > headroom_kib ? available_kib - headroom_kib : 0;
}

static bool is_on(const char *root, const char *path)
{
	static struct aero_areas one;

	memset(&one, 0, sizeof(one));
	one.count = 1;
	snprintf(one.area[0].path, sizeof(one.area[0].path), "%s", path);
	return !aero_areas_look(root, &one) && one.area[0].on;
}

/* ---- switching on again ---- */

/* Only if it is still ours.  False: try again later. */
static bool restore(struct aero_home *h, const struct aero_area *area, int priority)
{
	int err;

	if (!aero_header_is(h->root, area)) {
		aero_say("%s is no longer what was made; it is left alone", area->path);
		return true;
	}
	err = aero_os_swapon(h->root, area->path, priority);
	if (!err || err == -EBUSY)
		return true;
	if (!h->off)
		aero_say("can't switch %s on again: %s; trying on", area->path, strerror(-err));
	return false;
}

/* All that are recorded.  Somebody at work on them will see to it himself. */
static void restore_all(struct aero_home *h)
{
	static struct aero_areas areas;
	bool off = false;
	int lock;

	if (aero_areas_load(h->root, &areas) <= 0 || aero_areas_look(h->root, &areas))
		return;
	lock = aero_areas_lock(h->root, 0);
	if (lock < 0)
		return;
	for (size_t i = 0; i < areas.count; i++) {
		if (areas.area[i].on)
			continue;
		if (restore(h, &areas.area[i], areas.priority))
			aero_say("%s is switched on again", areas.area[i].path);
		else
			off = true;
	}
	h->off = off;
	close(lock);
}

void aero_home_start(struct aero_home *h)
{
	h->rest = REST_REPORTS;
	h->lock = -1;
	if (h->dry_run)
		return;
	aero_group_start(h->root);
	restore_all(h);
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
	int err;

	/* Without the daemon nobody would look out for pressure. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	aero_group_enter();
	gentle(h);
	err = aero_os_swapoff(h->root, h->area.path);
	if (!err)
		aero_os_swapon(h->root, h->area.path, h->priority);
	_exit(err == -EINTR ? 1 : err ? 2 : 0);
}

static void begin(struct aero_home *h, const struct aero_area *area, int priority)
{
	pid_t parent = getpid(), pid;

	if (h->dry_run) {
		aero_say("would bring %" PRIu64 " KiB home from %s", area->used_kib, area->path);
		h->due_kib = 0;
		return;
	}
	h->lock = aero_areas_lock(h->root, 0);
	if (h->lock < 0 || read_effort(h->root, &h->effort) || aero_psi_read(h->root, &h->psi))
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
		return;
	}
fail:
	if (h->lock >= 0)
		close(h->lock);
	h->lock = -1;
}

/* ---- when to begin ---- */

static const struct aero_area *least_used(const struct aero_areas *areas)
{
	const struct aero_area *least = NULL;

	for (size_t i = 0; i < areas->count; i++) {
		const struct aero_area *area = &areas->area[i];

		if (area->on && area->used_kib && (!least || area->used_kib < least->used_kib))
			least = area;
	}
	return least;
}

/*
 * The policy names, each interval, what should be left a step from now.  An area is
 * larger than such a step, so steps are added up until they make an area.
 */
static void pace(struct aero_home *h, uint64_t used_kib, uint64_t target_kib)
{
	uint64_t interval_s = AERO_POLICY_INTERVAL_S, now_us = aero_now_us();
	uint64_t over_kib = used_kib > target_kib ? used_kib - target_kib : 0;

	if (aero_read_number(h->root, AERO_POLICY_FOLDER "/selfballoon_interval", &interval_s) ||
	    !interval_s)
		interval_s = AERO_POLICY_INTERVAL_S;
	if (h->paced_us)
		h->due_kib += over_kib * ((now_us - h->paced_us) / 1000) / (interval_s * 1000);
	h->paced_us = now_us;
}

/* False: nothing is to come home. */
static bool read_target(struct aero_home *h, uint64_t *target_kib)
{
	if (!aero_read_number(h->root, AERO_POLICY_FOLDER "/swap_target_kib", target_kib))
		return true;
	h->due_kib = 0;
	h->paced_us = 0;
	return false;
}

static bool fits(struct aero_home *h, const struct aero_area *area)
{
	uint64_t spare = spare_kib(h->root);
	bool enough = area->used_kib <= spare;

	if (!enough && !h->short_said && h->verbose)
		aero_say("%" PRIu64 " KiB in %s do not fit: %" PRIu64 " KiB can be spared",
			 area->used_kib, area->path, spare);
	h->short_said = !enough;
	return enough;
}

/* False: there are none to be known of. */
static bool read_areas(struct aero_home *h, struct aero_areas *areas)
{
	int ret = aero_areas_load(h->root, areas);

	if (ret > 0)
		ret = aero_areas_look(h->root, areas) ? -1 : 1;
	if (ret < 0 && !h->bad_said)
		aero_say("%s", aero_error());
	h->bad_said = ret < 0;
	return ret > 0;
}

static void look(struct aero_home *h)
{
	static struct aero_areas areas;
	const struct aero_area *least;
	uint64_t target_kib;

	if (!read_target(h, &target_kib) || !read_areas(h, &areas))
		return;
	pace(h, areas.all_used_kib, target_kib);
	least = least_used(&areas);
	if (!least || h->due_kib < least->used_kib) {
		h->due_kib = least ? h->due_kib : 0;
		return;
	}
	/* What can't begin now is not owed twice. */
	h->due_kib = least->used_kib;
	if (h->calm >= CALM_REPORTS && !h->resting && fits(h, least))
		begin(h, least, areas.priority);
}

void aero_home_step(struct aero_home *h, const struct aero_stall *stall)
{
	if (h->child) {
		h->working++;
		return;
	}
	h->calm = stall->some_permille < AERO_STALL_PERMILLE ? h->calm + 1 : 0;
	h->resting -= h->resting > 0;
	if (h->off)
		restore_all(h);
	look(h);
}

/* ---- while it goes on ---- */

/* Others, for more than what the policy calls urgent. */
static bool others_wait(const struct aero_home *h)
{
	uint64_t waited_us, own_us, most_us;
	struct aero_psi now;

	if (aero_psi_read(h->root, &now))
		return true;
	own_us = aero_group_waited_us() - h->own_us;
	waited_us = now.some_us - h->psi.some_us;
	most_us = (now.at_us - h->psi.at_us) * AERO_PSI_URGENT_PERMILLE / 1000;
	if (most_us < AERO_PSI_URGENT_PERMILLE * 1000)
		most_us = AERO_PSI_URGENT_PERMILLE * 1000;
	return waited_us > own_us + most_us;
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
	if (!spare_kib(h->root))
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
	bool came = !is_on(h->root, h->area.path);

	if (came)
		h->off = !restore(h, &h->area, h->priority);
	came |= WIFEXITED(status) && !WEXITSTATUS(status);
	if (came) {
		h->due_kib = 0;
		h->rest = REST_REPORTS;
		h->resting = 0;
		if (h->verbose)
			aero_say("%" PRIu64 " KiB came home from %s in %llu ms", h->area.used_kib,
				 h->area.path, ms);
	} else if (!h->killed) {
		h->killed = true;
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
		restore_all(h);
	aero_group_end();
}

uint64_t aero_home_own_us(struct aero_home *h)
{
	uint64_t own_us = aero_group_waited_us(), before_us = h->told_own_us;

	h->told_own_us = own_us;
	return own_us > before_us ? own_us - before_us : 0;
}
