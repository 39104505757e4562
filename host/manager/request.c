// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Requests, one JSON object each.  docs/use/host.md describes them. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define TIMEOUT_MS	60000
#define TIMEOUT_MOST_MS 3600000

struct request {
	struct aero_manager *m;
	const json_t *object;
	struct aero_host_wait *wait;
};

static char *status(struct request *r)
{
	return aero_report_all(r->m);
}

static size_t aligned(size_t size)
{
	return size - size % _Alignof(max_align_t) + _Alignof(max_align_t);
}

/* The step that would come now, on copies of what the policy remembers. */
static char *plan(struct request *r)
{
	struct aero_manager *m = r->m;
	/* Each begins where anything may begin. */
	size_t n = m->decided, size = aligned(m->config.policy->guest_state_size);
	size_t host_size = aligned(m->config.policy->host_state_size);
	struct aero_host_decision *decisions = calloc(n + 1, sizeof(*decisions));
	void **states = calloc(n + 1, sizeof(*states));
	char *copies = malloc(n * size + host_size), *text = NULL;

	if (decisions && states && copies) {
		memcpy(copies, m->host_state, m->config.policy->host_state_size);
		for (size_t i = 0; i < n; i++) {
			states[i] = copies + host_size + i * size;
			memcpy(states[i], m->guests[i]->state, m->config.policy->guest_state_size);
		}
		m->config.policy->step(m->config.policy_config, copies, &m->host, m->figures,
				       states, n, decisions);
		text = aero_report_plan(m, decisions);
	}
	free(decisions);
	free(states);
	free(copies);
	return text;
}

static char *make_room(struct request *r)
{
	const json_t *size = json_object_get(r->object, "size_kib");
	const json_t *timeout = json_object_get(r->object, "timeout_ms");
	json_int_t ms = timeout ? json_integer_value(timeout) : TIMEOUT_MS;

	if (!json_is_integer(size) || json_integer_value(size) < 1)
		return aero_report_error("size_kib is a whole number above 0");
	if ((timeout && !json_is_integer(timeout)) || ms < 0 || ms > TIMEOUT_MOST_MS)
		return aero_report_error("timeout_ms is a whole number from 0 to %d",
					 TIMEOUT_MOST_MS);
	return aero_room_begin(r->m, (uint64_t)json_integer_value(size), (uint64_t)ms, r->wait);
}

static struct guest *named(const struct request *r)
{
	const char *name = json_string_value(json_object_get(r->object, "guest"));

	for (size_t i = 0; name && i < r->m->count; i++)
		if (!strcmp(r->m->guests[i]->sight.name, name) ||
		    !strcmp(r->m->guests[i]->sight.id, name))
			return r->m->guests[i];
	return NULL;
}

/* Those that were named are put over those that the guest has. */
static bool take_settings(const struct request *r, struct aero_host_settings *s, char *error,
			  size_t size)
{
	const json_t *all = json_object_get(r->object, "settings");
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)all, name, value) {
		if (!aero_host_settings_parse(s, name,
					      json_is_string(value) ? json_string_value(value) : "",
					      error, size))
			return false;
	}
	return true;
}

static char *set(struct request *r)
{
	struct guest *g = named(r);
	struct aero_host_settings s;
	char error[AERO_HOST_WORDS_MAX];

	if (!g)
		return aero_report_error("there is no running guest of that name");
	if (!json_object_size(json_object_get(r->object, "settings")))
		return aero_report_error("settings has at least one of min, max, shares, managed");
	s = g->sight.settings;
	/* What is wrong with the guest's present ones ends here. */
	if (g->sight.complaint[0])
		s.set = 0;
	if (!take_settings(r, &s, error, sizeof(error)))
		return aero_report_error("%s", error);
	if (s.set & AERO_HOST_SET_MAX && s.max_kib > g->sight.boot_kib)
		return aero_report_error("max is more than the %llu MiB that it booted with",
					 (unsigned long long)g->sight.boot_kib / 1024);
	if (s.set & AERO_HOST_SET_MIN &&
	    s.min_kib > (s.set & AERO_HOST_SET_MAX ? s.max_kib : g->sight.boot_kib))
		return aero_report_error("min is above max, or above what it booted with");
	if (r->m->backend->save(r->m->self, g->sight.id, &s))
		return aero_report_error("%s", r->m->backend->error(r->m->self));
	g->sight.settings = s;
	g->sight.complaint[0] = 0;
	aero_guest_limits(r->m, g);
	return aero_report_all(r->m);
}

static const struct command {
	const char *name;
	bool changes;
	char *(*run)(struct request *r);
} commands[] = {
	{"status", false, status},
	{"plan", false, plan},
	{"make-room", true, make_room},
	{"set", true, set},
};

char *aero_manager_request(struct aero_manager *m, const char *text, size_t length, bool may_change,
			   uint64_t now_ms, struct aero_host_wait *wait)
{
	json_error_t where;
	json_t *object = length > AERO_HOST_REQUEST_MAX
				 ? NULL
				 : json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
	const char *name = json_string_value(json_object_get(object, "command"));
	struct request r = {.m = m, .object = object, .wait = wait};
	char *answer = NULL;
	size_t i;

	m->now_ms = now_ms;
	wait->id = 0;
	for (i = 0; name && i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(commands[i].name, name))
			break;
	if (!name || i == sizeof(commands) / sizeof(*commands))
		answer = aero_report_error(
			"a request is a JSON object of at most %u bytes with a command: status, "
			"plan, make-room or set",
			AERO_HOST_REQUEST_MAX);
	else if (commands[i].changes && !may_change)
		answer = aero_report_error("this socket is for reading");
	else
		answer = commands[i].run(&r);
	json_decref(object);
	return answer;
}
