/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A simulated Xen under the simulated guest: machine memory, which frames of it
 * are the guest's, and what lies behind each page.  Like sim.h it ends the test
 * at a mistake: populating a page that has memory, giving up one that has none
 * or is still mapped, a page with two machine frames, or one nobody scrubbed.
 *
 * All counts are guest pages; frames in calls are Xen's (page_order).
 */
#ifndef AEROSTAT_TESTS_SIM_XEN_H
#define AEROSTAT_TESTS_SIM_XEN_H

#include <aerostat/xen.h>

#include "sim.h"

#define SIM_XEN_RULES 4U
#define SIM_XEN_NONE  UINT64_MAX

enum sim_xen_what {
	SIM_XEN_HONEST,
	SIM_XEN_PARTIAL, /* does .amount at the most */
	SIM_XEN_ERROR,	 /* does nothing and answers -.amount */
	SIM_XEN_MORE,	 /* does all, and claims .amount more than that */
	SIM_XEN_WHATS
};

/* Calls that are answered so: @times of those that match, after @skip. */
struct sim_xen_rule {
	enum sim_xen_what what;
	enum aero_xen_op op; /* 0: any */
	uint8_t order;	     /* of the guest's pages; SIM_ANY */
	uint32_t skip, times;
	uint64_t amount;
};

struct sim_xen {
	struct aero_port *port;
	struct aero_xen *x;	     /* whose strays are counted in */
	struct aero_xen_guest guest; /* for aero_xen_init(); its ctx is this struct */
	bool pv;
	bool stays; /* this guest is not to be moved to another host now */
	uint32_t page_order;

	/* By guest page. */
	uint64_t *machine; /* the machine frame behind it, or SIM_XEN_NONE */
	bool *counted;	   /* the guest's system counts it as memory */
	bool *scrubbed;	   /* since the last check */

	/* By machine frame. */
	uint32_t machine_pages;
	bool *taken;	 /* the guest's */
	uint64_t *owner; /* the guest page it is behind, or SIM_XEN_NONE */
	uint32_t next;	 /* where the search for a free one goes on */

	uint64_t reservation; /* machine frames the guest has */
	uint64_t current;     /* what left() and came_back() made of it */

	/* A test may change these at any time. */
	uint64_t limit;			 /* the most the guest may have now */
	uint64_t wanted;		 /* what wanted_pages() says */
	uint64_t beyond;		 /* what beyond_pages() says */
	uint32_t fail_unmaps, fail_maps; /* so many calls fail, after the skipped */
	uint32_t skip_maps;
	struct sim_xen_rule rule[SIM_XEN_RULES];

	/*
	 * As linux/xen/module.c has it: both follow from how many pages the guest should have,
	 * and whether memory is added for loans, for which @lend_wanted pages more wait.
	 */
	bool has_target, lend_adds;
	uint64_t target, lend_wanted;

	uint64_t answered[SIM_XEN_WHATS]; /* calls */
	uint64_t calls, unmaps, maps, scrubs;
	char course[4096]; /* "decrease:9:4=4 ": order, extents asked, answer */
};

/*
 * All of @port's pages have memory behind them; the host has @spare pages more.
 * @scattered: no two neighbours have neighbouring machine frames.
 */
void sim_xen_create(struct sim_xen *xen, struct aero_port *port, bool pv, uint32_t page_order,
		    uint32_t spare, bool scattered);
void sim_xen_destroy(struct sim_xen *xen);

/*
 * Takes the memory behind @page, which nobody has, without a word from the balloon:
 * one to adopt, or that is absent.
 */
void sim_xen_unbacked(struct sim_xen *xen, aero_page *page);

/* All that the guest has and the balloon holds. */
uint64_t sim_xen_all(const struct sim_xen *xen);

/* Whether the guest may use @page. */
bool sim_xen_is_usable(const struct sim_xen *xen, const aero_page *page);

/* Proves that everybody's books agree; @b must be between two calls. */
void sim_xen_check(struct sim_xen *xen, const struct aero_balloon *b);

#endif
