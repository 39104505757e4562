// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The backend for Xen: what it sees, what it does, and what it makes of values that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager.h"
#include "xen_host_rig.h"

static int begin(void **state)
{
	(void)state;
	rig_start();
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_end();
	return 0;
}

static const struct aero_host_sight *look_at(const char *name)
{
	const struct aero_host_sight *sight;

	assert_int_equal(rig_look(), 0);
	sight = rig_seen(name);
	assert_non_null(sight);
	return sight;
}

/* ---- what is seen ---- */

static void guests_are_seen_and_dom0_is_none(void **state)
{
	const struct aero_host_sight *s;

	(void)state;
	rig_domain(3, "web", 512, 1024);
	s = look_at("web");
	assert_int_equal(rig.seen, 1);
	assert_int_equal(s->life, AERO_HOST_RUNNING);
	assert_true(s->balloon);
	assert_int_equal(s->boot_kib, 1024 * MIB);
	assert_int_equal(s->current_kib, 512 * MIB);
	assert_int_equal(s->resident_kib, 512 * MIB);
	assert_int_equal(s->asked_kib, 512 * MIB);
	assert_int_equal(s->mark, 0);
	assert_int_equal(s->usable_kib, AERO_HOST_UNKNOWN);
	assert_string_equal(s->id, "03010200-0000-0000-0000-000000000000/3");
	assert_string_equal(s->complaint, "");
}

static void all_of_many_domains_are_seen_once(void **state)
{
	char name[32];

	(void)state;
	for (unsigned int i = 1; i <= 130; i++) {
		snprintf(name, sizeof(name), "guest-%u", i);
		rig_domain(2 * i, name, 64, 64);
	}
	assert_int_equal(rig_look(), 0);
	assert_int_equal(rig.seen, 130);
	for (unsigned int i = 1; i <= 130; i++) {
		snprintf(name, sizeof(name), "guest-%u", i);
		assert_non_null(rig_seen(name));
	}
}

static void states_are_told_apart(void **state)
{
	struct xen_domain *d = rig_domain(3, "web", 512, 512);

	(void)state;
	d->paused = true;
	assert_int_equal(look_at("web")->life, AERO_HOST_PAUSED);
	d->shut_down = true;
	assert_int_equal(look_at("web")->life, AERO_HOST_ENDING);
	d->crashed = true;
	assert_int_equal(look_at("web")->life, AERO_HOST_CRASHED);
	d->dying = true;
	assert_int_equal(rig_look(), 0);
	assert_int_equal(rig.seen, 0);
}

static void a_number_that_is_used_again_is_another_guest(void **state)
{
	char before[AERO_HOST_ID_MAX];

	(void)state;
	rig_domain(3, "web", 512, 512);
	strcpy(before, look_at("web")->id);
	rig_destroy(3);
	rig_domain(3, "db", 256, 256)->uuid[5] = 9;
	assert_string_not_equal(look_at("db")->id, before);
	assert_int_equal(xen_backend.set_target(rig.x, before, 100 * MIB), -ESRCH);
	assert_string_equal(rig_value(3, "memory/target"), "262144");
}

static void the_memory_of_a_graphics_card_is_left_out(void **state)
{
	struct xen_domain *d = rig_domain(3, "web", 512, 1024);
	const struct aero_host_sight *s;

	(void)state;
	rig_write(3, "memory/videoram", "16384");
	d->has_kib += 16384;
	d->most_kib += 16384;
	d->hvm = true;
	s = look_at("web");
	assert_int_equal(s->current_kib, 512 * MIB);
	assert_int_equal(s->resident_kib, 512 * MIB);
	assert_int_equal(rig_target("web", 600 * MIB), 0);
	assert_string_equal(rig_value(3, "memory/target"), "614400");
	assert_int_equal(rig.allowed_kib, 617 * MIB);
	assert_int_equal(rig.backed_kib, 616 * MIB);
}

