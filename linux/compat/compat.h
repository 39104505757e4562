/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What differs between kernels, in one place. */
#ifndef AEROSTAT_LINUX_COMPAT_H
#define AEROSTAT_LINUX_COMPAT_H

#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/vmstat.h>

/*
 * From 7.0 on the kernel puts pages on a balloon's list and replaces those that have
 * migrated all by itself, and keeps the lock it takes for that to itself.
 */
#ifdef AERO_HAVE_BALLOON_H
#include <linux/balloon.h>
#define AERO_BALLOON_CORE 1
#else
#include <linux/balloon_compaction.h>
#define AERO_BALLOON_CORE 0
#endif

#if IS_ENABLED(CONFIG_BALLOON_MIGRATION) || IS_ENABLED(CONFIG_BALLOON_COMPACTION)
#define AERO_MIGRATION 1
#else
#define AERO_MIGRATION 0
#endif

/* Before 6.0 a page could only be migrated through the mapping of an inode (mapping.c). */
#if AERO_MIGRATION && LINUX_VERSION_CODE < KERNEL_VERSION(6, 0, 0)
#define AERO_MIGRATION_BY_MAPPING 1
#else
#define AERO_MIGRATION_BY_MAPPING 0
#endif

#if !AERO_BALLOON_CORE

/* An isolated page stops being one of a balloon's; it is locked. */
static inline void aero_compat_finalize(struct page *page)
{
#ifdef AERO_HAVE_BALLOON_PAGE_FINALIZE
	balloon_page_finalize(page);
#else
	balloon_page_delete(page);
#endif
}

#endif

/* How much of a node is ballooned, for /proc/meminfo where the kernel shows it there. */
static inline void aero_compat_count_held(struct page *page, long pages)
{
#ifdef AERO_HAVE_NR_BALLOON_PAGES
	mod_node_page_state(page_pgdat(page), NR_BALLOON_PAGES, pages);
#endif
}

/* From 6.10 on the string's source is known from the field's declaration. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define aero_assign_str(field, text) __assign_str(field)
#else
#define aero_assign_str(field, text) __assign_str(field, text)
#endif

/* Before 5.16 they were called otherwise; <xen/balloon.h> declares them. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0)
#define xen_alloc_ballooned_pages alloc_xenballooned_pages
#define xen_free_ballooned_pages  free_xenballooned_pages
#endif

/* A page that comes online is marked as nobody's: as reserved, later as offline. */
static inline void aero_compat_claim_onlined(struct page *page)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
	__ClearPageOffline(page);
#else
	__ClearPageReserved(page);
#endif
}

#ifdef CONFIG_MEMORY_HOTPLUG

/* The first byte that the kernel's own map of memory does not reach. */
static inline u64 aero_compat_hotplug_end(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 12, 0)
	u64 last = mhp_get_pluggable_range(true).end;

	return last == U64_MAX ? last : last + 1;
#else
	return U64_MAX;
#endif
}

/* Its name before 5.12. */
#ifndef MHP_MERGE_RESOURCE
#define MHP_MERGE_RESOURCE MEMHP_MERGE_RESOURCE
#endif

static inline int aero_compat_add_memory(u64 start, u64 size)
{
	return add_memory_driver_managed(memory_add_physaddr_to_nid(start), start, size,
					 "System RAM (aerostat)", MHP_MERGE_RESOURCE);
}

#endif

typedef unsigned long (*aero_shrinker_fn)(struct shrinker *shrinker, struct shrink_control *sc);

/* Pages given back for each call of the scan function, at the least. */
#define AERO_SHRINKER_BATCH 512

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
	s->shrinker.seeks = DEFAULT_SEEKS;
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
