// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "cli.h"

#include <string.h>

#define WIDE(name, member)                                                          \
	{                                                                           \
		name, offsetof(struct aero_policy_figures, member), false, false, 0 \
	}
#define NARROW(name, member, may_lack, most)                                             \
	{                                                                                \
		name, offsetof(struct aero_policy_figures, member), true, may_lack, most \
	}

/* In the order in which they are recorded; docs/use/cli.md explains each. */
const struct cli_column cli_columns[] = {
	WIDE("managed", managed_pages),
	WIDE("committed", committed_pages),
	WIDE("reserve", reserve_pages),
	WIDE("swapped", swapped_pages),
	WIDE("max_pfn", max_pfn),
	WIDE("current", current_pages),
	WIDE("free", free_pages),
	WIDE("available", available_pages),
	WIDE("file_active", file_active_pages),
	WIDE("file_inactive", file_inactive_pages),
	WIDE("anon", anon_pages),
	WIDE("refaults", refaults),
	WIDE("scanned", scanned_pages),
	WIDE("stolen", stolen_pages),
	WIDE("swap_in", swap_in_pages),
	WIDE("swap_out", swap_out_pages),
	WIDE("stalls", stalls),
	WIDE("relieved", relieved_pages),
	NARROW("some_permille", some_permille, true, 1000),
	NARROW("full_permille", full_permille, true, 1000),
	NARROW("interval_ms", interval_ms, false, UINT32_MAX),
};

const size_t cli_columns_count = sizeof(cli_columns) / sizeof(*cli_columns);

uint64_t cli_column_get(const struct cli_column *column, const struct aero_policy_figures *figures)
{
	const char *at = (const char *)figures + column->offset;
	uint32_t narrow;
	uint64_t wide;

	if (column->narrow) {
		memcpy(&narrow, at, sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, at, sizeof(wide));
	return wide;
}

void cli_column_set(const struct cli_column *column, struct aero_policy_figures *figures,
		    uint64_t value)
{
	char *at = (char *)figures + column->offset;
	uint32_t narrow = (uint32_t)value;

	if (column->narrow)
		memcpy(at, &narrow, sizeof(narrow));
	else
		memcpy(at, &value, sizeof(value));
}
