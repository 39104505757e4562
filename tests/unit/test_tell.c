// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* tools/aerostatd/tell.c with a socket in the place of the kernel's device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tell.h"

enum { XS_WRITE = 11, XS_RM = 13, XS_ERROR = 16 };

static char root[64];
static struct aero_tell tell;
static int other; /* end of the socket: xenstore's */

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *to;

	snprintf(path, sizeof(path), "%s%s", root, name);
	to = fopen(path, "we");
	assert_non_null(to);
	fputs(text, to);
	fclose(to);
}

static int begin(void **state)
{
	char path[128];
	int pair[2];

	(void)state;
	snprintf(root, sizeof(root), P_tmpdir "/aerostat-tell-XXXXXX");
	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/proc", root);
	assert_int_equal(mkdir(path, 0700), 0);
	put("/proc/meminfo", "MemTotal: 500000 kB\nMemFree: 100000 kB\nMemAvailable: 300000 kB\n"
			     "Buffers: 1000 kB\nCached: 150000 kB\n");
	put("/proc/vmstat", "pgmajfault 7\npswpin 2\npswpout 3\n");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	tell = (struct aero_tell){.root = root, .bus = pair[0]};
	other = pair[1];
	return 0;
}

static int end(void **state)
{
	static const char *const names[] = {"/proc/meminfo", "/proc/vmstat", "/proc", ""};
	char path[128];

	(void)state;
	if (tell.bus >= 0)
		close(tell.bus);
	close(other);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s%s", root, names[i]);
		remove(path);
	}
	return 0;
}

/* A message that was sent, without its header; "": none was. */
static const char *sent(uint32_t type)
{
	static char text[1024];
	ssize_t n = recv(other, text, sizeof(text) - 1, 0);
	uint32_t head[4];

	if (n < 0)
		return "";
	assert_true(n >= 16);
	memcpy(head, text, sizeof(head));
	assert_int_equal(head[0], type);
	assert_int_equal(head[3], n - 16);
	text[n] = 0;
	assert_string_equal(text + 16, "data/aerostat");
	return text + 16 + sizeof("data/aerostat");
}

static void answer(uint32_t type, const char *text, size_t cut)
{
	uint32_t head[4] = {type, 0, 0, (uint32_t)strlen(text) + 1};
	char all[64];

	memcpy(all, head, sizeof(head));
	strcpy(all + sizeof(head), text);
	assert_int_equal(send(other, all, sizeof(head) + head[3] - cut, 0),
			 sizeof(head) + head[3] - cut);
	if (cut)
		tell.told_us = 1;
}

static void again(void)
{
	tell.told_us = 1; /* long ago */
	aero_tell_step(&tell);
}

static void the_line_has_the_guests_figures(void **state)
{
	const char *line;
	char wanted[256];

	(void)state;
	aero_tell_step(&tell);
	line = sent(XS_WRITE);
	snprintf(wanted, sizeof(wanted),
		 " total=500000 unused=100000 usable=300000 cache=151000 swap-in=%ld "
		 "swap-out=%ld major-faults=7",
		 2 * sysconf(_SC_PAGESIZE) / 1024, 3 * sysconf(_SC_PAGESIZE) / 1024);
	assert_int_equal(strncmp(line, "at-ms=", 6), 0);
	assert_string_equal(strchr(line, ' '), wanted);
}

static void nothing_is_sent_before_the_answer_has_come(void **state)
{
	(void)state;
	again();
	assert_string_not_equal(sent(XS_WRITE), "");
	again();
	assert_string_equal(sent(XS_WRITE), "");
	answer(XS_WRITE, "OK", 1);
	again();
	assert_string_equal(sent(XS_WRITE), "");
	assert_int_equal(send(other, "", 1, 0), 1);
	again();
	assert_string_not_equal(sent(XS_WRITE), "");
}

static void news_in_quick_succession_are_one(void **state)
{
	(void)state;
	aero_tell_step(&tell);
	assert_string_not_equal(sent(XS_WRITE), "");
	answer(XS_WRITE, "OK", 0);
	aero_tell_step(&tell);
	assert_string_equal(sent(XS_WRITE), "");
}

static void who_may_not_write_stops(void **state)
{
	(void)state;
	again();
	sent(XS_WRITE);
	answer(XS_ERROR, "EACCES", 0);
	again();
	again();
	assert_string_equal(sent(XS_WRITE), "");
	assert_true(tell.off);
}

static void other_errors_pass(void **state)
{
	(void)state;
	again();
	sent(XS_WRITE);
	answer(XS_ERROR, "EQUOTA", 0);
	again();
	assert_string_not_equal(sent(XS_WRITE), "");
}

static void answers_that_are_none_end_the_connection(void **state)
{
	char junk[200] = {0};

	(void)state;
	again();
	sent(XS_WRITE);
	memset(junk, 0xff, sizeof(junk));
	assert_int_equal(send(other, junk, sizeof(junk), 0), sizeof(junk));
	again();
	assert_int_equal(tell.bus, -1);
	assert_false(tell.waits);
}

static void the_line_goes_at_the_end(void **state)
{
	(void)state;
	again();
	sent(XS_WRITE);
	answer(XS_WRITE, "OK", 0);
	aero_tell_end(&tell);
	assert_string_equal(sent(XS_RM), "");
	assert_int_equal(tell.bus, -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(the_line_has_the_guests_figures),
		TEST(nothing_is_sent_before_the_answer_has_come),
		TEST(news_in_quick_succession_are_one),
		TEST(who_may_not_write_stops),
		TEST(other_errors_pass),
		TEST(answers_that_are_none_end_the_connection),
		TEST(the_line_goes_at_the_end),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
