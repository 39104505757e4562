/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How different kernels assign a string to a field of a tracepoint. */
#ifndef AEROSTAT_COMPAT_TRACE_H
#define AEROSTAT_COMPAT_TRACE_H

#include <linux/version.h>

/* From 6.10 on the string's source is known from the field's declaration. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define aero_assign_str(field, text) __assign_str(field)
#else
#define aero_assign_str(field, text) __assign_str(field, text)
#endif

#endif
