// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat doctor: looks for what goes wrong, and says where the memory has gone. */
#include "doctor.h"

#include <stdlib.h>

#include "json.h"
#include "units.h"

static const char *const levels[] = {[DOCTOR_FINE] = "fine",
				     [DOCTOR_NOTE] = "note",
				     [DOCTOR_WARNING] = "warning",
				     [DOCTOR_PROBLEM] = "problem"};

/* ---- findings ---- */

struct found {
	enum doctor_level level;
	char text[DOCTOR_TEXT_MAX];
};

static void print_finding(const struct doctor_check *check, const struct found *f)
{
	printf("%s: %s\n", levels[f->level], check->name);
	units_entry(stdout, "", f->text);
	units_entry(stdout, "what to do", check->advice);
	putchar('\n');
}

static json_t *finding_json(const struct doctor_check *check, const struct found *f)
{
	json_t *entry = json_object();

	json_put(entry, "name", json_string(check->name));
	json_put(entry, "level", json_string(levels[f->level]));
	json_put(entry, "text", json_string(f->text));
	json_put(entry, "advice", json_string(check->advice));
	return entry;
}

/* ---- memory ---- */

static void print_memory(const struct doctor_memory *m)
{
	const struct {
		const char *name, *what;
		uint64_t kib;
	} rows[] = {
		{"boot", m->firmware ? "the firmware's map" : "the kernel's zones", m->boot_kib},
		{"usable", "limit_kib - size_kib", m->usable_kib},
		{"balloon", "size_kib", m->balloon_kib},
		{"reserved", "the kernel's zones - limit_kib", m->reserved_kib},
	};
	int64_t difference = doctor_difference(m);
	char line[160], size[UNITS_TEXT_MAX];

	if (m->boot_kib == BALLOON_UNKNOWN || m->reserved_kib == BALLOON_UNKNOWN) {
		units_entry(stdout, "",
			    "Where the memory has gone can't be told: /proc/zoneinfo can't "
			    "be read.");
		return;
	}
	printf("Where the memory has gone:\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(line, sizeof(line), "%s (%llu KiB): %s", units_size(size, rows[i].kib),
			 (unsigned long long)rows[i].kib, rows[i].what);
		units_entry(stdout, rows[i].name, line);
	}
	snprintf(line, sizeof(line), "%lld KiB, %.2f %% of boot", (long long)-difference,
		 100.0 * (double)llabs(difference) / (double)m->boot_kib);
	units_entry(stdout, "unexplained", line);
}

static json_t *memory_json(const struct doctor *d)
{
	const struct doctor_memory *m = &d->memory;
	json_t *entry;

	if (!d->loaded)
		return json_null();
	entry = json_object();
	json_put_number(entry, "boot_kib", m->boot_kib);
	json_put_number(entry, "usable_kib", m->usable_kib);
	json_put_number(entry, "balloon_kib", m->balloon_kib);
	json_put_number(entry, "reserved_kib", m->reserved_kib);
	json_put(entry, "boot_from", json_string(m->firmware ? "firmware" : "zones"));
	return entry;
}

/* ---- the command ---- */

/* Looks for all; @list is NULL where words are printed.  Returns how many want something done. */
static unsigned int look(const struct doctor *d, json_t *list)
{
	unsigned int wrong = 0;

	for (size_t i = 0; i < doctor_checks_count; i++) {
		struct found f = {.text = ""};

		f.level = doctor_checks[i].look(d, f.text);
		if (f.level == DOCTOR_FINE)
			continue;
		wrong += f.level >= DOCTOR_WARNING;
		if (list)
			json_add(list, finding_json(&doctor_checks[i], &f));
		else
			print_finding(&doctor_checks[i], &f);
	}
	return wrong;
}

static int print_json(const struct doctor *d, unsigned int *wrong)
{
	json_t *document = json_object(), *list = json_array();

	*wrong = look(d, list);
	json_put(document, "findings", list);
	json_put(document, "memory", memory_json(d));
	return json_print(document);
}

static void print_words(const struct doctor *d, unsigned int *wrong)
{
	*wrong = look(d, NULL);
	if (!*wrong)
		printf("Nothing is wrong.\n\n");
	if (d->loaded)
		print_memory(&d->memory);
}

int cli_doctor(int argc, char **argv)
{
	static const struct argp_option options[] = {CLI_JSON_OPTION, CLI_ROOT_OPTION, {0}};
	static const struct argp argp = {
		options,
		cli_parse_view,
		NULL,
		"Looks for what goes wrong with balloons, says what to do, and says where the memory "
		"has gone.  docs/use/doctor.md explains each finding by its name.  Exit status 0: "
		"nothing is wrong; 3: something is.",
		NULL,
		NULL,
		NULL};
	struct cli_view view = {.root = ""};
	static struct doctor d;
	unsigned int wrong;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &view);
	d.root = view.root;
	ret = balloon_look(d.root, &d.b);
	d.loaded = ret == CLI_OK;
	ret = guest_read(d.root, &d.g);
	if (ret)
		return ret;
	if (d.loaded)
		doctor_account(d.root, &d.b, &d.memory);
	if (view.json)
		ret = print_json(&d, &wrong);
	else
		print_words(&d, &wrong);
	return ret ? ret : wrong ? CLI_DIFFERS : CLI_OK;
}
