/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Declarations that the files of aerostat_virtio.ko share. */
#ifndef AEROSTAT_LINUX_VIRTIO_H
#define AEROSTAT_LINUX_VIRTIO_H

#include <linux/completion.h>
#include <linux/scatterlist.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/virtio.h>
#include <linux/virtio_balloon.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <aerostat/virtio.h>
#include <aerostat/virtio_hint.h>

/* How many statistics there are at most: one of each tag. */
#define AERO_VIRTIO_STATS_MAX 16

/* A request that is queued, or that was answered and not yet asked for. */
struct aerostat_virtio_slot {
	struct virtqueue *queue; /* NULL: none.  Step lock */
	bool answered;		 /* @lock */
	bool workers;		 /* the worker goes on when the answer comes; @lock */
	struct scatterlist *blocks;
};

/* The number of a command, which the device reads. */
struct aerostat_virtio_command {
	__virtio32 number;
	bool queued; /* @lock */
};

struct aerostat_virtio {
	struct virtio_device *vdev;
	struct aero_virtio protocol; /* step lock */

	/* Protects the queues against their callbacks, and @running. */
	spinlock_t lock;
	struct virtqueue *queue[AERO_VIRTIO_QUEUES];
	bool running; /* the queues exist and may be used */
	bool fresh;   /* just made, and nothing was sent yet.  Step lock */
	struct aerostat_virtio_slot slot[AERO_VIRTIO_SLOTS];
	wait_queue_head_t answers;

	/* Free memory that the device is told of, beside the balloon. */
	struct aerostat_virtio_report {
		bool in_flight, answered; /* @lock */
		u64 pages;		  /* told so far; single word */
	} report;

	/* Free page hints: blocks are linked by the lru of their first page. */
	struct aerostat_virtio_hints {
		struct aero_virtio_hint protocol; /* step lock */
		struct delayed_work work;
		bool on;       /* the work may be queued; @lock */
		bool changed;  /* the configuration, and nobody has looked; @lock */
		bool relieved; /* the guest ran short, so no more is taken; single word */
		struct list_head told, held;  /* @lock */
		u32 told_blocks, held_blocks; /* written under @lock, read as a single word */
		struct aerostat_virtio_command sent[2]; /* one that begins, and the end */
		atomic64_t relieved_pages;
	} hint;

	/* The statistics, which the device has while it has not asked for new ones. */
	struct work_struct stats_work;
	struct virtio_balloon_stat stats[AERO_VIRTIO_STATS_MAX];

	struct completion ready; /* the kernel's virtio has finished the probe */
};

/*
 * device.c: makes the queues of a device whose features are negotiated, and lets it work.  Returns
 * 0 or -errno.
 */
int aerostat_virtio_make_queues(struct aerostat_virtio *d);
/* Resets the device and removes the queues.  May sleep.  May be called repeatedly. */
void aerostat_virtio_remove_queues(struct aerostat_virtio *d);
extern const struct aero_virtio_guest aerostat_virtio_guest;
/* Tells the device of free memory: struct aerostat_backend, report_free(). */
int aerostat_virtio_report_free(void *hypervisor, struct scatterlist *free, unsigned int n);

/*
 * hint.c.  Between start() and stop() the balloon is registered.
 */
void aerostat_virtio_hint_init(struct aerostat_virtio *d);
void aerostat_virtio_hint_start(struct aerostat_virtio *d);
void aerostat_virtio_hint_stop(struct aerostat_virtio *d);
/* The callback of the queue. */
void aerostat_virtio_hint_answered(struct virtqueue *queue);
/* The configuration may have changed.  May be called from any context. */
void aerostat_virtio_hint_look(struct aerostat_virtio *d);
/* struct aerostat_backend, relieve_beside() and beside_pages(). */
u64 aerostat_virtio_hint_relieve(void *hypervisor, u64 pages);
u64 aerostat_virtio_hint_held(void *hypervisor);
/* Appends lines to the statistics.  Step lock. */
void aerostat_virtio_hint_show(struct seq_file *m, const struct aerostat_virtio *d);

/* stats.c: fills d->stats, and returns how many there are. */
unsigned int aerostat_virtio_read_stats(struct aerostat_virtio *d);

#endif
