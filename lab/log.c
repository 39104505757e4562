/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The guest's console: finding what went wrong in it. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

/* A line of the kernel's log that contains one of these reports a defect. */
static const char *const bad_words[] = {
	"WARNING:",
	"BUG:",
	"BUG at",
	"kernel BUG",
	"Oops",
	"Call Trace",
	"Call trace",
	"general protection fault",
	"Unable to handle kernel",
	"unable to handle page fault",
	"Kernel panic",
	"Bad page state",
	"Bad page map",
	"Bad rss-counter",
	"bad: scheduling",
	"possible circular locking",
	"possible recursive locking",
	"possible irq lock inversion",
	"inconsistent lock state",
	"suspicious RCU usage",
	"held lock freed",
	"sleeping function called from invalid context",
	"scheduling while atomic",
	"kmemleak",
	"new suspected memory leaks",
	"KASAN:",
	"UBSAN:",
	"KCSAN:",
	"blocked for more than",
	"soft lockup",
	"hard LOCKUP",
	"self-detected stall",
	"detected stalls",
	"rcu_preempt kthread starved",
	"Out of memory:",
	"oom-kill:",
	"invoked oom-killer",
	"page allocation failure",
	"refcount_t:",
	"list_add corruption",
	"list_del corruption",
	"segfault at",
	"stack-protector:",
	"Workqueue: leaked lock",
	"leaked lock or atomic",
	"Objects remaining in",
	"Attempted to kill init",
	/* Xen's own */
	"Xen BUG",
	"Xen WARN",
	"Assertion '",
	"Panic on CPU",
	"Xen call trace",
	"domain_crash",
	"Domain 0 crashed",
	") crashed on cpu",
	"Fatal machine check",
	"Triple fault",
};

static bool is_problem(const char *line, size_t length)
{
	for (size_t i = 0; i < sizeof(bad_words) / sizeof(*bad_words); i++)
		if (memmem(line, length, bad_words[i], strlen(bad_words[i])))
			return true;
	return false;
}

int lab_scan_log(const char *text, size_t length, const char *allow, char **lines)
{
	const char *end = text + length;
	char *found = NULL;
	size_t found_length = 0;
	FILE *to = lines ? open_memstream(&found, &found_length) : NULL;
	int count = 0;

	if (lines && !to)
		return lab_fail(ENOMEM, "no memory to look through the log");
	for (const char *line = text; line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t n = (size_t)((newline ? newline : end) - line);

		if (is_problem(line, n) && !(allow && memmem(line, n, allow, strlen(allow)))) {
			count++;
			if (to && count <= 20)
				fprintf(to, "%.*s\n", (int)(n && line[n - 1] == '\r' ? n - 1 : n),
					line);
		}
		line += n + 1;
	}
	if (to)
		fclose(to);
	if (lines && !count) {
		free(found);
		found = NULL;
	}
	if (lines)
		*lines = found;
	return count;
}

const char *lab_console_path(const struct lab_guest *g)
{
	return g->console_path;
}

/* 0, or -errno when a host that should pass on its guests' consoles does not answer. */
static int flush(struct lab_guest *g)
{
	struct lab_guest *host = g->domain ? g->host : g;

	if (!host || !host->config.platform->nested_stop || !lab_alive(host))
		return 0;
	return lab_nested_flush(host);
}

void lab_log_mark(struct lab_guest *g)
{
	struct stat st;

	flush(g);
	for (struct lab_nested_log *log = g->logs; log; log = log->next)
		if (!stat(log->path, &st))
			log->mark = st.st_size;
	if (!stat(g->console_path, &st))
		g->log_mark = st.st_size;
}

static int file_problems(const char *path, off_t from, const char *allow, char **lines)
{
	size_t length;
	char *text = lab_slurp(path, from, &length);
	int count;

	if (lines)
		*lines = NULL;
	if (!text)
		return lab_fail(EIO, "can't read the console's log %s", path);
	count = lab_scan_log(text, length, allow, lines);
	free(text);
	return count;
}

/* Appends the lines found in one more file to those found before. */
static void join(char **all, char *more)
{
	char *both;

	if (more && *all && asprintf(&both, "%s%s", *all, more) >= 0) {
		free(*all);
		free(more);
		*all = both;
	} else if (more) {
		free(*all);
		*all = more;
	}
}

int lab_log_problems(struct lab_guest *g, const char *allow, char **lines)
{
	char *more;
	int count;

	if (lines)
		*lines = NULL;
	/* A dom0 that does not answer is a problem of its own. */
	if (flush(g))
		return -EIO;
	count = file_problems(g->console_path, g->log_mark, allow, lines);
	for (struct lab_nested_log *log = g->logs; log && count >= 0; log = log->next) {
		int n = file_problems(log->path, log->mark, allow, lines ? &more : NULL);

		if (n < 0)
			return n;
		count += n;
		if (lines)
			join(lines, more);
	}
	return count;
}

static void tail(const char *text, size_t length, FILE *to, unsigned int lines, const char *prefix)
{
	const char *at = text + length;

	if (at > text && at[-1] == '\n')
		at--;
	while (at > text && lines) {
		at--;
		if (*at == '\n' && !--lines)
			at++;
	}
	while (*at) {
		size_t n = strcspn(at, "\n");

		fprintf(to, "%s%.*s\n", prefix, (int)(n && at[n - 1] == '\r' ? n - 1 : n), at);
		at += n + (at[n] == '\n');
	}
}

void lab_log_tail(const struct lab_guest *g, FILE *to, unsigned int lines, const char *prefix)
{
	size_t length;
	char *text = lab_slurp(g->console_path, 0, &length);

	if (text)
		tail(text, length, to, lines, prefix);
	free(text);
	for (struct lab_nested_log *log = g->logs; log; log = log->next) {
		text = lab_slurp(log->path, 0, &length);
		fprintf(to, "%s-- %s:\n", prefix, log->name);
		if (text)
			tail(text, length, to, lines, prefix);
		free(text);
	}
}
