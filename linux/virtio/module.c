// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* aerostat_virtio.ko: the driver of a virtio memory balloon, which KVM's guests have. */
#define pr_fmt(fmt) "aerostat: virtio: " fmt

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>

#include "compat/virtio.h"
#include "core/backend.h"
#include "virtio/internal.h"

static bool report_blocks = true;
module_param(report_blocks, bool, 0444);
MODULE_PARM_DESC(
	report_blocks,
	"1: give large blocks away on the device's reporting queue where it has one (default)");

static bool report_free = true;
module_param(report_free, bool, 0444);
MODULE_PARM_DESC(report_free,
		 "1: tell the device of free memory where it wants to know of it (default)");

static bool hint_free = true;
module_param(hint_free, bool, 0444);
MODULE_PARM_DESC(hint_free,
		 "1: tell the device which memory need not be migrated, if it asks (default)");

/* The device that is in use.  There is one balloon, so there is at most one. */
static struct aerostat_virtio *device;

/*
 * A port that is only used for logging and its clock; neither uses anything of its contents.
 */
static struct aero_port log_port;

/* -- statistics --------------------------------------------------------------------- */

static void show_features(struct seq_file *m, const char *name, u32 features)
{
	u32 feature;

	seq_puts(m, name);
	for (feature = 1; feature <= AERO_VIRTIO_F_PAGE_REPORTING; feature <<= 1)
		if (features & feature)
			seq_printf(m, " %s", aero_virtio_feature_name(feature));
	seq_putc(m, '\n');
}

/* As the device has it. */
static void show_poison(struct seq_file *m)
{
	u32 value;

	if (!device->protocol.connected || !(device->protocol.features & AERO_VIRTIO_F_PAGE_POISON))
		return;
	virtio_cread_le(device->vdev, struct virtio_balloon_config, poison_val, &value);
	seq_printf(m, "poison_value %u\n", value);
}

static void show(struct seq_file *m, void *hypervisor)
{
	const struct aero_virtio *v = hypervisor;
	u32 i;

	show_features(m, "features_wanted", v->features_wanted);
	show_features(m, "features_used", v->connected ? v->features : 0);
	for (i = 0; i < AERO_VIRTIO_QUEUES; i++)
		if (v->requests[i])
			seq_printf(m, "%s_requests %llu\n", aero_virtio_queue_name(i),
				   v->requests[i]);
	seq_printf(m, "reported_free_pages %llu\n", READ_ONCE(device->report.pages));
	show_poison(m);
	aerostat_virtio_hint_show(m, device);
	seq_printf(m, "late_answers %llu\n", v->late);
	seq_printf(m, "broken_devices %llu\n", v->broken);
}

/* -- the balloon ---------------------------------------------------------------------- */

/* The worker must not reset the device before the kernel's virtio has finished the probe. */
static void before_run(void)
{
	wait_for_completion(&device->ready);
}

/* VMware's pace has constants of its own; elsewhere only reclaim that fails limits the rate. */
static const struct aero_pace_config pace = {
	.rate_max = 2048,
	.rate_min = 512,
	.rate_step = 16,
	.slow_runs = 4,
	.backoff_max_ms = 32000,
	.retries_max = 0,
};

static struct aerostat_backend backend = {
	.ops = &aero_virtio_ops,
	.no_policy = "a guest of virtio can't have more than its host's target",
	.pace = &pace,
	.before_run = before_run,
	.show = show,
	.beside_pages = aerostat_virtio_hint_held,
	.relieve_beside = aerostat_virtio_hint_relieve,
};

/* -- the driver ------------------------------------------------------------------------- */

static void destroy(struct aerostat_virtio *d)
{
	unsigned int i;

	for (i = 0; i < AERO_VIRTIO_SLOTS; i++)
		kfree(d->slot[i].blocks);
	kfree(d);
}

static struct aerostat_virtio *create(struct virtio_device *vdev)
{
	struct aerostat_virtio *d = kzalloc(sizeof(*d), GFP_KERNEL);
	bool ok = true;
	unsigned int i;

	if (!d)
		return NULL;
	d->vdev = vdev;
	spin_lock_init(&d->lock);
	init_waitqueue_head(&d->answers);
	init_completion(&d->ready);
	aerostat_virtio_hint_init(d);
	for (i = 0; i < AERO_VIRTIO_SLOTS; i++) {
		d->slot[i].blocks =
			kmalloc_array(AERO_BATCH_MAX, sizeof(*d->slot[i].blocks), GFP_KERNEL);
		ok = ok && d->slot[i].blocks;
	}
	if (ok)
		return d;
	destroy(d);
	return NULL;
}

/* Free pages whose content matters can be told of if the device knows the content. */
static bool may_report_free(struct virtio_device *vdev)
{
	if (!report_free || !virtio_has_feature(vdev, VIRTIO_BALLOON_F_REPORTING))
		return false;
	if (!aerostat_free_pages_matter() || virtio_has_feature(vdev, VIRTIO_BALLOON_F_PAGE_POISON))
		return true;
	pr_info("the host is not told of free memory: the kernel zeroes or poisons it, and the device does not know of that\n");
	return false;
}