/* At rest a PVH guest has more than its target; on the way there it only seems so. */
static void special_pages_are_left_out(void **state)
{
	struct xen_domain *d = rig_domain(3, "web", 512, 512);

	(void)state;
	d->has_kib += 64;
	assert_int_equal(look_at("web")->current_kib, 512 * MIB + 64);
	assert_int_equal(look_at("web")->current_kib, 512 * MIB);
	rig_write(3, "memory/target", "409600");
	for (d->has_kib = 402 * MIB; d->has_kib > 400 * MIB + 64; d->has_kib -= 256)
		assert_int_equal(look_at("web")->current_kib, d->has_kib - 64);
	d->has_kib = 400 * MIB + 64;
	for (int i = 0; i < 3; i++)
		assert_int_equal(look_at("web")->current_kib, 400 * MIB);
	assert_int_equal(look_at("web")->resident_kib, 400 * MIB);
	/* One that stays far above its target does not do what it is told to. */
	rig_write(3, "memory/target", "307200");
	for (int i = 0; i < 3; i++)
		assert_int_equal(look_at("web")->current_kib, 400 * MIB);
}

/* Xen backs a PVH guest that begins with less than its maximum only as far as its first target. */
static void a_guest_that_begins_small_counts_with_that_until_it_answers(void **state)
{
	struct xen_domain *d = rig_domain(3, "web", 256, 512);

	(void)state;
	assert_int_equal(look_at("web")->start_kib, 256 * MIB);
	assert_int_equal(look_at("web")->boot_kib, 512 * MIB);
	/* Some special pages are no answer, but a size is. */
	d->has_kib += 64;
	assert_int_equal(look_at("web")->start_kib, 256 * MIB + 64);
	d->has_kib -= 10 * MIB;
	assert_int_equal(look_at("web")->start_kib, 0);
	rig_domain(4, "db", 256, 512);
	assert_int_equal(look_at("db")->start_kib, 256 * MIB);
	rig_write(4, "control/feature-balloon", "1");
	assert_int_equal(look_at("db")->start_kib, 0);
}

static void a_guest_that_is_being_built_counts_with_what_it_is_to_have(void **state)
{
	struct xen_domain *d = rig_domain(3, "web", 256, 512);

	(void)state;
	d->paused = true;
	d->has_kib = 10 * MIB;
	assert_int_equal(look_at("web")->current_kib, 256 * MIB);
	d->has_kib = 256 * MIB;
	d->paused = false;
	/* What the toolstack did is no answer of a driver. */
	assert_int_equal(look_at("web")->start_kib, 256 * MIB);
	rig_domain(4, "unfinished", 256, 512)->paused = true;
	rig_write(4, "memory/target", NULL);
	assert_int_equal(rig_look(), 0);
	assert_null(rig_seen("unfinished"));
}

static void the_host_is_xens_and_not_dom0s(void **state)
{
	struct aero_host_reading r;

	(void)state;
	xen_backend.host(rig.x, &r);
	assert_int_equal(r.total_kib, 8192 * MIB);
	assert_int_equal(r.available_kib, 4096 * MIB);
	assert_int_equal(r.some_permille, AERO_POLICY_UNKNOWN);
	rig.free_kib = 9000 * MIB;
	xen_backend.host(rig.x, &r);
	assert_int_equal(r.total_kib, 0);
	assert_int_equal(r.available_kib, AERO_HOST_UNKNOWN);
	rig.free_kib = 0;
	rig.host_fails = -EACCES;
	xen_backend.host(rig.x, &r);
	assert_int_equal(r.total_kib, 0);
}

/* ---- statistics ---- */

