// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * One virtual machine's balloon: its life, its target, its books.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static bool config_is_good(const struct aero_monitor_host *host,
			   const struct aero_monitor_config *config)
{
	if (!host->is_ram || !host->read || !host->write || !host->discard)
		return false;
	return config->pfn_end >= 1 && config->pfn_end <= AERO_PFN_END_MAX &&
	       config->ram_pages >= 1 && config->ram_pages <= config->pfn_end &&
	       !(config->caps & ~AERO_VMW_CAP_ALL);
}

int aero_monitor_create(struct aero_monitor **out, const struct aero_monitor_host *host,
			const struct aero_monitor_config *config)
{
	struct aero_monitor *m;
	uint64_t runs;

	if (!config_is_good(host, config))
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;

	/* Whole runs, so that a run's words can be looked at without a bound check. */
	runs = (config->pfn_end + AERO_RUN_PAGES - 1) / AERO_RUN_PAGES;
	m->words_4k = runs * (AERO_RUN_PAGES / 64);
	m->words_2m = (runs + 63) / 64;
	m->locked_4k = calloc(m->words_4k, sizeof(uint64_t));
	m->locked_2m = calloc(m->words_2m, sizeof(uint64_t));
	if (!m->locked_4k || !m->locked_2m) {
		aero_monitor_destroy(m);
		return -ENOMEM;
	}
	m->host = *host;
	m->config = *config;
	m->forced = AERO_MONITOR_NOT_FORCED;
	*out = m;
	return 0;
}

void aero_monitor_destroy(struct aero_monitor *m)
{
	if (!m)
		return;
	free(m->locked_4k);
	free(m->locked_2m);
	free(m);
}

void aero_monitor_populate(struct aero_monitor *m, uint64_t pfn, uint64_t pages)
{
	if (m->host.populate && m->host.populate(m->host.ctx, pfn, pages))
		m->counters.populate_failures++;
}

/* Gives all locked memory back to the host's populate, neighbours merged. */
static void populate_all(struct aero_monitor *m)
{
	uint64_t from = 0;
	uint64_t pages = 0;
	uint64_t at = 0;
	uint64_t pfn;
	unsigned int order;

	while (aero_monitor_next_locked(m, at, &pfn, &order)) {
		if (pages && pfn == from + pages) {
			pages += 1ULL << order;
		} else {
			if (pages)
				aero_monitor_populate(m, from, pages);
			from = pfn;
			pages = 1ULL << order;
		}
		at = pfn + (1ULL << order);
	}
	if (pages)
		aero_monitor_populate(m, from, pages);
}

/* Ends the connection: locks, capabilities, doorbell and the guest's name are gone. */
void aero_monitor_forget(struct aero_monitor *m)
{
	if (m->size) {
		if (m->host.populate)
			populate_all(m);
		memset(m->locked_4k, 0, m->words_4k * sizeof(uint64_t));
		memset(m->locked_2m, 0, m->words_2m * sizeof(uint64_t));
		m->size = 0;
	}
	m->connected = false;
	m->caps = 0;
	m->guest_id = 0;
	m->doorbell_set = false;
	m->doorbell_context = 0;
	m->doorbell_resource = 0;
	m->mark_valid = false;
}

void aero_monitor_reset(struct aero_monitor *m)
{
	aero_monitor_forget(m);
	m->limit = 0;
	aero_monitor_update_target(m);
}

void aero_monitor_demand_reset(struct aero_monitor *m)
{
	aero_monitor_forget(m);
	m->counters.resets_demanded++;
	aero_monitor_update_target(m);
}

uint64_t aero_monitor_limit(const struct aero_monitor *m)
{
	if (m->limit == 0 || m->limit > m->config.ram_pages)
		return m->config.ram_pages;
	return m->limit;
}

static uint64_t clamp(const struct aero_monitor *m, uint64_t pages)
{
	uint64_t limit = aero_monitor_limit(m);
	uint64_t keep = limit / AERO_KEEP_FRACTION;
	uint64_t most;

	if (keep < AERO_KEEP_PAGES)
		keep = AERO_KEEP_PAGES;
	most = limit > keep ? limit - keep : 0;
	return pages < most ? pages : most;
}

