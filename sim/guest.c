// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "guest.h"

#include <string.h>

/* A disk: pages it reads in a millisecond, and how long a reader waits for one. */
#define DISK_PAGES_PER_MS 50U
#define FETCH_US	  100U
/* How long it takes to evict a page that is on disk already. */
#define EVICT_US	  1U
/* Pages that one stall of a task evicts. */
#define STALL_PAGES	  32U
/* Of the swapped pages, the part used in a second: one in so many. */
#define SWAP_TOUCHED	  64U

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t all_free(const struct sim_guest *g)
{
	return less(g->managed_pages,
		    g->kernel_pages + g->anon_pages + g->hot_pages + g->cold_pages);
}

/* Free for processes and the balloon. */
static uint64_t spare(const struct sim_guest *g)
{
	return less(all_free(g), g->reserve_pages);
}

void sim_guest_init(struct sim_guest *g, uint64_t total_pages)
{
	*g = (struct sim_guest){
		.total_pages = total_pages,
		.unmanaged_pages = total_pages / 40,
		.kernel_pages = 6144 + total_pages / 64,
		.reserve_pages = 1024 + total_pages / 64,
		.swap_pages = total_pages / 2,
	};
	g->managed_pages = total_pages - g->unmanaged_pages;
}

/* Evicts page cache, what is cold first.  Returns what it got. */
static uint64_t evict_cache(struct sim_guest *g, uint64_t pages)
{
	uint64_t cold = lesser(pages, g->cold_pages), hot = lesser(pages - cold, g->hot_pages);

	g->cold_pages -= cold;
	g->hot_pages -= hot;
	g->figures.scanned_pages += cold + hot;
	g->figures.stolen_pages += cold + hot;
	return cold + hot;
}

static uint64_t swap_out(struct sim_guest *g, uint64_t pages)
{
	pages = lesser(lesser(pages, g->anon_pages), less(g->swap_pages, g->swapped_pages));
	g->anon_pages -= pages;
	g->swapped_pages += pages;
	g->figures.swap_out_pages += pages;
	g->figures.scanned_pages += pages;
	g->figures.stolen_pages += pages;
	return pages;
}

static uint64_t deflate(struct sim_guest *g, uint64_t pages, uint64_t *host_free_pages)
{
	uint64_t got;

	pages = lesser(pages, less(g->total_pages, g->managed_pages + g->unmanaged_pages));
	got = lesser(pages, *host_free_pages);
	*host_free_pages -= got;
	g->managed_pages += got;
	g->denied_pages += pages - got;
	return got;
}

/* The balloon takes free pages, then cache as its allocations reclaim it; no more. */
static uint64_t inflate(struct sim_guest *g, uint64_t pages, uint64_t *host_free_pages)
{
	uint64_t free = spare(g);

	if (pages > free) {
		uint64_t evicted = evict_cache(g, pages - free);

		g->figures.stalls += evicted / STALL_PAGES;
		pages = free + evicted;
	}
	g->managed_pages -= pages;
	*host_free_pages += pages;
	return pages;
}

/*
 * Room for @pages more of processes' memory: free pages, cache, the balloon (it
 * gives back when the kernel is at its last resort), swap.  Returns what there is.
 */
static uint64_t make_room(struct sim_guest *g, uint64_t pages, uint64_t *host_free_pages)
{
	uint64_t room = spare(g), got;

	if (room < pages) {
		got = evict_cache(g, pages - room);
		g->figures.stalls += got / STALL_PAGES;
		room += got;
	}
	if (room < pages && !g->sealed) {
		got = deflate(g, pages - room, host_free_pages);
		g->figures.relieved_pages += got;
		g->figures.stalls += got / STALL_PAGES + 1;
		room += got;
	}
	if (room < pages) {
		got = swap_out(g, pages - room);
		g->figures.stalls += got / STALL_PAGES + 1;
		room += got;
	}
	return lesser(room, pages);
}

static void run_processes(struct sim_guest *g, uint64_t want, uint64_t *host_free_pages)
{
	uint64_t have = g->anon_pages + g->swapped_pages, gone;

	if (want >= have) {
		uint64_t got = make_room(g, want - have, host_free_pages);

		g->anon_pages += got;
		g->homeless_pages = want - have - got;
		return;
	}
	/* Who ends frees of both kinds. */
	gone = (have - want) * g->swapped_pages / have;
	g->swapped_pages -= gone;
	g->anon_pages -= have - want - gone;
}

