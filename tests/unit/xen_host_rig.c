// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xen_host_rig.h"

struct xen_rig rig;

/* ---- xenstore ---- */

static struct rig_node *find(const char *path)
{
	for (unsigned int i = 0; i < rig.nodes; i++)
		if (rig.node[i].there && !strcmp(rig.node[i].path, path))
			return &rig.node[i];
	return NULL;
}

static void put(const char *path, const char *value, size_t length)
{
	struct rig_node *node = find(path);

	if (!value) {
		if (node)
			node->there = false;
		return;
	}
	if (!node) {
		assert_true(rig.nodes < RIG_NODES_MAX);
		node = &rig.node[rig.nodes++];
		snprintf(node->path, sizeof(node->path), "%s", path);
	}
	assert_true(length < sizeof(node->value));
	memcpy(node->value, value, length);
	node->value[length] = 0;
	node->length = length;
	node->there = true;
}

static int read_node(void *self, const char *path, char value[XEN_VALUE_MAX])
{
	const struct rig_node *node = find(path);

	(void)self;
	if (rig.read_fails_after >= 0 && !rig.read_fails_after--) {
		rig.read_fails_after = 0;
		return -ENOTCONN;
	}
	if (!node)
		return -ENOENT;
	if (node->length >= XEN_VALUE_MAX || memchr(node->value, 0, node->length))
		return -E2BIG;
	strcpy(value, node->value);
	return 0;
}

static int change(void *self, const char *there, const struct xen_change *changes, size_t count)
{
	(void)self;
	if (rig.meanwhile)
		rig.meanwhile();
	if (!find(there))
		return -ENOENT;
	for (size_t i = 0; i < count; i++)
		put(changes[i].path, changes[i].value,
		    changes[i].value ? strlen(changes[i].value) : 0);
	return 0;
}

/* ---- the hypervisor ---- */

static int connect_world(void *self)
{
	(void)self;
	return rig.connect_fails;
}

static int domains(void *self, uint32_t first, struct xen_domain *to, unsigned int most)
{
	unsigned int n = 0;

	(void)self;
	if (rig.domains_fail)
		return rig.domains_fail;
	for (unsigned int i = 0; i < rig.count && n < most; i++)
		if (rig.domains[i].number >= first)
			to[n++] = rig.domains[i];
	return (int)n;
}

static int host(void *self, uint64_t *total_kib, uint64_t *free_kib)
{
	(void)self;
	*total_kib = rig.total_kib;
	*free_kib = rig.free_kib;
	return rig.host_fails;
}

static int allow(void *self, const struct xen_domain *domain, uint64_t kib)
{
	(void)self;
	(void)domain;
	rig.allowed++;
	rig.allowed_kib = kib;
	for (unsigned int i = 0; i < rig.count && !rig.allow_fails; i++)
		if (rig.domains[i].number == domain->number)
			rig.domains[i].most_kib = kib;
	return rig.allow_fails;
}

static int back(void *self, const struct xen_domain *domain, uint64_t kib)
{
	(void)self;
	(void)domain;
	rig.backed++;
	rig.backed_kib = kib;
	return rig.back_fails;
}

static const char *error(void *self)
{
	(void)self;
	return "the world is away";
}

static void close_world(void *self)
{
	(void)self;
	rig.closed = true;
}

static const struct xen_world world = {
	.connect = connect_world,
	.domains = domains,
	.host = host,
	.allow = allow,
	.back = back,
	.read = read_node,
	.change = change,
	.error = error,
	.close = close_world,
};

/* ---- life ---- */

void rig_start(void)
{
	memset(&rig, 0, sizeof(rig));
	rig.read_fails_after = -1;
	rig.total_kib = 8192 * MIB;
	rig.free_kib = 4096 * MIB;
	rig.x = xen_new(&world, NULL);
	assert_non_null(rig.x);
	rig_domain(0, "Domain-0", 1024, 1024);
}

void rig_end(void)
{
	xen_free(rig.x);
	assert_true(rig.closed);
}

struct xen_domain *rig_domain(uint32_t number, const char *name, uint64_t mib, uint64_t most_mib)
{
	struct xen_domain *d = &rig.domains[rig.count++];
	char kib[24];

	assert_true(rig.count <= RIG_DOMAINS_MAX);
	*d = (struct xen_domain){
		.number = number,
		.uuid = {(uint8_t)number, 1, 2},
		.has_kib = mib * MIB,
		.most_kib = mib * MIB + 1024,
	};
	rig_write(number, "name", name);
	snprintf(kib, sizeof(kib), "%llu", (unsigned long long)(mib * MIB));
	rig_write(number, "memory/target", kib);
	snprintf(kib, sizeof(kib), "%llu", (unsigned long long)(most_mib * MIB));
	rig_write(number, "memory/static-max", kib);
	return d;
}

void rig_destroy(uint32_t number)
{
	char home[XEN_PATH_MAX];
	unsigned int kept = 0;

	for (unsigned int i = 0; i < rig.count; i++)
		if (rig.domains[i].number != number)
			rig.domains[kept++] = rig.domains[i];
	rig.count = kept;
	xen_path(number, "", home);
	for (unsigned int i = 0; i < rig.nodes; i++)
		if (!strncmp(rig.node[i].path, home, strlen(home)))
			rig.node[i].there = false;
}

void rig_write_bytes(uint32_t number, const char *name, const char *value, size_t length)
{
	char path[XEN_PATH_MAX];

	put(xen_path(number, name, path), value, length);
}

void rig_write(uint32_t number, const char *name, const char *value)
{
	rig_write_bytes(number, name, value, value ? strlen(value) : 0);
}

const char *rig_value(uint32_t number, const char *name)
{
	char path[XEN_PATH_MAX];
	const struct rig_node *node = find(xen_path(number, name, path));

	return node ? node->value : NULL;
}

/* ---- the backend ---- */

static void see(void *to, const struct aero_host_sight *sight)
{
	(void)to;
	assert_true(rig.seen < RIG_SIGHTS_MAX);
	rig.sight[rig.seen++] = *sight;
}

int rig_look(void)
{
	rig.seen = 0;
	return xen_backend.look(rig.x, see, NULL);
}

const struct aero_host_sight *rig_seen(const char *name)
{
	for (unsigned int i = 0; i < rig.seen; i++)
		if (!strcmp(rig.sight[i].name, name))
			return &rig.sight[i];
	return NULL;
}

int rig_target(const char *name, uint64_t kib)
{
	const struct aero_host_sight *sight = rig_seen(name);

	assert_non_null(sight);
	return xen_backend.set_target(rig.x, sight->id, kib);
}
