/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What Xen says of its domains' memory, asked through a helper in dom0. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "xen_internal.h"

#define HOLD_MS                                                                                  \
	100 /* how long a size must hold: a target that is only passed on the way does not count \
	     */
#define LOOK_MS 10000 /* the longest wait in one call of the helper */

static bool parse_host(const char *line, struct lab_xen_memory *out)
{
	unsigned long long v[4];

	if (sscanf(line, "xen %llu %llu %llu %llu", v, v + 1, v + 2, v + 3) != 4)
		return false;
	*out = (struct lab_xen_memory){v[0], v[1], v[2], v[3]};
	return true;
}

static bool parse_domain(const char *line, unsigned int domain, struct lab_domain_memory *out)
{
	unsigned long long kib, max, shared, paged;
	unsigned int number;
	char state[16];

	if (sscanf(line, "domain %u %llu %llu %llu %llu %15s", &number, &kib, &max, &shared, &paged,
		   state) != 6 ||
	    number != domain)
		return false;
	*out = (struct lab_domain_memory){kib, max, !strpbrk(state, "sdp")};
	return true;
}

/*
 * lab_memory_now() after waiting as figures.c says; its arguments for that, or "".
 * Returns 1 when the size was held.
 */
static int figures(struct lab_guest *g, const char *wait, struct lab_xen_memory *xen,
		   struct lab_domain_memory *domain)
{
	struct lab_guest *dom0 = lab_xen_dom0(g);
	char *text = NULL, *rest, *line;
	bool host = false, found = false, held = false;
	struct lab_xen_memory x;
	struct lab_domain_memory d;
	int ret;

	if (!dom0)
		return -ENOTSUP;
	ret = lab_sh(dom0, LAB_XL_MS, &text, "/xen/figures %s", wait);
	rest = text;
	while (ret == 0 && (line = strsep(&rest, "\n"))) {
		host |= parse_host(line, &x);
		found |= parse_domain(line, g->domain, &d);
		held |= !strcmp(line, "held");
	}
	free(text);
	if (ret < 0)
		return ret;
	if (ret || !host)
		return lab_fail(EPROTO, "dom0 could not ask Xen for its figures (status %d)", ret);
	if (xen)
		*xen = x;
	if (domain && found)
		*domain = d;
	return domain && !found ? lab_fail(ENOENT, "Xen knows no domain %u any more", g->domain)
				: held;
}

int lab_memory_now(struct lab_guest *g, struct lab_xen_memory *xen,
		   struct lab_domain_memory *domain)
{
	return figures(g, "", xen, domain);
}

int lab_xen_memory(struct lab_guest *g, struct lab_xen_memory *out)
{
	return lab_memory_now(g, out, NULL);
}

int lab_domain_memory(struct lab_guest *g, struct lab_domain_memory *out)
{
	return lab_memory_now(g, NULL, out);
}

/* The helper in dom0 polls, because starting a process for each look would slow dom0 down. */
static int wait_in_dom0(struct lab_guest *g, uint64_t low_kib, uint64_t high_kib,
			unsigned int hold_ms, int wait_ms, struct lab_domain_memory *d)
{
	char wait[128];

	snprintf(wait, sizeof(wait), "%u %" PRIu64 " %" PRIu64 " %u %d", g->domain, low_kib,
		 high_kib, hold_ms, wait_ms);
	return figures(g, wait, NULL, d);
}

int lab_wait_domain_kib(struct lab_guest *g, uint64_t low_kib, uint64_t high_kib,
			unsigned int timeout_ms)
{
	int64_t start = lab_now_ms();
	struct lab_domain_memory d;

	for (;;) {
		int left = lab_left_ms(start, timeout_ms);
		int ret = wait_in_dom0(g, low_kib, high_kib, HOLD_MS,
				       left < LOOK_MS ? left : LOOK_MS, &d);

		if (ret)
			return ret < 0 ? ret : 0;
		if (!left)
			return lab_fail(ETIMEDOUT,
					"domain %u has %llu KiB after %u ms, not %llu to %llu",
					g->domain, (unsigned long long)d.kib, timeout_ms,
					(unsigned long long)low_kib, (unsigned long long)high_kib);
	}
}

int lab_wait_domain_steady(struct lab_guest *g, unsigned int quiet_ms, unsigned int timeout_ms,
			   struct lab_domain_memory *out)
{
	int64_t start = lab_now_ms();
	struct lab_domain_memory d;
	int ret = lab_domain_memory(g, &d);

	while (!ret) {
		/* If the size changes meanwhile, the wait starts again with the new size. */
		ret = wait_in_dom0(g, d.kib, d.kib, quiet_ms, (int)quiet_ms + HOLD_MS, &d);
		if (!ret && !lab_left_ms(start, timeout_ms))
			ret = lab_fail(ETIMEDOUT,
				       "domain %u still changes after %u ms; it has %llu KiB",
				       g->domain, timeout_ms, (unsigned long long)d.kib);
	}
	if (ret > 0 && out)
		*out = d;
	return ret < 0 ? ret : 0;
}
