/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The lab tests itself in real guests, without driver and monitor: what the
 * guest tests lean on must hold, and must be able to fail.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"
#include "scenario.h"

static const struct lab_config small = {.memory_mib = 512, .platform = &lab_platform_bare};
static const struct lab_config memfd = {
	.memory_mib = 512,
	.cpus = 2,
	.backend = LAB_MEMFD,
	.platform = &lab_platform_bare,
};

static const char *shell(struct lab_guest *g)
{
	char *out;
	int status = lab_sh(g, 5000, &out, "echo out; echo err >&2; exit 3");

	LAB_CHECK(status == 3, "status %d, %s", status, lab_error());
	LAB_CHECK(!strcmp(out, "out\nerr\n"), "said '%s'", out);
	free(out);
	status = lab_sh(g, 5000, NULL, "kill -9 $$");
	LAB_CHECK(status == 137, "a killed shell has status %d", status);
	LAB_CHECK(lab_must(g, 5000, "echo because; false") == -EREMOTEIO, "false did not fail");
	LAB_CHECK(strstr(lab_error(), "because"), "%s", lab_error());
	return NULL;
}

static const char *large_output(struct lab_guest *g)
{
	char *out;

	LAB_CHECK(lab_sh(g, 60000, &out, "seq 1 20000") == 0, "%s", lab_error());
	LAB_CHECK(strlen(out) == 108894, "%zu bytes came", strlen(out));
	LAB_CHECK(!strncmp(out, "1\n2\n", 4) && strstr(out, "\n20000\n"), "wrong bytes");
	free(out);
	return NULL;
}

static const char *time_limits(struct lab_guest *g)
{
	int64_t start = lab_now_ms();
	int status = lab_sh(g, 500, NULL, "sleep 100"), id;

	LAB_CHECK(status == 124, "status %d", status);
	LAB_CHECK(lab_now_ms() - start < 5000, "it took %d ms", (int)(lab_now_ms() - start));
	id = lab_begin(g, 5000, "sh sleep 2; echo late");
	LAB_CHECK(id > 0, "%s", lab_error());
	LAB_CHECK(lab_end(g, id, 200, NULL) == -ETIMEDOUT, "the answer came too early");
	LAB_CHECK(lab_sh(g, 5000, NULL, "true") == 0, "busy: %s", lab_error());
	LAB_CHECK(lab_end(g, id, 5000, NULL) == 0, "%s", lab_error());
	return NULL;
}

/* Whatever is on the line, the agent goes on. */
static const char *garbage(struct lab_guest *g)
{
	static const char *const lines[] = {
		"\n\n",
		"nonsense\n",
		"5\n",
		"5 x\n",
		"-1 5 sh true\n",
		"\x01\xff\x02\n",
		"99999999999999999999 1 sh\n",
		"0 0 sh\n",
		"5 99999999999 sh\n",
	};
	static char long_line[40000];

	for (size_t i = 0; i < LAB_COUNT(lines); i++)
		LAB_OK(lab_stream_send(&g->agent, lines[i], strlen(lines[i])));
	memset(long_line, 'x', sizeof(long_line));
	long_line[sizeof(long_line) - 1] = '\n';
	LAB_OK(lab_stream_send(&g->agent, long_line, sizeof(long_line)));
	LAB_CHECK(lab_sh(g, 20000, NULL, "exit 7") == 7, "%s", lab_error());
	LAB_CHECK(lab_call(g, 5000, NULL, "dance") == 125, "an unknown verb is not refused");
	LAB_CHECK(lab_call(g, 5000, NULL, "data fill -1 x") == 125, "bad numbers are not refused");
	LAB_CHECK(lab_call(g, 5000, NULL, "fragment 3") == 125, "3 is not refused");
	return NULL;
}

static const char *files(struct lab_guest *g)
{
	uint64_t number = 0;
	char *out;

	LAB_CHECK(lab_read_file(g, "/nowhere", &out) == ENOENT, "%s", lab_error());
	free(out);
	LAB_CHECK(lab_write_file(g, "/proc/sys/vm/swappiness", "abc") == EINVAL, "%s", lab_error());
	LAB_OK(lab_write_file(g, "/proc/sys/vm/swappiness", "42"));
	LAB_OK(lab_read_number(g, "/proc/sys/vm/swappiness", &number));
	LAB_CHECK(number == 42, "read back %d", (int)number);
	return NULL;
}

