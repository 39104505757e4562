/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The statistics that a guest gives to its host: each tag against what the guest's own /proc says,
 * and that they go on whatever happens.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../common/figures.h"
#include "virtio.h"

#define BALLOON	  "/machine/peripheral/balloon"
#define PAGE	  4096u
#define KIB	  1024u
#define SWAP_MIB  160u
#define HOG_MIB	  250u /* of the guest's 320, of which some 220 are free */
#define MOST_WAIT 10000u
/* Memory moves while it is looked at, and the figures of a CPU are added up once a second. */
#define SLACK_KIB (16u * KIB)

static struct lab_config config = {.memory_mib = 320, .cpus = 2, .type = REPORTING};

/* In bytes where it is memory. */
static const struct figure tags[] = {
	{"stat-swap-in", "pswpin", PAGE, true},
	{"stat-swap-out", "pswpout", PAGE, true},
	{"stat-major-faults", "pgmajfault", 1, true},
	{"stat-minor-faults", "pgfault", 1, true},
	{"stat-htlb-pgalloc", "htlb_buddy_alloc_success", 1, true},
	{"stat-htlb-pgfail", "htlb_buddy_alloc_fail", 1, true},
	{"stat-free-memory", "MemFree:", KIB, false},
	{"stat-total-memory", "MemTotal:", KIB, false},
	{"stat-available-memory", "MemAvailable:", KIB, false},
	{"stat-disk-caches", "nr_file_pages", PAGE, false},
	/* Newer than QEMU 7.2, which the lab has; compared where they are shown. */
	{"stat-oom-kills", "oom_kill", 1, true},
	{"stat-async-scans", "pgscan_kswapd", PAGE, true},
	{"stat-direct-scans", "pgscan_direct", PAGE, true},
	{"stat-async-reclaims", "pgsteal_kswapd", PAGE, true},
	{"stat-direct-reclaims", "pgsteal_direct", PAGE, true},
};

_Static_assert(LAB_COUNT(tags) <= FIGURES_MAX, "each tag needs a value");

/* ---- the host ---- */

static const char *set_interval(struct lab_guest *g, int seconds)
{
	return qmp(g, "qom-set",
		   json_pack("{s:s, s:s, s:i}", "path", BALLOON, "property",
			     "guest-stats-polling-interval", "value", seconds));
}

/* The host's figures, to be json_decref()ed; NULL on failure. */
static json_t *host_figures(struct lab_guest *g)
{
	return lab_qmp(g, "qom-get",
		       json_pack("{s:s, s:s}", "path", BALLOON, "property", "guest-stats"));
}

/* When the host got its figures last, in seconds. */
static const char *last_update(struct lab_guest *g, json_int_t *seconds)
{
	json_t *all = host_figures(g);

	LAB_CHECK(all, "%s", lab_error());
	*seconds = json_integer_value(json_object_get(all, "last-update"));
	json_decref(all);
	return NULL;
}

/* Waits for figures that are two updates younger than now, so that all of them are. */
static const char *wait_for_updates(struct lab_guest *g, unsigned int updates)
{
	int64_t end = lab_now_ms() + MOST_WAIT;
	json_int_t last, now;

	LAB_TRY(last_update(g, &last));
	while (updates) {
		LAB_CHECK(lab_now_ms() < end, "the host got no new statistics for %u ms",
			  MOST_WAIT);
		lab_sleep_ms(100);
		LAB_TRY(last_update(g, &now));
		updates -= now != last;
		last = now;
	}
	return NULL;
}

/* ---- both ---- */

/* Figures of the guest, then such of the host that are younger, then the guest's again. */
static const char *figures_agree(struct lab_guest *g)
{
	struct figures before, after;
	const char *wrong = NULL;
	unsigned int compared = 0;
	json_t *all, *host;

	LAB_TRY(figures_of_guest(g, tags, LAB_COUNT(tags), &before));
	LAB_TRY(wait_for_updates(g, 2));
	all = host_figures(g);
	LAB_CHECK(all, "%s", lab_error());
	host = json_object_get(all, "stats");
	wrong = figures_of_guest(g, tags, LAB_COUNT(tags), &after);
	for (unsigned int t = 0; !wrong && t < LAB_COUNT(tags); t++) {
		json_t *value = json_object_get(host, tags[t].host);

		if (!value)
			continue;
		compared++;
		wrong = figure_compare(&tags[t], before.value[t],
				       (uint64_t)json_integer_value(value), after.value[t],
				       SLACK_KIB * KIB);
	}
	json_decref(all);
	LAB_TRY(wrong);
	LAB_CHECK(compared >= 10, "the host shows only %u of the statistics", compared);
	return NULL;
}

