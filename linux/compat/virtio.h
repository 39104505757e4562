/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How different kernels reset a virtio device, read what it offers, and make its queues. */
#ifndef AEROSTAT_COMPAT_VIRTIO_H
#define AEROSTAT_COMPAT_VIRTIO_H

#include <linux/virtio.h>
#include <linux/virtio_config.h>

/* virtio_reset_device() is new in 5.17. */
static inline void aero_compat_virtio_reset(struct virtio_device *vdev)
{
#ifdef AERO_HAVE_VIRTIO_RESET_DEVICE
	virtio_reset_device(vdev);
#else
	vdev->config->reset(vdev);
#endif
}

/*
 * Returns the first 64 features that the device offers.  Since 6.17 a transport may know more of
 * them, and has no function for the first 64 alone then.
 */
static inline u64 aero_compat_virtio_offered(struct virtio_device *vdev)
{
#ifdef AERO_HAVE_VIRTIO_EXTENDED_FEATURES
	struct {
		VIRTIO_DECLARE_FEATURES(features);
	} offered;

	virtio_get_features(vdev, offered.features_array);
	return offered.features;
#else
	return vdev->config->get_features(vdev);
#endif
}

/*
 * Makes @n queues with the indices from 0 to @n - 1, each of which has a name.  @n is at most
 * AERO_COMPAT_QUEUES.
 */
#define AERO_COMPAT_QUEUES 5

static inline int aero_compat_find_queues(struct virtio_device *vdev, unsigned int n,
					  struct virtqueue *queues[], vq_callback_t *callbacks[],
					  const char *const names[])
{
#ifdef AERO_HAVE_VIRTQUEUE_INFO
	struct virtqueue_info info[AERO_COMPAT_QUEUES] = {};
	unsigned int i;

	for (i = 0; i < n; i++) {
		info[i].name = names[i];
		info[i].callback = callbacks[i];
	}
	return virtio_find_vqs(vdev, n, queues, info, NULL);
#else
	return virtio_find_vqs(vdev, n, queues, callbacks, names, NULL);
#endif
}

#endif
