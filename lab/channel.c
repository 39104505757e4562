/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The host's end of the agent's channel, and what is built from its verbs. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* The longest answer that is accepted; the agent limits its output to 1 MiB. */
#define FRAME_MAX	 (2u << 20)
/* A head, from its start byte to its newline, is never longer than this. */
#define HEAD_MAX	 64

#define DOMU_REQUEST_MAX 3800u /* it travels as one value of xenstore (lab/guest/mailbox.c) */
#define RELAY_MS	 10000 /* more than the relay waits beyond a domU's own limit */

/* ---- frames ---- */

/* Parses "ID STATUS LENGTH\n" at text; returns its length, or 0 when it is malformed. */
static size_t head_parse(const char *text, const char *newline, unsigned int *id, int *status,
			 size_t *length)
{
	unsigned long long l;
	int n = 0;

	if (text[0] < '0' || text[0] > '9')
		return 0;
	if (sscanf(text, "%u %d %llu%n", id, status, &l, &n) != 3 || text + n != newline)
		return 0;
	*length = (size_t)l;
	return l <= FRAME_MAX ? (size_t)n + 1 : 0;
}

int lab_frame_take(struct lab_stream *s, struct lab_answer *answer)
{
	while (s->length) {
		char *start = memchr(s->bytes, 2, s->length), *newline;
		size_t head, length;

		if (!start) {
			lab_stream_drop(s, s->length);
			return 0;
		}
		lab_stream_drop(s, (size_t)(start - s->bytes));
		newline = memchr(s->bytes, '\n', s->length < HEAD_MAX ? s->length : HEAD_MAX);
		if (!newline && s->length < HEAD_MAX)
			return 0;
		head = newline ? head_parse(s->bytes + 1, newline, &answer->id, &answer->status,
					    &length)
			       : 0;
		if (!head) {
			lab_stream_drop(s, 1); /* not a frame: look for the next start */
			continue;
		}
		head++;
		if (s->length < head + length + 2)
			return 0;
		if (memcmp(s->bytes + head + length, "\x03\n", 2)) {
			lab_stream_drop(s, 1);
			continue;
		}
		answer->text = malloc(length + 1);
		if (!answer->text)
			return lab_fail(ENOMEM, "no memory for an answer");
		memcpy(answer->text, s->bytes + head, length);
		answer->text[length] = 0;
		answer->length = length;
		lab_stream_drop(s, head + length + 2);
		return 1;
	}
	return 0;
}

/* Moves frames from the stream to the list of answers; 0 or -errno. */
static int collect(struct lab_guest *g, int wait_ms)
{
	ssize_t n = lab_stream_fill(&g->agent, wait_ms);
	struct lab_answer answer = {0}, *kept;
	int ret;

	if (n == -EPIPE)
		return lab_qemu_gone(g);
	if (n <= 0)
		return (int)n;
	while ((ret = lab_frame_take(&g->agent, &answer)) == 1) {
		if (answer.id == 0 && answer.status == 0)
			g->ready_count++;
		if (answer.id == 0 && answer.status == 1)
			lab_nested_console(g, &answer);
		kept = answer.id ? malloc(sizeof(*kept)) : NULL;
		if (!kept) {
			free(answer.text);
			continue;
		}
		*kept = answer;
		kept->next = g->answers;
		g->answers = kept;
	}
	return ret;
}

static struct lab_answer *answer_of(struct lab_guest *g, unsigned int id)
{
	for (struct lab_answer **at = &g->answers; *at; at = &(*at)->next)
		if ((*at)->id == id) {
			struct lab_answer *found = *at;

			*at = found->next;
			return found;
		}
	return NULL;
}

int lab_wait_ready(struct lab_guest *g, unsigned int count, unsigned int timeout_ms)
{
	int64_t start = lab_now_ms();

	while (g->ready_count <= count) {
		int left = lab_left_ms(start, timeout_ms);
		int ret = left ? collect(g, left)
			       : lab_fail(ETIMEDOUT,
					  "the guest was not up after %u s; its console: %s",
					  timeout_ms / 1000, g->console_path);

		if (ret)
			return ret;
	}
	return 0;
}

/* ---- requests ---- */

/* A request for a domU goes to dom0's agent, which passes it on. */
static int begin_relayed(struct lab_guest *g, unsigned int timeout_ms, const char *request);

static int begin(struct lab_guest *g, unsigned int timeout_ms, const char *request)
{
	char *line;
	unsigned int id = g->next_id++ & 0x3fffffff;
	int length, ret;

	if (!id)
		id = g->next_id++;
	if (g->domain)
		return begin_relayed(g, timeout_ms, request);
	if (strchr(request, '\n'))
		return lab_fail(EINVAL, "a request is one line: %s", request);
	length = asprintf(&line, "%u %u %s\n", id, timeout_ms * lab_slowness(), request);
	if (length < 0)
		return lab_fail(ENOMEM, "no memory for a request");
	ret = lab_stream_send(&g->agent, line, (size_t)length);
	free(line);
	if (ret == -EPIPE)
		return lab_qemu_gone(g);
	return ret ? ret : (int)id;
}

