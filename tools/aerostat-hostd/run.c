// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The loop: a step each period, and sooner when a guest comes or goes. */
#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "control.h"
#include "virt.h"

#define HURRY_MS 100

struct loop {
	struct hostd *d;
	struct virt *virt;
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
	struct loop *l = to;

	if (l->hurried)
		return;
	l->hurried = true;
	virEventUpdateTimeout(l->timer, HURRY_MS);
}

static void tell_systemd(struct loop *l, bool connected)
{
	/* A step that ended is what the watchdog waits for, whether libvirt is there or not. */
	sd_notify(0, "WATCHDOG=1");
	if (l->told && l->connected == connected)
		return;
	sd_notify(0,
		  connected ? "STATUS=Shares out the host's memory" : "STATUS=Waits for libvirt");
	l->told = true;
	l->connected = connected;
}

static void step(int timer, void *data)
{
	struct loop *l = data;
	struct aero_host_reading reading;

	if (l->hurried) {
		l->hurried = false;
		virEventUpdateTimeout(timer, (int)l->d->config.period_ms);
	}
	hostd_read(l->d->root, &l->psi, &reading);
	tell_systemd(l, !aero_manager_step(l->manager, &reading, aero_now_us() / 1000));
	control_step(l->control);
}

static void signalled(int watch, int fd, int events, void *data)
{
	struct signalfd_siginfo info;
	struct loop *l = data;

	(void)watch;
	(void)events;
	l->stopped = read(fd, &info, sizeof(info)) == sizeof(info);
}

static int watch_signals(struct loop *l)
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
	return virEventAddHandle(fd, VIR_EVENT_HANDLE_READABLE, signalled, l, NULL);
}

static int loop(struct loop *l)
{
	l->timer = virEventAddTimeout((int)l->d->config.period_ms, step, l, NULL);
	if (l->timer < 0 || watch_signals(l) < 0) {
		hostd_say("the event loop can't be set up: %s", virGetLastErrorMessage());
		return HOSTD_FAILED;
	}
	step(l->timer, l);
	sd_notify(0, "READY=1");
	hostd_say("shares out memory by policy %s, each %u ms%s", l->d->config.policy->name,
		  l->d->config.period_ms, l->d->config.dry_run ? "; changes nothing" : "");
	while (!l->stopped)
		if (virEventRunDefaultImpl()) {
			hostd_say("the event loop failed: %s", virGetLastErrorMessage());
			return HOSTD_FAILED;
		}
	sd_notify(0, "STOPPING=1");
	return HOSTD_OK;
}

int hostd_run(struct hostd *d)
{
	struct loop l = {.d = d};
	int ret = HOSTD_FAILED;

	if (virInitialize() || virEventRegisterDefaultImpl()) {
		hostd_say("libvirt's library does not start: %s", virGetLastErrorMessage());
		return HOSTD_FAILED;
	}
	l.virt = virt_new(d->uri, hurry, &l);
	if (l.virt)
		l.manager = aero_manager_new(&d->config, &virt_backend, l.virt);
	if (!l.manager)
		hostd_say("no memory");
	else
		l.control = control_new(d->root, d->group, l.manager);
	if (l.control) {
		ret = loop(&l);
		control_free(l.control);
	}
	if (l.manager)
		aero_manager_free(l.manager);
	if (l.virt)
		virt_free(l.virt);
	return ret;
}
