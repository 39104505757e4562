/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The guest's half of VMware's balloon protocol.  The guest's operating system provides the call
 * itself, a page for batches and a doorbell by a table of functions: an indirect call does
 * not matter here, since with batches none of them is called for each page.
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

/* What the guest's operating system provides.  All functions are called under the step lock. */
struct aero_vmware_guest {
	/* Makes the call on this CPU.  Meanwhile the hypervisor may access the batch page. */
	void (*call)(void *ctx, struct aero_vmware_call *call);

	/*
	 * Allocates a zeroed page for batches and stores its frame number.  Returns NULL when
	 * there is no memory.  free_batch_page() frees the page.
	 */
	uint64_t *(*alloc_batch_page)(void *ctx, aero_pfn *pfn);
	void (*free_batch_page)(void *ctx, uint64_t *page);

	/*
	 * Opens a doorbell that kicks the worker when the hypervisor rings it, and stores
	 * its VMCI context and resource.  Returns false when there is none.  Both functions
	 * may be NULL.
	 */
	bool (*open_doorbell)(void *ctx, uint32_t *context, uint32_t *resource);
	void (*close_doorbell)(void *ctx);
};

/* All fields are protected by the step lock. */
struct aero_vmware {
	struct aero_port *port; /* for its log */
	const struct aero_vmware_guest *guest;
	void *ctx;
	uint32_t caps_wanted; /* AERO_VMW_CAP_*; with fewer, the host behaves like an older one */

	uint32_t caps; /* capabilities that were granted; 0 without a connection */
	uint64_t *batch_page;
	aero_pfn batch_pfn;
	bool doorbell_open; /* the guest has opened a doorbell */
	bool doorbell_set;  /* the hypervisor was told of it and may ring it */
	uint32_t said;	    /* messages that were logged and are not repeated, one bit each */
	uint64_t calls[AERO_VMW_COMMANDS];
	uint64_t failures[AERO_VMW_COMMANDS];
};

/* The table for aero_init(), whose @hypervisor is then a struct aero_vmware. */
extern const struct aero_hypervisor_ops aero_vmware_ops;

/* @guest and @ctx must exist as long as @v is used. */
void aero_vmware_init(struct aero_vmware *v, struct aero_port *port,
		      const struct aero_vmware_guest *guest, void *ctx);

/* Frees the batch page.  Called after aero_stop(). */
void aero_vmware_destroy(struct aero_vmware *v);

/* The lower-case name of a command or of one capability bit, or "unknown". */
const char *aero_vmware_command_name(uint32_t command);
const char *aero_vmware_cap_name(uint32_t cap);

#endif
