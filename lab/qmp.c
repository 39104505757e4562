/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* QMP: QEMU's control channel, one JSON document a line. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define QMP_TIMEOUT_MS 20000

/* The next document from QEMU, or NULL. */
static json_t *receive(struct lab_guest *g, int64_t start_ms, unsigned int timeout_ms)
{
	for (;;) {
		char *newline = g->qmp.length ? memchr(g->qmp.bytes, '\n', g->qmp.length) : NULL;
		json_error_t error;
		json_t *document;
		ssize_t n;
		int left;

		if (newline) {
			size_t length = (size_t)(newline - g->qmp.bytes);

			document = json_loadb(g->qmp.bytes, length, 0, &error);
			lab_stream_drop(&g->qmp, length + 1);
			if (!document)
				lab_fail(EPROTO, "QMP sent what is not JSON: %s", error.text);
			return document;
		}
		left = lab_left_ms(start_ms, timeout_ms);
		n = left ? lab_stream_fill(&g->qmp, left)
			 : lab_fail(ETIMEDOUT, "QMP did not answer in %u ms", timeout_ms);
		if (n == -EPIPE)
			lab_qemu_gone(g);
		if (n < 0)
			return NULL;
	}
}

json_t *lab_qmp(struct lab_guest *g, const char *command, json_t *args)
{
	json_int_t id = (json_int_t)++g->next_qmp_id;
	json_t *request =
		json_pack("{s:s, s:I, s:o*}", "execute", command, "id", id, "arguments", args);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	int64_t start = lab_now_ms();
	json_t *answer, *result;
	int ret = text ? lab_stream_send(&g->qmp, text, strlen(text))
		       : lab_fail(EINVAL, "can't make a QMP command of '%s'", command);

	free(text);
	json_decref(request);
	if (ret == -EPIPE)
		lab_qemu_gone(g);
	if (ret)
		return NULL;
	while ((answer = receive(g, start, QMP_TIMEOUT_MS))) {
		/* Events, and answers to commands that timed out, come in between. */
		if (json_integer_value(json_object_get(answer, "id")) == id)
			break;
		json_decref(answer);
	}
	if (!answer)
		return NULL;
	result = json_incref(json_object_get(answer, "return"));
	if (!result) {
		const char *why = json_string_value(
			json_object_get(json_object_get(answer, "error"), "desc"));

		lab_fail(EREMOTEIO, "QMP %s: %s", command, why ? why : "no reason given");
	}
	json_decref(answer);
	return result;
}

static int qmp_done(json_t *result)
{
	if (!result)
		return -EREMOTEIO;
	json_decref(result);
	return 0;
}

int lab_qmp_greet(struct lab_guest *g, unsigned int timeout_ms)
{
	json_t *greeting = receive(g, lab_now_ms(), timeout_ms);
	bool good = json_object_get(greeting, "QMP") != NULL;

	if (greeting && !good)
		lab_fail(EPROTO, "QEMU did not greet as QMP does");
	json_decref(greeting);
	return good ? qmp_done(lab_qmp(g, "qmp_capabilities", NULL)) : -EPROTO;
}

int lab_balloon_set(struct lab_guest *g, uint64_t guest_bytes)
{
	return qmp_done(
		lab_qmp(g, "balloon", json_pack("{s:I}", "value", (json_int_t)guest_bytes)));
}

int lab_balloon_get(struct lab_guest *g, uint64_t *guest_bytes)
{
	json_t *result = lab_qmp(g, "query-balloon", NULL);
	json_t *actual = json_object_get(result, "actual");
	int ret = 0;

	if (json_is_integer(actual))
		*guest_bytes = (uint64_t)json_integer_value(actual);
	else
		ret = result ? lab_fail(EPROTO, "query-balloon says nothing of 'actual'")
			     : -EREMOTEIO;
	json_decref(result);
	return ret;
}

uint64_t lab_guest_bytes(const struct lab_guest *g)
{
	return (uint64_t)g->config.memory_mib << 20;
}

int lab_target(struct lab_guest *g, uint64_t balloon_pages)
{
	uint64_t bytes = balloon_pages * LAB_PAGE_KIB * 1024;

	if (bytes >= lab_guest_bytes(g))
		return lab_fail(EINVAL, "a balloon of %llu pages is all of the guest or more",
				(unsigned long long)balloon_pages);
	return lab_balloon_set(g, lab_guest_bytes(g) - bytes);
}

int lab_size(struct lab_guest *g, uint64_t *balloon_pages)
{
	uint64_t bytes;
	int ret = lab_balloon_get(g, &bytes);

	if (ret)
		return ret;
	if (bytes > lab_guest_bytes(g))
		return lab_fail(EPROTO, "query-balloon says more than the guest has");
	*balloon_pages = (lab_guest_bytes(g) - bytes) / (LAB_PAGE_KIB * 1024);
	return 0;
}

int lab_wait_size(struct lab_guest *g, uint64_t low_pages, uint64_t high_pages,
		  unsigned int timeout_ms)
{
	int64_t start = lab_now_ms();

	for (;;) {
		uint64_t pages = 0;
		int ret = lab_size(g, &pages);

		if (ret || (pages >= low_pages && pages <= high_pages))
			return ret;
		if (!lab_left_ms(start, timeout_ms))
			return lab_fail(ETIMEDOUT,
					"the balloon has %llu pages, not %llu to %llu, after %u s",
					(unsigned long long)pages, (unsigned long long)low_pages,
					(unsigned long long)high_pages, timeout_ms / 1000);
		lab_sleep_ms(20);
	}
}

json_t *lab_monitor_report(struct lab_guest *g)
{
	json_t *text = lab_qmp(g, "qom-get",
			       json_pack("{s:s, s:s}", "path", "/machine", "property", "aerostat"));
	json_error_t error;
	json_t *report = NULL;

	if (text && json_is_string(text)) {
		report = json_loads(json_string_value(text), 0, &error);
		if (!report)
			lab_fail(EPROTO, "the monitor's report is not JSON: %s", error.text);
	} else if (text) {
		lab_fail(EPROTO, "the monitor's report is not a string");
	}
	json_decref(text);
	return report;
}

int lab_monitor_control(struct lab_guest *g, const char *format, ...)
{
	char *text;
	va_list args;
	int ret;

	va_start(args, format);
	ret = vasprintf(&text, format, args);
	va_end(args);
	if (ret < 0)
		return lab_fail(ENOMEM, "no memory for a control document");
	ret = qmp_done(lab_qmp(g, "qom-set",
			       json_pack("{s:s, s:s, s:s}", "path", "/machine", "property",
					 "aerostat-control", "value", text)));
	free(text);
	return ret;
}

int lab_reset(struct lab_guest *g)
{
	unsigned int before = g->ready_count;
	int ret;

	if (g->config.xen || g->domain)
		return lab_fail(ENOTSUP, "Xen can't be restarted; boot another one");
	ret = qmp_done(lab_qmp(g, "set-action", json_pack("{s:s}", "reboot", "reset")));

	if (!ret)
		ret = qmp_done(lab_qmp(g, "system_reset", NULL));
	if (!ret)
		ret = lab_wait_ready(g, before, 60000);
	/* From here on a guest that restarts by itself has failed, as after the boot. */
	if (!ret)
		ret = qmp_done(lab_qmp(g, "set-action", json_pack("{s:s}", "reboot", "shutdown")));
	return ret;
}