static const char *data_set(struct lab_guest *g)
{
	LAB_CHECK(lab_data_check(g) == -EINVAL, "no data set is a good data set");
	LAB_OK(lab_data_fill(g, 64, 1));
	LAB_OK(lab_data_check(g));
	LAB_OK(lab_must(g, 10000, "true")); /* a fork must not disturb it */
	LAB_OK(lab_data_check(g));
	LAB_CHECK(lab_call(g, 5000, NULL, "data free") == 0, "%s", lab_error());
	return NULL;
}

/* One wrong bit: the check must see it. */
static const char *data_damage(struct lab_guest *g)
{
	LAB_OK(lab_data_fill(g, 16, 99));
	LAB_CHECK(lab_call(g, 5000, NULL, "data spoil 77") == 0, "%s", lab_error());
	LAB_CHECK(lab_data_check(g) == -EILSEQ, "the damage was not seen");
	LAB_CHECK(strstr(lab_error(), "first is 77"), "%s", lab_error());
	LAB_CHECK(lab_call(g, 5000, NULL, "data free") == 0, "%s", lab_error());
	return NULL;
}

/* The guest's use of memory shows on the host. */
static const char *touch(struct lab_guest *g)
{
	struct lab_host_memory before, after;

	LAB_OK(lab_host_memory(g, &before));
	LAB_CHECK(lab_call(g, 60000, NULL, "touch") == 0, "%s", lab_error());
	LAB_OK(lab_host_memory(g, &after));
	lab_note("host: %llu MiB before, %llu MiB after (all of QEMU %llu)",
		 (unsigned long long)before.ram_kib / 1024,
		 (unsigned long long)after.ram_kib / 1024,
		 (unsigned long long)after.process_kib / 1024);
	LAB_CHECK(before.ram_kib < 300 * 1024, "%d MiB at once", (int)(before.ram_kib / 1024));
	LAB_CHECK(after.ram_kib > 400 * 1024, "only %d MiB", (int)(after.ram_kib / 1024));
	LAB_CHECK(after.ram_kib <= 512 * 1024, "%d MiB", (int)(after.ram_kib / 1024));
	return NULL;
}

static const char *page_cache(struct lab_guest *g)
{
	struct lab_meminfo before, after;

	LAB_OK(lab_meminfo(g, &before));
	LAB_OK(lab_fill_page_cache(g, 200));
	LAB_OK(lab_meminfo(g, &after));
	LAB_CHECK(after.free_kib + 150 * 1024 < before.free_kib, "free: %d, then %d KiB",
		  (int)before.free_kib, (int)after.free_kib);
	LAB_CHECK(after.available_kib + 50 * 1024 > before.available_kib,
		  "available: %d, then %d KiB", (int)before.available_kib,
		  (int)after.available_kib);
	return lab_write_file(g, "/proc/sys/vm/drop_caches", "3") ? lab_error() : NULL;
}

/* Free blocks of order 9 or more, from /proc/buddyinfo. */
static const char *big_blocks(struct lab_guest *g, unsigned int *blocks)
{
	char *out;

	LAB_OK(lab_read_file(g, "/proc/buddyinfo", &out));
	*blocks = 0;
	for (char *line = out; line && *line; line = strchr(line, '\n')) {
		unsigned int nine, ten;

		line += *line == '\n';
		if (sscanf(line, "Node %*d, zone DMA32 %*u %*u %*u %*u %*u %*u %*u %*u %*u %u %u",
			   &nine, &ten) == 2)
			*blocks += nine + 2 * ten;
	}
	free(out);
	return NULL;
}