static void the_line_of_aerostatd_is_read(void **state)
{
	const struct aero_host_sight *s;
	uint64_t mark;

	(void)state;
	rig_domain(3, "web", 512, 512);
	rig_write(3, "data/aerostat",
		  "seq=1 total=500000 unused=100000 usable=300000 cache=150000 swap-in=4 "
		  "swap-out=8 major-faults=16 later=1");
	s = look_at("web");
	mark = s->mark;
	assert_int_not_equal(mark, 0);
	assert_int_equal(s->unused_kib, 100000);
	assert_int_equal(s->usable_kib, 300000);
	assert_int_equal(s->cache_kib, 150000);
	assert_int_equal(s->swap_in_kib, 4);
	assert_int_equal(s->swap_out_kib, 8);
	assert_int_equal(s->major_faults, 16);
	assert_int_equal(s->start_kib, 0);
	assert_int_equal(look_at("web")->mark, mark);
	rig_write(3, "data/aerostat", "seq=2 total=500000 unused=100000");
	s = look_at("web");
	assert_int_not_equal(s->mark, mark);
	assert_int_equal(s->usable_kib, AERO_HOST_UNKNOWN);
	assert_int_equal(s->swap_in_kib, AERO_HOST_UNKNOWN);
}

static void what_xenservers_agents_write_is_read(void **state)
{
	const struct aero_host_sight *s;
	uint64_t mark;

	(void)state;
	rig_domain(3, "web", 512, 512);
	rig_write(3, "data/meminfo_total", "500000");
	rig_write(3, "data/meminfo_free", "200000");
	s = look_at("web");
	mark = s->mark;
	assert_int_not_equal(mark, 0);
	assert_int_equal(s->unused_kib, 200000);
	assert_int_equal(s->usable_kib, AERO_HOST_UNKNOWN);
	rig_write(3, "data/updated", "Sun Nov 29 02:00:00 2026");
	assert_int_not_equal(look_at("web")->mark, mark);
	/* Where both write, the line says more. */
	rig_write(3, "data/aerostat", "seq=1 total=500000 unused=1 usable=2");
	assert_int_equal(look_at("web")->usable_kib, 2);
}

/* Whatever a guest writes, it is a guest without statistics then, and nobody else has them less. */
static void wrong_statistics_are_none(void **state)
{
	static const struct {
		const char *name, *value;
	} wrong[] = {
		{"data/aerostat", ""},
		{"data/aerostat", "x"},
		{"data/aerostat", "seq=1"},
		{"data/aerostat", "total=500000"},
		{"data/aerostat", "total=0 unused=0 usable=0"},
		{"data/aerostat", "total=500000 unused=500001"},
		{"data/aerostat", "total=500000 usable=18446744073709551615"},
		{"data/aerostat", "total=500000 usable=99999999999999999999"},
		{"data/aerostat", "total=99999999999999 usable=1"},
		{"data/aerostat", "total=600000 usable=1"},
		{"data/aerostat", "total=-1 usable=1"},
		{"data/aerostat", "total=500000 usable=-1"},
		{"data/aerostat", "total=500000 usable=1 cache=0x10"},
		{"data/aerostat", "total=500000 usable=1e3"},
		{"data/aerostat", "total=500000 usable= unused=1"},
		{"data/aerostat", "total=500000 =5 unused=1"},
		{"data/aerostat", "total=500000 unused"},
		{"data/aerostat", "total=500000\nunused=1"},
		{"data/aerostat", "TOTAL=500000 UNUSED=1"},
		{"data/meminfo_total", "0"},
		{"data/meminfo_total", "-5"},
		{"data/meminfo_total", "500000 kB"},
		{"data/meminfo_total", "600000"},
		{"data/meminfo_free", ""},
		{"data/meminfo_free", "600000"},
		{"data/meminfo_free", "1.5"},
		{"data/meminfo_free", "18446744073709551616"},
	};
	const struct aero_host_sight *s;

	(void)state;
	rig_domain(3, "web", 512, 512);
	rig_domain(4, "db", 512, 512);
	rig_write(4, "data/aerostat", "seq=1 total=500000 unused=7");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		rig_write(3, "data/aerostat", NULL);
		rig_write(3, "data/meminfo_total", "500000");
		rig_write(3, "data/meminfo_free", "200000");
		rig_write(3, wrong[i].name, wrong[i].value);
		s = look_at("web");
		if (s->mark || s->unused_kib != AERO_HOST_UNKNOWN ||
		    s->usable_kib != AERO_HOST_UNKNOWN || s->cache_kib != AERO_HOST_UNKNOWN)
			fail_msg("%s = '%s' was taken", wrong[i].name, wrong[i].value);
		assert_int_equal(s->current_kib, 512 * MIB);
		assert_int_equal(rig_seen("db")->unused_kib, 7);
	}
}

