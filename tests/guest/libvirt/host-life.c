/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What happens to guests, libvirt and the daemon: nobody is harmed, and it goes on afterwards. */
#define _GNU_SOURCE
#include "host.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *a_paused_guest_is_left_alone(struct host *h)
{
	uint64_t before, after, moves, moves_after;

	LAB_TRY(host_add(h, true));
	LAB_TRY(host_add(h, true));
	LAB_OK(lab_virsh(h->virt, NULL, "suspend %s", host_names[0]));
	LAB_TRY(host_wait_state(h, 0, "unreachable", 5000));
	LAB_TRY(host_size(h, 0, &before));
	LAB_TRY(host_counts(h, 0, "moves", &moves));
	LAB_TRY(host_look_for(h, 20000));
	LAB_TRY(host_size(h, 0, &after));
	LAB_TRY(host_counts(h, 0, "moves", &moves_after));
	LAB_CHECK(moves == moves_after && before == after,
		  "it was asked %" PRIu64 " times and went from %" PRIu64 " to %" PRIu64 " MiB",
		  moves_after - moves, before, after);
	LAB_OK(lab_virsh(h->virt, NULL, "resume %s", host_names[0]));
	return host_wait_state(h, 0, "managed", 10000);
}

static const char *a_guest_without_driver_is_planned_around(struct host *h)
{
	char why[256];
	uint64_t mib;
	char *out = NULL;

	LAB_TRY(host_add(h, true));
	LAB_TRY(host_add(h, false));
	LAB_TRY(host_wait_state(h, 1, "starting", 5000));
	/* It is asked once its time to start is over, for the other has not enough; and found out.
	 */
	LAB_TRY(host_wait_state(h, 1, "managed", 90000));
	host_cli(h, &out, "make-room 330M --timeout 40s");
	lab_note("%s", out);
	free(out);
	LAB_TRY(host_wait_state(h, 1, "unreachable", 60000));
	LAB_TRY(host_says(h, 1, "why", why, sizeof(why)));
	LAB_CHECK(strstr(why, "no balloon driver answers"), "%s", why);
	LAB_TRY(host_size(h, 1, &mib));
	LAB_CHECK(mib == GUEST_MIB, "it has %" PRIu64 " MiB", mib);
	/* When a driver comes, it takes part. */
	LAB_OK(lab_must(h->guest[1], 30000, "modprobe virtio_balloon"));
	return host_wait_state(h, 1, "managed", 20000);
}

/*
 * A driver that leaves takes all memory back, which nobody can forbid.  The others make up for it,
 * and its guest is found out when it is asked.
 */
static const char *a_driver_that_leaves_is_planned_around(struct host *h)
{
	int64_t until = lab_now_ms() + 60000;
	uint64_t mib;

	LAB_TRY(host_add(h, true));
	LAB_TRY(host_add(h, true));
	LAB_OK(lab_must(h->guest[0], 60000, "rmmod virtio_balloon"));
	while (host_look(h) && lab_now_ms() < until)
		lab_sleep_ms(300);
	LAB_TRY(host_look(h));
	LAB_TRY(host_size(h, 0, &mib));
	LAB_CHECK(mib == GUEST_MIB, "it has %" PRIu64 " MiB", mib);
	LAB_TRY(host_wait_state(h, 0, "stuck", 60000));
	LAB_TRY(host_look_for(h, 5000));
	LAB_OK(lab_must(h->guest[0], 30000, "modprobe virtio_balloon"));
	return host_wait_state(h, 0, "managed", 120000);
}

static const char *libvirtd_is_restarted(struct host *h)
{
	uint64_t before, after;
	double seconds;
	char *out = NULL;

	LAB_TRY(host_add(h, true));
	LAB_TRY(host_add(h, true));
	LAB_TRY(host_size(h, 0, &before));
	LAB_OK(lab_virt_daemon_stop(h->virt));
	lab_sleep_ms(3000);
	LAB_CHECK(!host_cli(h, &out, "status") && strstr(out, "NOT UP TO DATE"), "%s", out);
	free(out);
	LAB_OK(lab_virt_daemon_start(h->virt));
	LAB_TRY(host_size(h, 0, &after));
	LAB_CHECK(after == before, "it went from %" PRIu64 " to %" PRIu64 " MiB", before, after);
	lab_sleep_ms(3000);
	LAB_CHECK(!host_cli(h, &out, "status") && !strstr(out, "NOT UP TO DATE"), "%s", out);
	free(out);
	return host_demand(h, 0, 260, 30, &seconds);
}

