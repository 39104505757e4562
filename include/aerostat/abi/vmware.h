/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The VMware balloon protocol on the wire: numbers only, shared by the guest's
 * half (protocol/vmware.c) and the hypervisor's half (host/).
 *
 * Every number here comes from the protocol itself; docs/design/vmware.md explains
 * them in prose.  A page is 4 KiB throughout the protocol.
 */
#ifndef AEROSTAT_ABI_VMWARE_H
#define AEROSTAT_ABI_VMWARE_H

/* The call: `in eax, dx` at ring 0 with these in eax and edx. */
#define AERO_VMW_MAGIC 0x456c6d6fU
#define AERO_VMW_PORT  0x5670U

/* ecx: the command. */
enum aero_vmw_command {
	AERO_VMW_START = 0,
	AERO_VMW_GET_TARGET = 1,
	AERO_VMW_LOCK = 2,
	AERO_VMW_UNLOCK = 3,
	AERO_VMW_GUEST_ID = 4,
	/* 5 is unused */
	AERO_VMW_BATCHED_LOCK = 6,
	AERO_VMW_BATCHED_UNLOCK = 7,
	AERO_VMW_BATCHED_2M_LOCK = 8,
	AERO_VMW_BATCHED_2M_UNLOCK = 9,
	AERO_VMW_DOORBELL_SET = 10,
	AERO_VMW_COMMANDS = 11 /* how many numbers there are */
};

/* Capabilities: asked for in ebx and granted in ecx of START.  Bit 0 is reserved. */
#define AERO_VMW_CAP_BASIC	(1U << 1) /* LOCK, UNLOCK */
#define AERO_VMW_CAP_BATCHED	(1U << 2) /* BATCHED_* */
#define AERO_VMW_CAP_BATCHED_2M (1U << 3) /* BATCHED_2M_* */
#define AERO_VMW_CAP_SIGNALLED	(1U << 4) /* DOORBELL_SET */
#define AERO_VMW_CAP_TARGET_64	(1U << 5) /* limits above 32 bits */
#define AERO_VMW_CAP_ALL                                                       \
	(AERO_VMW_CAP_BASIC | AERO_VMW_CAP_BATCHED | AERO_VMW_CAP_BATCHED_2M | \
	 AERO_VMW_CAP_SIGNALLED | AERO_VMW_CAP_TARGET_64)

/* eax after the call, and bits 0-4 of a batch entry. */
enum aero_vmw_status {
	AERO_VMW_OK = 0,
	AERO_VMW_E_COMMAND = 1,	   /* command invalid */
	AERO_VMW_E_PPN = 2,	   /* page number invalid */
	AERO_VMW_E_LOCKED = 3,	   /* page already locked */
	AERO_VMW_E_UNLOCKED = 4,   /* page not locked */
	AERO_VMW_E_PINNED = 5,	   /* page pinned, try another */
	AERO_VMW_E_NOT_NEEDED = 6, /* the target is met */
	AERO_VMW_E_RESET = 7,	   /* the connection is gone: START again */
	AERO_VMW_E_BUSY = 8,
	AERO_VMW_STATUSES = 9 /* how many named statuses there are */
};

#define AERO_VMW_FAILURE	0xffffffffU /* eax only: unspecific failure */
#define AERO_VMW_OK_CAPS	0x03000000U /* eax of START: ecx holds capabilities */

/* ebx of GUEST_ID. */
#define AERO_VMW_GUEST_LINUX	1U

/*
 * The batch page: up to 512 little-endian 64-bit entries.  An entry is the
 * page's physical address; the monitor writes the status into bits 0-4.
 * Bits 5-11 are reserved and zero.
 */
#define AERO_VMW_PAGE_SHIFT	12
#define AERO_VMW_BATCH_MAX	512U
#define AERO_VMW_ENTRY_STATUS	0x1fULL
#define AERO_VMW_ENTRY_RESERVED 0xfe0ULL

/* 512 pages of 4 KiB.  A test with a tiny guest (tests/interrupt/) makes it smaller. */
#ifndef AERO_VMW_2M_ORDER
#define AERO_VMW_2M_ORDER 9
#endif

_Static_assert(AERO_VMW_BATCH_MAX * 8 == 1U << AERO_VMW_PAGE_SHIFT,
	       "a batch fills exactly one page");
_Static_assert((AERO_VMW_ENTRY_STATUS | AERO_VMW_ENTRY_RESERVED) ==
		       (1ULL << AERO_VMW_PAGE_SHIFT) - 1,
	       "status and reserved bits are the page offset");

#endif
