// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The manager as JSON.  A size that is not known is null. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"
#include "json/build.h"

/* docs/use/host.md names them. */
static const char *const modes[] = {
	[AERO_HOST_MANAGED] = "managed",	 [AERO_HOST_FIXED] = "fixed",
	[AERO_HOST_UNREACHABLE] = "unreachable", [AERO_HOST_STUCK] = "stuck",
	[AERO_HOST_STARTING] = "starting",
};

struct report {
	struct aero_json_builder builder;
	json_t *object;
};

static struct report begin(void)
{
	return (struct report){.object = json_object()};
}

static void put(struct report *r, const char *key, json_t *value)
{
	aero_json_set(&r->builder, r->object, key, value);
}

static void put_kib(struct report *r, const char *key, uint64_t kib)
{
	put(r, key, kib > INT64_MAX ? json_null() : json_integer((json_int_t)kib));
}

static void put_share(struct report *r, const char *key, uint32_t permille)
{
	put(r, key, permille == AERO_POLICY_UNKNOWN ? json_null() : json_integer(permille));
}

/* Names come from outside and may be no UTF-8. */
static void put_text(struct report *r, const char *key, const char *text)
{
	json_t *value = json_string(text);

	put(r, key, value ? value : json_string(aero_host_shown(text)));
}

static void put_limits(struct report *r, const struct guest *g)
{
	put_text(r, "name", g->sight.name);
	put_text(r, "id", g->sight.id);
	put(r, "mode", json_string(modes[g->mode]));
	put_text(r, "why", g->why);
	put_text(r, "complaint", g->complained);
	put(r, "managed", json_boolean(g->managed));
	put_kib(r, "min_kib", g->min_kib);
	put_kib(r, "max_kib", g->max_kib);
	put_kib(r, "boot_kib", g->sight.boot_kib);
	put(r, "shares", json_integer(g->shares));
}

static void put_figures(struct report *r, const struct aero_host_guest *f)
{
	bool silent = f->statistics_age_ms == UINT32_MAX;

	put_kib(r, "current_kib", f->current_kib);
	put_kib(r, "resident_kib", f->resident_kib);
	put(r, "statistics_age_ms", silent ? json_null() : json_integer(f->statistics_age_ms));
	put_kib(r, "unused_kib", silent ? AERO_HOST_UNKNOWN : f->unused_kib);
	put_kib(r, "usable_kib", silent ? AERO_HOST_UNKNOWN : f->usable_kib);
	put_kib(r, "cache_kib", silent ? AERO_HOST_UNKNOWN : f->cache_kib);
	put_kib(r, "swap_in_kib", f->swap_in_kib);
	put_kib(r, "swap_out_kib", f->swap_out_kib);
	put_kib(r, "major_faults", f->major_faults);
}

static void put_decision(struct report *r, const struct aero_host_decision *d)
{
	bool known = (unsigned int)d->reason < AERO_HOST_REASONS;

	put_kib(r, "need_kib", d->need_kib);
	put_kib(r, "decided_kib", d->target_kib);
	put(r, "reason", json_string(known ? aero_host_reason_name(d->reason) : "unknown"));
}

static json_t *guest(struct aero_manager *m, struct aero_json_builder *b, size_t i,
		     const struct aero_host_decision *decisions)
{
	const struct guest *g = m->guests[i];
	struct report r = begin();

	put_limits(&r, g);
	put_figures(&r, &m->figures[i]);
	put_decision(&r, &decisions[i]);
	put_kib(&r, "target_kib", g->target_kib);
	put_kib(&r, "promised_kib", aero_guest_promised_kib(g));
	put_kib(&r, "moves", g->moves);
	put_kib(&r, "turns", g->turns);
	put_kib(&r, "failures", g->failures);
	b->failed |= r.builder.failed;
	return r.object;
}

static json_t *host(struct aero_manager *m, struct aero_json_builder *b)
{
	const struct aero_host_figures *h = &m->host;
	struct report r = begin();
	uint64_t promised = 0;

	for (size_t i = 0; i < m->count; i++)
		promised = sum(promised, aero_guest_promised_kib(m->guests[i]));
	put_kib(&r, "total_kib", h->total_kib);
	put_kib(&r, "available_kib", h->available_kib);
	put_kib(&r, "reserve_kib", h->reserve_kib);
	put_kib(&r, "overhead_kib", h->overhead_kib);
	put_kib(&r, "room_kib", m->room.wanted_kib);
	put(&r, "room_made", json_boolean(m->room.reached));
	put_kib(&r, "promised_kib", promised);
	put_kib(&r, "free_kib", aero_manager_free_kib(m));
	put_share(&r, "some_permille", h->some_permille);
	put_share(&r, "full_permille", h->full_permille);
	b->failed |= r.builder.failed;
	return r.object;
}

static void put_all(struct report *r, struct aero_manager *m,
		    const struct aero_host_decision *decisions)
{
	json_t *guests = json_array();

	put(r, "ok", json_true());
	put(r, "backend", json_string(m->backend->name));
	put(r, "connected", json_boolean(m->connected));
	put_text(r, "failure", m->failure);
	put(r, "policy", json_string(m->config.policy->name));
	put(r, "dry_run", json_boolean(m->config.dry_run));
	put(r, "period_ms", json_integer(m->config.period_ms));
	put_kib(r, "steps", m->steps);
	put(r, "host", host(m, &r->builder));
	for (size_t i = 0; i < m->decided; i++)
		aero_json_append(&r->builder, guests, guest(m, &r->builder, i, decisions));
	put(r, "guests", guests);
}

char *aero_report_plan(struct aero_manager *m, const struct aero_host_decision *decisions)
{
	struct report r = begin();

	put_all(&r, m, decisions);
	return aero_json_finish(&r.builder, r.object);
}

char *aero_report_all(struct aero_manager *m)
{
	return aero_report_plan(m, m->decisions);
}

char *aero_report_error(const char *format, ...)
{
	struct report r = begin();
	char words[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	put(&r, "ok", json_false());
	put_text(&r, "error", words);
	return aero_json_finish(&r.builder, r.object);
}

char *aero_report_room(struct aero_manager *m, bool made, const char *why)
{
	struct report r = begin();

	put(&r, "ok", json_boolean(made));
	put_kib(&r, "free_kib", aero_manager_free_kib(m));
	if (made) {
		put(&r, "kept_ms", json_integer(m->config.hold_ms));
	} else {
		char words[1024];

		snprintf(words, sizeof(words), "only %llu MiB became free; can't give: %s",
			 (unsigned long long)aero_manager_free_kib(m) / 1024, why);
		put_text(&r, "error", words);
	}
	return aero_json_finish(&r.builder, r.object);
}
