/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Xen's dom0: its kernels, its configuration, and the tools that run in it. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "xen_internal.h"

/* ---- configuration ---- */

static const char *const kernel_names[] = {
	[LAB_KERNEL_STOCK] = "stock",
	[LAB_KERNEL_OWN] = "own",
	[LAB_KERNEL_DEBUG] = "debug",
};

/* A value of lab-xen.env for one kernel: AERO_XEN_KERNEL_STOCK and so on. */
static const char *kernel_value(const char *what, enum lab_kernel kernel)
{
	char key[64];

	if ((unsigned int)kernel > LAB_KERNEL_DEBUG) {
		lab_fail(EINVAL, "there is no kernel %d", (int)kernel);
		return NULL;
	}
	snprintf(key, sizeof(key), "AERO_XEN_%s_%s", what, kernel_names[kernel]);
	for (char *c = key; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return lab_env(key);
}

const char *lab_xen_kernel(enum lab_kernel kernel)
{
	const char *path = kernel_value("KERNEL", kernel);

	if (!path && lab_build_folder() && (unsigned int)kernel <= LAB_KERNEL_DEBUG)
		lab_fail(ENOENT, "no kernel '%s' for Xen; run: %slab/setup xen %s",
			 kernel_names[kernel],
			 kernel == LAB_KERNEL_STOCK ? ""
			 : kernel == LAB_KERNEL_OWN ? "lab/setup kernel-xen own && "
						    : "lab/setup kernel-xen debug && ",
			 lab_build_folder());
	return path;
}

const char *lab_xen_kernel_name(enum lab_kernel kernel)
{
	return kernel_names[kernel];
}

bool lab_kernel_built(enum lab_kernel kernel)
{
	return lab_xen_kernel(kernel) != NULL;
}

const char *lab_kernel_release(enum lab_kernel kernel)
{
	return kernel_value("RELEASE", kernel);
}

int lab_xen_config(struct lab_guest *g)
{
	struct lab_xen *x = calloc(1, sizeof(*x));

	if (!x)
		return lab_fail(ENOMEM, "no memory for a dom0");
	if (g->config.xen)
		*x = *g->config.xen;
	g->platform_data = x;
	x->dom0_mib = x->dom0_mib ? x->dom0_mib : 1024;
	x->dom0_max_mib = x->dom0_max_mib ? x->dom0_max_mib : x->dom0_mib;
	x->dom0_vcpus = x->dom0_vcpus ? x->dom0_vcpus : 1;
	g->config.xen = x;
	if (!lab_env("AERO_XEN"))
		return lab_fail(ENOENT, "Xen is not set up; run: lab/setup xen %s",
				lab_build_folder() ? lab_build_folder() : "BUILD_FOLDER");
	if (x->dom0_mib < 256 || x->dom0_mib > x->dom0_max_mib ||
	    x->dom0_mib + 128 > g->config.memory_mib)
		return lab_fail(EINVAL,
				"dom0 with %u MiB, at most %u, does not fit %u MiB: it needs 256 "
				"at least, and Xen itself 128",
				x->dom0_mib, x->dom0_max_mib, g->config.memory_mib);
	if (x->dom0_vcpus > 16)
		return lab_fail(EINVAL, "dom0 has 1 to 16 CPUs, not %u", x->dom0_vcpus);
	return 0;
}

/* ---- domains ---- */

struct lab_guest *lab_dom0(struct lab_guest *g)
{
	return g->domain ? g->host : g;
}

unsigned int lab_domain(const struct lab_guest *g)
{
	return g->domain;
}

struct lab_guest *lab_xen_dom0(struct lab_guest *g)
{
	struct lab_guest *dom0 = lab_dom0(g);

	if (!dom0)
		lab_fail(EPIPE, "the dom0 of %s has ended", g->config.name);
	else if (!dom0->config.xen)
		dom0 = (lab_fail(ENOTSUP, "%s does not run under Xen", g->config.name), NULL);
	return dom0;
}

/* ---- requests ---- */

int lab_xl(struct lab_guest *g, unsigned int timeout_ms, char **out, const char *format, ...)
{
	struct lab_guest *dom0 = lab_xen_dom0(g);
	va_list args;
	char *text;
	int ret;

	if (out)
		*out = NULL;
	if (!dom0)
		return -ENOTSUP;
	va_start(args, format);
	text = lab_format(format, args);
	va_end(args);
	if (!text)
		return -ENOMEM;
	ret = lab_sh(dom0, timeout_ms, out, "xl %s", text);
	free(text);
	return ret;
}

int lab_mem_set_kib(struct lab_guest *g, uint64_t kib)
{
	struct lab_guest *dom0 = lab_xen_dom0(g);

	if (!dom0)
		return -ENOTSUP;
	return lab_must(dom0, LAB_XL_MS, "xl mem-set %u %lluk", g->domain, (unsigned long long)kib);
}

int lab_xenstore_read(struct lab_guest *g, const char *path, char **out)
{
	struct lab_guest *dom0 = lab_xen_dom0(g);
	int ret;

	*out = NULL;
	if (!dom0)
		return -ENOTSUP;
	if (!*path || strchr(path, '\''))
		return lab_fail(EINVAL, "this is no path in xenstore: '%s'", path);
	if (*path == '/')
		ret = lab_sh(dom0, LAB_XL_MS, out, "xenstore-read '%s'", path);
	else
		ret = lab_sh(dom0, LAB_XL_MS, out, "xenstore-read '/local/domain/%u/%s'", g->domain,
			     path);
	if (ret == 0) {
		size_t n = strlen(*out);

		if (n && (*out)[n - 1] == '\n')
			(*out)[n - 1] = 0;
		return 0;
	}
	free(*out);
	*out = NULL;
	return ret < 0 ? ret : lab_fail(ENOENT, "xenstore has no %s of domain %u", path, g->domain);
}
