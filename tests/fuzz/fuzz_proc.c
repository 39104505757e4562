// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The readers of /proc and sysfs: those of `aerostat record` and of aerostatd.
 *
 * Input: the files' texts with NUL bytes between them, in the order below.  Each reader
 * must come to an end, with figures in their ranges or with one line that says what is
 * wrong.
 */
#include "fuzz.h"

#include <string.h>

#include "tools/aerostat/sample.h"
#include "tools/common/psi.h"

static const char *const files[] = {
	"/proc/meminfo",
	"/proc/zoneinfo",
	"/proc/vmstat",
	"/proc/pressure/memory",
	"/sys/kernel/aerostat/limit_kib",
	"/sys/kernel/aerostat/size_kib",
	"/sys/devices/system/xen_memory/xen_memory0/info/current_kb",
	"/sys/kernel/debug/aerostat/stats",
};

static void check_share(uint32_t permille)
{
	MUST(permille <= 1000 || permille == AERO_POLICY_UNKNOWN);
}

static void record(const char *root)
{
	struct sample_counters before = {.some_us = 5, .full_us = 3, .stalls_timed = true}, now;
	struct aero_policy_figures f = {.free_pages = 0};
	int ret = sample_read(root, &f, &now);
	const char *said = fuzz_said();

	MUST(ret == 0 ? !*said : ret == -1 && fuzz_is_complaint(said));
	if (ret)
		return;
	MUST(f.max_pfn > 0);
	sample_events(&f, &before, &now, 100);
	check_share(f.some_permille);
	check_share(f.full_permille);
	/* Counters that fall back to 0 are no events. */
	sample_events(&f, &now, &before, 0);
	MUST(f.stalls == 0 && f.refaults == 0 && f.relieved_pages == 0);
}

static void daemon_reads(const char *root, const char *pressure)
{
	struct aero_psi before = {.some_us = 0}, now = {.some_us = 0};
	struct aero_stall stall;
	uint64_t available_kib = 0, headroom_kib = 0;

	if (aero_psi_parse(pressure, &now)) {
		now.at_us = 1000;
		stall = aero_psi_stall(&before, &now, 10);
		MUST(stall.some_permille <= 1000 && stall.full_permille <= stall.some_permille);
	}
	if (!aero_memory(root, &available_kib, &headroom_kib))
		MUST(headroom_kib >= 16 * 1024);
	else
		MUST(*aero_error());
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fuzz_listen();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *root = fuzz_folder();
	char *pressure = NULL;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char *text = fuzz_part(&data, &size);

		fuzz_file(files[i], text, strlen(text));
		if (i == 3)
			pressure = text;
		else
			free(text);
	}
	record(root);
	daemon_reads(root, pressure);
	free(pressure);
	return 0;
}
