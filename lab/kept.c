/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Boots that are kept: the state of a machine that has just booted is saved, and machines of the
 * very same configuration go on from there instead of booting again.  QEMU's migration to and from
 * a file does the work.
 *
 * A state is named for all that the machine consists of: QEMU's arguments, and size, inode and time
 * of each file that they name, QEMU's program included.  A changed module is in another initramfs,
 * so it has another state.  States are in BUILD/boots; the oldest go when they take too much room.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define ROOM_BYTES  (6ULL << 30)
#define SAVE_MS	    60000
#define RESTORE_MS  60000
#define LOOK_MS	    5
#define UNLIMITED   (1ULL << 40) /* bytes a second */
/* What separates names of files within QEMU's arguments. */
#define SEPARATORS  ",= "
#define STATE_NAMES "????????????????.state"

/* ---- the name of a state ---- */

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
#define HASH_START  0xcbf29ce484222325ULL
#define HASH_FACTOR 0x100000001b3ULL

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
	for (const unsigned char *b = bytes; length--; b++)
		hash = (hash ^ *b) * HASH_FACTOR;
	return hash;
}

static uint64_t hash_file(uint64_t hash, const char *path)
{
	struct stat st;
	int64_t facts[4];

	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return hash;
	facts[0] = (int64_t)st.st_size;
	facts[1] = (int64_t)st.st_ino;
	facts[2] = st.st_mtim.tv_sec;
	facts[3] = st.st_mtim.tv_nsec;
	return hash_bytes(hash, facts, sizeof(facts));
}

/* A program that is found in the PATH. */
static uint64_t hash_program(uint64_t hash, const char *name)
{
	char *path = strdup(getenv("PATH") ?: ""), *at = path, *folder, file[4096];

	if (strchr(name, '/'))
		hash = hash_file(hash, name);
	else
		while ((folder = strsep(&at, ":"))) {
			snprintf(file, sizeof(file), "%s/%s", folder, name);
			if (!access(file, X_OK)) {
				hash = hash_file(hash, file);
				break;
			}
		}
	free(path);
	return hash;
}

static uint64_t hash_files_in(uint64_t hash, const char *word)
{
	char *copy = strdup(word), *at = copy, *part;

	while ((part = strsep(&at, SEPARATORS)))
		if (*part == '/')
			hash = hash_file(hash, part);
	free(copy);
	return hash;
}

/* The console's file has the name of the test and is not part of the machine. */
static bool is_console(const char *word)
{
	return strstr(word, "id=console,") != NULL;
}

static uint64_t hash_args(const struct lab_args *args)
{
	uint64_t hash = hash_program(HASH_START, args->word[0]);

	for (unsigned int i = 0; i < args->count; i++)
		if (!is_console(args->word[i])) {
			hash = hash_bytes(hash, args->word[i], strlen(args->word[i]) + 1);
			hash = hash_files_in(hash, args->word[i]);
		}
	return hash;
}

/* ---- files ---- */

static int copy_file(const char *from, const char *to, int flags)
{
	size_t length;
	char *text = lab_slurp(from, 0, &length);
	int fd = text ? open(to, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644) : -1;
	int ret = fd >= 0 && write(fd, text, length) == (ssize_t)length ? 0 : -1;

	if (fd >= 0 && close(fd))
		ret = -1;
	free(text);
	return ret ? lab_fail(EIO, "can't copy %s to %s", from, to) : 0;
}

static void name_of(char *out, size_t size, const char *state, const char *suffix)
{
	snprintf(out, size, "%.*s%s", (int)(strlen(state) - strlen(".state")), state, suffix);
}

static void forget(const char *state)
{
	char console[4096];

	name_of(console, sizeof(console), state, ".console");
	unlink(state);
	unlink(console);
}

struct aged {
	const char *path;
	struct stat st;
};

static int by_age(const void *a, const void *b)
{
	time_t one = ((const struct aged *)a)->st.st_mtime,
	       other = ((const struct aged *)b)->st.st_mtime;

	return (one > other) - (one < other);
}

/* Forgets those that were used longest ago, until what is left and @more bytes have room. */
static void make_room(const char *folder, uint64_t more)
{
	char pattern[4200];
	struct aged *states = NULL;
	uint64_t bytes = more;
	glob_t found = {0};
	size_t n = 0;

	snprintf(pattern, sizeof(pattern), "%s/" STATE_NAMES, folder);
	if (!glob(pattern, 0, NULL, &found))
		states = calloc(found.gl_pathc, sizeof(*states));
	for (size_t i = 0; states && i < found.gl_pathc; i++) {
		states[n].path = found.gl_pathv[i];
		if (!stat(states[n].path, &states[n].st))
			bytes += (uint64_t)states[n++].st.st_size;
	}
	if (n)
		qsort(states, n, sizeof(*states), by_age);
	for (size_t i = 0; i < n && bytes > ROOM_BYTES; i++) {
		forget(states[i].path);
		bytes -= (uint64_t)states[i].st.st_size;
	}
	free(states);
	globfree(&found);
}

