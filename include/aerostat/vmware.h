/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The guest's half of VMware's balloon protocol.  What the guest's operating
 * system does for it (the call itself, a page for batches, a doorbell) comes in
 * as a table, for none of it is on a per-page path where batches are granted.
 */
#ifndef AEROSTAT_VMWARE_H
#define AEROSTAT_VMWARE_H

#include <aerostat/abi/vmware.h>
#include <aerostat/hypervisor.h>

/* One call: arguments in, results out. */
struct aero_vmware_call {
	uint32_t command; /* ecx: enum aero_vmw_command */
	uint64_t arg1;	  /* rbx */
	uint64_t arg2;	  /* rsi */
	uint32_t status;  /* eax after */
	uint64_t result;  /* rbx after */
	uint32_t caps;	  /* ecx after */
};

/* What the guest's operating system does; all called under the step lock. */
struct aero_vmware_guest {
	/* Makes the call on this CPU.  The hypervisor may touch the batch page meanwhile. */
	void (*call)(void *ctx, struct aero_vmware_call *call);

	/*
	 * A zeroed page of the guest for batches, and its frame number; NULL
	 * when there is none.  Freed by free_batch_page().
	 */
	uint64_t *(*alloc_batch_page)(void *ctx, aero_pfn *pfn);
	void (*free_batch_page)(void *ctx, uint64_t *page);

	/*
	 * A doorbell that kicks the worker when the hypervisor rings it, by its
	 * VMCI context and resource; false when there is none.  Both may be NULL.
	 */
	bool (*open_doorbell)(void *ctx, uint32_t *context, uint32_t *resource);
	void (*close_doorbell)(void *ctx);
};

/* All under the step lock. */
struct aero_vmware {
	struct aero_port *port; /* for its log */
	const struct aero_vmware_guest *guest;
	void *ctx;
	uint32_t caps_wanted; /* AERO_VMW_CAP_*: withhold some to try a lesser host */

	uint32_t caps; /* granted; 0 without a connection */
	uint64_t *batch_page;
	aero_pfn batch_pfn;
	bool doorbell_open; /* ours, with the guest */
	bool doorbell_set;  /* the hypervisor's, to ring it */
	uint32_t said;	    /* messages that are given once, a bit each */
	uint64_t calls[AERO_VMW_COMMANDS];
	uint64_t failures[AERO_VMW_COMMANDS];
};

/* The ops for aero_init(); its hypervisor pointer is a struct aero_vmware. */
extern const struct aero_hypervisor_ops aero_vmware_ops;

/* @guest and @ctx must outlive the use. */
void aero_vmware_init(struct aero_vmware *v, struct aero_port *port,
		      const struct aero_vmware_guest *guest, void *ctx);

/* After aero_stop(): frees the batch page. */
void aero_vmware_destroy(struct aero_vmware *v);

/* A lower-case name for a command or a single capability bit; "unknown" for others. */
const char *aero_vmware_command_name(uint32_t command);
const char *aero_vmware_cap_name(uint32_t cap);

#endif