static void long_values_and_such_with_nuls_are_none(void **state)
{
	char text[XEN_VALUE_MAX + 1];

	(void)state;
	rig_domain(3, "web", 512, 512);
	memset(text, ' ', sizeof(text));
	memcpy(text, "seq=1 total=500000 unused=7", 27);
	rig_write_bytes(3, "data/aerostat", text, XEN_VALUE_MAX - 1);
	assert_int_equal(look_at("web")->unused_kib, 7);
	rig_write_bytes(3, "data/aerostat", text, XEN_VALUE_MAX);
	assert_int_equal(look_at("web")->mark, 0);
	rig_write_bytes(3, "data/aerostat", "total=500000 unused=7\0x", 23);
	assert_int_equal(look_at("web")->mark, 0);
	rig_domain(4, "db", 512, 512);
	rig_write_bytes(4, "control/feature-balloon", "1\0", 2);
	assert_int_not_equal(look_at("db")->start_kib, 0);
}

/* ---- what toolstacks and administrators write ---- */

static void settings_are_kept_in_xenstore(void **state)
{
	const struct aero_host_settings some = {
		.set = AERO_HOST_SET_MIN | AERO_HOST_SET_SHARES | AERO_HOST_SET_MANAGED,
		.min_kib = 131072,
		.shares = 42,
		.managed = false,
	};
	const struct aero_host_sight *s;

	(void)state;
	rig_domain(3, "web", 512, 512);
	s = look_at("web");
	assert_int_equal(s->settings.set, 0);
	rig_write(3, "aerostat/max", "400MiB");
	assert_int_equal(xen_backend.save(rig.x, s->id, &some), 0);
	assert_string_equal(rig_value(3, "aerostat/min"), "131072KiB");
	assert_null(rig_value(3, "aerostat/max"));
	s = look_at("web");
	assert_int_equal(s->settings.set, some.set);
	assert_int_equal(s->settings.min_kib, some.min_kib);
	assert_int_equal(s->settings.shares, 42);
	assert_false(s->settings.managed);
}

static void the_range_of_a_toolstack_counts_and_an_administrators_settings_more(void **state)
{
	const struct aero_host_sight *s;

	(void)state;
	rig_domain(3, "web", 512, 512);
	rig_write(3, "memory/dynamic-min", "262144");
	rig_write(3, "memory/dynamic-max", "393216");
	s = look_at("web");
	assert_int_equal(s->settings.set, AERO_HOST_SET_MIN | AERO_HOST_SET_MAX);
	assert_int_equal(s->settings.min_kib, 262144);
	assert_int_equal(s->settings.max_kib, 393216);
	rig_write(3, "aerostat/min", "300MiB");
	/* It need not be seen at once. */
	for (unsigned int i = 0; i < 5; i++)
		s = look_at("web");
	assert_int_equal(s->settings.min_kib, 300 * MIB);
	assert_int_equal(s->settings.max_kib, 393216);
}

