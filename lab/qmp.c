/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* QMP: QEMU's control channel, one JSON document a line. */
#define _GNU_SOURCE
#include <errno.h>
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
		/* Events and late answers to commands that timed out may arrive first. */
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

int lab_qmp_do(struct lab_guest *g, const char *command, json_t *args)
{
	json_t *result = lab_qmp(g, command, args);

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
	return good ? lab_qmp_do(g, "qmp_capabilities", NULL) : -EPROTO;
}