static const char *the_daemon_is_killed(struct host *h)
{
	uint64_t before[2], after;
	double seconds;

	LAB_TRY(host_add(h, true));
	LAB_TRY(host_add(h, true));
	for (unsigned int round = 0; round < 3; round++) {
		/* In the middle of moves: another guest wants memory. */
		LAB_TRY(host_demand(h, round % 2, 200, 40, &seconds));
		LAB_TRY(host_daemon_kill(h));
		lab_sleep_ms(4000);
		for (unsigned int i = 0; i < 2; i++)
			LAB_TRY(host_size(h, i, &before[i]));
		LAB_TRY(host_look_for(h, 3000));
		for (unsigned int i = 0; i < 2; i++) {
			LAB_TRY(host_size(h, i, &after));
			LAB_CHECK(after == before[i],
				  "without a daemon %s went from %" PRIu64 " to %" PRIu64 " MiB",
				  host_names[i], before[i], after);
		}
		LAB_TRY(host_daemon_start(h));
		for (unsigned int i = 0; i < 2; i++)
			LAB_TRY(host_wait_state(h, i, "managed", 10000));
		LAB_TRY(agent(h->guest[round % 2], "hog stop"));
		LAB_TRY(host_look_for(h, 4000));
	}
	return NULL;
}

static const char *limits_are_kept_in_the_metadata(struct host *h)
{
	uint64_t value;
	char *out = NULL, why[256];

	LAB_TRY(host_add(h, true));
	LAB_CHECK(!host_cli(h, &out, "set %s --min 300M --max 400M --shares 7", host_names[0]),
		  "%s", out);
	free(out);
	LAB_OK(lab_virsh(h->virt, &out, "metadata %s --uri %s", host_names[0],
			 "https://aerostat.example.org/xmlns/host/1"));
	LAB_CHECK(strstr(out, "shares=\"7\""), "%s", out);
	free(out);
	/* Above its maximum it comes down, also where nobody needs the memory. */
	for (unsigned int i = 0; i < 50; i++) {
		LAB_TRY(host_size(h, 0, &value));
		if (value <= 400)
			break;
		lab_sleep_ms(200);
	}
	LAB_CHECK(value <= 400 && value >= 300, "it has %" PRIu64 " MiB", value);
	/* Somebody writes nonsense: it is said once, and the defaults apply. */
	LAB_OK(lab_virsh(h->virt, NULL,
			 "metadata %s --uri %s --key a --set \"<memory min='x'/>\" --live",
			 host_names[0], "https://aerostat.example.org/xmlns/host/1"));
	lab_sleep_ms(3000);
	LAB_TRY(host_says(h, 0, "complaint", why, sizeof(why)));
	LAB_CHECK(strstr(why, "min is an amount of memory"), "%s", why);
	LAB_TRY(host_counts(h, 0, "min_kib", &value));
	LAB_CHECK(value == GUEST_MIB * 1024 / 4, "its minimum is %" PRIu64 " KiB", value);
	out = host_log(h);
	LAB_CHECK(strstr(out, why) && !strstr(strstr(out, why) + 1, why), "said twice: %s", out);
	free(out);
	return NULL;
}

static const struct host_test tests[] = {
	{"a-paused-guest-is-left-alone", a_paused_guest_is_left_alone, .ours = false},
	{"a-guest-without-driver-is-planned-around", a_guest_without_driver_is_planned_around,
	 .ours = false},
	{"a-driver-that-leaves-is-planned-around", a_driver_that_leaves_is_planned_around,
	 .ours = false},
	{"libvirtd-is-restarted", libvirtd_is_restarted, .ours = false},
	{"the-daemon-is-killed", the_daemon_is_killed, .ours = false},
	{"limits-are-kept-in-the-metadata", limits_are_kept_in_the_metadata, .ours = false},
};

int main(int argc, char **argv)
{
	return host_main(argc, argv, tests, LAB_COUNT(tests));
}
