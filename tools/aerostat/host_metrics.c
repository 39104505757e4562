// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <inttypes.h>
#include <string.h>

#include "host.h"
#include "metrics.h"

struct figure {
	const char *json, *metric, *help;
	bool counts;
	uint32_t multiply; /* to bytes */
};

static const struct figure of_host[] = {
	{"total_kib", "aerostat_host_memory_bytes", "Memory to share out.", false, 1024},
	{"available_kib", "aerostat_host_available_bytes", "Of it, free or easy to reclaim.", false,
	 1024},
	{"reserve_kib", "aerostat_host_reserve_bytes", "Kept from the guests.", false, 1024},
	{"overhead_kib", "aerostat_host_overhead_bytes", "Used by the host beside its guests.",
	 false, 1024},
	{"promised_kib", "aerostat_host_promised_bytes", "What guests have or may take.", false,
	 1024},
	{"free_kib", "aerostat_host_free_bytes", "What may still be promised to guests.", false,
	 1024},
	{"room_kib", "aerostat_host_room_bytes", "Asked for by make-room.", false, 1024},
};

static const struct figure of_guest[] = {
	{"current_kib", "aerostat_host_guest_memory_bytes", "What the guest has.", false, 1024},
	{"target_kib", "aerostat_host_guest_target_bytes", "What it was asked for last.", false,
	 1024},
	{"need_kib", "aerostat_host_guest_need_bytes", "What the policy thinks it needs.", false,
	 1024},
	{"min_kib", "aerostat_host_guest_min_bytes", "Its minimum.", false, 1024},
	{"max_kib", "aerostat_host_guest_max_bytes", "Its maximum.", false, 1024},
	{"boot_kib", "aerostat_host_guest_boot_bytes", "What it booted with.", false, 1024},
	{"resident_kib", "aerostat_host_guest_resident_bytes", "What the host holds for it.", false,
	 1024},
	{"usable_kib", "aerostat_host_guest_usable_bytes", "Free or easy to reclaim in it.", false,
	 1024},
	{"shares", "aerostat_host_guest_shares", "Its weight beside the others.", false, 1},
	{"moves", "aerostat_host_guest_moves_total", "Targets that were set.", true, 1},
	{"turns", "aerostat_host_guest_turns_total", "Those in another direction than before.",
	 true, 1},
	{"failures", "aerostat_host_guest_failures_total", "Targets that could not be set.", true,
	 1},
};

static const char *const modes[] = {"managed", "fixed", "unreachable", "stuck", "starting"};

/* As the format wants label values: backslashes, quotes and newlines are escaped. */
static void put_label(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", to);
		else if (*text == '\\' || *text == '"')
			fprintf(to, "\\%c", *text);
		else
			fputc(*text, to);
	}
}

static void put_value(FILE *to, const struct figure *f, uint64_t value)
{
	if (value <= UINT64_MAX / f->multiply)
		fprintf(to, " %" PRIu64 "\n", value * f->multiply);
	else
		fprintf(to, " %.17g\n", (double)value * f->multiply);
}

static void write_guests(FILE *to, const json_t *guests, const struct figure *f)
{
	const json_t *g;
	size_t i;

	metrics_describe(to, f->metric, f->counts ? "counter" : "gauge", f->help);
	json_array_foreach((json_t *)(uintptr_t)guests, i, g) {
		uint64_t value = host_kib(g, f->json);

		if (value == BALLOON_UNKNOWN)
			continue;
		fprintf(to, "%s{guest=\"", f->metric);
		put_label(to, host_text(g, "name"));
		fputs("\"}", to);
		put_value(to, f, value);
	}
}

static void write_modes(FILE *to, const json_t *guests)
{
	static const char name[] = "aerostat_host_guest_state";
	const json_t *g;
	size_t i;

	metrics_describe(to, name, "gauge", "1 for the state that the guest is in.");
	json_array_foreach((json_t *)(uintptr_t)guests, i, g) {
		for (size_t m = 0; m < sizeof(modes) / sizeof(*modes); m++) {
			fprintf(to, "%s{guest=\"", name);
			put_label(to, host_text(g, "name"));
			fprintf(to, "\",state=\"%s\"} %d\n", modes[m],
				!strcmp(modes[m], host_text(g, "mode")));
		}
	}
}

void host_metrics(FILE *to, const void *of)
{
	const json_t *all = of, *host = json_object_get(all, "host");
	const json_t *guests = json_object_get(all, "guests");

	metrics_gauge(to, "aerostat_host_up", "1 if aerostat-hostd answers.", all != NULL);
	if (!all)
		return;
	metrics_gauge(to, "aerostat_host_connected", "1 if it sees the guests.",
		      json_is_true(json_object_get(all, "connected")));
	metrics_gauge(to, "aerostat_host_guests", "Guests that run.", json_array_size(guests));
	for (size_t i = 0; i < sizeof(of_host) / sizeof(*of_host); i++) {
		uint64_t value = host_kib(host, of_host[i].json);

		if (value == BALLOON_UNKNOWN)
			continue;
		metrics_describe(to, of_host[i].metric, "gauge", of_host[i].help);
		fputs(of_host[i].metric, to);
		put_value(to, &of_host[i], value);
	}
	for (size_t i = 0; i < sizeof(of_guest) / sizeof(*of_guest); i++)
		write_guests(to, guests, &of_guest[i]);
	write_modes(to, guests);
}
