// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Documents of settings for a monitor, as whoever may talk to QEMU sends them.
 *
 * Input: documents with NUL bytes between them, which one monitor takes in turn.  One
 * that is refused must have changed nothing and get one line of reasons; after one that
 * is taken, the settings of the report must be taken as well and change nothing.
 */
#include "fuzz.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "json/json.h"

static bool is_ram(void *ctx, uint64_t pfn, uint64_t pages)
{
	return true;
}

static int touch(void *ctx, uint64_t pfn, uint64_t pages)
{
	return 0;
}

static int read_guest(void *ctx, uint64_t gpa, void *buf, size_t len)
{
	memset(buf, 0, len);
	return 0;
}

static int write_guest(void *ctx, uint64_t gpa, const void *buf, size_t len)
{
	return 0;
}

static void refused(const char *error, int err)
{
	MUST(err == -EINVAL || err == -ENOMEM);
	MUST(*error);
	for (; *error; error++)
		MUST(*error >= ' ' && *error <= '~');
}

static void hand_back(struct aero_monitor *m, const char *report)
{
	json_t *document = json_loads(report, JSON_REJECT_DUPLICATES, NULL);
	char *settings, *after, error[512] = "";

	MUST(document);
	settings = json_dumps(json_object_get(document, "settings"), JSON_COMPACT);
	MUST(settings);
	MUST(aero_monitor_control(m, settings, error, sizeof(error)) == 0);
	after = aero_monitor_report(m);
	MUST(after && !strcmp(after, report));
	free(after);
	free(settings);
	json_decref(document);
}

static void take(struct aero_monitor *m, const char *text)
{
	char *before = aero_monitor_report(m), *after;
	char error[512] = "";
	int err;

	err = aero_monitor_control(m, text, error, sizeof(error));
	MUST(aero_monitor_is_valid(m));
	after = aero_monitor_report(m);
	MUST(before && after);
	if (err) {
		refused(error, err);
		MUST(!strcmp(before, after));
	} else {
		hand_back(m, after);
	}
	free(before);
	free(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct aero_monitor_host host = {
		.memory = {.is_ram = is_ram,
			   .read = read_guest,
			   .write = write_guest,
			   .discard = touch,
			   .populate = touch},
	};
	const struct aero_monitor_config config = {4096, 4096, AERO_VMW_CAP_ALL};
	struct aero_monitor *m;

	MUST(aero_monitor_create(&m, &host, &config) == 0);
	while (size) {
		char *text = fuzz_part(&data, &size);

		take(m, text);
		free(text);
	}
	aero_monitor_destroy(m);
	return 0;
}
