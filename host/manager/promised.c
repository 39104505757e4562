// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What all of the manager looks at: what is given out; and the log. */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>

uint64_t aero_guest_promised_kib(const struct guest *g)
{
	uint64_t has = g->sight.current_kib;

	/* Without a driver, or before there is one, all that it booted with may be used. */
	if (has == AERO_HOST_UNKNOWN || g->mode == AERO_HOST_STARTING)
		has = starts_with(g);
	if (has == AERO_HOST_UNKNOWN)
		has = 0;
	return g->asked && g->target_kib > has ? g->target_kib : has;
}

uint64_t aero_manager_budget_kib(const struct aero_manager *m)
{
	return less(less(m->host.total_kib, m->host.reserve_kib), m->host.overhead_kib);
}

uint64_t aero_manager_free_kib(const struct aero_manager *m)
{
	uint64_t kib = aero_manager_budget_kib(m);

	for (size_t i = 0; i < m->count; i++)
		kib = less(kib, aero_guest_promised_kib(m->guests[i]));
	return kib;
}

void aero_manager_say(const struct aero_manager *m, const char *format, ...)
{
	char line[2 * AERO_HOST_WORDS_MAX + AERO_HOST_NAME_MAX];
	va_list args;

	if (!m->config.say)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	m->config.say(line);
}