static void wrong_settings_set_nothing_and_are_explained(void **state)
{
	static const struct {
		const char *name, *value, *words;
	} wrong[] = {
		{"aerostat/min", "x", "min is an amount of memory"},
		{"aerostat/min", "", "min is an amount of memory"},
		{"aerostat/max", "-1", "max is an amount of memory"},
		{"aerostat/max", "99999999999999999999G", "max is an amount of memory"},
		{"aerostat/shares", "0", "shares is a whole number"},
		{"aerostat/managed", "perhaps\n", "managed is yes or no"},
		{"memory/dynamic-min", "0", "no range"},
		{"memory/dynamic-min", "393217", "no range"},
		{"memory/dynamic-max", "524289", "no range"},
		{"memory/dynamic-max", "many", "no range"},
		{"memory/dynamic-max", NULL, "no range"},
		{"memory/static-max", "", "static-max is no number"},
		{"memory/static-max", "0", "static-max is no number"},
		{"memory/static-max", "-524288", "static-max is no number"},
		{"memory/static-max", "1e9", "static-max is no number"},
		{"memory/static-max", "99999999999999999999", "static-max is no number"},
		{"memory/static-max", NULL, "static-max is no number"},
	};
	const struct aero_host_sight *s;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		rig_domain(3, "web", 256, 512);
		rig_write(3, "memory/dynamic-min", "262144");
		rig_write(3, "memory/dynamic-max", "393216");
		rig_write(3, "aerostat/shares", "7");
		rig_write(3, wrong[i].name, wrong[i].value);
		s = look_at("web");
		if (!strstr(s->complaint, wrong[i].words))
			fail_msg("%s = '%s': '%s'", wrong[i].name, wrong[i].value, s->complaint);
		assert_int_equal(s->settings.set, 0);
		assert_null(strchr(s->complaint, '\n'));
		rig_destroy(3);
		assert_int_equal(rig_look(), 0);
	}
}

