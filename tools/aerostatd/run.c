// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The loop: measures how long tasks wait, and reports it to the kernel's policy. */
#include "daemon.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "say.h"

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

/* Signals come while it waits, and at no other time. */
static void catch_signals(sigset_t *open)
{
	const struct sigaction action = {.sa_handler = stop};
	sigset_t closed;

	static const int ends[] = {SIGTERM, SIGINT, SIGHUP};

	/* That nobody reads its messages any more is no reason to leave an area half-way. */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&closed);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		sigaction(ends[i], &action, NULL);
		sigaddset(&closed, ends[i]);
	}
	sigprocmask(SIG_BLOCK, &closed, open);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		sigdelset(open, ends[i]);
}

/* ---- before the first report ---- */

static int complain_of_pressure(int err)
{
	if (err == -EOPNOTSUPP) {
		aero_say("this kernel does not measure pressure: boot it with psi=1 (if that does "
			 "not help, it was built without CONFIG_PSI); until then its policy is "
			 "'committed', which needs no aerostatd");
		return AERO_NO_PRESSURE;
	}
	aero_say("can't read %s: %s", AERO_PSI_FILE,
		 err == -EPROTO ? "it is not as expected" : strerror(-err));
	return AERO_FAILED;
}

static int check_balloon(const struct aero_daemon *d)
{
	char path[2 * AERO_PATH_MAX];

	snprintf(path, sizeof(path), "%s" AERO_STALL_FILE, d->root);
	if (!access(path, W_OK) || (d->dry_run && !access(path, F_OK)))
		return AERO_OK;
	if (errno == ENOENT || errno == ENOTDIR) {
		aero_say("%s is not there: load the balloon first (modprobe aerostat_xen, on "
			 "VMware aerostat_vmware)",
			 path);
		return AERO_NO_BALLOON;
	}
	aero_say("can't write %s: %s; start it as root", path, strerror(errno));
	return AERO_FAILED;
}

/*
 * Two would report one pressure twice and get into each other's way at the areas.  The
 * kernel gives the lock back when the daemon ends, however it ends.
 */
static int be_the_only_one(struct aero_daemon *d)
{
	d->alone = -1;
	if (d->dry_run)
		return AERO_OK;
	d->alone = aero_lock(d->root, AERO_DAEMON_LOCK, 0);
	if (d->alone >= 0)
		return AERO_OK;
	if (d->alone == -EBUSY)
		aero_say("another aerostatd is running; end it first");
	else
		aero_say("%s", aero_error());
	return AERO_FAILED;
}

static int start(struct aero_daemon *d)
{
	int err = aero_psi_read(d->root, &d->before), code;

	if (err)
		return complain_of_pressure(err);
	code = check_balloon(d);
	if (!code)
		code = be_the_only_one(d);
	if (code)
		return code;
	d->figures.root = d->root;
	if (d->dry_run)
		d->figures.file = NULL;
	d->home.root = d->root;
	d->home.verbose = d->verbose;
	d->home.dry_run = d->dry_run;
	if (!d->once)
		aero_home_start(&d->home);
	aero_tell_start(&d->tell, d->root, d->once || d->dry_run);
	d->trigger = aero_psi_trigger(d->root);
	if (d->trigger < 0 && d->verbose)
		aero_say("no news of pressure (%s): it is looked at every %u ms only",
			 strerror(-d->trigger), d->period_ms);
	return AERO_OK;
}

/* ---- reports ---- */

/* The module may be unloaded and loaded again; between the two there is nobody to tell. */
static int check_written(struct aero_daemon *d, int err)
{
	if (err == -ENOENT || err == -ENODEV) {
		if (!d->away)
			aero_say("the balloon's module is gone; waiting for it");
		d->away = true;
		return AERO_OK;
	}
	if (err) {
		aero_say("can't write %s%s: %s", d->root, AERO_STALL_FILE, strerror(-err));
		return AERO_FAILED;
	}
	if (d->away)
		aero_say("the balloon's module is there again");
	d->away = false;
	return AERO_OK;
}

