// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * aerostat.ko: the engine, waiting for a hypervisor's module to register.  By
 * itself it does nothing, so it loads anywhere.
 */
#include <linux/module.h>

MODULE_AUTHOR("The Aerostat developers");
MODULE_DESCRIPTION("Aerostat, a memory balloon: the engine");
MODULE_LICENSE("Dual MIT/GPL");
MODULE_VERSION(AEROSTAT_VERSION);