static const char *leave(struct lab_guest *g, const char *module)
{
	LAB_OK(lab_must(g, 30000, "rmmod %s", module));
	return NULL;
}

/* The host asks more often, not at all, and again. */
static const char *changes_of_interval(struct lab_guest *g)
{
	json_int_t before, after;

	LAB_TRY(set_interval(g, 2));
	LAB_TRY(wait_for_updates(g, 2));
	LAB_TRY(set_interval(g, 0));
	lab_sleep_ms(1500);
	LAB_TRY(last_update(g, &before));
	lab_sleep_ms(3000);
	LAB_TRY(last_update(g, &after));
	LAB_CHECK(before == after, "statistics came although the host does not ask");
	LAB_TRY(set_interval(g, 1));
	return figures_agree(g);
}

/* The driver comes and goes, with and without pages, while the host asks. */
static const char *comings_and_goings(struct lab_guest *g, const char *module)
{
	for (unsigned int i = 0; i < 5; i++) {
		LAB_TRY(leave(g, module));
		lab_sleep_ms(i * 300);
		LAB_TRY(insert(g, module));
		LAB_TRY(wait_for_updates(g, 2));
		LAB_TRY(reach(g, i % 2 ? 0 : 20000));
	}
	return figures_agree(g);
}

static const char *statistics_of(struct lab_guest *g, const char *module)
{
	LAB_TRY(insert(g, module));
	LAB_TRY(set_interval(g, 1));
	LAB_TRY(wait_for_updates(g, 1));
	LAB_TRY(figures_make(g, SWAP_MIB, HOG_MIB));
	LAB_TRY(figures_agree(g));
	LAB_TRY(reach(g, 20000));
	LAB_TRY(figures_agree(g));
	LAB_TRY(changes_of_interval(g));
	LAB_TRY(comings_and_goings(g, module));
	LAB_TRY(reach(g, 0));
	LAB_OK(lab_reset(g));
	LAB_TRY(insert(g, module));
	LAB_TRY(wait_for_updates(g, 1));
	LAB_TRY(figures_agree(g));
	return leave(g, module);
}

static const char *statistics(struct lab_guest *g)
{
	LAB_TRY(statistics_of(g, "aerostat_virtio"));
	LAB_OK(lab_must(g, 10000, "rmmod aerostat"));
	return NULL;
}

/* The same of the kernel's driver, so that the test asks for nothing that only ours does. */
static const char *statistics_peer(struct lab_guest *g)
{
	return statistics_of(g, "virtio_balloon");
}

/* The other driver takes the device over while the host asks. */
static const char *statistics_after_hand_over(struct lab_guest *g)
{
	LAB_TRY(insert(g, "virtio_balloon"));
	LAB_TRY(set_interval(g, 1));
	LAB_TRY(wait_for_updates(g, 2));
	LAB_TRY(leave(g, "virtio_balloon"));
	LAB_TRY(insert(g, "aerostat_virtio"));
	LAB_TRY(wait_for_updates(g, 2));
	LAB_TRY(figures_agree(g));
	LAB_TRY(driver_remove(g));
	LAB_TRY(insert(g, "virtio_balloon"));
	LAB_TRY(wait_for_updates(g, 2));
	return leave(g, "virtio_balloon");
}

static const struct lab_test tests[] = {
	{"statistics", statistics, .config = &config, .timeout_s = 240},
	{"statistics-virtio_balloon", statistics_peer, .config = &config, .timeout_s = 240},
	{"statistics-after-hand-over", statistics_after_hand_over, .config = &config,
	 .timeout_s = 120},
};

static const struct lab_suite suite = {
	.name = "virtio-statistics",
	.tests = tests,
	.count = LAB_COUNT(tests),
	.after_test = drivers_gone,
};

int main(int argc, char **argv)
{
	config.platform = &lab_platform_virtio;
	return lab_suite_main(argc, argv, &suite);
}
