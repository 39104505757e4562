/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The balloon commands of QMP, and what follows from them: QEMU answers them for
 * whichever balloon device the guest has, the VMware monitor's among them.
 */
#define _GNU_SOURCE
#include <errno.h>

#include "internal.h"

int lab_balloon_set(struct lab_guest *g, uint64_t guest_bytes)
{
	return lab_qmp_do(g, "balloon", json_pack("{s:I}", "value", (json_int_t)guest_bytes));
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

int lab_balloon_set_target(struct lab_guest *g, uint64_t guest_kib)
{
	return lab_balloon_set(g, guest_kib * 1024);
}

int lab_balloon_size(struct lab_guest *g, uint64_t *guest_kib)
{
	uint64_t bytes = 0;
	int ret = lab_balloon_get(g, &bytes);

	*guest_kib = bytes / 1024;
	return ret;
}