static void odd_names_are_names(void **state)
{
	char longest[300];

	(void)state;
	memset(longest, 'n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	rig_domain(3, "", 64, 64);
	rig_domain(4, longest, 64, 64);
	rig_domain(5, "two words", 64, 64);
	rig_domain(6, "x", 64, 64);
	rig_write(6, "name", NULL);
	assert_int_equal(rig_look(), 0);
	assert_non_null(rig_seen("domain-3"));
	assert_non_null(rig_seen("two words"));
	assert_non_null(rig_seen("domain-6"));
	assert_int_equal(strlen(rig.sight[1].name), AERO_HOST_NAME_MAX - 1);
}

/* ---- changes ---- */

static void a_target_is_written_in_kib_and_the_limit_goes_along(void **state)
{
	(void)state;
	rig_domain(3, "web", 512, 1024);
	look_at("web");
	assert_int_equal(rig_target("web", 300 * MIB), 0);
	assert_string_equal(rig_value(3, "memory/target"), "307200");
	assert_int_equal(rig.allowed_kib, 301 * MIB);
	assert_int_equal(rig_target("web", 800 * MIB), 0);
	assert_string_equal(rig_value(3, "memory/target"), "819200");
	assert_int_equal(rig.allowed_kib, 801 * MIB);
	/* It is no PVH guest, whose memory would have to be backed first. */
	assert_int_equal(rig.backed, 0);
}

static void nothing_goes_above_static_max(void **state)
{
	struct xen_domain *d = rig_domain(3, "web", 512, 1024);

	(void)state;
	look_at("web");
	assert_int_equal(rig_target("web", UINT64_MAX), 0);
	assert_string_equal(rig_value(3, "memory/target"), "1048576");
	assert_int_equal(rig.allowed_kib, 1025 * MIB);
	/* Where the toolstack lets it have all from the beginning, that stays so. */
	rig_write(3, "memory/target", "262144");
	d->most_kib = 1030 * MIB;
	rig.allowed = 0;
	assert_int_equal(rig_target("web", 600 * MIB), 0);
	assert_true(!rig.allowed || rig.allowed_kib <= 1030 * MIB);
}

static void a_guest_without_room_for_its_special_pages_gets_some(void **state)
{
	struct xen_domain *d = rig_domain(3, "web", 512, 1024);

	(void)state;
	d->most_kib = 400 * MIB;
	look_at("web");
	assert_int_equal(rig_target("web", 300 * MIB), 0);
	assert_int_equal(rig.allowed_kib, 301 * MIB);
}

static void a_pvh_guest_that_grows_is_backed_first(void **state)
{
	(void)state;
	rig_domain(3, "web", 256, 512)->hvm = true;
	look_at("web");
	assert_int_equal(rig_target("web", 200 * MIB), 0);
	assert_int_equal(rig.backed, 0);
	assert_int_equal(rig_target("web", 400 * MIB), 0);
	assert_int_equal(rig.backed, 1);
	assert_int_equal(rig.backed_kib, 400 * MIB);
}

static void what_xen_refuses_is_not_asked_of_the_guest(void **state)
{
	(void)state;
	rig_domain(3, "web", 256, 512)->hvm = true;
	look_at("web");
	rig.allow_fails = -EPERM;
	assert_int_equal(rig_target("web", 400 * MIB), -EPERM);
	assert_string_equal(xen_backend.error(rig.x), "the world is away");
	rig.allow_fails = 0;
	rig.back_fails = -EINVAL;
	assert_int_equal(rig_target("web", 400 * MIB), -EINVAL);
	assert_string_equal(rig_value(3, "memory/target"), "262144");
}

/* ---- guests that go, and a xenstore that goes ---- */

static void web_ends(void)
{
	rig_destroy(3);
}

static void a_guest_that_ends_in_the_middle_leaves_no_node(void **state)
{
	const struct aero_host_settings none = {.set = 0};
	struct xen_domain *d = rig_domain(3, "web", 256, 512);
	char id[AERO_HOST_ID_MAX];

	(void)state;
	strcpy(id, look_at("web")->id);
	d->dying = true;
	assert_int_equal(xen_backend.set_target(rig.x, id, 200 * MIB), -ESRCH);
	d->dying = false;
	rig.meanwhile = web_ends;
	assert_int_equal(xen_backend.set_target(rig.x, id, 200 * MIB), -ESRCH);
	assert_string_equal(xen_backend.error(rig.x), "it has ended");
	assert_null(rig_value(3, "memory/target"));
	assert_int_equal(xen_backend.save(rig.x, id, &none), -ESRCH);
	assert_null(rig_value(3, "aerostat/min"));
	rig.meanwhile = NULL;
	assert_int_equal(rig_look(), 0);
	assert_int_equal(rig.seen, 0);
	assert_int_equal(xen_backend.set_target(rig.x, id, 200 * MIB), -ESRCH);
	assert_int_equal(xen_backend.save(rig.x, id, &none), -ESRCH);
}

/* Its nodes go before the hypervisor has let go of it, and the other way round. */
static void a_guest_without_nodes_is_not_seen(void **state)
{
	(void)state;
	rig_domain(3, "web", 256, 512);
	rig_domain(4, "db", 256, 512);
	look_at("web");
	rig_write(3, "memory/target", NULL);
	assert_int_equal(rig_look(), 0);
	assert_null(rig_seen("web"));
	assert_non_null(rig_seen("db"));
}

static void a_xenstore_that_goes_away_at_any_read_is_an_error(void **state)
{
	int reads = 0;

	(void)state;
	rig_domain(3, "web", 256, 512);
	rig_domain(4, "db", 256, 512);
	rig_write(4, "data/meminfo_total", "200000");
	rig_write(4, "data/meminfo_free", "100000");
	for (;; reads++) {
		rig.read_fails_after = reads;
		if (!rig_look())
			break;
		assert_string_equal(xen_backend.error(rig.x), "the world is away");
	}
	/* Each of the reads has failed once. */
	assert_in_range(reads, 12, 60);
	rig.read_fails_after = -1;
	assert_int_equal(look_at("db")->unused_kib, 100000);
	rig.connect_fails = -ENOTCONN;
	assert_int_equal(rig_look(), -ENOTCONN);
	rig.connect_fails = 0;
	rig.domains_fail = -EACCES;
	assert_int_equal(rig_look(), -EACCES);
	rig.domains_fail = 0;
	look_at("web");
}

/* ---- with the manager ---- */

static char log_text[4096];

static void say(const char *line)
{
	strncat(log_text, line, sizeof(log_text) - strlen(log_text) - 2);
	strcat(log_text, "\n");
}

/* A host of 2 GiB: what guests say and do, the manager turns into targets that all hold. */
static void the_manager_moves_guests_within_what_xen_has(void **state)
{
	const struct aero_host_policy *policy = aero_host_policy_find("shares");
	struct aero_manager_config *config = calloc(1, sizeof(*config));
	const struct aero_host_reading none = {.total_kib = 1};
	struct aero_manager *m;
	uint64_t web, db;

	(void)state;
	log_text[0] = 0;
	aero_manager_config_initial(config);
	config->policy = policy;
	config->policy_config = calloc(1, policy->config_size + 1);
	aero_host_policy_set_initial(policy, config->policy_config);
	config->reserve_kib = 64 * MIB;
	config->say = say;
	rig.total_kib = 2048 * MIB;
	rig.free_kib = 100 * MIB;
	rig_domain(3, "web", 424, 800);
	rig_domain(4, "db", 400, 800);
	m = aero_manager_new(config, &xen_backend, rig.x);
	for (unsigned int i = 0; i < 40; i++) {
		char text[96];

		/* web wants more than it has; db uses little. */
		snprintf(text, sizeof(text), "seq=%u total=400000 unused=1000 usable=2000", i);
		rig_write(3, "data/aerostat", text);
		snprintf(text, sizeof(text), "seq=%u total=400000 unused=300000 usable=310000", i);
		rig_write(4, "data/aerostat", text);
		assert_int_equal(aero_manager_step(m, &none, 1000 * (i + 1)), 0);
		web = strtoull(rig_value(3, "memory/target"), NULL, 10);
		db = strtoull(rig_value(4, "memory/target"), NULL, 10);
		/* Both move as they are told, by way of the host's free memory. */
		for (unsigned int d = 1; d <= 2; d++) {
			uint64_t to = d == 1 ? web : db;

			rig.free_kib = rig.free_kib + rig.domains[d].has_kib - to;
			rig.domains[d].has_kib = to;
		}
		assert_true(rig.free_kib >= 64 * MIB && rig.free_kib < 2048 * MIB);
		assert_true(web <= 800 * MIB && db >= 200 * MIB);
	}
	assert_true(web > 500 * MIB);
	assert_true(db < 390 * MIB);
	/* xenstored goes: one line, and no target changes. */
	rig.connect_fails = -ENOTCONN;
	log_text[0] = 0;
	for (unsigned int i = 0; i < 5; i++)
		assert_int_not_equal(aero_manager_step(m, &none, 100000 + 1000 * i), 0);
	assert_string_equal(log_text,
			    "the world is away; nothing is changed until that is better\n");
	aero_manager_free(m);
	free(config->policy_config);
	free(config);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(guests_are_seen_and_dom0_is_none),
		TEST(all_of_many_domains_are_seen_once),
		TEST(states_are_told_apart),
		TEST(a_number_that_is_used_again_is_another_guest),
		TEST(the_memory_of_a_graphics_card_is_left_out),
		TEST(special_pages_are_left_out),
		TEST(a_guest_that_begins_small_counts_with_that_until_it_answers),
		TEST(a_guest_that_is_being_built_counts_with_what_it_is_to_have),
		TEST(the_host_is_xens_and_not_dom0s),
		TEST(the_line_of_aerostatd_is_read),
		TEST(what_xenservers_agents_write_is_read),
		TEST(wrong_statistics_are_none),
		TEST(long_values_and_such_with_nuls_are_none),
		TEST(settings_are_kept_in_xenstore),
		TEST(the_range_of_a_toolstack_counts_and_an_administrators_settings_more),
		TEST(wrong_settings_set_nothing_and_are_explained),
		TEST(odd_names_are_names),
		TEST(a_target_is_written_in_kib_and_the_limit_goes_along),
		TEST(nothing_goes_above_static_max),
		TEST(a_guest_without_room_for_its_special_pages_gets_some),
		TEST(a_pvh_guest_that_grows_is_backed_first),
		TEST(what_xen_refuses_is_not_asked_of_the_guest),
		TEST(a_guest_that_ends_in_the_middle_leaves_no_node),
		TEST(a_guest_without_nodes_is_not_seen),
		TEST(a_xenstore_that_goes_away_at_any_read_is_an_error),
		TEST(the_manager_moves_guests_within_what_xen_has),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