static int report(struct aero_daemon *d)
{
	struct aero_stall stall;
	struct aero_psi now;
	char text[32];
	int err = aero_psi_read(d->root, &now);

	if (err)
		return complain_of_pressure(err);
	stall = aero_psi_stall(&d->before, &now, aero_home_own_us(&d->home));
	snprintf(text, sizeof(text), "%u %u\n", stall.some_permille, stall.full_permille);
	if (d->verbose || d->dry_run)
		aero_say("of %llu ms some waited %u, all %u per mille",
			 (unsigned long long)(now.at_us - d->before.at_us) / 1000,
			 stall.some_permille, stall.full_permille);
	d->before = now;
	if (!d->once)
		aero_home_step(&d->home, &stall);
	aero_tell_step(&d->tell);
	return d->dry_run ? AERO_OK : check_written(d, aero_write(d->root, AERO_STALL_FILE, text));
}

/* ---- waiting ---- */

#define MS	 1000U /* in us */

/* Two reports of one moment say nothing. */
#define LEAST_MS 50U

/* The policy takes a report for stale after an interval; so two come in each. */
static uint64_t period_us(const struct aero_daemon *d)
{
	uint64_t interval_s, period_us = (uint64_t)d->period_ms * MS;

	if (!aero_read_number(d->root, AERO_POLICY_FOLDER "/selfballoon_interval", &interval_s) &&
	    interval_s && interval_s * 500 * MS < period_us)
		period_us = interval_s * 500 * MS;
	return period_us;
}

/* Until the time has come or a signal has.  True: there is news of pressure. */
static bool wait_until(struct aero_daemon *d, uint64_t until_us, bool news, const sigset_t *open)
{
	struct pollfd trigger = {.fd = news ? d->trigger : -1, .events = POLLPRI};
	uint64_t now_us = aero_now_us();
	uint64_t left_us = until_us > now_us ? until_us - now_us : 0;
	const struct timespec left = {
		.tv_sec = (time_t)(left_us / 1000000),
		.tv_nsec = (long)(left_us % 1000000) * 1000,
	};

	if (stopped || ppoll(&trigger, 1, &left, open) <= 0)
		return false;
	if (!(trigger.revents & (POLLERR | POLLNVAL)))
		return true;
	aero_say("news of pressure have ended; it is looked at every %u ms only", d->period_ms);
	close(d->trigger);
	d->trigger = -1;
	return false;
}

/* Waits for the next report or what comes before it.  True: report now. */
static bool wait_for_report(struct aero_daemon *d, const sigset_t *open)
{
	uint64_t next_us = d->before.at_us + period_us(d), wake_us = next_us;
	bool news;

	if (d->home.child && aero_now_us() + AERO_HOME_WATCH_MS * MS < next_us)
		wake_us = aero_now_us() + AERO_HOME_WATCH_MS * MS;
	news = wait_until(d, wake_us, true, open);
	if (stopped)
		return false;
	aero_home_watch(&d->home);
	if (news)
		wait_until(d, d->before.at_us + LEAST_MS * MS, false, open);
	return news || aero_now_us() >= next_us;
}

int aero_daemon_run(struct aero_daemon *d)
{
	sigset_t open;
	int code = start(d);

	if (code)
		return code;
	catch_signals(&open);
	while (!code && !stopped) {
		aero_export_step(&d->figures);
		if (!wait_for_report(d, &open))
			continue;
		code = report(d);
		if (d->once)
			break;
	}
	aero_home_end(&d->home);
	aero_export_end(&d->figures);
	aero_tell_end(&d->tell);
	if (d->trigger >= 0)
		close(d->trigger);
	if (d->alone >= 0)
		close(d->alone);
	if (stopped && d->verbose)
		aero_say("told to stop");
	return code;
}
