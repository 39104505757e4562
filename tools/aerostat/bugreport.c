// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * aerostat bugreport: one text to attach to a report.
 *
 * Everything in it is named here.  What might say who or where the machine is stays out: names of
 * hosts, of users and of files that are no devices, the kernel's whole command line, and what
 * others have logged.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "doctor.h"

#define TEXT_MAX_BYTES (1U << 18)

static char text[TEXT_MAX_BYTES];

struct report {
	struct cli_view view;
	FILE *to;
};

static void section(const struct report *r, const char *name)
{
	fprintf(r->to, "\n== %s ==\n", name);
}

/* What goes into the report is lines of text, whatever a file has in it. */
static void put_text(const struct report *r, const char *what)
{
	for (const char *c = what; *c; c++)
		putc(*c == '\n' || *c == '\t' || (*c >= ' ' && *c <= '~') ? *c : '?', r->to);
	if (*what && what[strlen(what) - 1] != '\n')
		putc('\n', r->to);
}

/* "NAME TEXT", or the whole text below the name where it has several lines. */
static void put_file(const struct report *r, const char *file)
{
	int err = aero_read(r->view.root, file, text, sizeof(text));
	const char *end = strchr(text, '\n');

	if (err) {
		fprintf(r->to, "%s (%s)\n", file, strerror(-err));
		return;
	}
	fprintf(r->to, end && end[1] ? "%s:\n" : "%s ", file);
	put_text(r, *text ? text : "\n");
}

static int is_name(const struct dirent *entry)
{
	return *entry->d_name != '.';
}

/* All files of a folder and of those in it, by name; stall can only be written. */
static void put_folder(const struct report *r, const char *folder, int depth)
{
	char path[2 * AERO_PATH_MAX];
	struct dirent **entries;
	struct stat st;
	int n;

	snprintf(path, sizeof(path), "%s%s", r->view.root, folder);
	n = scandir(path, &entries, is_name, alphasort);
	if (n < 0) {
		fprintf(r->to, "%s (%s)\n", folder, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		char file[512];

		snprintf(file, sizeof(file), "%.200s/%s", folder, entries[i]->d_name);
		snprintf(path, sizeof(path), "%s%s", r->view.root, file);
		free(entries[i]);
		if (lstat(path, &st))
			continue;
		if (S_ISDIR(st.st_mode) && depth > 0)
			put_folder(r, file, depth - 1);
		else if (S_ISREG(st.st_mode) && st.st_mode & S_IRUSR)
			put_file(r, file);
	}
	free(entries);
}

/* ---- the parts ---- */

static void put_versions(const struct report *r)
{
	static const char *const modules[] = {"aerostat", "aerostat_vmware", "aerostat_xen",
					      "aerostat_virtio"};
	char name[128], path[2 * AERO_PATH_MAX];

	section(r, "versions");
	fprintf(r->to, "aerostat %s\n", AEROSTAT_VERSION);
	put_file(r, "/proc/sys/kernel/osrelease");
	put_file(r, "/proc/sys/kernel/version");
	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++) {
		snprintf(name, sizeof(name), "/sys/module/%s", modules[i]);
		snprintf(path, sizeof(path), "%s%s", r->view.root, name);
		if (access(path, F_OK))
			continue;
		snprintf(name, sizeof(name), "/sys/module/%s/version", modules[i]);
		put_file(r, name);
		snprintf(name, sizeof(name), "/sys/module/%s/srcversion", modules[i]);
		put_file(r, name);
		snprintf(name, sizeof(name), "/sys/module/%s/parameters", modules[i]);
		put_folder(r, name, 0);
	}
}

/* Of the command line only what concerns us. */
static void put_command_line(const struct report *r)
{
	static const char *const ours[] = {"aerostat",
					   "psi",
					   "xen_",
					   "init_on_alloc",
					   "mem",
					   "movable",
					   "memhp_default_state",
					   "hugepages",
					   "transparent_hugepage"};
	char *rest = text, *word;

	if (aero_read(r->view.root, "/proc/cmdline", text, sizeof(text)))
		return;
	fprintf(r->to, "of the kernel's command line:");
	while ((word = strsep(&rest, " \n")))
		for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
			if (!strncmp(word, ours[i], strlen(ours[i]))) {
				fprintf(r->to, " %s", cli_shown(word));
				break;
			}
	putc('\n', r->to);
}

static void put_settings(const struct report *r)
{
	section(r, "balloon");
	put_folder(r, BALLOON_FOLDER, 1);
	put_folder(r, BALLOON_XEN, 1);
	section(r, "statistics (for root)");
	put_file(r, "/sys/kernel/debug/aerostat/stats");
	section(r, "the kernel's settings");
	put_file(r, "/proc/sys/vm/overcommit_memory");
	put_file(r, "/proc/sys/vm/swappiness");
	put_file(r, "/sys/kernel/security/lockdown");
	put_command_line(r);
}

