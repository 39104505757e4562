/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The table of platforms, and what is the same on all of them. */
#define _GNU_SOURCE
#include "platform.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "internal.h"

const struct lab_platform *const lab_platforms[] = {
	&lab_platform_vmware, &lab_platform_xen,  &lab_platform_virtio,
	&lab_platform_arm64,  &lab_platform_bare, NULL,
};

/* " NAME NAME ..." */
static void join_name(char *names, size_t room, const char *name)
{
	size_t used = strlen(names);

	snprintf(names + used, room - used, "%s%s", used ? ", " : "", name);
}

const struct lab_platform *lab_platform_find(const char *name)
{
	char names[256] = "";

	for (const struct lab_platform *const *p = lab_platforms; *p; p++) {
		if (!strcmp((*p)->name, name))
			return *p;
		if ((*p)->set_target)
			join_name(names, sizeof(names), (*p)->name);
	}
	lab_fail(EINVAL, "there is no platform '%s'; there are: %s", name, names);
	return NULL;
}

int lab_platform_type(const struct lab_platform *p, const char *type)
{
	char names[256] = "";

	for (int i = 0; p->types && p->types[i]; i++) {
		if (!strcmp(p->types[i], type))
			return i;
		join_name(names, sizeof(names), p->types[i]);
	}
	if (!p->types)
		return lab_fail(EINVAL, "%s has only one type of guest", p->name);
	return lab_fail(EINVAL, "%s has no type of guest '%s'; there are: %s", p->name, type,
			names);
}

const struct lab_platform *lab_platform_of(const struct lab_config *config)
{
	if (config->platform)
		return config->platform;
	return config->xen ? &lab_platform_xen : &lab_platform_vmware;
}

/* ---- the balloon ---- */

static int no_balloon(const struct lab_guest *g)
{
	return lab_fail(ENOTSUP, "platform %s has no balloon", g->config.platform->name);
}

int lab_set_target(struct lab_guest *g, uint64_t guest_kib)
{
	const struct lab_platform *p = g->config.platform;

	return p->set_target ? p->set_target(g, guest_kib) : no_balloon(g);
}

int lab_guest_size(struct lab_guest *g, uint64_t *guest_kib)
{
	const struct lab_platform *p = g->config.platform;

	return p->size ? p->size(g, guest_kib) : no_balloon(g);
}

int lab_settled(struct lab_guest *g, uint64_t low_kib, uint64_t high_kib, unsigned int timeout_ms)
{
	const struct lab_platform *p = g->config.platform;
	int64_t start = lab_now_ms();

	if (p->settled)
		return p->settled(g, low_kib, high_kib, timeout_ms);
	for (;;) {
		uint64_t kib = 0;
		int ret = lab_guest_size(g, &kib);

		if (ret || (kib >= low_kib && kib <= high_kib))
			return ret;
		if (!lab_left_ms(start, timeout_ms))
			return lab_fail(ETIMEDOUT,
					"the guest has %" PRIu64 " KiB after %u ms, not %" PRIu64
					" to %" PRIu64,
					kib, timeout_ms, low_kib, high_kib);
		lab_sleep_ms(p->look_ms);
	}
}

int lab_figures_now(struct lab_guest *g, struct lab_figures *out)
{
	return g->config.platform->figures(g, out);
}