/* ---- going on from a state ---- */

static bool can_be_kept(const struct lab_config *c, const struct lab_args *args)
{
	if (!c->keep_boot || !c->platform->keeps_boots)
		return false;
	/* Reading an untouched page of a memory file, as the loading does, would back it. */
	if (c->backend != LAB_ANONYMOUS)
		return false;
	/* What the guest has written to a disk is not part of the state. */
	for (unsigned int i = 0; i < args->count; i++)
		if (!strcmp(args->word[i], "-drive") || !strcmp(args->word[i], "-blockdev"))
			return false;
	return true;
}

void lab_kept_find(struct lab_guest *g, struct lab_args *args)
{
	const char *build = lab_build_folder();
	char folder[3900], state[4096], console[4096];

	/* The shell is given the name between apostrophes. */
	if (g->incoming || !can_be_kept(&g->config, args) || !build || strchr(build, '\''))
		return;
	snprintf(folder, sizeof(folder), "%s/boots", build);
	if (mkdir(folder, 0755) && errno != EEXIST)
		return;
	snprintf(state, sizeof(state), "%s/%016llx.state", folder,
		 (unsigned long long)hash_args(args));
	g->kept = strdup(state);
	name_of(console, sizeof(console), state, ".console");
	if (!g->kept || access(state, R_OK) || copy_file(console, g->console_path, O_TRUNC))
		return;
	utimensat(AT_FDCWD, state, NULL, 0);
	lab_add(args, "-incoming");
	lab_add(args, "exec:cat '%s'", state);
	g->from_kept = true;
}

int lab_kept_wait(struct lab_guest *g)
{
	int64_t start = lab_now_ms();

	for (;;) {
		json_t *info = lab_qmp(g, "query-status", NULL);
		const char *status = json_string_value(json_object_get(info, "status"));
		bool loading = status && !strcmp(status, "inmigrate");

		if (!info)
			return -EREMOTEIO;
		json_decref(info);
		if (!loading)
			break;
		if (!lab_left_ms(start, RESTORE_MS))
			return lab_fail(ETIMEDOUT, "the kept boot %s was not loaded in %u s",
					g->kept, RESTORE_MS / 1000);
		lab_sleep_ms(LOOK_MS);
	}
	/* The agent said so before the state was saved. */
	g->ready_count = 1;
	/* It was saved while it stood still, so it does so now. */
	return lab_qmp_do(g, "cont", NULL);
}

void lab_kept_forget(struct lab_guest *g)
{
	forget(g->kept);
}

/* ---- saving a state ---- */

static int save(struct lab_guest *g, const char *path)
{
	uint64_t bytes;
	char uri[4200];
	int ret;

	snprintf(uri, sizeof(uri), "exec:cat >'%s'", path);
	/* It stands still meanwhile, for the reason that lab.h gives at lab_migrate_begin(). */
	ret = lab_qmp_do(g, "stop", NULL);
	if (!ret)
		ret = lab_migration_speed(g, UNLIMITED);
	if (!ret)
		ret = lab_qmp_do(g, "migrate", json_pack("{s:s}", "uri", uri));
	if (!ret)
		ret = lab_migration_wait(g, SAVE_MS, UINT64_MAX, &bytes);
	return ret;
}

/* The console comes first: a state without one is no state. */
static int publish(struct lab_guest *g, const char *path)
{
	char console[4096];

	name_of(console, sizeof(console), g->kept, ".console");
	if (copy_file(g->console_path, console, O_TRUNC))
		return -EIO;
	return rename(path, g->kept)
		       ? lab_fail(errno, "can't name %s: %s", g->kept, strerror(errno))
		       : 0;
}

int lab_kept_save(struct lab_guest *g)
{
	char path[4096], folder[4096];
	struct stat st;
	int fd, ret;

	if (!g->kept || g->from_kept)
		return 0;
	name_of(path, sizeof(path), g->kept, ".new");
	/* Another program that boots the same saves it. */
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB)) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	ret = save(g, path);
	if (!ret && !stat(path, &st)) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(g->kept, '/') - g->kept),
			 g->kept);
		make_room(folder, (uint64_t)st.st_size);
		ret = publish(g, path);
	}
	if (ret)
		unlink(path);
	close(fd);
	return lab_qmp_do(g, "cont", NULL);
}
