// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager_rig.h"

struct rig rig;

/* ---- the policy ---- */

static void told(const void *config, void *host_state, const struct aero_host_figures *host,
		 const struct aero_host_guest *guests, void *const *states, size_t count,
		 struct aero_host_decision *decisions)
{
	(void)config;
	(void)host_state;
	(void)states;
	rig.host = *host;
	for (size_t i = 0; i < count; i++) {
		rig.seen[i] = guests[i];
		decisions[i] = (struct aero_host_decision){
			.target_kib = rig.told_kib[i] ? rig.told_kib[i] : guests[i].target_kib,
			.need_kib = AERO_HOST_UNKNOWN,
		};
	}
}

const struct aero_host_policy rig_policy_told = {
	.name = "told", .summary = "what the test says", .step = told};

/* ---- the backend ---- */

static struct rig_guest *find(const char *id)
{
	for (size_t i = 0; i < rig.count; i++)
		if (!strcmp(rig.guest[i].sight.id, id))
			return &rig.guest[i];
	return NULL;
}

static int look(void *self, void (*see)(void *to, const struct aero_host_sight *sight), void *to)
{
	(void)self;
	if (rig.away)
		return -ENOTCONN;
	for (size_t i = 0; i < rig.count; i++)
		see(to, &rig.guest[i].sight);
	return 0;
}

static int set_target(void *self, const char *id, uint64_t kib)
{
	struct rig_guest *g = find(id);

	(void)self;
	assert_non_null(g);
	assert_int_equal(g->sight.life, AERO_HOST_RUNNING);
	if (g->refuses)
		return -EIO;
	g->target_kib = kib;
	g->asked++;
	return 0;
}

static int save(void *self, const char *id, const struct aero_host_settings *settings)
{
	(void)self;
	find(id)->sight.settings = *settings;
	find(id)->sight.complaint[0] = 0;
	return 0;
}

static const char *error(void *self)
{
	(void)self;
	return "the backend is away";
}

static const struct aero_host_backend backend = {
	.name = "rig", .look = look, .set_target = set_target, .save = save, .error = error};

/* ---- life ---- */

static void say(const char *line)
{
	strncat(rig.log, line, sizeof(rig.log) - strlen(rig.log) - 2);
	strcat(rig.log, "\n");
}

void rig_start(uint64_t memory_mib, const struct aero_host_policy *policy)
{
	memset(&rig, 0, sizeof(rig));
	aero_manager_config_initial(&rig.config);
	rig.config.policy = policy;
	rig.config.policy_config = calloc(1, policy->config_size + 1);
	if (policy != &rig_policy_told)
		aero_host_policy_set_initial(policy, rig.config.policy_config);
	rig.config.memory_kib = memory_mib * MIB;
	rig.config.reserve_kib = 0;
	rig.config.say = say;
	rig.now_ms = 1000000;
	rig.reading = (struct aero_host_reading){
		.total_kib = memory_mib * MIB,
		.available_kib = AERO_HOST_UNKNOWN,
		.some_permille = AERO_POLICY_UNKNOWN,
		.full_permille = AERO_POLICY_UNKNOWN,
	};
	rig.manager = aero_manager_new(&rig.config, &backend, NULL);
	assert_non_null(rig.manager);
}

void rig_restart(void)
{
	aero_manager_free(rig.manager);
	rig.manager = aero_manager_new(&rig.config, &backend, NULL);
	assert_non_null(rig.manager);
}

void rig_end(void)
{
	aero_manager_free(rig.manager);
	free(rig.config.policy_config);
}

struct rig_guest *rig_add(const char *name, uint64_t mib)
{
	struct rig_guest *g = &rig.guest[rig.count++];

	*g = (struct rig_guest){.target_kib = mib * MIB, .speed_kib = UINT64_MAX};
	g->sight = (struct aero_host_sight){
		.balloon = true,
		.boot_kib = mib * MIB,
		.current_kib = mib * MIB,
		.resident_kib = mib * MIB,
		.mark = 1,
		.unused_kib = mib * MIB / 2,
		.usable_kib = mib * MIB / 2,
		.cache_kib = 0,
	};
	snprintf(g->sight.id, sizeof(g->sight.id), "id-%s", name);
	snprintf(g->sight.name, sizeof(g->sight.name), "%s", name);
	return g;
}

static void move(struct rig_guest *g)
{
	uint64_t *has = &g->sight.current_kib;

	if (g->sight.life != AERO_HOST_RUNNING)
		return;
	if (*has > g->target_kib)
		*has -= *has - g->target_kib < g->speed_kib ? *has - g->target_kib : g->speed_kib;
	else
		*has += g->target_kib - *has < g->speed_kib ? g->target_kib - *has : g->speed_kib;
	if (!g->silent && g->sight.mark)
		g->sight.mark++;
}

int rig_step(void)
{
	rig.now_ms += 1000;
	for (size_t i = 0; i < rig.count; i++)
		move(&rig.guest[i]);
	return aero_manager_step(rig.manager, &rig.reading, rig.now_ms);
}

void rig_steps(unsigned int n)
{
	while (n--)
		assert_int_equal(rig_step(), 0);
}

json_t *rig_ask(struct aero_host_wait *wait, bool may_change, const char *format, ...)
{
	struct aero_host_wait none = {0};
	char text[1024], *answer;
	va_list args;
	json_t *all;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	answer = aero_manager_request(rig.manager, text, strlen(text), may_change, rig.now_ms,
				      wait ? wait : &none);
	if (!answer)
		return NULL;
	all = json_loads(answer, 0, NULL);
	assert_non_null(all);
	free(answer);
	return all;
}

static const char *of_guest(unsigned int guest, const char *what)
{
	static char text[AERO_HOST_WORDS_MAX];
	json_t *all = rig_ask(NULL, false, "{\"command\": \"status\"}");
	const char *found = json_string_value(
		json_object_get(json_array_get(json_object_get(all, "guests"), guest), what));

	snprintf(text, sizeof(text), "%s", found ? found : "");
	json_decref(all);
	return text;
}

const char *rig_mode(unsigned int guest)
{
	return of_guest(guest, "mode");
}

const char *rig_why(unsigned int guest)
{
	return of_guest(guest, "why");
}

unsigned int rig_said(const char *words)
{
	unsigned int n = 0;

	for (const char *at = rig.log; (at = strstr(at, words)); at++)
		n++;
	return n;
}

uint64_t rig_promised_kib(void)
{
	uint64_t kib = 0;

	for (size_t i = 0; i < rig.count; i++) {
		const struct rig_guest *g = &rig.guest[i];

		kib += g->sight.current_kib > g->target_kib ? g->sight.current_kib : g->target_kib;
	}
	return kib;
}