static const char *fragment(struct lab_guest *g)
{
	unsigned int before, during, after;
	struct lab_meminfo mem;

	LAB_TRY(big_blocks(g, &before));
	LAB_CHECK(lab_call(g, 60000, NULL, "fragment 512 16") == 0, "%s", lab_error());
	LAB_OK(lab_write_file(g, "/proc/sys/vm/compact_memory", "1"));
	LAB_TRY(big_blocks(g, &during));
	LAB_OK(lab_meminfo(g, &mem));
	LAB_CHECK(lab_call(g, 60000, NULL, "fragment stop") == 0, "%s", lab_error());
	/*
	 * How many come together again is for the reader: freed pages may linger on
	 * the CPU's own lists, and no test leans on it.
	 */
	LAB_TRY(big_blocks(g, &after));
	lab_note("2 MiB blocks: %u before, %u during (%llu MiB free), %u after", before, during,
		 (unsigned long long)mem.free_kib / 1024, after);
	LAB_CHECK(before > 100, "%u before", before);
	LAB_CHECK(during < before / 10, "%u of %u are left", during, before);
	LAB_CHECK(mem.free_kib > 200 * 1024, "only %d KiB are free", (int)mem.free_kib);
	return NULL;
}

/* A hog that asks for too much is killed, and the log says so: both must be seen. */
static const char *hog(struct lab_guest *g)
{
	char *out = NULL, *lines = NULL;
	int problems;

	LAB_CHECK(lab_call(g, 5000, NULL, "hog start 64 500") == 0, "%s", lab_error());
	lab_sleep_ms(1500);
	LAB_CHECK(lab_call(g, 5000, &out, "hog status") == 0, "%s", lab_error());
	LAB_CHECK(strstr(out, "running touched_pages 16384"), "%s", out);
	free(out);
	LAB_CHECK(lab_call(g, 5000, NULL, "hog start 2000") == 0, "%s", lab_error());
	for (int i = 0; i < 150; i++) {
		LAB_CHECK(lab_call(g, 5000, &out, "hog status") == 0, "%s", lab_error());
		if (strncmp(out, "running", 7))
			break;
		free(out);
		lab_sleep_ms(200);
	}
	LAB_CHECK(!strncmp(out, "killed", 6), "%s", out);
	free(out);
	problems = lab_log_problems(g, NULL, &lines);
	LAB_CHECK(problems > 0 && strstr(lines, "Killed process"), "the log says '%s'", lines);
	free(lines);
	lab_log_mark(g); /* seen and expected */
	return NULL;
}

/* A process that may not run for a while: its heartbeat has a gap of this length. */
static const char *beat(struct lab_guest *g)
{
	unsigned long long gap_ms = 0, beats = 0;
	char *out = NULL;

	LAB_CHECK(lab_call(g, 5000, NULL, "beat stop") == 1, "a heartbeat that nobody has started");
	LAB_CHECK(lab_call(g, 5000, NULL, "beat start") == 0, "%s", lab_error());
	LAB_OK(lab_must(
		g, 10000,
		"sleep 1; killall -STOP heartbeat; sleep 2; killall -CONT heartbeat; sleep 1"));
	LAB_CHECK(lab_call(g, 5000, &out, "beat stop") == 0, "%s", lab_error());
	LAB_CHECK(sscanf(out, "largest_gap_ms %llu beats %llu", &gap_ms, &beats) == 2, "%s", out);
	free(out);
	lab_note("largest gap %llu ms, %llu beats", gap_ms, beats);
	LAB_CHECK(gap_ms >= 2000 && gap_ms < 10000, "%llu ms instead of 2 s", gap_ms);
	LAB_CHECK(beats > 3, "only %llu beats", beats);
	return NULL;
}

static const char *reset(struct lab_guest *g)
{
	LAB_OK(lab_must(g, 5000, "touch /tmp/mark"));
	LAB_OK(lab_reset(g));
	LAB_CHECK(lab_sh(g, 5000, NULL, "test -e /tmp/mark") == 1, "the guest did not restart");
	return NULL;
}

static const char *kernel_complaint_fails(struct lab_guest *g)
{
	char *lines;
	int count;

	LAB_OK(lab_must(g, 5000, "echo '<4>WARNING: made by the test' >/dev/kmsg"));
	count = lab_log_problems(g, NULL, &lines);
	LAB_CHECK(count == 1, "%d problems: %s", count, lines);
	free(lines);
	LAB_CHECK(lab_log_problems(g, "made by the test", NULL) == 0, "not allowed for");
	lab_log_mark(g);
	return NULL;
}

