// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "areas.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "os.h"

static void path_of(char *path, size_t size, const char *root, const char *name)
{
	snprintf(path, size, "%s%s", root, name);
}

/* ---- what the kernel says ---- */

/*
 * A line of /proc/swaps.  The path in it is written from the reader's point of view: what
 * was switched on in another mount namespace that has ended is shown from the root of its
 * file system (/zram1 for /dev/zram1).  So the path is only a hint.
 */
struct line {
	char path[AERO_PATH_MAX];
	uint64_t used_kib;
	bool taken; /* by one of our areas */
};

/* The kernel writes a blank, a tab, a newline and a backslash as three octal digits. */
static void unmask(char *path)
{
	char *to = path;

	for (const char *from = path; *from; to++) {
		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + from[3] - '0');
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = 0;
}

/* PATH TYPE SIZE USED PRIORITY. */
static bool read_line(const char *text, struct line *line)
{
	unsigned long long used_kib;

	_Static_assert(AERO_PATH_MAX == 1024, "the width below");
	if (sscanf(text, "%1023s %*s %*u %llu", line->path, &used_kib) != 2)
		return false;
	unmask(line->path);
	line->used_kib = used_kib;
	line->taken = false;
	return true;
}

/* Are the two one block device, or one file? */
static bool same_object(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode) || S_ISBLK(b->st_mode))
		return S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode) && a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool same_name(const char *a, const char *b)
{
	const char *last_a = strrchr(a, '/'), *last_b = strrchr(b, '/');

	return last_a && last_b && !strcmp(last_a, last_b);
}

static void take(struct aero_areas *areas, struct aero_area *area, struct line *line)
{
	line->taken = true;
	area->used_kib = line->used_kib;
	areas->used_kib += line->used_kib;
}

/* The areas whose lines have a path that leads to them. */
static void match_objects(const char *root, struct aero_areas *areas, struct line *line)
{
	struct stat shown, ours;
	char path[2 * AERO_PATH_MAX];

	path_of(path, sizeof(path), root, line->path);
	if (stat(path, &shown))
		return;
	for (size_t i = 0; i < areas->count && !line->taken; i++) {
		struct aero_area *area = &areas->area[i];

		path_of(path, sizeof(path), root, area->path);
		if (area->on || lstat(path, &ours) || !same_object(&shown, &ours))
			continue;
		area->on = true;
		take(areas, area, line);
	}
}

/*
 * The other areas: the kernel is asked for the object itself.  Who may not ask believes a
 * line with the area's name.
 */
static void ask_for(const char *root, struct aero_areas *areas, struct aero_area *area,
		    struct line *lines, size_t count)
{
	struct line *line = NULL;
	int used;

	for (size_t i = 0; i < count && !line; i++)
		if (!lines[i].taken && same_name(lines[i].path, area->path))
			line = &lines[i];
	used = aero_os_in_use(root, area->path);
	area->on = used > 0 || (used < 0 && used != -ENOENT && line);
	if (area->on && line)
		take(areas, area, line);
}

/* The kernel's MAX_SWAPFILES is 32 at most. */
#define LINES_MAX 32U

int aero_areas_look(const char *root, struct aero_areas *areas)
{
	static char text[65536];
	static struct line lines[LINES_MAX];
	int err = aero_read(root, "/proc/swaps", text, sizeof(text));
	char *line, *rest = text;
	size_t count = 0;

	if (err)
		return aero_fail("can't read %s/proc/swaps: %s", root, strerror(-err));
	areas->used_kib = 0;
	areas->all_used_kib = 0;
	for (size_t i = 0; i < areas->count; i++) {
		areas->area[i].on = false;
		areas->area[i].used_kib = 0;
	}
	while (count < LINES_MAX && (line = strsep(&rest, "\n"))) {
		if (!read_line(line, &lines[count]))
			continue;
		areas->all_used_kib += lines[count].used_kib;
		match_objects(root, areas, &lines[count++]);
	}
	for (size_t i = 0; i < areas->count; i++)
		if (!areas->area[i].on)
			ask_for(root, areas, &areas->area[i], lines, count);
	return 0;
}

/* ---- one at a time ---- */

#define LOCK_RETRY_MS 50U

int aero_lock(const char *root, const char *name, unsigned int wait_ms)
{
	const struct timespec nap = {.tv_nsec = LOCK_RETRY_MS * 1000000L};
	char path[2 * AERO_PATH_MAX];
	int fd, err;

	path_of(path, sizeof(path), root, AERO_AREAS_FOLDER);
	if (mkdir(path, 0755) && errno != EEXIST) {
		err = -errno;
		aero_fail("can't make %s: %s", path, strerror(errno));
		return err;
	}
	path_of(path, sizeof(path), root, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		err = -errno;
		aero_fail("can't open %s: %s", path, strerror(errno));
		return err;
	}
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		err = -errno;
		if (err == -EINTR)
			continue;
		if (err != -EWOULDBLOCK || wait_ms < LOCK_RETRY_MS) {
			close(fd);
			aero_fail("can't lock %s: %s", path, strerror(-err));
			return err == -EWOULDBLOCK ? -EBUSY : err;
		}
		wait_ms -= LOCK_RETRY_MS;
		nanosleep(&nap, NULL);
	}
	return fd;
}

int aero_areas_lock(const char *root, unsigned int wait_ms)
{
	int fd = aero_lock(root, AERO_AREAS_LOCK, wait_ms);

	if (fd == -EBUSY)
		aero_fail("aerostatd or another aerostat is at work on the swap areas; "
			  "try again in a minute");
	return fd;
}