static void swap_in(struct sim_guest *g, uint32_t step_ms, uint64_t disk, uint64_t *host_free_pages)
{
	uint64_t pages =
		g->swapped_pages * lesser(step_ms, 1000 * SWAP_TOUCHED) / (1000 * SWAP_TOUCHED);

	pages = make_room(g, lesser(pages, disk), host_free_pages);
	g->swapped_pages -= pages;
	g->anon_pages += pages;
	g->figures.swap_in_pages += pages;
}

/* Into free memory, then in the place of cold cache; else nothing stays. */
static uint64_t cache_room(struct sim_guest *g, uint64_t pages)
{
	uint64_t room = spare(g), cold;

	if (room >= pages)
		return pages;
	cold = lesser(pages - room, g->cold_pages);
	g->cold_pages -= cold;
	g->figures.scanned_pages += cold;
	g->figures.stolen_pages += cold;
	return room + cold;
}

/* A page of the hot files that is missing was read before, or never. */
static void read_files(struct sim_guest *g, const struct sim_load *load, uint64_t disk)
{
	uint64_t missing, fetched, again;

	if (g->hot_pages > load->hot_pages) {
		g->cold_pages += g->hot_pages - load->hot_pages;
		g->hot_pages = load->hot_pages;
	}
	g->known_pages = lesser(g->known_pages, load->hot_pages);
	missing = load->hot_pages - g->hot_pages;
	fetched = lesser(missing, disk);
	again = lesser(fetched, g->known_pages - lesser(g->known_pages, g->hot_pages));
	g->figures.refaults += again;
	g->hot_pages += cache_room(g, fetched);
	g->known_pages += fetched - again;
	g->cold_pages += cache_room(g, lesser(load->stream_pages, disk - fetched));
}

static void tell(struct sim_guest *g, const struct sim_load *load, uint32_t step_ms)
{
	struct aero_policy_figures *f = &g->figures;
	uint64_t cache = g->hot_pages + g->cold_pages, waited_us;

	f->managed_pages = g->managed_pages;
	f->committed_pages = load->committed_pages;
	f->reserve_pages = g->reserve_pages;
	f->swapped_pages = g->swapped_pages;
	f->max_pfn = g->total_pages;
	f->current_pages = g->managed_pages + g->unmanaged_pages;
	f->free_pages = all_free(g);
	f->available_pages = spare(g) + cache - lesser(cache / 2, g->reserve_pages / 2);
	f->file_active_pages = g->hot_pages;
	f->file_inactive_pages = g->cold_pages;
	f->anon_pages = g->anon_pages;
	f->interval_ms = step_ms;
	g->unmet_pages = less(load->anon_pages, g->anon_pages) + load->hot_pages - g->hot_pages;
	waited_us = (f->refaults + f->swap_in_pages + f->swap_out_pages) * FETCH_US +
		    f->stalls * STALL_PAGES * EVICT_US;
	/* Who has not got memory at all waits all the time. */
	if (g->homeless_pages)
		waited_us = (uint64_t)step_ms * 1000;
	g->stalled_permille = (uint32_t)lesser(waited_us / step_ms, 1000);
	f->some_permille = g->stalled_permille;
	f->full_permille = g->stalled_permille / 2;
}

void sim_guest_step(struct sim_guest *g, const struct sim_load *load, uint64_t target_pages,
		    uint32_t step_ms, uint64_t *host_free_pages)
{
	uint64_t now = g->managed_pages + g->unmanaged_pages;
	uint64_t disk = (uint64_t)step_ms * DISK_PAGES_PER_MS;

	memset(&g->figures, 0, sizeof(g->figures));
	g->homeless_pages = 0;
	g->denied_pages = 0;
	if (target_pages > now)
		deflate(g, target_pages - now, host_free_pages);
	else
		inflate(g, now - target_pages, host_free_pages);
	run_processes(g, load->anon_pages, host_free_pages);
	swap_in(g, step_ms, disk, host_free_pages);
	read_files(g, load, disk - lesser(disk, g->figures.swap_in_pages));
	tell(g, load, step_ms);
}
