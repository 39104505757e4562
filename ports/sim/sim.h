/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The simulated guest, as a test drives it: memory with an allocator, programs
 * that own pages, page cache, migration, and the hypervisor's grip on memory.
 *
 * It is built so that a mistake cannot stay quiet.  Each page's content is
 * known while the guest has it, and looked at when it changes hands.  Memory a
 * hypervisor took is overwritten and poisoned for the address sanitizer, so
 * touching it ends the test; with .protect set it faults without a sanitizer
 * too.  A wrong change of owner, such as a page freed twice, is a message and
 * abort().
 *
 * One thread; numbers are pages unless a name says otherwise.
 */
#ifndef AEROSTAT_TESTS_SIM_H
#define AEROSTAT_TESTS_SIM_H

#include <aerostat/balloon.h>

/* Called with the message before abort(); may add what helps to replay. */
extern void (*sim_on_failure)(const char *message);

/* Says what is wrong and aborts. */
_Noreturn __attribute__((format(printf, 1, 2))) void sim_fail(const char *format, ...);

/*
 * A guest of @pages (1 or more), all free, whose first frame is @base_pfn
 * (a multiple of 1024).  Settings are at their most permissive: no watermark,
 * no failures, everything spare.  Aborts when this machine has not the memory.
 */
void sim_create(struct aero_port *port, uint32_t pages, uint64_t base_pfn, uint64_t seed);

/* Right after sim_create(): looks at each word of a page, not at 8 of them.  Slower. */
void sim_look_closer(struct aero_port *port);

/* Frees everything, whoever owns it. */
void sim_destroy(struct aero_port *port);

/* A random number below @n (1 or more). */
uint64_t sim_random(struct aero_port *port, uint64_t n);

uint32_t sim_free_pages(const struct aero_port *port);
aero_page *sim_page(struct aero_port *port, uint64_t pfn); /* NULL: no such frame */
void *sim_memory(const aero_page *page);

/* -- the guest's own programs -------------------------------------------------- */

/* A block with data of its own; NULL when there is none.  @cache: may be reclaimed. */
aero_page *sim_guest_alloc(struct aero_port *port, unsigned int order, bool cache);

/* Looks at all its data, then frees it.  @block heads a block of sim_guest_alloc(). */
void sim_guest_free(struct aero_port *port, aero_page *block);

void sim_guest_verify(struct aero_port *port, aero_page *block);
void sim_guest_rewrite(struct aero_port *port, aero_page *block);

/* A page shared with the hypervisor, zeroed. */
aero_page *sim_wire(struct aero_port *port);
void sim_unwire(struct aero_port *port, aero_page *page);

/* Frees every second page of all that is free: no block of order 1 is left. */
void sim_fragment(struct aero_port *port);

/* -- migration ------------------------------------------------------------------ */

/* Isolates a random page of the store; NULL when no page is movable. */
aero_page *sim_isolate(struct aero_port *port);
void sim_putback(struct aero_port *port, aero_page *page);

/*
 * Moves @page, which is isolated, to a free page, as compaction does; on failure
 * it stays isolated.  Returns what aero_migrate() said, FAILED when there is no
 * free page.
 */
enum aero_migration sim_migrate(struct aero_balloon *b, aero_page *page);

/* -- pages without memory behind them --------------------------------------------- */

/*
 * Right after sim_create(): the last @pages are not there yet.  What was behind
 * them is the hypervisor's to take.
 */
void sim_absent(struct aero_port *port, uint32_t pages);

/*
 * The next 2^@order of them come online, as a block in flight and still without
 * memory; NULL when they are not aligned, or not so many.
 */
aero_page *sim_online(struct aero_port *port, unsigned int order);

/* A driver borrows up to @n pages, or repays up to @n of its loans, any of them. */
unsigned int sim_lend(struct aero_balloon *b, unsigned int n);
unsigned int sim_repay(struct aero_balloon *b, unsigned int n);

/* -- blocks beside the balloon ------------------------------------------------------ */

/* A large block that was taken from the allocator goes aside, or leaves. */
void sim_put_aside(struct aero_port *port, enum sim_aside list, aero_page *block);
void sim_take_aside(struct aero_port *port, enum sim_aside list, aero_page *block);

/* -- the hypervisor's grip ------------------------------------------------------ */

/* Takes the memory behind @pages frames, or brings back some (zeroed). */
void sim_discard(struct aero_port *port, uint64_t pfn, uint64_t pages);
void sim_populate(struct aero_port *port, uint64_t pfn, uint64_t pages);

/* -- what was said ---------------------------------------------------------------- */

/* The newest trace of @event among the last SIM_RECORDS, or NULL. */
const struct sim_trace *sim_last_trace(const struct aero_port *port, enum aero_event event);

/* How many of the last SIM_RECORDS log lines contain @text. */
unsigned int sim_logged(const struct aero_port *port, const char *text);

/* -- the ownership checker --------------------------------------------------------- */

/* The hypervisor's view of who has what. */
struct sim_view {
	void *ctx;
	bool connected; /* it remembers pages at all */

	/* The order in which it locked a frame, or -1. */
	int (*locked_order)(void *ctx, uint64_t pfn);
	uint64_t locked_pages; /* all it has */
};

/*
 * Proves that each frame has exactly one owner, that the engine's figures are
 * those of the store, and that the hypervisor has locked what the store holds,
 * in the same size, what is lent or absent, and nothing else.  @view may be NULL (no hypervisor to
 * ask). Aborts through sim_fail() with what is wrong.  @b must be between two calls.
 */
void sim_check(const struct aero_balloon *b, const struct sim_view *view);

/* The same, but says whether and what: false, and one line in @why. */
bool sim_is_sound(const struct aero_balloon *b, const struct sim_view *view, char *why,
		  size_t why_size);

/* The guest ends, after the balloon: all of its @pages must be free then. */
void sim_end_guest(struct aero_port *port, uint32_t pages);

#endif
