/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How different kernels register a shrinker and pass its data to it. */
#ifndef AEROSTAT_COMPAT_SHRINKER_H
#define AEROSTAT_COMPAT_SHRINKER_H

#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/version.h>

typedef unsigned long (*aero_shrinker_fn)(struct shrinker *shrinker, struct shrink_control *sc);

/* The smallest number of pages that one call of the scan function is asked for. */
#define AERO_SHRINKER_BATCH 512

/*
 * 0 lets each round of reclaim ask for half of what is counted, whatever the round's priority.  The
 * balloon counts no more than the guest lacks, and to give that back needs no I/O.
 */
#define AERO_SHRINKER_SEEKS 0

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)

static inline struct shrinker *aero_compat_shrinker_register(const char *name,
							     aero_shrinker_fn count,
							     aero_shrinker_fn scan, void *data)
{
	struct shrinker *shrinker = shrinker_alloc(0, "%s", name);

	if (!shrinker)
		return NULL;
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker->batch = AERO_SHRINKER_BATCH;
	shrinker->seeks = AERO_SHRINKER_SEEKS;
	shrinker->private_data = data;
	shrinker_register(shrinker);
	return shrinker;
}

static inline void *aero_compat_shrinker_data(struct shrinker *shrinker)
{
	return shrinker->private_data;
}

static inline void aero_compat_shrinker_free(struct shrinker *shrinker)
{
	shrinker_free(shrinker);
}

#else

struct aero_compat_shrinker {
	struct shrinker shrinker;
	void *data;
};

static inline struct shrinker *aero_compat_shrinker_register(const char *name,
							     aero_shrinker_fn count,
							     aero_shrinker_fn scan, void *data)
{
	struct aero_compat_shrinker *s = kzalloc(sizeof(*s), GFP_KERNEL);
	int err;

	if (!s)
		return NULL;
	s->data = data;
	s->shrinker.count_objects = count;
	s->shrinker.scan_objects = scan;
	s->shrinker.batch = AERO_SHRINKER_BATCH;
	s->shrinker.seeks = AERO_SHRINKER_SEEKS;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 0, 0)
	err = register_shrinker(&s->shrinker, "%s", name);
#else
	err = register_shrinker(&s->shrinker);
#endif
	if (!err)
		return &s->shrinker;
	kfree(s);
	return NULL;
}

static inline void *aero_compat_shrinker_data(struct shrinker *shrinker)
{
	return container_of(shrinker, struct aero_compat_shrinker, shrinker)->data;
}

static inline void aero_compat_shrinker_free(struct shrinker *shrinker)
{
	unregister_shrinker(shrinker);
	kfree(container_of(shrinker, struct aero_compat_shrinker, shrinker));
}

#endif

#endif
