/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* QEMU's migration, whether to another QEMU or to a file: its speed, and when it is over. */
#include <errno.h>
#include <string.h>

#include "internal.h"

#define LOOK_MS 20

int lab_migration_speed(struct lab_guest *g, uint64_t bytes_per_s)
{
	return lab_qmp_do(g, "migrate-set-parameters",
			  json_pack("{s:I}", "max-bandwidth", (json_int_t)bytes_per_s));
}

/* What became of the migration: 0 while it is under way, 1 when it is over, or -errno. */
static int look(struct lab_guest *g, uint64_t *bytes)
{
	json_t *info = lab_qmp(g, "query-migrate", NULL);
	const char *status = json_string_value(json_object_get(info, "status"));
	json_t *ram = json_object_get(info, "ram");
	int ret = 0;

	*bytes = (uint64_t)json_integer_value(json_object_get(ram, "transferred"));
	if (!info)
		ret = -EREMOTEIO;
	else if (status && !strcmp(status, "completed"))
		ret = 1;
	else if (status && (!strcmp(status, "failed") || !strcmp(status, "cancelled")))
		ret = lab_fail(EREMOTEIO, "the migration is %s; QEMU's own words: %s", status,
			       g->qemu_log_path);
	json_decref(info);
	return ret;
}

int lab_migration_wait(struct lab_guest *g, unsigned int timeout_ms, uint64_t least,
		       uint64_t *bytes)
{
	int64_t start = lab_now_ms();

	for (;;) {
		int ret = look(g, bytes);

		if (ret || *bytes >= least)
			return ret < 0 ? ret : 0;
		if (!lab_left_ms(start, timeout_ms))
			return lab_fail(ETIMEDOUT, "the migration is not over after %u s",
					timeout_ms / 1000);
		lab_sleep_ms(LOOK_MS);
	}
}
