// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "cut.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cut_plan cut_plan;

static const char *const way_names[CUT_WAYS] = {
	[CUT_NOT] = "not",
	[CUT_FAILED] = "failed",
	[CUT_BUSY] = "busy",
	[CUT_RESET] = "reset",
	[CUT_REFUSED] = "refused",
	[CUT_NOT_NEEDED] = "not-needed",
	[CUT_NOTHING] = "nothing",
	[CUT_PARTIAL] = "partial",
	[CUT_PARTIAL_REFUSED] = "partial-refused",
	[CUT_PARTIAL_RESET] = "partial-reset",
	[CUT_TOO_MUCH] = "too-much",
	[CUT_GARBAGE] = "garbage",
	[CUT_OLD] = "old",
};

#define WAY(way) (1U << CUT_##way)

/* What VMware's host may say to any command. */
#define COMMAND	 (WAY(FAILED) | WAY(BUSY) | WAY(RESET))

static const struct {
	const char *name;
	uint32_t ways;
} calls[CUT_CALLS] = {
	[CUT_TAKE] = {"take", WAY(NOTHING) | WAY(PARTIAL)},
	[CUT_UNHOLD] = {"unhold", WAY(NOTHING) | WAY(PARTIAL)},
	[CUT_SPARE] = {"spare", WAY(NOTHING) | WAY(PARTIAL)},
	[CUT_START] = {"start", COMMAND | WAY(GARBAGE) | WAY(OLD)},
	[CUT_GOODBYE] = {"goodbye", WAY(FAILED) | WAY(GARBAGE)},
	[CUT_GET_TARGET] = {"get-target", COMMAND | WAY(NOTHING) | WAY(TOO_MUCH) | WAY(GARBAGE)},
	[CUT_IDENTIFY] = {"identify", COMMAND},
	[CUT_SET_DOORBELL] = {"set-doorbell", COMMAND},
	[CUT_LOCK] = {"lock",
		      COMMAND | WAY(REFUSED) | WAY(NOT_NEEDED) | WAY(GARBAGE) | WAY(TOO_MUCH)},
	[CUT_UNLOCK] = {"unlock", COMMAND | WAY(REFUSED) | WAY(GARBAGE)},
	[CUT_BATCHED_LOCK] = {"batched-lock", COMMAND | WAY(REFUSED) | WAY(NOT_NEEDED) |
						      WAY(PARTIAL) | WAY(PARTIAL_REFUSED) |
						      WAY(PARTIAL_RESET) | WAY(TOO_MUCH) |
						      WAY(GARBAGE)},
	[CUT_BATCHED_UNLOCK] = {"batched-unlock", COMMAND | WAY(PARTIAL) | WAY(PARTIAL_REFUSED) |
							  WAY(PARTIAL_RESET) | WAY(TOO_MUCH) |
							  WAY(GARBAGE)},
	[CUT_BATCH_PAGE] = {"batch-page", WAY(FAILED)},
	[CUT_OPEN_DOORBELL] = {"open-doorbell", WAY(FAILED)},
	[CUT_WANTED] = {"wanted", WAY(NOTHING) | WAY(TOO_MUCH)},
	[CUT_DECREASE] = {"decrease", WAY(FAILED) | WAY(NOTHING) | WAY(PARTIAL) | WAY(TOO_MUCH)},
	[CUT_POPULATE] = {"populate", WAY(FAILED) | WAY(NOTHING) | WAY(PARTIAL) | WAY(TOO_MUCH)},
	[CUT_UNMAP] = {"unmap", WAY(FAILED)},
	[CUT_MAP] = {"map", WAY(FAILED)},
	[CUT_ADD] = {"add", WAY(NOTHING) | WAY(PARTIAL)},
};

const char *cut_call_name(enum cut_call call)
{
	return calls[call].name;
}

void cut_begin(const struct cut *cuts, unsigned int n)
{
	cut_plan.calls = 0;
	cut_plan.n = n;
	memcpy(cut_plan.cut, cuts, n * sizeof(*cuts));
	cut_plan.active = true;
}

void cut_end(void)
{
	cut_plan.active = false;
}

enum cut_way cut_here(enum cut_call call)
{
	unsigned int i;

	if (!cut_plan.active || cut_plan.calls == CUT_CALLS_MAX)
		return CUT_NOT;
	cut_plan.made[++cut_plan.calls] = (uint8_t)call;
	for (i = 0; i < cut_plan.n; i++)
		if (cut_plan.cut[i].at == cut_plan.calls &&
		    calls[call].ways & 1U << cut_plan.cut[i].way)
			return cut_plan.cut[i].way;
	return CUT_NOT;
}

enum cut_way cut_next_way(enum cut_call call, enum cut_way after)
{
	unsigned int way;

	for (way = after + 1U; way < CUT_WAYS; way++)
		if (calls[call].ways & 1U << way)
			return (enum cut_way)way;
	return CUT_NOT;
}

unsigned int cut_ways_of(enum cut_call call)
{
	return (unsigned int)__builtin_popcount(calls[call].ways);
}

void cut_print(const struct cut *cuts, unsigned int n, char *text, size_t size)
{
	size_t used = 0;
	unsigned int i;

	snprintf(text, size, "none");
	for (i = 0; i < n && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%u:%s", i ? "," : "",
					 cuts[i].at, way_names[cuts[i].way]);
}

static bool parse_way(const char *text, size_t length, enum cut_way *way)
{
	unsigned int i;

	for (i = CUT_NOT + 1; i < CUT_WAYS; i++) {
		if (strlen(way_names[i]) == length && !strncmp(way_names[i], text, length)) {
			*way = (enum cut_way)i;
			return true;
		}
	}
	return false;
}

bool cut_parse(const char *text, struct cut *cuts, unsigned int *n)
{
	char *colon;

	*n = 0;
	if (!strcmp(text, "none"))
		return true;
	while (*n < CUT_PLAN_MAX) {
		struct cut *cut = &cuts[(*n)++];
		size_t length;

		cut->at = (uint32_t)strtoul(text, &colon, 10);
		if (!cut->at || *colon != ':')
			return false;
		length = strcspn(colon + 1, ",");
		if (!parse_way(colon + 1, length, &cut->way))
			return false;
		text = colon + 1 + length;
		if (!*text++)
			return true;
	}
	return false;
}
