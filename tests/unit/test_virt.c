// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * tools/aerostat-hostd/virt.c on libvirt's own test driver, and virt_domain.c with metadata of
 * every kind of wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libvirt/libvirt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "virt.h"

static struct aero_host_sight sights[8];
static unsigned int seen;

static void see(void *to, const struct aero_host_sight *sight)
{
	(void)to;
	if (seen < 8)
		sights[seen++] = *sight;
}

static void hurry(void *to)
{
	(void)to;
}

static struct virt *start(const char *uri)
{
	struct virt *v;

	assert_int_equal(virEventRegisterDefaultImpl(), 0);
	v = virt_new(uri, hurry, NULL);
	assert_non_null(v);
	seen = 0;
	return v;
}

static void guests_are_seen_and_their_size_is_set(void **state)
{
	struct virt *v = start("test:///default");

	(void)state;
	assert_int_equal(virt_backend.look(v, see, NULL), 0);
	assert_int_equal(seen, 1);
	assert_string_equal(sights[0].name, "test");
	assert_int_equal(sights[0].life, AERO_HOST_RUNNING);
	assert_int_equal(sights[0].boot_kib, 8388608);
	assert_int_equal(virt_backend.set_target(v, sights[0].id, 1048576), 0);
	seen = 0;
	assert_int_equal(virt_backend.look(v, see, NULL), 0);
	assert_int_equal(sights[0].current_kib, 1048576);
	assert_int_not_equal(virt_backend.set_target(v, "nobody", 1048576), 0);
	virt_free(v);
}

static void settings_are_kept_in_the_metadata(void **state)
{
	const struct aero_host_settings all = {
		.set = AERO_HOST_SET_MIN | AERO_HOST_SET_MAX | AERO_HOST_SET_SHARES |
		       AERO_HOST_SET_MANAGED,
		.min_kib = 262144,
		.max_kib = 1048576,
		.shares = 42,
		.managed = false,
	};
	struct virt *v = start("test:///default");

	(void)state;
	assert_int_equal(virt_backend.look(v, see, NULL), 0);
	assert_int_equal(sights[0].settings.set, 0);
	assert_int_equal(virt_backend.save(v, sights[0].id, &all), 0);
	seen = 0;
	assert_int_equal(virt_backend.look(v, see, NULL), 0);
	assert_int_equal(sights[0].settings.set, all.set);
	assert_int_equal(sights[0].settings.min_kib, all.min_kib);
	assert_int_equal(sights[0].settings.max_kib, all.max_kib);
	assert_int_equal(sights[0].settings.shares, all.shares);
	assert_false(sights[0].settings.managed);
	assert_string_equal(sights[0].complaint, "");
	virt_free(v);
}

static void a_libvirt_that_is_not_there_is_an_error_in_words(void **state)
{
	struct virt *v = start("qemu+unix:///session?socket=/nonexistent");

	(void)state;
	assert_int_not_equal(virt_backend.look(v, see, NULL), 0);
	assert_non_null(strstr(virt_backend.error(v), "does libvirtd run"));
	assert_int_equal(seen, 0);
	virt_free(v);
}

/* ---- descriptions ---- */

#define DOMAIN(metadata)                                                                \
	"<domain><metadata>" metadata "</metadata><devices><memballoon model='virtio'>" \
	"<stats period='3'/></memballoon></devices></domain>"
#define ELEMENT(rest) "<a:memory xmlns:a='" VIRT_NAMESPACE "' " rest

static void a_description_is_read(void **state)
{
	struct virt_domain d;

	(void)state;
	assert_true(virt_domain_parse(DOMAIN(ELEMENT("min='1GiB' managed='no'/>")), &d));
	assert_true(d.balloon);
	assert_int_equal(d.period_s, 3);
	assert_int_equal(d.settings.set, AERO_HOST_SET_MIN | AERO_HOST_SET_MANAGED);
	assert_int_equal(d.settings.min_kib, 1048576);
	assert_true(virt_domain_parse(DOMAIN("<x xmlns='urn:other' min='x'/>"), &d));
	assert_int_equal(d.settings.set, 0);
	assert_string_equal(d.complaint, "");
	assert_true(virt_domain_parse(
		"<domain><devices><memballoon model='none'/></devices></domain>", &d));
	assert_false(d.balloon);
	assert_false(virt_domain_parse("<domain>", &d));
	assert_false(virt_domain_parse("", &d));
	assert_false(virt_domain_parse("<network/>", &d));
}

static void wrong_metadata_set_nothing_and_are_explained(void **state)
{
	static const struct {
		const char *xml, *words;
	} wrong[] = {
		{DOMAIN(ELEMENT("min='x'/>")), "min is an amount of memory"},
		{DOMAIN(ELEMENT("min=''/>")), "min is an amount of memory"},
		{DOMAIN(ELEMENT("min='-1'/>")), "min is an amount of memory"},
		{DOMAIN(ELEMENT("min='99999999999999999999G'/>")), "min is an amount of memory"},
		{DOMAIN(ELEMENT("min='1G' max='1e9'/>")), "max is an amount of memory"},
		{DOMAIN(ELEMENT("shares='0' min='1G'/>")), "shares is a whole number"},
		{DOMAIN(ELEMENT("shares='1.5'/>")), "shares is a whole number"},
		{DOMAIN(ELEMENT("managed='YES'/>")), "managed is yes or no"},
		{DOMAIN(ELEMENT("mim='1G'/>")), "there is no setting 'mim'"},
		{DOMAIN(ELEMENT("min='1G'>text</a:memory>")), "has something in it"},
		{DOMAIN(ELEMENT("min='1G'><max/></a:memory>")), "has something in it"},
		{DOMAIN(ELEMENT("min='1G'/>") ELEMENT("min='2G'/>")), "more than one element"},
		{DOMAIN("<a:limits xmlns:a='" VIRT_NAMESPACE "' min='1G'/>"), "<limits>"},
		{DOMAIN(ELEMENT("min='&#x1b;[31m&#10;'/>")), "min is an amount of memory"},
	};
	struct virt_domain d;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		/* A control character is no XML at all. */
		if (!virt_domain_parse(wrong[i].xml, &d))
			continue;
		if (!strstr(d.complaint, wrong[i].words))
			fail_msg("%s: '%s'", wrong[i].xml, d.complaint);
		assert_null(strchr(d.complaint, '\n'));
		assert_int_equal(d.settings.set, 0);
		assert_true(d.balloon);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guests_are_seen_and_their_size_is_set),
		cmocka_unit_test(settings_are_kept_in_the_metadata),
		cmocka_unit_test(a_libvirt_that_is_not_there_is_an_error_in_words),
		cmocka_unit_test(a_description_is_read),
		cmocka_unit_test(wrong_metadata_set_nothing_and_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
