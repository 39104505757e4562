/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What different kernels call the functions of their built-in Xen balloon. */
#ifndef AEROSTAT_COMPAT_XEN_H
#define AEROSTAT_COMPAT_XEN_H

#include <linux/version.h>

#include <xen/balloon.h>

/* Before 5.16 these functions had other names; <xen/balloon.h> declares them. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0)
#define xen_alloc_ballooned_pages alloc_xenballooned_pages
#define xen_free_ballooned_pages  free_xenballooned_pages
#endif

/* Up to 6.10, an empty entry ends a table of sysctls.  From 6.11 on, such an entry is refused. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define AERO_COMPAT_SYSCTL_END \
	{                      \
	}
#else
#define AERO_COMPAT_SYSCTL_END
#endif

#endif
