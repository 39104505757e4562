// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat_vmware.ko: what a Linux guest does for VMware's balloon protocol. */
#define pr_fmt(fmt) "aerostat: vmware: " fmt

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/notifier.h>
#include <linux/path.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/vmw_vmci_api.h>
#include <linux/vmw_vmci_defs.h>

#include <asm/hypervisor.h>

#include <aerostat/vmware.h>

#include "core/backend.h"

#define OTHER_DRIVER "vmw_balloon"

static struct aero_vmware vmware;

/*
 * A port that is only used for logging, before there is a balloon.  aero_port_log() uses nothing of
 * its contents.
 */
static struct aero_port log_port;

/* -- the call -------------------------------------------------------------------- */

static void backdoor(void *ctx, struct aero_vmware_call *call)
{
	unsigned long ax = AERO_VMW_MAGIC, bx = call->arg1, cx = call->command;
	unsigned long dx = AERO_VMW_PORT, si = call->arg2;

	/* The memory clobber is needed because the hypervisor may read and write the batch page. */
	asm volatile("inl %%dx, %%eax"
		     : "+a"(ax), "+b"(bx), "+c"(cx), "+d"(dx), "+S"(si)
		     :
		     : "memory", "cc");
	call->status = (u32)ax;
	call->result = bx;
	call->caps = (u32)cx;
}

static u64 *alloc_batch_page(void *ctx, aero_pfn *pfn)
{
	u64 *page = (u64 *)get_zeroed_page(GFP_KERNEL);

	if (page)
		pfn->v = virt_to_phys(page) >> PAGE_SHIFT;
	return page;
}

static void free_batch_page(void *ctx, u64 *page)
{
	free_page((unsigned long)page);
}

/* -- the doorbell ------------------------------------------------------------------ */

/*
 * VMCI is a module of its own, which may be missing.  Therefore its functions are looked up when
 * they are needed, and the reference to the module is held as long as the doorbell exists.
 */
static struct vmci_handle doorbell;

static void rung(void *ctx)
{
	aerostat_kick();
}

#if IS_ENABLED(CONFIG_VMWARE_VMCI)

static bool open_doorbell(void *ctx, u32 *context, u32 *resource)
{
	typeof(vmci_doorbell_create) *create = symbol_get(vmci_doorbell_create);
	int err;

	if (!create)
		return false;
	doorbell = VMCI_INVALID_HANDLE;
	err = create(&doorbell, VMCI_FLAG_DELAYED_CB, VMCI_PRIVILEGE_FLAG_RESTRICTED, rung, NULL);
	if (err != VMCI_SUCCESS) {
		symbol_put(vmci_doorbell_create);
		return false;
	}
	*context = doorbell.context;
	*resource = doorbell.resource;
	return true;
}

/* The reference that open_doorbell() took keeps VMCI's module, and so this function, loaded. */
static void close_doorbell(void *ctx)
{
	typeof(vmci_doorbell_destroy) *destroy = symbol_get(vmci_doorbell_destroy);

	if (!WARN_ON(!destroy)) {
		destroy(doorbell);
		symbol_put(vmci_doorbell_destroy);
	}
	symbol_put(vmci_doorbell_create);
}

#else

static bool open_doorbell(void *ctx, u32 *context, u32 *resource)
{
	return false;
}

static void close_doorbell(void *ctx)
{
}

#endif

static const struct aero_vmware_guest guest = {
	.call = backdoor,
	.alloc_batch_page = alloc_batch_page,
	.free_batch_page = free_batch_page,
	.open_doorbell = open_doorbell,
	.close_doorbell = close_doorbell,
};

/* -- statistics --------------------------------------------------------------------- */

static void show_caps(struct seq_file *m, const char *name, u32 caps)
{
	u32 cap;

	seq_puts(m, name);
	for (cap = AERO_VMW_CAP_BASIC; cap <= AERO_VMW_CAP_TARGET_64; cap <<= 1)
		if (caps & cap)
			seq_printf(m, " %s", aero_vmware_cap_name(cap));
	seq_putc(m, '\n');
}

static void show(struct seq_file *m, void *hypervisor)
{
	const struct aero_vmware *v = hypervisor;
	u32 i;

	show_caps(m, "capabilities_wanted", v->caps_wanted);
	show_caps(m, "capabilities_used", v->caps);
	seq_printf(m, "doorbell %u\n", v->doorbell_set);
	for (i = 0; i < AERO_VMW_COMMANDS; i++) {
		if (!v->calls[i])
			continue;
		seq_printf(m, "%s %llu\n", aero_vmware_command_name(i), v->calls[i]);
		seq_printf(m, "%s_failed %llu\n", aero_vmware_command_name(i), v->failures[i]);
	}
}

/* -- the module --------------------------------------------------------------------- */

/* docs/design/vmware.md, "Pace", tells where these numbers come from. */
static const struct aero_pace_config pace = {
	.rate_max = 2048,
	.rate_min = 512,
	.rate_step = 16,
	.slow_runs = 4,
};

static const struct aerostat_backend backend = {
	.ops = &aero_vmware_ops,
	.no_policy = "a VMware guest can't have more than its host's target",
	.hypervisor = &vmware,
	.pace = &pace,
	.show = show,
};

/*
 * The kernel's own driver has a folder in sysfs as long as it is loaded or, if it is built in, for
 * ever.  Without sysfs, in an early initramfs, it is not noticed.
 */
static bool other_driver_is_loaded(void)
{
	struct path folder;

	if (kern_path("/sys/module/" OTHER_DRIVER, LOOKUP_FOLLOW, &folder))
		return false;
	path_put(&folder);
	return true;
}

/*
 * The other driver would connect to the host by itself, which ends our connection.  Both would
 * then take turns, and neither would hold what the host believes.  So it may not be loaded.
 */
static int module_event(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct module *module = data;

	if (event != MODULE_STATE_COMING || strcmp(module->name, OTHER_DRIVER))
		return NOTIFY_DONE;
	pr_err("the driver " OTHER_DRIVER
	       " is not loaded, because this one is there; unload it first (rmmod aerostat_vmware)\n");
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block modules = {.notifier_call = module_event};

static int __init aerostat_vmware_init(void)
{
	int err;

	if (x86_hyper_type != X86_HYPER_VMWARE)
		return -ENODEV;
	if (other_driver_is_loaded()) {
		pr_err("the driver " OTHER_DRIVER " is loaded; unload it first (rmmod " OTHER_DRIVER
		       ")\n");
		return -EBUSY;
	}
	aero_vmware_init(&vmware, &log_port, &guest, NULL);
	err = register_module_notifier(&modules);
	if (err)
		goto no_notifier;
	err = aerostat_register(&backend);
	if (!err)
		return 0;
	unregister_module_notifier(&modules);
no_notifier:
	aero_vmware_destroy(&vmware);
	return err;
}
module_init(aerostat_vmware_init);

static void __exit aerostat_vmware_exit(void)
{
	aerostat_unregister(&backend);
	unregister_module_notifier(&modules);
	aero_vmware_destroy(&vmware);
}
module_exit(aerostat_vmware_exit);

MODULE_AUTHOR("The Aerostat developers");
MODULE_DESCRIPTION("Aerostat, a memory balloon: VMware guests");
MODULE_LICENSE("Dual MIT/GPL");
MODULE_VERSION(AEROSTAT_VERSION);
MODULE_SOFTDEP("pre: vmw_vmci");
/* Where VMware's name is in the DMI tables udev loads it, as it does the kernel's driver. */
MODULE_ALIAS("dmi:*:svnVMware*:*");
