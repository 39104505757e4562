// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * aerostat.ko: the engine, waiting for a hypervisor's module to register.  By
 * itself it does nothing, so it loads anywhere.
 */
#include <linux/module.h>

#include "core.h"

static int __init aerostat_init(void)
{
	return aerostat_mapping_start();
}
module_init(aerostat_init);

static void __exit aerostat_exit(void)
{
	aerostat_mapping_stop();
}
module_exit(aerostat_exit);

MODULE_AUTHOR("The Aerostat developers");
MODULE_DESCRIPTION("Aerostat, a memory balloon: the engine");
MODULE_LICENSE("Dual MIT/GPL");
MODULE_VERSION(AEROSTAT_VERSION);
