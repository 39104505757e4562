// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "cli.h"

#include <string.h>

#define WIDE(name, member, figure)                                                   \
	{                                                                            \
		name, offsetof(struct aero_policy_figures, member), false, false, 0, \
			AERO_FIGURE_##figure                                         \
	}
#define NARROW(name, member, may_lack, most, figure)                                      \
	{                                                                                 \
		name, offsetof(struct aero_policy_figures, member), true, may_lack, most, \
			AERO_FIGURE_##figure                                              \
	}

/* In the order in which they are recorded; docs/use/cli.md explains each. */
const struct cli_column cli_columns[] = {
	WIDE("managed", managed_pages, MANAGED),
	WIDE("committed", committed_pages, COMMITTED),
	WIDE("reserve", reserve_pages, RESERVE),
	WIDE("swapped", swapped_pages, SWAPPED),
	WIDE("max_pfn", max_pfn, MAX_PFN),
	WIDE("current", current_pages, CURRENT),
	WIDE("free", free_pages, FREE),
	WIDE("available", available_pages, AVAILABLE),
	WIDE("file_active", file_active_pages, FILE_ACTIVE),
	WIDE("file_inactive", file_inactive_pages, FILE_INACTIVE),
	WIDE("anon", anon_pages, ANON),
	WIDE("refaults", refaults, REFAULTS),
	WIDE("scanned", scanned_pages, SCANNED),
	WIDE("stolen", stolen_pages, STOLEN),
	WIDE("swap_in", swap_in_pages, SWAP_IN),
	WIDE("swap_out", swap_out_pages, SWAP_OUT),
	WIDE("stalls", stalls, STALLS),
	WIDE("relieved", relieved_pages, RELIEVED),
	NARROW("some_permille", some_permille, true, 1000, SOME),
	NARROW("full_permille", full_permille, true, 1000, FULL),
	NARROW("interval_ms", interval_ms, false, UINT32_MAX, INTERVAL),
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
