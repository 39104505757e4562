/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The user-space port, which simulates a guest's memory for tests.  The contract is in
 * aerostat/port.h; a test drives the simulated guest through sim.h.
 */
#ifndef AEROSTAT_TESTS_PORT_H
#define AEROSTAT_TESTS_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 2 MiB of 4 KiB pages; 5 in the build that plays a guest with pages of 64 KiB. */
#ifndef AERO_BLOCK_ORDER
#define AERO_BLOCK_ORDER 9
#endif

#define SIM_PAGE_SIZE	4096U
#define SIM_ORDERS	11U /* the allocator's blocks are 2^0 to 2^10 pages */
#define SIM_RULES	4U
#define SIM_RECORDS	64U
#define SIM_RECORD_TEXT 160U

typedef struct aero_page aero_page;

/* Who owns a page, as the simulated guest sees it. */
enum sim_owner {
	SIM_FREE,     /* in the allocator */
	SIM_GUEST,    /* a program of the guest wrote its own data into it */
	SIM_WIRED,    /* the guest's, shared with the hypervisor: a batch page */
	SIM_FLIGHT,   /* taken by the engine, not held: in a batch, or refused */
	SIM_HELD,     /* in the store */
	SIM_ISOLATED, /* out of the store for migration, still counted as held */
	SIM_ASIDE,    /* kept beside the balloon: told to the hypervisor as free (virtio's hints) */
	SIM_LENT,     /* a borrower's, without memory behind it */
	SIM_ABSENT,   /* not there yet: memory that may be added */
	SIM_OWNERS
};

struct aero_page {
	aero_pfn pfn;
	struct aero_port *port;
	aero_page *next, *prev; /* in the one list its owner keeps, if it is a head */
	uint64_t stamp;		/* what its content must be, while the guest has it */
	uint8_t owner;		/* enum sim_owner */
	uint8_t order;		/* of the block this page belongs to */
	uint8_t class;		/* enum aero_class, while held or isolated */
	bool head;		/* first page of its block */
	bool cache;		/* of SIM_GUEST: may be reclaimed */
	bool discarded;		/* the hypervisor took the memory behind it */
};

struct sim_list {
	aero_page *first, *last;
	uint32_t blocks;
};

/* Blocks that are aside. */
enum sim_aside { SIM_TOLD, SIM_HINTED, SIM_ASIDES };

/* Makes aero_port_take() fail: fields that do not apply hold SIM_ANY. */
#define SIM_ANY 0xffU
struct sim_rule {
	uint8_t effort; /* enum aero_effort */
	uint8_t order;
	uint16_t per_1024; /* of the blocks asked for that match, so many fail by chance ... */
	uint64_t first;	   /* ... or those from the first-th on, counted from 1 (0: none) ... */
	uint64_t times;	   /* ... so many of them */
	uint64_t seen;
};

struct sim_log {
	enum aero_level level;
	char text[SIM_RECORD_TEXT];
};

struct sim_trace {
	enum aero_event event;
	uint64_t a, b, c;
};

/* The last SIM_RECORDS of each kind, in a ring, and how many there were at all. */
struct sim_recorder {
	struct sim_log log[SIM_RECORDS];
	struct sim_trace trace[SIM_RECORDS];
	uint64_t logs, traces;
	uint64_t events[AERO_EVENTS];
	bool verbose; /* prints both as they come */
};

struct aero_port {
	unsigned char *memory;
	aero_page *page;
	uint32_t pages;
	uint64_t base_pfn; /* the frame number of page 0; of the largest alignment */

	struct sim_list free[SIM_ORDERS];
	struct sim_list held[AERO_CLASSES];
	struct sim_list isolated;
	struct sim_list lent;
	struct sim_list aside[SIM_ASIDES];
	struct sim_list guest, cache; /* SIM_GUEST, without and with .cache */
	uint32_t owned[SIM_OWNERS];   /* pages of each owner */

	uint64_t now_ms;
	uint64_t random; /* state of the generator */

	/* A test may change these at any time. */
	uint32_t low_pages;   /* AERO_LIGHT leaves so many free */
	uint32_t spare_floor; /* pages never counted as spare */
	uint64_t limit_pages; /* 0: as many as there are */
	uint32_t stride;      /* bytes between two places of a page that are checked */
	bool protect;	      /* memory the hypervisor took faults on touch, by mprotect() too */
	uint32_t
		awaited_after; /* the step lock is awaited after so many more are taken; 0: never */
	bool awaited;	       /* it is awaited */
	bool scatter;	       /* blocks come from either end of a free list, by chance */
	struct sim_rule rule[SIM_RULES];

	struct sim_recorder record;
};

/* The functions of the contract that are not in port.c. */
static inline aero_page *aero_port_page(aero_page *block, unsigned int index)
{
	return block + index;
}

static inline aero_pfn aero_port_pfn(const aero_page *page)
{
	return page->pfn;
}

static inline uint64_t aero_port_limit_pages(struct aero_port *port)
{
	return port->limit_pages ? port->limit_pages : port->pages - port->owned[SIM_ABSENT];
}

static inline bool aero_port_awaited(struct aero_port *port)
{
	return port->awaited;
}

static inline uint64_t aero_port_now_ms(struct aero_port *port)
{
	return port->now_ms;
}

#endif
