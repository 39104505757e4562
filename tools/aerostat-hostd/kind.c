// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "kind.h"

#include <string.h>

#define XEN_CAPABILITIES "/proc/xen/capabilities"

#ifdef HOSTD_LIBVIRT
#define LIBVIRT (&hostd_kind_libvirt)
#else
#define LIBVIRT NULL
#endif

#ifdef HOSTD_XEN
#define XEN (&hostd_kind_xen)
#else
#define XEN NULL
#endif

static const struct {
	const char *name, *wants;
	const struct hostd_kind *kind;
} kinds[] = {
	{"libvirt", "libvirt-dev and libxml2-dev", LIBVIRT},
	{"xen", "libxen-dev", XEN},
};

/* In other guests of Xen the file is empty. */
static bool is_dom0(const char *root)
{
	char text[256];

	return !aero_read(root, XEN_CAPABILITIES, text, sizeof(text)) && strstr(text, "control_d");
}

const struct hostd_kind *hostd_kind_choose(const char *root, const char *name)
{
	bool dom0 = !name && is_dom0(root);

	if (!name)
		name = dom0 ? "xen" : "libvirt";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].name, name))
			continue;
		if (!kinds[i].kind)
			hostd_say("%sthis program was built without %s; build it with %s installed",
				  dom0 ? "this machine is dom0 of Xen, and " : "", name,
				  kinds[i].wants);
		return kinds[i].kind;
	}
	return NULL;
}
