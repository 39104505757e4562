// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The loop: a step each period, and sooner when a guest comes or goes. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "control.h"
#include "kind.h"

#define HURRY_MS 100

/* The daemon at work. */
struct work {
	struct hostd *d;
	const struct hostd_kind *kind;
	const struct loop *loop;
	void *self; /* of the kind */
	struct aero_manager *manager;
	struct control *control;
	struct aero_psi psi;
	int timer;
	bool hurried, stopped;
	bool told; /* what systemd shows: connected or not */
	bool connected;
};

static void hurry(void *to)
{
	struct work *w = to;

	if (w->hurried)
		return;
	w->hurried = true;
	w->loop->set_timer(w->timer, HURRY_MS);
}

static void tell_systemd(struct work *w, bool connected)
{
	/* A step that ended is what the watchdog waits for, whether guests can be seen or not. */
	sd_notify(0, "WATCHDOG=1");
	if (w->told && w->connected == connected)
		return;
	if (connected)
		sd_notify(0, "STATUS=Shares out the host's memory");
	else
		sd_notifyf(0, "STATUS=Waits for %s", w->kind->name);
	w->told = true;
	w->connected = connected;
}

static void step(int timer, void *data)
{
	struct work *w = data;
	struct aero_host_reading reading;

	if (w->hurried) {
		w->hurried = false;
		w->loop->set_timer(timer, (int)w->d->config.period_ms);
	}
	hostd_read(w->d->root, &w->psi, &reading);
	tell_systemd(w, !aero_manager_step(w->manager, &reading, aero_now_us() / 1000));
	control_step(w->control);
}

static void signalled(int watch, int fd, int events, void *data)
{
	struct signalfd_siginfo info;
	struct work *w = data;

	(void)watch;
	(void)events;
	w->stopped = read(fd, &info, sizeof(info)) == sizeof(info);
}

static int watch_signals(struct work *w)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -1;
	return w->loop->add(fd, LOOP_READABLE, signalled, w);
}

static int go_round(struct work *w)
{
	w->timer = w->loop->add_timer((int)w->d->config.period_ms, step, w);
	if (w->timer < 0 || watch_signals(w) < 0) {
		hostd_say("the event loop can't be set up: %s", w->loop->error());
		return HOSTD_FAILED;
	}
	step(w->timer, w);
	sd_notify(0, "READY=1");
	hostd_say("shares out memory of %s by policy %s, each %u ms%s", w->kind->name,
		  w->d->config.policy->name, w->d->config.period_ms,
		  w->d->config.dry_run ? "; changes nothing" : "");
	while (!w->stopped)
		if (!w->loop->run()) {
			hostd_say("the event loop failed: %s", w->loop->error());
			return HOSTD_FAILED;
		}
	sd_notify(0, "STOPPING=1");
	return HOSTD_OK;
}

static int work(struct work *w)
{
	int ret = HOSTD_FAILED;

	w->self = w->kind->open(w->d, hurry, w);
	if (w->self)
		w->manager = aero_manager_new(&w->d->config, w->kind->backend, w->self);
	if (!w->manager)
		hostd_say("no memory");
	else
		w->control = control_new(w->d, w->loop, w->manager);
	if (w->control) {
		ret = go_round(w);
		control_free(w->control);
	}
	if (w->manager)
		aero_manager_free(w->manager);
	if (w->self)
		w->kind->close(w->self);
	return ret;
}

int hostd_run(struct hostd *d)
{
	struct work w = {.d = d, .kind = hostd_kind_choose(d->root, d->kind)};

	if (!w.kind)
		return HOSTD_FAILED;
	w.loop = w.kind->loop;
	if (w.loop->start())
		return work(&w);
	hostd_say("the event loop does not start: %s", w.loop->error());
	return HOSTD_FAILED;
}
