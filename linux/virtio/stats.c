// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The statistics of the guest's memory that the device asks for. */
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/swap.h>
#include <linux/virtio_config.h>
#include <linux/vmstat.h>

#include "virtio/internal.h"

/* The tags from 10 on are newer than the headers of some kernels. */
enum {
	TAG_OOM_KILLS = 10,
	TAG_ALLOC_STALLS,
	TAG_ASYNC_SCAN,
	TAG_DIRECT_SCAN,
	TAG_ASYNC_RECLAIM,
	TAG_DIRECT_RECLAIM
};

static void put(struct aerostat_virtio *d, unsigned int *n, u16 tag, u64 value)
{
	d->stats[*n].tag = cpu_to_virtio16(d->vdev, tag);
	d->stats[*n].val = cpu_to_virtio64(d->vdev, value);
	(*n)++;
}

static u64 bytes(u64 pages)
{
	return pages << PAGE_SHIFT;
}

#ifdef CONFIG_VM_EVENT_COUNTERS

static u64 alloc_stalls(const unsigned long *events)
{
	u64 sum = events[ALLOCSTALL_NORMAL] + events[ALLOCSTALL_MOVABLE];

#ifdef CONFIG_ZONE_DMA
	sum += events[ALLOCSTALL_DMA];
#endif
#ifdef CONFIG_ZONE_DMA32
	sum += events[ALLOCSTALL_DMA32];
#endif
	return sum;
}

static void put_events(struct aerostat_virtio *d, unsigned int *n)
{
	unsigned long events[NR_VM_EVENT_ITEMS];

	all_vm_events(events);
	put(d, n, VIRTIO_BALLOON_S_SWAP_IN, bytes(events[PSWPIN]));
	put(d, n, VIRTIO_BALLOON_S_SWAP_OUT, bytes(events[PSWPOUT]));
	put(d, n, VIRTIO_BALLOON_S_MAJFLT, events[PGMAJFAULT]);
	put(d, n, VIRTIO_BALLOON_S_MINFLT, events[PGFAULT]);
#ifdef CONFIG_HUGETLB_PAGE
	put(d, n, VIRTIO_BALLOON_S_HTLB_PGALLOC, events[HTLB_BUDDY_PGALLOC]);
	put(d, n, VIRTIO_BALLOON_S_HTLB_PGFAIL, events[HTLB_BUDDY_PGALLOC_FAIL]);
#endif
	put(d, n, TAG_OOM_KILLS, events[OOM_KILL]);
	put(d, n, TAG_ALLOC_STALLS, alloc_stalls(events));
	put(d, n, TAG_ASYNC_SCAN, bytes(events[PGSCAN_KSWAPD]));
	put(d, n, TAG_DIRECT_SCAN, bytes(events[PGSCAN_DIRECT]));
	put(d, n, TAG_ASYNC_RECLAIM, bytes(events[PGSTEAL_KSWAPD]));
	put(d, n, TAG_DIRECT_RECLAIM, bytes(events[PGSTEAL_DIRECT]));
}

#else

static void put_events(struct aerostat_virtio *d, unsigned int *n)
{
}

#endif

unsigned int aerostat_virtio_read_stats(struct aerostat_virtio *d)
{
	long available = si_mem_available();
	struct sysinfo info;
	unsigned int n = 0;

	si_meminfo(&info);
	put_events(d, &n);
	put(d, &n, VIRTIO_BALLOON_S_MEMFREE, bytes(info.freeram));
	put(d, &n, VIRTIO_BALLOON_S_MEMTOT, bytes(info.totalram));
	put(d, &n, VIRTIO_BALLOON_S_AVAIL, bytes(available > 0 ? available : 0));
	put(d, &n, VIRTIO_BALLOON_S_CACHES, bytes(global_node_page_state(NR_FILE_PAGES)));
	return n;
}
