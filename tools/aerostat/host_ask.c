// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host.h"

/* 16384 guests of less than 1 KiB each. */
#define ANSWER_MAX (16U << 20)
#define READ_MS	   20000U

static int connect_to(const char *root, const char *socket_name)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int n = snprintf(to.sun_path, sizeof(to.sun_path), "%s" HOST_FOLDER "/%s", root,
			 socket_name);
	int fd;

	if (n < 0 || (size_t)n >= sizeof(to.sun_path)) {
		cli_complain("--root: the name is too long for a socket");
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	if (errno == EACCES)
		cli_complain("%s is for root and the daemon's group (its --group)", to.sun_path);
	else
		cli_complain("aerostat-hostd does not answer at %s: %s; does it run (systemctl "
			     "status aerostat-hostd)?",
			     to.sun_path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool give(int fd, json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT), *line = NULL;
	bool good = false;
	int n;

	json_decref(request);
	n = text ? asprintf(&line, "%s\n", text) : -1;
	free(text);
	if (n >= 0) {
		good = send(fd, line, (size_t)n, MSG_NOSIGNAL) == n;
		free(line);
	}
	return good;
}

/* All until the end; NULL: it did not come. */
static char *take(int fd, uint64_t timeout_ms, size_t *length)
{
	uint64_t until = aero_now_us() / 1000 + timeout_ms, now;
	size_t room = 65536, has = 0;
	char *text = malloc(room), *larger;

	while (text && (now = aero_now_us() / 1000) < until) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (poll(&p, 1, until - now < 60000 ? (int)(until - now) : 60000) <= 0)
			continue;
		n = recv(fd, text + has, room - has, 0);
		if (n < 0)
			break;
		has += (size_t)n;
		*length = has;
		if (!n)
			return text;
		if (has < room)
			continue;
		room *= 2;
		larger = room <= ANSWER_MAX ? realloc(text, room) : NULL;
		if (!larger)
			break;
		text = larger;
	}
	free(text);
	return NULL;
}

static json_t *understand(const char *text, size_t length)
{
	json_t *answer = json_loadb(text, length, 0, NULL);

	if (!json_is_object(answer)) {
		cli_complain(
			"aerostat-hostd's answer can't be understood; is it of another version?");
	} else if (!json_is_true(json_object_get(answer, "ok"))) {
		cli_complain("%s", host_text(answer, "error"));
	} else {
		return answer;
	}
	json_decref(answer);
	return NULL;
}

json_t *host_ask(const char *root, bool changes, json_t *request, uint64_t timeout_ms)
{
	int fd = connect_to(root, changes ? "control" : "read");
	json_t *answer = NULL;
	size_t length = 0;
	char *text = NULL;

	if (fd < 0) {
		json_decref(request);
		return NULL;
	}
	if (give(fd, request))
		text = take(fd, timeout_ms, &length);
	close(fd);
	if (text)
		answer = understand(text, length);
	else
		cli_complain("aerostat-hostd took the request and did not answer");
	free(text);
	return answer;
}

json_t *host_read(const char *root, const char *command)
{
	return host_ask(root, false, json_pack("{s:s}", "command", command), READ_MS);
}

uint64_t host_kib(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) && json_integer_value(value) >= 0
		       ? (uint64_t)json_integer_value(value)
		       : BALLOON_UNKNOWN;
}

const char *host_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}
