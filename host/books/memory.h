/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The guest's memory, as a virtual machine monitor offers it to whichever balloon
 * protocol it runs.  A front (the plug-in for QEMU, a test) fills this in once.
 *
 * A page is 4 KiB, and a PFN is a guest-physical page number.  `ctx` is passed to
 * each callback.  Callbacks must not call back into the balloon that they serve.
 */
#ifndef AEROSTAT_HOST_MEMORY_H
#define AEROSTAT_HOST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aero_guest_memory {
	void *ctx;

	/*
	 * Are all of [pfn, pfn + pages) RAM of the guest?  pages is 1 or 512, and
	 * the range lies below pfn_end.  Has no side effects.  Required.
	 */
	bool (*is_ram)(void *ctx, uint64_t pfn, uint64_t pages);

	/*
	 * Copy len bytes from or to guest-physical address gpa.  Return 0 or
	 * -errno.  Both are required.
	 */
	int (*read)(void *ctx, uint64_t gpa, void *buf, size_t len);
	int (*write)(void *ctx, uint64_t gpa, const void *buf, size_t len);

	/*
	 * Drop the contents of [pfn, pfn + pages), which the guest has just given
	 * up.  Adjacent blocks of one request arrive as one range.  Returns 0 or
	 * -errno; an error is counted and otherwise ignored, because the page has
	 * changed its owner all the same: only its memory is not saved.  Required.
	 */
	int (*discard)(void *ctx, uint64_t pfn, uint64_t pages);

	/*
	 * [pfn, pfn + pages) belong to the guest again.  This is called before the
	 * guest can learn of it.  Returns 0 or -errno; errors are counted.  May be
	 * NULL when memory comes back by itself on the first access.
	 */
	int (*populate)(void *ctx, uint64_t pfn, uint64_t pages);
};

#endif