static int probe(struct virtio_device *vdev)
{
	struct aerostat_virtio *d;
	int err;

	if (device) {
		dev_err(&vdev->dev, "another balloon device is in use already\n");
		return -EBUSY;
	}
	if (!vdev->config->get) {
		dev_err(&vdev->dev, "the device's configuration cannot be read\n");
		return -EINVAL;
	}
	d = create(vdev);
	if (!d)
		return -ENOMEM;
	vdev->priv = d;
	err = aerostat_virtio_make_queues(d);
	if (err)
		goto no_queues;
	aero_virtio_init(&d->protocol, &log_port, &aerostat_virtio_guest, d, PAGE_SHIFT);
	d->protocol.report_blocks = report_blocks;
	device = d;
	backend.no_relief = !virtio_has_feature(vdev, VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	backend.report_free = may_report_free(vdev) ? aerostat_virtio_report_free : NULL;
	backend.hypervisor = &d->protocol;
	err = aerostat_register(&backend);
	if (err)
		goto no_balloon;
	aerostat_virtio_hint_start(d);
	return 0;

no_balloon:
	device = NULL;
	aerostat_virtio_remove_queues(d);
no_queues:
	vdev->priv = NULL;
	destroy(d);
	return err;
}

/* Called after the probe, when the device is marked as ready. */
static void probed(struct virtio_device *vdev)
{
	struct aerostat_virtio *d = vdev->priv;

	complete_all(&d->ready);
}

static void remove(struct virtio_device *vdev)
{
	struct aerostat_virtio *d = vdev->priv;

	complete_all(&d->ready);
	aerostat_virtio_hint_stop(d);
	aerostat_unregister(&backend);
	aerostat_virtio_remove_queues(d);
	aero_virtio_destroy(&d->protocol);
	device = NULL;
	vdev->priv = NULL;
	destroy(d);
}

/*
 * The device is about to lose its state, for suspend or hibernation.  It forgets the queues; what
 * is in the balloon stays there.
 */
static int __maybe_unused freeze(struct virtio_device *vdev)
{
	struct aerostat_virtio *d = vdev->priv;
	int err = aerostat_pause();

	if (!err)
		aerostat_virtio_remove_queues(d);
	return err;
}

/* The device was reset, and its features are negotiated again.  The balloon connects anew. */
static int __maybe_unused restore(struct virtio_device *vdev)
{
	int err = aerostat_virtio_make_queues(vdev->priv);

	aerostat_resume();
	return err;
}

/* The host has a new target, or a new command for hints. */
static void config_changed(struct virtio_device *vdev)
{
	aerostat_kick();
	aerostat_virtio_hint_look(vdev->priv);
}

/*
 * The numbers of frames that the device is told are the guest's physical ones, so there must be no
 * translation.  Indirect descriptors would be allocated for each request, also while the guest is
 * short of memory.
 */
static int validate(struct virtio_device *vdev)
{
	__virtio_clear_bit(vdev, VIRTIO_F_ACCESS_PLATFORM);
	__virtio_clear_bit(vdev, VIRTIO_RING_F_INDIRECT_DESC);
	if (!aerostat_free_pages_matter())
		__virtio_clear_bit(vdev, VIRTIO_BALLOON_F_PAGE_POISON);
	if (!hint_free)
		__virtio_clear_bit(vdev, VIRTIO_BALLOON_F_FREE_PAGE_HINT);
	return 0;
}

static const struct virtio_device_id ids[] = {
	{VIRTIO_ID_BALLOON, VIRTIO_DEV_ANY_ID},
	{},
};
MODULE_DEVICE_TABLE(virtio, ids);

static unsigned int features[] = {
	VIRTIO_BALLOON_F_MUST_TELL_HOST, VIRTIO_BALLOON_F_STATS_VQ,
	VIRTIO_BALLOON_F_DEFLATE_ON_OOM, VIRTIO_BALLOON_F_FREE_PAGE_HINT,
	VIRTIO_BALLOON_F_PAGE_POISON,	 VIRTIO_BALLOON_F_REPORTING,
};

static struct virtio_driver balloon_driver = {
	.driver.name = KBUILD_MODNAME,
	.driver.owner = THIS_MODULE,
	.id_table = ids,
	.feature_table = features,
	.feature_table_size = ARRAY_SIZE(features),
	.validate = validate,
	.probe = probe,
	.scan = probed,
	.remove = remove,
	.config_changed = config_changed,
#ifdef CONFIG_PM_SLEEP
	.freeze = freeze,
	.restore = restore,
#endif
};
module_virtio_driver(balloon_driver);

MODULE_AUTHOR("The Aerostat developers");
MODULE_DESCRIPTION("Aerostat, a memory balloon: virtio devices");
MODULE_LICENSE("Dual MIT/GPL");
MODULE_VERSION(AEROSTAT_VERSION);