/* Works the target out anew; true when it is another one than before. */
bool aero_monitor_update_target(struct aero_monitor *m)
{
	uint64_t before = m->target;

	m->target = m->forced == AERO_MONITOR_NOT_FORCED ? clamp(m, m->wanted) : m->forced;
	/* The guest would cut it off at 32 bits, and see a small target. */
	if (!(m->caps & AERO_VMW_CAP_TARGET_64) && m->target > UINT32_MAX)
		m->target = UINT32_MAX;
	return m->target != before;
}

static void update_and_ring(struct aero_monitor *m)
{
	if (!aero_monitor_update_target(m) || !m->doorbell_set || !m->host.ring)
		return;
	m->counters.doorbell_rings++;
	m->host.ring(m->host.ctx, m->doorbell_context, m->doorbell_resource);
}

uint64_t aero_monitor_set_target(struct aero_monitor *m, uint64_t pages)
{
	m->wanted = pages;
	update_and_ring(m);
	return m->target;
}

void aero_monitor_force_target(struct aero_monitor *m, uint64_t pages)
{
	m->forced = pages;
	update_and_ring(m);
}

uint64_t aero_monitor_wanted(const struct aero_monitor *m)
{
	return m->wanted;
}

uint64_t aero_monitor_target(const struct aero_monitor *m)
{
	return m->target;
}

uint64_t aero_monitor_size(const struct aero_monitor *m)
{
	return m->size;
}

bool aero_monitor_connected(const struct aero_monitor *m)
{
	return m->connected;
}

uint32_t aero_monitor_caps(const struct aero_monitor *m)
{
	return m->caps;
}

int aero_monitor_locked_order(const struct aero_monitor *m, uint64_t pfn)
{
	if (pfn >= m->config.pfn_end)
		return -1;
	if (aero_bit(m->locked_2m, pfn >> AERO_VMW_2M_ORDER))
		return AERO_VMW_2M_ORDER;
	return aero_bit(m->locked_4k, pfn) ? 0 : -1;
}

bool aero_monitor_is_locked(const struct aero_monitor *m, uint64_t pfn)
{
	return aero_monitor_locked_order(m, pfn) >= 0;
}

bool aero_monitor_next_locked(const struct aero_monitor *m, uint64_t from, uint64_t *pfn,
			      unsigned int *order)
{
	while (from < m->config.pfn_end) {
		if (from % AERO_RUN_PAGES == 0 &&
		    aero_bit(m->locked_2m, from >> AERO_VMW_2M_ORDER)) {
			*pfn = from;
			*order = AERO_VMW_2M_ORDER;
			return true;
		}
		if (aero_bit(m->locked_4k, from)) {
			*pfn = from;
			*order = 0;
			return true;
		}
		/* Words without a page are most of a balloon of 2 MiB runs. */
		from = from % 64 || m->locked_4k[from / 64] ? from + 1 : from + 64;
	}
	return false;
}

/* Do the books of one run agree with themselves?  Adds its locked pages to *locked. */
static bool run_is_valid(const struct aero_monitor *m, uint64_t run, uint64_t *locked)
{
	uint64_t words = AERO_RUN_PAGES / 64;
	uint64_t pages = 0;

	for (uint64_t i = 0; i < words; i++)
		pages += (uint64_t)__builtin_popcountll(m->locked_4k[run * words + i]);
	if (aero_bit(m->locked_2m, run)) {
		if (pages || (run + 1) * AERO_RUN_PAGES > m->config.pfn_end)
			return false;
		pages = AERO_RUN_PAGES;
	}
	*locked += pages;
	return true;
}

bool aero_monitor_is_valid(const struct aero_monitor *m)
{
	uint64_t runs = m->words_4k / (AERO_RUN_PAGES / 64);
	uint64_t locked = 0;

	for (uint64_t run = 0; run < runs; run++)
		if (!run_is_valid(m, run, &locked))
			return false;
	for (uint64_t pfn = m->config.pfn_end; pfn < runs * AERO_RUN_PAGES; pfn++)
		if (aero_bit(m->locked_4k, pfn))
			return false;
	return locked == m->size && (m->connected || locked == 0);
}

const struct aero_monitor_counters *aero_monitor_counters(const struct aero_monitor *m)
{
	return &m->counters;
}

void aero_monitor_zero_counters(struct aero_monitor *m)
{
	memset(&m->counters, 0, sizeof(m->counters));
}
