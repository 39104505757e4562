/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A host with libvirt, aerostat-hostd and some guests.  As in scenario.h, a message means failure
 * and NULL success.
 */
#ifndef AEROSTAT_TESTS_GUEST_LIBVIRT_HOST_H
#define AEROSTAT_TESTS_GUEST_LIBVIRT_HOST_H

#include "../common/driver.h"
#include "libvirt.h"

#define HOST_MIB    1024u
#define RESERVE_MIB 64u
#define GUEST_MIB   512u
#define GUESTS_MAX  4u

struct host {
	struct lab_virt *virt;
	pid_t daemon;
	bool ours; /* which driver guests load */
	unsigned int count;
	struct lab_guest *guest[GUESTS_MAX];
	/* The least that was free of what guests may have, over all looks; MiB. */
	int64_t least_free_mib;
};

/* The names of the guests. */
extern const char *const host_names[GUESTS_MAX];

struct host_test {
	const char *name;
	const char *(*run)(struct host *h);
	bool ours;
	bool alone; /* without the daemon: libvirt and its guests only */
};

/* Runs those that the command line names, each on a host of its own, in TAP. */
int host_main(int argc, char **argv, const struct host_test *tests, size_t count);

/* ---- the daemon ---- */

const char *host_daemon_start(struct host *h);
const char *host_daemon_kill(struct host *h);

/* `aerostat host ARGUMENTS`, whose output goes to *out (to be freed); the exit status. */
int host_cli(struct host *h, char **out, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What the daemon's log has said; to be freed. */
char *host_log(struct host *h);

/* A guest as `aerostat host status --json` has it: a text, or a number (UINT64_MAX: null). */
const char *host_says(struct host *h, unsigned int guest, const char *what, char *text,
		      size_t size);
const char *host_counts(struct host *h, unsigned int guest, const char *what, uint64_t *value);

/* Waits until the guest's state is this. */
const char *host_wait_state(struct host *h, unsigned int guest, const char *state,
			    unsigned int timeout_ms);

/* ---- guests ---- */

/* One more, after make-room for it; with the driver if it is to have one. */
const char *host_add(struct host *h, bool driver);

/* What the guest has, from its device: MiB. */
const char *host_size(struct host *h, unsigned int guest, uint64_t *mib);

/*
 * Adds up what all guests have.  Fails if that is more than the host has beside its reserve; then
 * the sizes are in the message.
 */
const char *host_look(struct host *h);

/* The same until the time is over. */
const char *host_look_for(struct host *h, unsigned int ms);

/* A process in the guest takes so much memory, this fast, and keeps using it; how long it took. */
const char *host_demand(struct host *h, unsigned int guest, unsigned int mib,
			unsigned int mib_per_s, double *seconds);

#endif
