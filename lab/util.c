/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Errors, time, files and streams for the other files of the lab. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

static char error_text[4096];
static int64_t deadline_ms; /* 0: none */

const char *lab_error(void)
{
	return error_text;
}

void lab_reword(char *words, size_t size, const char *format, va_list args)
{
	char text[4096];

	vsnprintf(text, size < sizeof(text) ? size : sizeof(text), format, args);
	strcpy(words, text);
}

int lab_fail(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	lab_reword(error_text, sizeof(error_text), format, args);
	va_end(args);
	return -error;
}

char *lab_format(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) >= 0)
		return text;
	lab_fail(ENOMEM, "no memory for a text");
	return NULL;
}

int64_t lab_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void lab_sleep_ms(unsigned int ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

unsigned int lab_slowness(void)
{
	static unsigned int factor;
	const char *text = getenv("AERO_LAB_SLOW");

	if (!factor) {
		unsigned long value = text ? strtoul(text, NULL, 10) : 1;

		factor = value < 1 ? 1 : value > 20 ? 20 : (unsigned int)value;
	}
	return factor;
}

void lab_deadline(int64_t timeout_ms)
{
	deadline_ms = timeout_ms ? lab_now_ms() + timeout_ms * lab_slowness() : 0;
}

int lab_left_ms(int64_t start_ms, int64_t timeout_ms)
{
	int64_t now = lab_now_ms(), left = start_ms + timeout_ms * lab_slowness() - now;

	if (deadline_ms && deadline_ms - now < left)
		left = deadline_ms - now;
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

char *lab_slurp(const char *path, off_t from, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0, room = 65536;
	char *text = NULL;
	ssize_t n = -1;

	if (fd < 0)
		return NULL;
	if (lseek(fd, from, SEEK_SET) >= 0 || from == 0)
		text = malloc(room);
	while (text && (n = read(fd, text + used, room - used - 1)) > 0) {
		char *more;

		used += (size_t)n;
		if (room - used > 1)
			continue;
		more = realloc(text, room *= 2);
		if (!more)
			break;
		text = more;
	}
	close(fd);
	if (!text || n != 0) {
		free(text);
		return NULL;
	}
	text[used] = 0;
	if (length)
		*length = used;
	return text;
}

/* ---- lab.env ---- */

static char env_folder[PATH_MAX];
static char *env_text;

/* Adds the lines of another file beside it, if there is one. */
static void env_add(const char *name)
{
	char path[PATH_MAX + 32], *more, *both;

	snprintf(path, sizeof(path), "%s/%s", env_folder, name);
	more = lab_slurp(path, 0, NULL);
	if (more && asprintf(&both, "%s\n%s", env_text, more) >= 0) {
		free(env_text);
		env_text = both;
	}
	free(more);
}

static bool env_load(const char *path)
{
	char *slash;

	if (!realpath(path, env_folder))
		return false;
	env_text = lab_slurp(env_folder, 0, NULL);
	slash = strrchr(env_folder, '/');
	if (slash)
		*slash = 0;
	if (env_text)
		env_add("lab-xen.env");
	return env_text != NULL;
}

/* Looks for lab.env where $AERO_LAB_ENV says, else in the folders above the program. */
static int env_find(void)
{
	const char *named = getenv("AERO_LAB_ENV");
	char path[PATH_MAX];
	ssize_t n;

	if (env_text)
		return 0;
	if (named) {
		if (env_load(named))
			return 0;
		return lab_fail(ENOENT, "can't read %s, which AERO_LAB_ENV names: %s", named,
				strerror(errno));
	}
	n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("/lab.env"));
	while (n > 0) {
		while (n > 0 && path[n - 1] != '/')
			n--;
		if (n == 0)
			break;
		strcpy(path + n, "lab.env");
		if (env_load(path))
			return 0;
		n--; /* past the slash */
	}
	return lab_fail(ENOENT, "the lab is not set up: no lab.env beside the build; run: "
				"lab/setup guest BUILD_FOLDER");
}

const char *lab_build_folder(void)
{
	return env_find() ? NULL : env_folder;
}

const char *lab_env(const char *key)
{
	/* Values live as long as the process: callers keep them in configurations. */
	static char *kept[32];
	static unsigned int kept_count;
	size_t key_length = strlen(key);

	if (env_find())
		return NULL;
	for (const char *line = env_text; line; line = strchr(line, '\n')) {
		size_t n;

		line += *line == '\n';
		if (strncmp(line, key, key_length) || line[key_length] != '=')
			continue;
		line += key_length + 1;
		n = strcspn(line, "\n");
		for (unsigned int i = 0; i < kept_count; i++)
			if (strlen(kept[i]) == n && !strncmp(kept[i], line, n))
				return kept[i];
		if (kept_count == sizeof(kept) / sizeof(*kept))
			break;
		kept[kept_count] = strndup(line, n);
		return kept[kept_count] ? kept[kept_count++] : NULL;
	}
	lab_fail(ENOENT, "%s/lab.env has no %s; run lab/setup guest again", env_folder, key);
	return NULL;
}

/* ---- streams ---- */

ssize_t lab_stream_fill(struct lab_stream *s, int wait_ms)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	ssize_t n;

	if (s->fd < 0)
		return -EPIPE;
	n = poll(&p, 1, wait_ms);
	if (n == 0 || (n < 0 && errno == EINTR))
		return 0;
	if (n < 0)
		return lab_fail(errno, "poll: %s", strerror(errno));
	if (s->room - s->length < 65536) {
		char *more = realloc(s->bytes, s->length + 131072);

		if (!more)
			return lab_fail(ENOMEM, "no memory for what the guest says");
		s->bytes = more;
		s->room = s->length + 131072;
	}
	n = read(s->fd, s->bytes + s->length, s->room - s->length - 1);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0)
		return -EPIPE;
	s->length += (size_t)n;
	s->bytes[s->length] = 0;
	return n;
}

void lab_stream_drop(struct lab_stream *s, size_t length)
{
	memmove(s->bytes, s->bytes + length, s->length - length + 1);
	s->length -= length;
}

int lab_stream_send(struct lab_stream *s, const char *bytes, size_t length)
{
	int64_t start = lab_now_ms();

	while (length) {
		struct pollfd p = {.fd = s->fd, .events = POLLOUT};
		ssize_t n = send(s->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			int left = lab_left_ms(start, 10000);

			if (!left)
				return lab_fail(ETIMEDOUT, "QEMU takes no more bytes");
			poll(&p, 1, left);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -EPIPE;
		bytes += n;
		length -= (size_t)n;
	}
	return 0;
}

void lab_stream_close(struct lab_stream *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	free(s->bytes);
	s->bytes = NULL;
	s->length = s->room = 0;
}
