// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* One virtual machine's balloon: its beginning and end, its target, and queries about it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

int aero_monitor_create(struct aero_monitor **out, const struct aero_monitor_host *host,
			const struct aero_monitor_config *config)
{
	struct aero_monitor *m;
	int err;

	if (config->ram_pages < 1 || config->ram_pages > config->pfn_end ||
	    config->caps & ~AERO_VMW_CAP_ALL)
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	err = aero_books_open(&m->books, &host->memory, config->pfn_end);
	if (err) {
		free(m);
		return err;
	}
	m->host = *host;
	m->config = *config;
	aero_books_target_init(&m->target, config->ram_pages);
	*out = m;
	return 0;
}

void aero_monitor_destroy(struct aero_monitor *m)
{
	if (!m)
		return;
	aero_books_close(&m->books);
	free(m);
}

/* ---- the connection ---- */

/* Ends the connection: locks, capabilities, doorbell and the guest's identity are forgotten. */
void aero_monitor_forget(struct aero_monitor *m)
{
	aero_books_release_all(&m->books);
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
	m->target.limit = 0;
	aero_monitor_update_target(m);
}

void aero_monitor_forget_locks(struct aero_monitor *m)
{
	aero_books_release_all(&m->books);
}

void aero_monitor_demand_reset(struct aero_monitor *m)
{
	aero_monitor_forget(m);
	m->counters.resets_demanded++;
	aero_monitor_update_target(m);
}

/* ---- the target ---- */

/* Computes the target anew.  Returns true if it has changed. */
bool aero_monitor_update_target(struct aero_monitor *m)
{
	m->target.told_max = m->caps & AERO_VMW_CAP_TARGET_64 ? UINT64_MAX : UINT32_MAX;
	return aero_books_target_update(&m->target);
}

static void update_and_ring(struct aero_monitor *m)
{
	if (!aero_monitor_update_target(m) || !m->doorbell_set || !m->host.ring)
		return;
	m->counters.doorbell_rings++;
	m->host.ring(m->books.memory.ctx, m->doorbell_context, m->doorbell_resource);
}

uint64_t aero_monitor_set_target(struct aero_monitor *m, uint64_t pages)
{
	m->target.wanted = pages;
	update_and_ring(m);
	return m->target.pages;
}

void aero_monitor_force_target(struct aero_monitor *m, uint64_t pages)
{
	m->target.forced = pages;
	update_and_ring(m);
}

/* ---- queries ---- */

uint64_t aero_monitor_limit(const struct aero_monitor *m)
{
	return aero_books_target_limit(&m->target);
}

uint64_t aero_monitor_wanted(const struct aero_monitor *m)
{
	return m->target.wanted;
}

uint64_t aero_monitor_target(const struct aero_monitor *m)
{
	return m->target.pages;
}

uint64_t aero_monitor_size(const struct aero_monitor *m)
{
	return m->books.held_pages;
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
	return aero_books_order(&m->books, pfn);
}

bool aero_monitor_is_locked(const struct aero_monitor *m, uint64_t pfn)
{
	return aero_books_order(&m->books, pfn) >= 0;
}

bool aero_monitor_next_locked(const struct aero_monitor *m, uint64_t from, uint64_t *pfn,
			      unsigned int *order)
{
	return aero_books_next(&m->books, from, pfn, order);
}

bool aero_monitor_is_valid(const struct aero_monitor *m)
{
	return aero_books_is_valid(&m->books) && (m->connected || m->books.held_pages == 0);
}

const struct aero_monitor_counters *aero_monitor_counters(const struct aero_monitor *m)
{
	return &m->counters;
}

const struct aero_books_counters *aero_monitor_memory_counters(const struct aero_monitor *m)
{
	return &m->books.counters;
}

void aero_monitor_zero_counters(struct aero_monitor *m)
{
	memset(&m->counters, 0, sizeof(m->counters));
	memset(&m->books.counters, 0, sizeof(m->books.counters));
}

void aero_monitor_look(const struct aero_monitor *m, struct aero_monitor_view *view)
{
	*view = (struct aero_monitor_view){
		.config = m->config,
		.guest_id = m->guest_id,
		.limit_said = m->target.limit,
		.forced_target = m->target.forced,
		.withheld = m->withheld,
		.old_host = m->old_host,
		.doorbell_set = m->doorbell_set,
		.doorbell_context = m->doorbell_context,
		.doorbell_resource = m->doorbell_resource,
	};
}
