// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What a domain has, and what is free, only the hypervisor's control interface tells, whose layout
 * changes from one version of Xen to the next; so does libxenctrl, which knows it.  The library is
 * loaded by the name that it had when this was compiled, so that it fits these declarations or is
 * not there at all, and hosts without Xen need not have it (docs/design/host-policy.md).
 */
#include "xen_control.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xenctrl.h>

#define PAGE_KIB 4U

/* In one call; the caller wants no more. */
#define DOMAINS	 64U

struct xen_control {
	void *library;
	xc_interface *xen;
	__typeof__(&xc_interface_open) open;
	__typeof__(&xc_interface_close) close;
	__typeof__(&xc_physinfo) physinfo;
	__typeof__(&xc_domain_getinfolist) getinfolist;
	__typeof__(&xc_domain_setmaxmem) setmaxmem;
	__typeof__(&xc_domain_set_pod_target) set_pod_target;
	char error[AERO_HOST_WORDS_MAX];
};

__attribute__((format(printf, 3, 4))) static int fail(struct xen_control *c, int err,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->error, sizeof(c->error), format, args);
	va_end(args);
	return err ? -err : -EIO;
}

static bool load(struct xen_control *c)
{
	const struct {
		const char *name;
		void *to;
	} wanted[] = {
		{"xc_interface_open", &c->open},
		{"xc_interface_close", &c->close},
		{"xc_physinfo", &c->physinfo},
		{"xc_domain_getinfolist", &c->getinfolist},
		{"xc_domain_setmaxmem", &c->setmaxmem},
		{"xc_domain_set_pod_target", &c->set_pod_target},
	};

	if (c->library)
		return true;
	c->library = dlopen(XENCTRL_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; c->library && i < sizeof(wanted) / sizeof(*wanted); i++) {
		void *found = dlsym(c->library, wanted[i].name);

		if (!found) {
			dlclose(c->library);
			c->library = NULL;
			break;
		}
		/* As POSIX has it: a function's address in a void *. */
		memcpy(wanted[i].to, &found, sizeof(found));
	}
	return c->library;
}

/* The library would complain by itself, at each try. */
static bool is_possible(void)
{
	return !access("/dev/xen/privcmd", R_OK | W_OK) ||
	       !access("/proc/xen/privcmd", R_OK | W_OK);
}

int xen_control_open(struct xen_control *c)
{
	if (c->xen)
		return 0;
	if (!load(c))
		return fail(c, ENOENT,
			    XENCTRL_LIBRARY
			    " of Xen is not there, which this program was built for; install it, "
			    "or an aerostat-hostd for the version of Xen that is here");
	if (is_possible())
		c->xen = c->open(NULL, NULL, 0);
	return c->xen ? 0
		      : fail(c, errno, "no way to Xen: %s; is this dom0, and root?",
			     strerror(errno));
}

/* EACCES: of the interface's version. */
static int refused(struct xen_control *c, const char *what)
{
	int err = errno;

	if (err == EACCES)
		return fail(c, err,
			    "the Xen that runs here is none that " XENCTRL_LIBRARY
			    " understands; install an aerostat-hostd for its version");
	return fail(c, err, "Xen does not %s: %s", what, strerror(err));
}

static void take(const xc_domaininfo_t *from, struct xen_domain *d)
{
	unsigned int reason = from->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;

	*d = (struct xen_domain){
		.number = from->domain,
		.has_kib = from->tot_pages * PAGE_KIB,
		/* No limit is a page number of all ones. */
		.most_kib = from->max_pages > UINT64_MAX / PAGE_KIB ? UINT64_MAX
								    : from->max_pages * PAGE_KIB,
		.hvm = from->flags & XEN_DOMINF_hvm_guest,
		.paused = from->flags & XEN_DOMINF_paused,
		.shut_down = from->flags & XEN_DOMINF_shutdown,
		.crashed = from->flags & XEN_DOMINF_shutdown && reason == SHUTDOWN_crash,
		.dying = from->flags & XEN_DOMINF_dying,
	};
	memcpy(d->uuid, from->handle, XEN_UUID_SIZE);
}

_Static_assert(sizeof(xen_domain_handle_t) == XEN_UUID_SIZE, "a domain's handle is its UUID");

int xen_control_domains(struct xen_control *c, uint32_t first, struct xen_domain *domains,
			unsigned int most)
{
	xc_domaininfo_t found[DOMAINS];
	int n = c->getinfolist(c->xen, first, most < DOMAINS ? most : DOMAINS, found);

	if (n < 0)
		return refused(c, "tell of its domains");
	for (int i = 0; i < n; i++)
		take(&found[i], &domains[i]);
	return n;
}

/* What domains that are being built have claimed is free no longer. */
int xen_control_host(struct xen_control *c, uint64_t *total_kib, uint64_t *free_kib)
{
	xc_physinfo_t info = {0};

	if (c->physinfo(c->xen, &info))
		return refused(c, "tell what is free");
	*total_kib = info.total_pages * PAGE_KIB;
	*free_kib = info.free_pages > info.outstanding_pages
			    ? (info.free_pages - info.outstanding_pages) * PAGE_KIB
			    : 0;
	return 0;
}

int xen_control_allow(struct xen_control *c, const struct xen_domain *d, uint64_t kib)
{
	return c->setmaxmem(c->xen, d->number, kib) ? refused(c, "change what it may have") : 0;
}

int xen_control_back(struct xen_control *c, const struct xen_domain *d, uint64_t kib)
{
	return c->set_pod_target(c->xen, d->number, kib / PAGE_KIB, NULL, NULL, NULL)
		       ? refused(c, "put more memory behind it")
		       : 0;
}

const char *xen_control_error(const struct xen_control *c)
{
	return c->error;
}

struct xen_control *xen_control_new(void)
{
	return calloc(1, sizeof(struct xen_control));
}

void xen_control_free(struct xen_control *c)
{
	if (c->xen)
		c->close(c->xen);
	if (c->library)
		dlclose(c->library);
	free(c);
}
