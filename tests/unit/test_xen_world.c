// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * tools/aerostat-hostd/xen_world.c and loop_own.c with the real libxenstore, on a xenstored that
 * the test plays, and a hypervisor that there is none of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_xenstored.h"
#include "xen_control.h"
#include "xen_world.h"

/* ---- the hypervisor ---- */

struct xen_control {
	char nothing;
};

static int control_fails;

struct xen_control *xen_control_new(void)
{
	return calloc(1, sizeof(struct xen_control));
}

void xen_control_free(struct xen_control *c)
{
	free(c);
}

int xen_control_open(struct xen_control *c)
{
	(void)c;
	return control_fails;
}

int xen_control_domains(struct xen_control *c, uint32_t first, struct xen_domain *domains,
			unsigned int most)
{
	(void)c;
	(void)first;
	(void)domains;
	(void)most;
	return 0;
}

int xen_control_host(struct xen_control *c, uint64_t *total_kib, uint64_t *free_kib)
{
	(void)c;
	(void)total_kib;
	(void)free_kib;
	return -EACCES;
}

int xen_control_allow(struct xen_control *c, const struct xen_domain *domain, uint64_t kib)
{
	(void)c;
	(void)domain;
	(void)kib;
	return 0;
}

int xen_control_back(struct xen_control *c, const struct xen_domain *domain, uint64_t kib)
{
	(void)c;
	(void)domain;
	(void)kib;
	return 0;
}

const char *xen_control_error(const struct xen_control *c)
{
	(void)c;
	return "no hypervisor";
}

/* ---- the rig ---- */

static char folder[] = P_tmpdir "/aerostat-xenstored-XXXXXX";
static struct xen_machine *machine;
static unsigned int hurries;
static int ticks;

static void hurry(void *to)
{
	(void)to;
	hurries++;
}

static void tick(int timer, void *data)
{
	(void)timer;
	(void)data;
	ticks++;
}

static int once(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(setenv("XENSTORED_RUNDIR", folder, 1), 0);
	assert_true(loop_own.start());
	assert_true(loop_own.add_timer(20, tick, NULL) >= 0);
	return 0;
}

static int at_last(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/socket", folder);
	unlink(path);
	rmdir(folder);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	fake_xenstored_forget();
	fake_xenstored_put("/a", "1", 1);
	hurries = 0;
	control_fails = 0;
	machine = xen_machine_new(&loop_own, hurry, NULL);
	assert_non_null(machine);
	return 0;
}

static int end(void **state)
{
	(void)state;
	xen_machine_free(machine);
	fake_xenstored_kill();
	return 0;
}

static void run_for(int n)
{
	for (int until = ticks + n; ticks < until;)
		assert_true(loop_own.run());
}

static int read_node(const char *path, char value[XEN_VALUE_MAX])
{
	return xen_world.read(machine, path, value);
}

/* ---- the tests ---- */

static void values_are_read(void **state)
{
	char value[XEN_VALUE_MAX], longest[XEN_VALUE_MAX];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	fake_xenstored_put("/empty", "", 0);
	fake_xenstored_put("/nul",
			   "1\0"
			   "2",
			   3);
	fake_xenstored_put("/fits", longest, sizeof(longest) - 1);
	fake_xenstored_put("/long", longest, sizeof(longest));
	fake_xenstored_start(folder);
	assert_int_equal(read_node("/a", value), -ENOTCONN);
	assert_int_equal(xen_world.connect(machine), 0);
	assert_int_equal(read_node("/a", value), 0);
	assert_string_equal(value, "1");
	assert_int_equal(read_node("/empty", value), 0);
	assert_string_equal(value, "");
	assert_int_equal(read_node("/fits", value), 0);
	assert_int_equal(strlen(value), XEN_VALUE_MAX - 1);
	assert_int_equal(read_node("/none", value), -ENOENT);
	assert_int_equal(read_node("/nul", value), -E2BIG);
	assert_int_equal(read_node("/long", value), -E2BIG);
}

static void changes_are_made_together_or_not_at_all(void **state)
{
	const struct xen_change changes[] = {{"/b", "2"}, {"/a", NULL}, {"/never", NULL}};
	const struct xen_change back[] = {{"/a", "3"}};
	char value[XEN_VALUE_MAX];

	(void)state;
	fake_xenstored_disturb(3);
	fake_xenstored_start(folder);
	assert_int_equal(xen_world.connect(machine), 0);
	assert_int_equal(xen_world.change(machine, "/a", changes, 3), 0);
	assert_int_equal(read_node("/b", value), 0);
	assert_string_equal(value, "2");
	assert_int_equal(read_node("/a", value), -ENOENT);
	assert_int_equal(xen_world.change(machine, "/a", back, 1), -ENOENT);
	assert_int_equal(read_node("/a", value), -ENOENT);
}

static void a_store_that_is_always_disturbed_is_given_up(void **state)
{
	const struct xen_change change = {"/a", "3"};
	char value[XEN_VALUE_MAX];

	(void)state;
	fake_xenstored_disturb(1000);
	fake_xenstored_start(folder);
	assert_int_equal(xen_world.connect(machine), 0);
	assert_int_equal(xen_world.change(machine, "/a", &change, 1), -EAGAIN);
	assert_non_null(strstr(xen_world.error(machine), "too busy"));
	assert_int_equal(read_node("/a", value), 0);
	assert_string_equal(value, "1");
}

static void news_hurry(void **state)
{
	(void)state;
	fake_xenstored_start(folder);
	assert_int_equal(xen_world.connect(machine), 0);
	for (int i = 0; i < 100 && !hurries; i++)
		run_for(1);
	assert_true(hurries);
}

static void without_xenstored_nobody_waits(void **state)
{
	(void)state;
	assert_int_equal(xen_world.connect(machine), -ENOTCONN);
	assert_non_null(strstr(xen_world.error(machine), "does xenstored run?"));
	control_fails = -ENOENT;
	assert_int_equal(xen_world.connect(machine), -ENOENT);
	assert_string_equal(xen_world.error(machine), "no hypervisor");
	control_fails = 0;
	fake_xenstored_start(folder);
	assert_int_equal(xen_world.connect(machine), 0);
}

static void a_xenstored_that_dies_is_told_and_found_again(void **state)
{
	char value[XEN_VALUE_MAX];

	(void)state;
	for (int round = 0; round < 3; round++) {
		fake_xenstored_start(folder);
		assert_int_equal(xen_world.connect(machine), 0);
		assert_int_equal(read_node("/a", value), 0);
		fake_xenstored_kill();
		/* In the loop it is noticed without an end of events. */
		if (round)
			run_for(5);
		hurries = 0;
		run_for(5);
		assert_true(hurries < 5);
		assert_int_equal(read_node("/a", value), -ENOTCONN);
		assert_non_null(strstr(xen_world.error(machine), "xenstore has ended"));
		assert_int_equal(xen_world.connect(machine), -ENOTCONN);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(values_are_read),
		TEST(changes_are_made_together_or_not_at_all),
		TEST(a_store_that_is_always_disturbed_is_given_up),
		TEST(news_hurry),
		TEST(without_xenstored_nobody_waits),
		TEST(a_xenstored_that_dies_is_told_and_found_again),
	};
#undef TEST

	return cmocka_run_group_tests(tests, once, at_last);
}