static int begin_relayed(struct lab_guest *g, unsigned int timeout_ms, const char *request)
{
	unsigned int limit_ms = timeout_ms * lab_slowness();
	char *relayed;
	int ret;

	if (!g->host || g->gone)
		return lab_fail(EPIPE, "the domU %s has ended (its console: %s)", g->config.name,
				g->console_path);
	if (strlen(request) > DOMU_REQUEST_MAX)
		return lab_fail(E2BIG, "a request for a domU has at most %u bytes: %.80s...",
				DOMU_REQUEST_MAX, request);
	if (asprintf(&relayed, "domu %u %u %s", g->domain, limit_ms, request) < 0)
		return lab_fail(ENOMEM, "no memory for a request");
	/* The relay adds time of its own to what the domU's agent may take. */
	ret = begin(g->host, timeout_ms + RELAY_MS, relayed);
	free(relayed);
	return ret;
}

int lab_begin(struct lab_guest *g, unsigned int timeout_ms, const char *format, ...)
{
	char *request;
	va_list args;
	int ret;

	va_start(args, format);
	request = lab_format(format, args);
	va_end(args);
	if (!request)
		return -ENOMEM;
	ret = begin(g, timeout_ms, request);
	free(request);
	return ret;
}

/* What a relay's answer means: a status, or -errno.  Cuts the mark off *text. */
static int relayed(struct lab_guest *domu, int status, char *text)
{
	/* lab/guest/relay.h: RELAY_ANSWER and RELAY_ERROR. */
	if (status >= 0 && text && text[0] == 'A') {
		memmove(text, text + 1, strlen(text));
		return status;
	}
	if (status < 0 || !text || text[0] != 'E')
		status = lab_fail(ETIMEDOUT, "the domU %s did not answer (its console: %s)",
				  domu->config.name, domu->console_path);
	else
		status = lab_fail(strstr(text, "does not answer") ? ETIMEDOUT : EPIPE,
				  "%s: %s (its console: %s)", domu->config.name, text + 1,
				  domu->console_path);
	if (status == -EPIPE)
		domu->gone = true;
	return status;
}

int lab_end(struct lab_guest *g, int id, unsigned int wait_ms, char **out)
{
	int64_t start = lab_now_ms();
	struct lab_answer *answer;
	struct lab_guest *domu = g->domain ? g : NULL;
	int ret;

	if (out)
		*out = NULL;
	if (domu && !domu->host)
		return lab_fail(EPIPE, "the dom0 of %s has ended", domu->config.name);
	g = domu ? domu->host : g;
	while (!(answer = answer_of(g, (unsigned int)id))) {
		int left = lab_left_ms(start, wait_ms);

		ret = left ? collect(g, left) : 0;
		if (ret)
			return ret;
		/* When the time is up, look once more at what has already arrived. */
		if (!left) {
			ret = collect(g, 0);
			answer = ret ? NULL : answer_of(g, (unsigned int)id);
			if (answer)
				break;
			return ret ? ret : lab_fail(ETIMEDOUT, "the guest does not answer");
		}
	}
	ret = answer->status < 0 ? -EPROTO : answer->status;
	if (domu)
		ret = relayed(domu, ret, answer->text);
	if (out && (ret >= 0 || !domu))
		*out = answer->text;
	else
		free(answer->text);
	free(answer);
	return ret;
}

/* The agent kills late commands itself, so a guest that stays silent for longer is stuck. */
static int call(struct lab_guest *g, unsigned int timeout_ms, char **out, const char *request)
{
	int id = begin(g, timeout_ms, request), ret;

	if (id < 0)
		return id;
	ret = lab_end(g, id, timeout_ms + (g->domain ? RELAY_MS : 0) + 10000, out);
	if (ret == -ETIMEDOUT)
		lab_fail(ETIMEDOUT, "the guest did not answer in %u ms: %s", timeout_ms, request);
	return ret;
}

/* Runs `verb` with the formatted text behind it. */
static int call_va(struct lab_guest *g, unsigned int timeout_ms, char **out, const char *verb,
		   const char *format, va_list args)
{
	char *text = lab_format(format, args), *request;
	int ret;

	if (!text)
		return -ENOMEM;
	ret = asprintf(&request, "%s%s", verb, text);
	free(text);
	if (ret < 0)
		return lab_fail(ENOMEM, "no memory for a request");
	ret = call(g, timeout_ms, out, request);
	free(request);
	return ret;
}

