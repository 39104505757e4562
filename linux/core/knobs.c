// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The settings.  One table serves the module's parameters, with which a balloon starts, and the
 * files in sysfs, by which they are changed later.  docs/use/abi.md lists them.
 */
#define pr_fmt(fmt) "aerostat: " fmt

#include <linux/kstrtox.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/sysfs.h>

#include "core/core.h"

struct knob {
	const char *name;
	u64 min, max;
	u64 initial;
};

static struct knob knobs[KNOBS] = {
	[KNOB_PERIOD_MS] = {"period_ms", 100, 60 * 1000, 1000},
	[KNOB_HOLDOFF_MS] = {"holdoff_ms", 0, 60 * 60 * 1000, 30 * 1000},
	/* 0 stands for a share of the guest's memory: default_reserve_pages(). */
	[KNOB_RESERVE_KIB] = {"reserve_kib", 0, 1ULL << 40, 0},
	/* The same: default_relief_pages(). */
	[KNOB_RELIEF_KIB] = {"relief_kib", 0, 1ULL << 40, 0},
	[KNOB_STASH_KIB] = {"stash_kib", 0, 1ULL << 40, 0},
	[KNOB_LARGE] = {"large", 0, 1, 1},
	[KNOB_SPLIT] = {"split", 0, 1, 1},
};

static u64 kib_to_pages(u64 kib)
{
	return kib >> (PAGE_SHIFT - 10);
}

/*
 * A sixty-fourth of the guest's memory, from 16 MiB to 256 MiB.  In a guest that has less than
 * 128 MiB an eighth: what its programs need does not shrink with its memory, but something has to
 * be left to the balloon.
 */
static u64 default_reserve_pages(void)
{
	u64 total = totalram_pages();
	u64 least = min_t(u64, total / 8, kib_to_pages(16 * 1024));

	return clamp_t(u64, total / 64, least, kib_to_pages(256 * 1024));
}

/* 64 MiB, but at most a sixteenth of the guest's memory. */
static u64 default_relief_pages(void)
{
	return clamp_t(u64, totalram_pages() / 16, 1, kib_to_pages(64 * 1024));
}

/*
 * Reads one number within the knob's bounds.  On error *@value is not to be used, and
 * the log says what the knob takes.  The message is rate-limited, because a script may
 * write a wrong value in a loop; the kernel names this function where it left some out.
 */
static int aerostat_parse_knob(const struct knob *knob, const char *text, u64 *value)
{
	int err = kstrtou64(text, 0, value);

	if (!err && (*value < knob->min || *value > knob->max))
		err = -ERANGE;
	if (err)
		pr_err_ratelimited(
			"%s takes a whole number from %llu to %llu; nothing was changed\n",
			knob->name, knob->min, knob->max);
	return err;
}

/* -- module parameters: insmod aerostat.ko period_ms=500 -------------------------- */

static int param_set(const char *text, const struct kernel_param *kp)
{
	struct knob *knob = kp->arg;
	u64 value;
	int err;

	if (!text)
		text = "";
	err = aerostat_parse_knob(knob, text, &value);
	if (err)
		return err;
	knob->initial = value;
	return 0;
}

static int param_get(char *buffer, const struct kernel_param *kp)
{
	const struct knob *knob = kp->arg;

	return sysfs_emit(buffer, "%llu\n", knob->initial);
}

static const struct kernel_param_ops param_ops = {
	.set = param_set,
	.get = param_get,
};

#define KNOB_PARAM(name, id, text)                           \
	module_param_cb(name, &param_ops, &knobs[id], 0444); \
	MODULE_PARM_DESC(name, text)

KNOB_PARAM(period_ms, KNOB_PERIOD_MS, "milliseconds from one run to the next");
KNOB_PARAM(holdoff_ms, KNOB_HOLDOFF_MS, "no inflation for so long after memory ran short");
KNOB_PARAM(reserve_kib, KNOB_RESERVE_KIB, "available memory left to the guest; 0: by its size");
KNOB_PARAM(relief_kib, KNOB_RELIEF_KIB,
	   "memory given back at once when the guest runs out; 0: by its size");
KNOB_PARAM(stash_kib, KNOB_STASH_KIB, "memory kept ready for when the guest runs out; 0: none");
KNOB_PARAM(large, KNOB_LARGE, "1: give memory in large units where the host takes them");
KNOB_PARAM(split, KNOB_SPLIT, "1: take memory in large blocks where the host takes pages");

/* -- a balloon's settings ------------------------------------------------------- */

u64 aerostat_knob_read(const struct aerostat *a, enum aerostat_knob id)
{
	const struct aero_config *config = &a->balloon.config;

	switch (id) {
	case KNOB_PERIOD_MS:
		return config->pace.period_ms;
	case KNOB_HOLDOFF_MS:
		return config->pace.holdoff_ms;
	case KNOB_RESERVE_KIB:
		return aerostat_kib(a->port.reserve_pages);
	case KNOB_RELIEF_KIB:
		return aerostat_kib(a->relief_pages);
	case KNOB_STASH_KIB:
		return aerostat_kib(a->stash.max_pages);
	case KNOB_LARGE:
		return config->large;
	default:
		return config->split;
	}
}

/* Sets a knob.  @value must be within its bounds. */
static void set(struct aerostat *a, enum aerostat_knob id, u64 value)
{
	struct aero_config *config = &a->balloon.config;

	switch (id) {
	case KNOB_PERIOD_MS:
		config->pace.period_ms = (u32)value;
		break;
	case KNOB_HOLDOFF_MS:
		config->pace.holdoff_ms = (u32)value;
		break;
	case KNOB_RESERVE_KIB:
		WRITE_ONCE(a->port.reserve_pages,
			   value ? kib_to_pages(value) : default_reserve_pages());
		break;
	case KNOB_RELIEF_KIB:
		WRITE_ONCE(a->relief_pages,
			   value ? max_t(u64, kib_to_pages(value), 1) : default_relief_pages());
		break;
	case KNOB_STASH_KIB:
		WRITE_ONCE(a->stash.max_pages, kib_to_pages(value));
		break;
	case KNOB_LARGE:
		config->large = value;
		break;
	default:
		config->split = value;
		break;
	}
}

int aerostat_knob_write(struct aerostat *a, enum aerostat_knob id, const char *text)
{
	u64 value;
	int err = aerostat_parse_knob(&knobs[id], text, &value);

	if (err)
		return err;
	mutex_lock(&a->step);
	set(a, id, value);
	mutex_unlock(&a->step);
	return 0;
}

void aerostat_knobs_init(struct aerostat *a)
{
	unsigned int id;

	a->balloon.config.pace = *a->backend->pace;
	a->balloon.config.remake = true;
	for (id = 0; id < KNOBS; id++)
		set(a, id, knobs[id].initial);
}
