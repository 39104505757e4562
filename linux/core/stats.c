// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The statistics in debugfs, aerostat/stats.  docs/use/abi.md explains each line. */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "core/core.h"

static void line(struct seq_file *m, const char *name, u64 value)
{
	seq_printf(m, "%s %llu\n", name, value);
}

static void show_state(struct seq_file *m, const struct aerostat *a)
{
	const struct aero_balloon *b = &a->balloon;
	unsigned int c;

	seq_printf(m, "hypervisor %s\n", b->ops->name);
	seq_printf(m, "state %s\n", aero_phase_name(b->phase));
	line(m, "reset_required", b->reset_required);
	line(m, "target_pages", b->target_pages);
	line(m, "size_pages", b->size_pages);
	for (c = 0; c < AERO_CLASSES; c++)
		seq_printf(m, "held_%s %llu\n", aero_class_name(c), b->held[c]);
	line(m, "lent_pages", b->lent_pages);
	line(m, "coming_pages", b->coming_pages);
	line(m, "isolated_pages", READ_ONCE(a->port.pages.isolated_pages));
	line(m, "rate_pages", b->pace.rate);
	line(m, "retries", b->pace.retries);
	line(m, "slow_runs_left", b->pace.slow_left);
	line(m, "held_off", b->pace.held_off);
}

static void show_unit(struct seq_file *m, const struct aero_counters *c, enum aero_unit unit)
{
	const char *name = unit == AERO_UNIT_LARGE ? "large" : "base";

	seq_printf(m, "taken_light_%s %llu\n", name, c->taken[unit][AERO_LIGHT]);
	seq_printf(m, "taken_light_failed_%s %llu\n", name, c->take_failed[unit][AERO_LIGHT]);
	seq_printf(m, "taken_reclaim_%s %llu\n", name, c->taken[unit][AERO_RECLAIM]);
	seq_printf(m, "taken_reclaim_failed_%s %llu\n", name, c->take_failed[unit][AERO_RECLAIM]);
	seq_printf(m, "freed_%s %llu\n", name, c->freed[unit]);
	seq_printf(m, "refused_%s %llu\n", name, c->refused[unit]);
	seq_printf(m, "refused_freed_%s %llu\n", name, c->refused_freed[unit]);
}

static void show_counters(struct seq_file *m, const struct aerostat *a)
{
	const struct aero_counters *c = &a->balloon.counters;

	line(m, "runs", c->runs);
	line(m, "kicks", atomic64_read(&a->kicks));
	line(m, "resets", c->resets);
	line(m, "failed_connects", c->failed_connects);
	show_unit(m, c, AERO_UNIT_BASE);
	show_unit(m, c, AERO_UNIT_LARGE);
	line(m, "taken_free_list", a->port.free_list_blocks);
	line(m, "odd_answers", c->odd_answers);
	line(m, "pages_in", c->pages_in);
	line(m, "pages_out", c->pages_out);
	line(m, "pages_popped", c->pages_popped);
	line(m, "blocks_broken", c->blocks_broken);
	line(m, "blocks_remade", c->blocks_remade);
	line(m, "migrated", c->migrated);
	line(m, "migrate_failed", c->migrate_failed);
	line(m, "relieved_pages", c->relieved_pages);
	line(m, "holdoffs", c->holdoffs);
	line(m, "stashed_pages", READ_ONCE(a->stash.held_pages));
	line(m, "stash_given_pages", READ_ONCE(a->stash.given_pages));
	line(m, "vacated_pages", c->vacated_pages);
	line(m, "adopted_pages", c->adopted_pages);
	line(m, "grown_pages", c->grown_pages);
	line(m, "grow_failed", c->grow_failed);
}

static int stats_show(struct seq_file *m, void *unused)
{
	struct aerostat *a = m->private;

	mutex_lock(&a->step);
	show_state(m, a);
	show_counters(m, a);
	if (a->show_policy)
		a->show_policy(m, a);
	if (a->backend->show)
		a->backend->show(m, a->backend->hypervisor);
	mutex_unlock(&a->step);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

/* Errors are ignored: without debugfs there are no statistics, and everything else works. */
void aerostat_debugfs_start(struct aerostat *a)
{
	a->debugfs = debugfs_create_dir("aerostat", NULL);
	debugfs_create_file("stats", 0400, a->debugfs, a, &stats_fops);
}

void aerostat_debugfs_stop(struct aerostat *a)
{
	debugfs_remove(a->debugfs);
}