int lab_sh(struct lab_guest *g, unsigned int timeout_ms, char **out, const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	ret = call_va(g, timeout_ms, out, "sh ", format, args);
	va_end(args);
	return ret;
}

int lab_call(struct lab_guest *g, unsigned int timeout_ms, char **out, const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	ret = call_va(g, timeout_ms, out, "", format, args);
	va_end(args);
	return ret;
}

int lab_must(struct lab_guest *g, unsigned int timeout_ms, const char *format, ...)
{
	char *out = NULL, *command;
	va_list args;
	int ret;

	va_start(args, format);
	command = lab_format(format, args);
	va_end(args);
	if (!command)
		return -ENOMEM;
	ret = lab_sh(g, timeout_ms, &out, "%s", command);
	if (ret > 0) {
		size_t n = strlen(out);

		while (n && out[n - 1] == '\n')
			out[--n] = 0;
		ret = lab_fail(EREMOTEIO, "in the guest, `%s` exited with %d: %s", command, ret,
			       out);
	}
	free(out);
	free(command);
	return ret;
}

int lab_nested_flush(struct lab_guest *host)
{
	int ret = lab_call(host, 20000, NULL, "consoles");

	return ret > 0 ? lab_fail(EPROTO, "the host's agent does not know 'consoles'") : ret;
}

/* ---- files and figures of the guest ---- */

#define QUICK_MS 20000

int lab_read_file(struct lab_guest *g, const char *path, char **out)
{
	int ret = lab_call(g, QUICK_MS, out, "read %s", path);

	if (ret > 0)
		lab_fail(ret, "in the guest, %s", *out ? *out : path);
	return ret;
}

int lab_write_file(struct lab_guest *g, const char *path, const char *value)
{
	char *out = NULL;
	int ret = lab_call(g, QUICK_MS, &out, "write %s %s", path, value);

	if (ret > 0)
		lab_fail(ret, "in the guest, writing '%s' to %s", value, out ? out : path);
	free(out);
	return ret;
}

int lab_read_number(struct lab_guest *g, const char *path, uint64_t *out)
{
	char *text = NULL, *digit;
	int ret = lab_read_file(g, path, &text);

	if (ret) {
		free(text);
		return ret > 0 ? -EREMOTEIO : ret;
	}
	digit = text + strcspn(text, "0123456789");
	if (*digit) {
		errno = 0;
		*out = strtoull(digit, NULL, 10);
		ret = errno ? lab_fail(EPROTO, "in the guest, %s: a number too large", path) : 0;
	} else {
		ret = lab_fail(EPROTO, "in the guest, %s has no number: %s", path, text);
	}
	free(text);
	return ret;
}

static uint64_t field_kib(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

int lab_meminfo(struct lab_guest *g, struct lab_meminfo *out)
{
	char *text = NULL;
	int ret = lab_read_file(g, "/proc/meminfo", &text);

	if (!ret) {
		out->total_kib = field_kib(text, "MemTotal:");
		out->free_kib = field_kib(text, "MemFree:");
		out->available_kib = field_kib(text, "MemAvailable:");
		out->cached_kib = field_kib(text, "\nCached:");
		if (!out->total_kib)
			ret = lab_fail(EPROTO, "the guest's /proc/meminfo is strange: %s", text);
	}
	free(text);
	return ret > 0 ? -EREMOTEIO : ret;
}

static int data_call(struct lab_guest *g, unsigned int timeout_ms, const char *request)
{
	char *out = NULL;
	int ret = call(g, timeout_ms, &out, request);

	if (ret > 0)
		ret = lab_fail(ret == 1 ? EILSEQ : EINVAL, "the guest's data set: %s", out);
	free(out);
	return ret;
}

int lab_data_fill(struct lab_guest *g, unsigned int mib, uint64_t seed)
{
	char request[64];

	snprintf(request, sizeof(request), "data fill %u %llu", mib, (unsigned long long)seed);
	return data_call(g, 20000 + mib * 50, request);
}

int lab_data_check(struct lab_guest *g)
{
	return data_call(g, 120000, "data check");
}

int lab_fill_page_cache(struct lab_guest *g, unsigned int mib)
{
	return lab_must(
		g, 30000 + mib * 250,
		"{ [ -e /sys/block/zram0 ] || modprobe zram; } && "
		"D=/sys/block/zram0/disksize && "
		/* As large as all memory, because the size can be set only once. */
		"{ [ $(cat $D) -ge $((%u << 20)) ] || "
		"awk '/^MemTotal:/ { print $2 \"K\" }' /proc/meminfo >$D; } && "
		/* The kernel drops a block device's cache at its last close, so keep it open. */
		"{ sleep 1000000 </dev/zram0 >/dev/null 2>&1 & } && "
		"dd if=/dev/zram0 of=/dev/null bs=1M count=%u 2>&1",
		mib, mib);
}
