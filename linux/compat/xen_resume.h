/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Whether a module can learn that the guest was saved and restored, or migrated. */
#ifndef AEROSTAT_COMPAT_XEN_RESUME_H
#define AEROSTAT_COMPAT_XEN_RESUME_H

#include <linux/notifier.h>

#include <xen/xen-ops.h>

/*
 * Calls @nb after each resume.  Returns false on kernels from which a notifier cannot be removed
 * again (7.2): a module must not register one there.
 */
static inline bool aero_compat_watch_resume(struct notifier_block *nb)
{
#ifdef AERO_HAVE_XEN_RESUME_UNREGISTER
	xen_resume_notifier_register(nb);
	return true;
#else
	return false;
#endif
}

static inline void aero_compat_unwatch_resume(struct notifier_block *nb)
{
#ifdef AERO_HAVE_XEN_RESUME_UNREGISTER
	xen_resume_notifier_unregister(nb);
#endif
}

#endif
