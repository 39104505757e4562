/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Unit tests of those parts of the lab that need no guest. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "internal.h"

static int scan(const char *text, const char *allow)
{
	char *lines = NULL;
	int count = lab_scan_log(text, strlen(text), allow, &lines);

	assert_int_equal(count == 0, lines == NULL);
	free(lines);
	return count;
}

static void log_finds_problems(void **state)
{
	static const char *const bad[] = {
		"[    1.0] WARNING: CPU: 0 PID: 1 at mm/page_alloc.c:1",
		"[    1.0] BUG: unable to handle page fault for address: 0",
		"[    1.0] kernel BUG at mm/slub.c:1!",
		"[    1.0] Oops: 0000 [#1] PREEMPT SMP",
		"[    1.0] Call Trace:",
		"[    1.0] WARNING: possible circular locking dependency detected",
		"[    1.0] WARNING: inconsistent lock state",
		"[    1.0] BUG: Bad page state in process sh  pfn:1",
		"[    1.0] INFO: task sh:12 blocked for more than 120 seconds.",
		"[    1.0] rcu: INFO: rcu_preempt self-detected stall on CPU",
		"[    1.0] Out of memory: Killed process 12 (sh)",
		"[    1.0] kmemleak: 1 new suspected memory leaks (see ...)",
		"[    1.0] watchdog: BUG: soft lockup - CPU#0 stuck for 61s!",
		"[    1.0] Kernel panic - not syncing: Attempted to kill init!",
		"(XEN) Xen BUG at page_alloc.c:1000",
		"(XEN) Xen WARN at mm.c:1",
		"(XEN) Panic on CPU 0:",
		"(XEN) Domain 3 (vcpu#0) crashed on cpu#0:",
		"(XEN) domain_crash called from traps.c:1",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(scan(bad[i], NULL), 1);
}

static void log_lets_good_lines_pass(void **state)
{
	assert_int_equal(scan("", NULL), 0);
	assert_int_equal(scan("\n\n", NULL), 0);
	assert_int_equal(scan("[ 0.0] vmware: Failed to get TSC freq from the hypervisor\r\n"
			      "[ 0.6] Failed to access perfctr msr (MSR c0010007 is 0)\r\n"
			      "[ 2.0] aerostat: loading out-of-tree module taints kernel.\r\n"
			      "[ 2.1] debug: this is a warning without capitals\r\n"
			      "(XEN) HVM d2v0 save: CPU\r\n"
			      "(XEN) d2v0: upcall vector f3\r\n"
			      "(XEN) Initial low memory virq threshold set at 0x4000 pages.\r\n",
			      NULL),
			 0);
}

static void log_counts_and_allows(void **state)
{
	static const char text[] = "fine\r\nWARNING: one\r\nfine\nBUG: two\nWARNING: three";
	char *lines;

	assert_int_equal(lab_scan_log(text, sizeof(text) - 1, NULL, &lines), 3);
	assert_string_equal(lines, "WARNING: one\nBUG: two\nWARNING: three\n");
	free(lines);
	assert_int_equal(scan(text, "WARNING: one"), 2);
	assert_int_equal(scan(text, "WARNING"), 1);
}

/* Feeds the text in pieces of `piece` bytes; how many frames came out, the last in *answer. */
static int frames(const char *text, size_t length, size_t piece, struct lab_answer *answer)
{
	struct lab_stream s = {.fd = -1, .bytes = calloc(1, length + 1), .room = length + 1};
	int count = 0;

	for (size_t at = 0; at < length; at += piece) {
		size_t n = length - at < piece ? length - at : piece;

		memcpy(s.bytes + s.length, text + at, n);
		s.length += n;
		s.bytes[s.length] = 0;
		for (;;) {
			struct lab_answer next = {0};

			if (lab_frame_take(&s, &next) != 1)
				break;
			if (count++)
				free(answer->text);
			*answer = next;
		}
	}
	free(s.bytes);
	return count;
}

static void frame_is_cut_out(void **state)
{
	static const char text[] = "\x02"
				   "7 124 5\nab\x02\n\n\x03\n";

	for (size_t piece = 1; piece < sizeof(text); piece++) {
		struct lab_answer answer;

		assert_int_equal(frames(text, sizeof(text) - 1, piece, &answer), 1);
		assert_int_equal(answer.id, 7);
		assert_int_equal(answer.status, 124);
		assert_memory_equal(answer.text, "ab\x02\n\n", 6);
		free(answer.text);
	}
}

static void garbage_between_frames_is_skipped(void **state)
{
	static const char text[] = "noise\x02\x02\x02 1 2 3\n\x02"
				   "4294967295 0 99999999999\n"
				   "\x02"
				   "1 0 2\nokXX" /* wrong end */
				   "\x02"
				   "9 0 2\nok\x03\ntrailing";

	for (size_t piece = 1; piece < sizeof(text); piece++) {
		struct lab_answer answer;

		assert_int_equal(frames(text, sizeof(text) - 1, piece, &answer), 1);
		assert_int_equal(answer.id, 9);
		assert_string_equal(answer.text, "ok");
		free(answer.text);
	}
}

static void bad_configs_are_refused(void **state)
{
	static const struct lab_config bad[] = {
		{.name = "../evil"},   {.name = "a b"}, {.name = ""},	{.memory_mib = 64},
		{.memory_mib = 70000}, {.cpus = 17},	{.backend = 7},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct lab_guest *guest = NULL;

		assert_int_equal(lab_boot(&guest, &bad[i]), -EINVAL);
		assert_null(guest);
		assert_true(strlen(lab_error()) > 10);
	}
}

static void deadline_bounds_waits(void **state)
{
	int64_t now = lab_now_ms();

	assert_in_range(lab_left_ms(now, 5000), 4000, 5000);
	assert_int_equal(lab_left_ms(now - 100, 50), 0);
	lab_deadline(100);
	assert_in_range(lab_left_ms(now, 5000), 0, 100);
	lab_deadline(0);
	assert_in_range(lab_left_ms(now, 5000), 4000, 5000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_finds_problems),
		cmocka_unit_test(log_lets_good_lines_pass),
		cmocka_unit_test(log_counts_and_allows),
		cmocka_unit_test(frame_is_cut_out),
		cmocka_unit_test(garbage_between_frames_is_skipped),
		cmocka_unit_test(bad_configs_are_refused),
		cmocka_unit_test(deadline_bounds_waits),
	};

	return cmocka_run_group_tests_name("lab", tests, NULL, NULL);
}
