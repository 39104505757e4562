// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A guest's limits.  What is kept with the guest stands above the configuration, and that above
 * the defaults.  Where one of them is wrong the defaults apply.
 */
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* Once, and again when something else is wrong. */
__attribute__((format(printf, 3, 4))) static void complain(struct aero_manager *m, struct guest *g,
							   const char *format, ...)
{
	char words[AERO_HOST_WORDS_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	if (strcmp(words, g->complained)) {
		snprintf(g->complained, sizeof(g->complained), "%s", words);
		aero_manager_say(m, "guest %s: %s; its default limits apply",
				 aero_host_shown(g->sight.name), words);
	}
}

static void defaults(const struct aero_manager *m, struct guest *g)
{
	uint64_t boot = g->sight.boot_kib == AERO_HOST_UNKNOWN ? 0 : g->sight.boot_kib;
	uint64_t min =
		boot / 100 * m->config.min_percent + boot % 100 * m->config.min_percent / 100;

	if (min < AERO_HOST_MIN_LEAST_KIB)
		min = AERO_HOST_MIN_LEAST_KIB;
	g->min_kib = min < boot ? min : boot;
	g->max_kib = boot;
	g->shares = AERO_HOST_SHARES_INITIAL;
	g->managed = true;
}

static void configured(const struct aero_manager *m, const struct guest *g,
		       struct aero_host_settings *s)
{
	const struct aero_host_rule *rule = m->config.rules;

	for (size_t i = 0; i < m->config.rules_count; i++, rule++)
		if (!fnmatch(rule->pattern, g->sight.name, 0)) {
			aero_host_settings_merge(s, &rule->settings);
			return;
		}
}

static bool agree(struct aero_manager *m, struct guest *g, const struct aero_host_settings *s)
{
	if (s->set & AERO_HOST_SET_MAX && s->max_kib > g->max_kib) {
		complain(m, g,
			 "max is %llu KiB, and it booted with %llu; make max smaller, or give it "
			 "more memory and start it again",
			 (unsigned long long)s->max_kib, (unsigned long long)g->max_kib);
		return false;
	}
	if (s->set & AERO_HOST_SET_MIN &&
	    s->min_kib > (s->set & AERO_HOST_SET_MAX ? s->max_kib : g->max_kib)) {
		complain(m, g, "min is above max, or above what it booted with; make min smaller");
		return false;
	}
	return true;
}

void aero_guest_limits(struct aero_manager *m, struct guest *g)
{
	struct aero_host_settings s = {.set = 0};

	defaults(m, g);
	if (g->sight.complaint[0]) {
		complain(m, g, "%s", g->sight.complaint);
		return;
	}
	configured(m, g, &s);
	aero_host_settings_merge(&s, &g->sight.settings);
	/* A switch means the same whatever the limits are. */
	if (s.set & AERO_HOST_SET_MANAGED)
		g->managed = s.managed;
	if (!agree(m, g, &s))
		return;
	if (s.set & AERO_HOST_SET_MAX)
		g->max_kib = s.max_kib;
	if (s.set & AERO_HOST_SET_MIN)
		g->min_kib = s.min_kib;
	else if (g->min_kib > g->max_kib)
		g->min_kib = g->max_kib;
	if (s.set & AERO_HOST_SET_SHARES)
		g->shares = s.shares;
	g->complained[0] = 0;
}