/* ---- kept boots ---- */

static struct lab_config to_keep(const char *append)
{
	struct lab_config c = small;

	c.name = "lab-kept";
	c.append = append;
	c.keep_boot = true;
	return c;
}

/* Boots with this parameter; the name of the state is in *@state then. */
static const char *boot_kept(const char *append, char *state, size_t size)
{
	struct lab_config c = to_keep(append);
	struct lab_guest *g;
	char *out = NULL;

	LAB_OK(lab_boot(&g, &c));
	LAB_CHECK(g->kept, "this boot is not kept");
	snprintf(state, size, "%s", g->kept);
	LAB_CHECK(lab_sh(g, 5000, &out, "cat /proc/cmdline") == 0, "%s", lab_error());
	LAB_CHECK(strstr(out, append), "the guest was booted with: %s", out);
	free(out);
	lab_stop(g);
	return NULL;
}

static const char *kept_boot(struct lab_guest *unused)
{
	char first[4096], second[4096], other[4096];
	struct lab_config c = to_keep("kept=1");
	struct lab_guest *g;

	(void)unused;
	LAB_TRY(boot_kept("kept=1", first, sizeof(first)));
	LAB_OK(lab_boot(&g, &c));
	LAB_CHECK(g->from_kept, "the second boot was a real one");
	LAB_CHECK(!strcmp(g->kept, first), "%s and %s", g->kept, first);
	LAB_OK(lab_must(g, 5000, "echo 7 >/dev/kmsg; dmesg | grep -q Linux.version"));
	LAB_OK(lab_data_fill(g, 64, 7));
	LAB_OK(lab_data_check(g));
	lab_stop(g);
	/* What the last guest did is not in the state. */
	LAB_TRY(boot_kept("kept=1", second, sizeof(second)));
	LAB_TRY(boot_kept("kept=2", other, sizeof(other)));
	LAB_CHECK(strcmp(first, other) != 0, "other parameters have the same state");
	return NULL;
}

/* A state that can't be loaded is replaced by that of a real boot. */
static const char *kept_boot_damaged(struct lab_guest *unused)
{
	struct lab_config c = to_keep("kept=1");
	char state[4096];
	struct lab_guest *g;

	(void)unused;
	LAB_TRY(boot_kept("kept=1", state, sizeof(state)));
	LAB_CHECK(truncate(state, 1 << 20) == 0, "can't cut %s", state);
	LAB_OK(lab_boot(&g, &c));
	LAB_CHECK(!g->from_kept, "half a state was enough");
	LAB_OK(lab_must(g, 5000, "true"));
	lab_stop(g);
	LAB_OK(lab_boot(&g, &c));
	LAB_CHECK(g->from_kept, "the real boot was not kept");
	LAB_OK(lab_must(g, 5000, "true"));
	lab_stop(g);
	return NULL;
}

static const struct lab_test tests[] = {
	{"shell", shell, .config = &small},
	{"large-output", large_output, .config = &small},
	{"time-limits", time_limits, .config = &small},
	{"garbage", garbage, .config = &small},
	{"files", files, .config = &small},
	{"data-set", data_set, .config = &small},
	{"data-damage", data_damage, .config = &small},
	{"touch-anonymous", touch, .config = &small},
	{"page-cache", page_cache, .config = &small},
	/* Fresh: pages on a CPU's own lists escape the agent, and come back as whole blocks. */
	{"fragment", fragment, .config = &small, .fresh = true},
	{"kernel-complaint-fails", kernel_complaint_fails, .config = &small},
	{"hog", hog, .config = &small},
	{"beat", beat, .config = &small},
	{"reset", reset, .config = &small},
	{"kept-boot", kept_boot, .config = &small},
	{"kept-boot-damaged", kept_boot_damaged, .config = &small},
	{"touch-memfd", touch, .config = &memfd},
};

static const struct lab_suite suite = {
	.name = "lab",
	.tests = tests,
	.count = LAB_COUNT(tests),
	/* They look at the host's memory, all of which the loading of a state touches. */
	.boots = true,
};

int main(int argc, char **argv)
{
	return lab_suite_main(argc, argv, &suite);
}