/* Names of files may say something about people; those of devices don't. */
static void put_swap(const struct report *r)
{
	char *rest = text, *line, *name;

	section(r, "swap");
	if (aero_read(r->view.root, "/proc/swaps", text, sizeof(text)))
		return;
	while ((line = strsep(&rest, "\n"))) {
		name = strsep(&line, " \t");
		if (!line)
			continue;
		if (*name == '/' && strncmp(name, "/dev/", 5))
			name = NULL;
		fprintf(r->to, "%s ", name ? name : "(a file)");
		put_text(r, line + strspn(line, " \t"));
	}
}

static void put_findings(const struct report *r)
{
	static struct doctor d;
	char found[DOCTOR_TEXT_MAX];

	section(r, "findings");
	d.root = r->view.root;
	d.loaded = balloon_look(d.root, &d.b) == CLI_OK;
	if (guest_read(d.root, &d.g))
		return;
	fprintf(r->to, "aerostatd %s\n", d.g.daemon_pid ? "runs" : "does not run");
	if (d.loaded)
		doctor_account(d.root, &d.b, &d.memory);
	for (size_t i = 0; i < doctor_checks_count; i++)
		/* Its text has the name of a file in it. */
		if (doctor_checks[i].look(&d, found) != DOCTOR_FINE)
			fprintf(r->to, "%s: %s\n", doctor_checks[i].name,
				strcmp(doctor_checks[i].name, "areas-off") ? found : "");
}

/* ---- the kernel's log ---- */

/* A record is "LEVEL,NUMBER,MICROSECONDS,FLAGS;TEXT", and lines that begin with a blank. */
static void put_record(const struct report *r, char *record)
{
	char *rest = record, *line, *message, *time;

	while ((line = strsep(&rest, "\n"))) {
		message = strchr(line, ';');
		if (*line == ' ' || !message || !strstr(message, "aerostat"))
			continue;
		*message++ = 0;
		strsep(&line, ",");
		strsep(&line, ",");
		time = strsep(&line, ",");
		fprintf(r->to, "[%s us] ", time ? time : "?");
		put_text(r, message);
	}
}

/* Each read() gives one record; a file in a test gives all at once. */
static void put_log(const struct report *r)
{
	char path[2 * AERO_PATH_MAX];
	ssize_t n;
	int fd;

	section(r, "what Aerostat has logged (for root)");
	snprintf(path, sizeof(path), "%s/dev/kmsg", r->view.root);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		fprintf(r->to, "(%s)\n", strerror(errno));
		return;
	}
	/* EPIPE: the log has overwritten a record meanwhile, and goes on with the next. */
	while ((n = read(fd, text, sizeof(text) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		text[n] = 0;
		put_record(r, text);
	}
	close(fd);
}

static void put_all(const struct report *r)
{
	fprintf(r->to,
		"Aerostat: a bug report.  Nothing in it is meant to say whose machine it is; "
		"look it through before you send it.\n");
	put_versions(r);
	put_settings(r);
	section(r, "memory");
	put_file(r, "/proc/meminfo");
	put_file(r, "/proc/pressure/memory");
	put_file(r, "/proc/buddyinfo");
	put_swap(r);
	put_findings(r);
	put_log(r);
}

/* ---- the command ---- */

static int report_to_file(struct report *r)
{
	char name[64];
	struct tm now;
	time_t t = time(NULL);
	bool bad;
	int fd;

	if (!r->view.output) {
		if (!gmtime_r(&t, &now))
			now = (struct tm){.tm_mday = 1};
		strftime(name, sizeof(name), "aerostat-bugreport-%Y%m%d-%H%M%S.txt", &now);
		r->view.output = name;
	}
	/* Nobody's file is written over, and only its owner reads it. */
	fd = open(r->view.output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	r->to = fd < 0 ? NULL : fdopen(fd, "w");
	if (!r->to) {
		cli_complain("can't write %s: %s", r->view.output, strerror(errno));
		return CLI_FAILED;
	}
	put_all(r);
	bad = fflush(r->to) || ferror(r->to) || fsync(fd);
	bad = fclose(r->to) || bad;
	if (bad) {
		cli_complain("can't write %s: %s", r->view.output, strerror(errno));
		unlink(r->view.output);
		return CLI_FAILED;
	}
	printf("%s\n", r->view.output);
	return CLI_OK;
}

int cli_bugreport(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"output", 'o', "FILE|-", 0, "A new file; -: standard output", 0},
		CLI_ROOT_OPTION,
		{0}};
	static const struct argp argp = {
		options,
		cli_parse_view,
		NULL,
		"Writes a text to attach to a bug report: versions, settings, statistics, memory, "
		"findings, and what Aerostat has logged; no names of hosts, users or files.  Prints "
		"the file's name.",
		NULL,
		NULL,
		NULL};
	struct report r = {.view.root = ""};

	argp_parse(&argp, argc, argv, 0, NULL, &r.view);
	if (!r.view.output || strcmp(r.view.output, "-") != 0)
		return report_to_file(&r);
	r.to = stdout;
	put_all(&r);
	return CLI_OK;
}
