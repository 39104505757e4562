/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "figures.h"

#include <inttypes.h>
#include <stdlib.h>

#include "driver.h"

const char *figures_of_guest(struct lab_guest *g, const struct figure *table, size_t count,
			     struct figures *out)
{
	char *text;

	LAB_CHECK(count <= FIGURES_MAX, "the table has %zu figures", count);
	LAB_CHECK(lab_sh(g, 20000, &text, "cat /proc/meminfo /proc/vmstat") == 0, "%s",
		  lab_error());
	*out = (struct figures){0};
	for (size_t i = 0; i < count; i++)
		if (!stats_add(text, table[i].guest, table[i].unit, &out->value[i])) {
			free(text);
			return lab_because("the guest has no %s", table[i].guest);
		}
	free(text);
	return NULL;
}

bool figure_fits(const struct figure *f, uint64_t before, uint64_t value, uint64_t after,
		 uint64_t slack)
{
	uint64_t low = before, high = after;

	if (!f->counts) {
		low = before < after ? before : after;
		low = low > slack ? low - slack : 0;
		high = (before < after ? after : before) + slack;
	}
	return value >= low && value <= high;
}

const char *figure_compare(const struct figure *f, uint64_t before, uint64_t value, uint64_t after,
			   uint64_t slack)
{
	LAB_CHECK(figure_fits(f, before, value, after, slack),
		  "%s is %" PRIu64 ", but the guest's %s was %" PRIu64 " and is %" PRIu64, f->host,
		  value, f->guest, before, after);
	return NULL;
}

const char *figures_make(struct lab_guest *g, unsigned int swap_mib, unsigned int hog_mib)
{
	uint64_t swapped_in = 0;

	LAB_OK(lab_must(g, 20000,
			"test -e /sys/block/zram0 || modprobe zram num_devices=1;"
			" echo 1 >/sys/block/zram0/reset; echo %uM >/sys/block/zram0/disksize"
			" && mkswap /dev/zram0 >/dev/null && swapon /dev/zram0",
			swap_mib));
	LAB_OK(lab_must(g, 20000,
			"cd /proc/sys/vm && echo 4 >nr_hugepages; echo 4000 >nr_hugepages;"
			" echo 0 >nr_hugepages"));
	LAB_TRY(hog(g, hog_mib));
	for (unsigned int i = 0; i < 100 && !swapped_in; i++) {
		char *text;

		lab_sleep_ms(100);
		LAB_OK(lab_read_file(g, "/proc/vmstat", &text));
		stats_add(text, "pswpin", 1, &swapped_in);
		free(text);
	}
	LAB_CHECK(swapped_in, "nothing was swapped in");
	return agent(g, "hog stop");
}
