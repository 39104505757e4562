// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The user-space port: a buddy allocator over real memory, a store, a clock and a recorder. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sanitizer/asan_interface.h>

#include "sim.h"

/* Contents, so that a page found in the wrong state can be told from its bytes. */
#define CONTENT_FREE	  0xf4eef4eef4eef4eeULL
#define CONTENT_DISCARDED 0xdeaddeaddeaddeadULL

void (*sim_on_failure)(const char *message);

void sim_fail(const char *format, ...)
{
	char message[512];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	fprintf(stderr, "# failure: %s\n", message);
	if (sim_on_failure)
		sim_on_failure(message);
	abort();
}

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

uint64_t sim_random(struct aero_port *port, uint64_t n)
{
	port->random += 0x9e3779b97f4a7c15ULL;
	return mix(port->random) % n;
}

/* -- lists and content --------------------------------------------------------- */

static void list_add(struct sim_list *list, aero_page *page)
{
	page->next = list->first;
	page->prev = NULL;
	if (list->first)
		list->first->prev = page;
	else
		list->last = page;
	list->first = page;
	list->blocks++;
}

static void list_remove(struct sim_list *list, aero_page *page)
{
	if (page->prev)
		page->prev->next = page->next;
	else
		list->first = page->next;
	if (page->next)
		page->next->prev = page->prev;
	else
		list->last = page->prev;
	page->next = page->prev = NULL;
	list->blocks--;
}

static const char *owner_name(unsigned int owner)
{
	static const char *const names[SIM_OWNERS] = {
		"free",	    "the guest's", "wired", "in flight", "held",
		"isolated", "aside",	   "lent",  "absent",
	};

	return owner < SIM_OWNERS ? names[owner] : "nobody's";
}

static uint32_t index_of(const aero_page *page)
{
	return (uint32_t)(page - page->port->page);
}

void *sim_memory(const aero_page *page)
{
	return page->port->memory + (size_t)index_of(page) * SIM_PAGE_SIZE;
}

static void write_content(aero_page *page, uint64_t content)
{
	unsigned char *memory = sim_memory(page);
	uint32_t at;

	page->stamp = content;
	for (at = 0; at < SIM_PAGE_SIZE; at += page->port->stride)
		*(uint64_t *)(void *)(memory + at) = content;
}

static void check_content(const aero_page *page, const char *when)
{
	const unsigned char *memory = sim_memory(page);
	uint64_t found;
	uint32_t at;

	for (at = 0; at < SIM_PAGE_SIZE; at += page->port->stride) {
		found = *(const uint64_t *)(const void *)(memory + at);
		if (found != page->stamp)
			sim_fail("%s: frame 0x%llx (%s) has 0x%llx at byte %u instead of 0x%llx",
				 when, page->pfn.v, owner_name(page->owner),
				 (unsigned long long)found, at, (unsigned long long)page->stamp);
	}
}

/* Changes the owner of a whole block; @from is who must own it now. */
static void change_owner(aero_page *block, unsigned int order, enum sim_owner from,
			 enum sim_owner to, const char *what)
{
	struct aero_port *port = block->port;
	uint32_t i;

	if (block < port->page || block >= port->page + port->pages)
		sim_fail("%s: not a page of this guest", what);
	if (block->owner != from)
		sim_fail("%s: frame 0x%llx is %s, not %s", what, block->pfn.v,
			 owner_name(block->owner), owner_name(from));
	if (!block->head || block->order != order)
		sim_fail("%s: frame 0x%llx is not a block of order %u but %s one of %u", what,
			 block->pfn.v, order, block->head ? "heads" : "within", block->order);
	for (i = 0; i < 1U << order; i++)
		block[i].owner = (uint8_t)to;
	port->owned[from] -= 1U << order;
	port->owned[to] += 1U << order;
}

static void set_order(aero_page *block, unsigned int order)
{
	uint32_t i;

	for (i = 0; i < 1U << order; i++) {
		block[i].order = (uint8_t)order;
		block[i].head = !i;
	}
}

/* -- the buddy allocator ---------------------------------------------------------- */

/* @block, owned by SIM_FREE and in no list, goes in, joined with what lies beside it. */
static void insert_free(struct aero_port *port, aero_page *block, unsigned int order)
{
	uint32_t index = index_of(block);

	while (order + 1 < SIM_ORDERS) {
		uint32_t other = index ^ (1U << order);
		aero_page *buddy = port->page + other;

		if ((uint64_t)other + (1U << order) > port->pages || buddy->owner != SIM_FREE ||
		    !buddy->head || buddy->order != order)
			break;
		list_remove(&port->free[order], buddy);
		index &= ~(1U << order);
		order++;
		set_order(port->page + index, order);
	}
	list_add(&port->free[order], port->page + index);
}

/* Whoever had @block wrote to it last: memory that is the hypervisor's faults here. */
static void free_block(aero_page *block, unsigned int order, enum sim_owner from, const char *what)
{
	uint32_t i;

	change_owner(block, order, from, SIM_FREE, what);
	for (i = 0; i < 1U << order; i++)
		write_content(block + i, CONTENT_FREE);
	insert_free(block->port, block, order);
}

static aero_page *alloc_block(struct aero_port *port, unsigned int order, enum sim_owner to)
{
	unsigned int from = order;
	aero_page *block;
	uint32_t i;

	while (from < SIM_ORDERS && !port->free[from].first)
		from++;
	if (from == SIM_ORDERS)
		return NULL;
	block = port->free[from].first;
	if (port->scatter && sim_random(port, 2))
		block = port->free[from].last;
	list_remove(&port->free[from], block);
	while (from > order) {
		from--;
		set_order(block, from);
		set_order(block + (1U << from), from);
		list_add(&port->free[from], block + (1U << from));
	}
	change_owner(block, order, SIM_FREE, to, "allocation");
	for (i = 0; i < 1U << order; i++)
		check_content(block + i, "a free page was written to");
	return block;
}

static void free_cache_page(struct aero_port *port)
{
	sim_guest_free(port, port->cache.last);
}

/* Would a rule have this block fail?  Each rule counts each block that matches it. */
static bool must_fail(struct aero_port *port, unsigned int order, enum aero_effort effort)
{
	bool fails = false;
	unsigned int i;

	for (i = 0; i < SIM_RULES; i++) {
		struct sim_rule *rule = &port->rule[i];

		if ((rule->effort != SIM_ANY && rule->effort != effort) ||
		    (rule->order != SIM_ANY && rule->order != order))
			continue;
		rule->seen++;
		if (rule->first && rule->seen >= rule->first &&
		    rule->seen - rule->first < rule->times)
			fails = true;
		if (rule->per_1024 && sim_random(port, 1024) < rule->per_1024)
			fails = true;
	}
	return fails;
}

static aero_page *take_one(struct aero_port *port, unsigned int order, enum aero_effort effort)
{
	aero_page *block;

	if (must_fail(port, order, effort))
		return NULL;
	if (effort == AERO_LIGHT && sim_free_pages(port) < port->low_pages + (1ULL << order))
		return NULL;
	block = alloc_block(port, order, SIM_FLIGHT);
	while (!block && effort == AERO_RECLAIM && port->cache.last) {
		free_cache_page(port);
		block = alloc_block(port, order, SIM_FLIGHT);
	}
	return block;
}

unsigned int aero_port_take(struct aero_port *port, unsigned int order, enum aero_effort effort,
			    aero_page **blocks, unsigned int n)
{
	unsigned int i;

	if (!n || n > AERO_BATCH_MAX || (order && order != AERO_BLOCK_ORDER) ||
	    (unsigned int)effort >= AERO_EFFORTS)
		sim_fail("take: %u blocks of order %u with effort %d", n, order, (int)effort);
	for (i = 0; i < n && !port->awaited; i++) {
		blocks[i] = take_one(port, order, effort);
		if (!blocks[i])
			break;
		if (port->awaited_after)
			port->awaited = !--port->awaited_after;
	}
	return i;
}

void aero_port_free(struct aero_port *port, unsigned int order, aero_page **blocks, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		free_block(blocks[i], order, SIM_FLIGHT, "free");
}

void aero_port_split(struct aero_port *port, aero_page *block, unsigned int order)
{
	uint32_t i;

	change_owner(block, order, SIM_FLIGHT, SIM_FLIGHT, "split");
	for (i = 0; i < 1U << order; i++)
		set_order(block + i, 0);
}

/* -- the store ---------------------------------------------------------------------- */

static void set_class(aero_page *block, enum aero_class class)
{
	uint32_t i;

	for (i = 0; i < 1U << block->order; i++)
		block[i].class = (uint8_t) class;
}

void aero_port_hold(struct aero_port *port, enum aero_class class, aero_page **blocks,
		    unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		change_owner(blocks[i], aero_class_held_order(class), SIM_FLIGHT, SIM_HELD, "hold");
		set_class(blocks[i], class);
		list_add(&port->held[class], blocks[i]);
	}
}

static void unhold(struct aero_port *port, enum aero_class class, aero_page *block)
{
	list_remove(&port->held[class], block);
	change_owner(block, aero_class_held_order(class), SIM_HELD, SIM_FLIGHT, "unhold");
}

unsigned int aero_port_unhold(struct aero_port *port, enum aero_class class, aero_page **blocks,
			      unsigned int n)
{
	struct sim_list *list = &port->held[class];
	unsigned int i;

	if (!n || n > AERO_BATCH_MAX)
		sim_fail("unhold: %u blocks", n);
	for (i = 0; i < n && list->first; i++) {
		blocks[i] = port->scatter && sim_random(port, 2) ? list->last : list->first;
		unhold(port, class, blocks[i]);
	}
	return i;
}

unsigned int aero_port_unhold_within(struct aero_port *port, enum aero_class class,
				     struct aero_range range, aero_page **blocks, unsigned int n)
{
	aero_page *block, *next;
	unsigned int got = 0;

	for (block = port->held[class].first; block && got < n; block = next) {
		next = block->next;
		if (block->pfn.v - range.first.v < range.pages)
			unhold(port, class, blocks[got++] = block);
	}
	return got;
}

/* -- figures, log, trace --------------------------------------------------------------- */

uint64_t aero_port_spare_pages(struct aero_port *port)
{
	uint64_t spare = (uint64_t)sim_free_pages(port) + port->cache.blocks;

	return spare > port->spare_floor ? spare - port->spare_floor : 0;
}

void aero_port_log(struct aero_port *port, enum aero_level level, const char *format, ...)
{
	struct sim_log *log = &port->record.log[port->record.logs++ % SIM_RECORDS];
	va_list args;

	va_start(args, format);
	vsnprintf(log->text, sizeof(log->text), format, args);
	va_end(args);
	log->level = level;
	if (port->record.verbose)
		printf("#   log: %s\n", log->text);
}

void aero_port_trace(struct aero_port *port, enum aero_event event, uint64_t a, uint64_t b,
		     uint64_t c)
{
	static const char *const names[AERO_EVENTS] = {
		"run",	  "run_end", "offer",	"reclaim", "refused",
		"target", "reset",   "relieve", "migrate",
	};
	struct sim_recorder *record = &port->record;

	record->trace[record->traces++ % SIM_RECORDS] = (struct sim_trace){event, a, b, c};
	record->events[event]++;
	if (record->verbose)
		printf("#   %s %llu %llu %llu\n", names[event], (unsigned long long)a,
		       (unsigned long long)b, (unsigned long long)c);
}

/* -- the guest's own programs -------------------------------------------------------------- */

uint32_t sim_free_pages(const struct aero_port *port)
{
	return port->owned[SIM_FREE];
}

aero_page *sim_page(struct aero_port *port, uint64_t pfn)
{
	if (pfn < port->base_pfn || pfn - port->base_pfn >= port->pages)
		return NULL;
	return port->page + (pfn - port->base_pfn);
}

aero_page *sim_guest_alloc(struct aero_port *port, unsigned int order, bool cache)
{
	aero_page *block = alloc_block(port, order, SIM_GUEST);

	if (!block)
		return NULL;
	block->cache = cache;
	sim_guest_rewrite(port, block);
	list_add(cache ? &port->cache : &port->guest, block);
	return block;
}

void sim_guest_rewrite(struct aero_port *port, aero_page *block)
{
	uint32_t i;

	for (i = 0; i < 1U << block->order; i++)
		write_content(block + i, mix(port->random + block[i].pfn.v));
}

void sim_guest_verify(struct aero_port *port, aero_page *block)
{
	uint32_t i;

	for (i = 0; i < 1U << block->order; i++)
		check_content(block + i, "the guest's data changed");
}

void sim_guest_free(struct aero_port *port, aero_page *block)
{
	sim_guest_verify(port, block);
	list_remove(block->cache ? &port->cache : &port->guest, block);
	block->cache = false;
	free_block(block, block->order, SIM_GUEST, "the guest's free");
}

aero_page *sim_wire(struct aero_port *port)
{
	aero_page *page = alloc_block(port, 0, SIM_WIRED);

	if (page)
		memset(sim_memory(page), 0, SIM_PAGE_SIZE);
	return page;
}

void sim_unwire(struct aero_port *port, aero_page *page)
{
	free_block(page, 0, SIM_WIRED, "the batch page's free");
}

void sim_fragment(struct aero_port *port)
{
	aero_page *page, *next;
	uint32_t odd = 0;

	while (sim_guest_alloc(port, 0, false))
		;
	for (page = port->guest.first; page; page = next) {
		next = page->next;
		odd = index_of(page) & 1;
		if (odd && !page->order)
			sim_guest_free(port, page);
	}
}

/* -- migration --------------------------------------------------------------------------------- */

aero_page *sim_isolate(struct aero_port *port)
{
	struct sim_list *list = &port->held[AERO_CLASS_PAGE];
	aero_page *page = list->first;
	uint64_t skip;

	if (!page)
		return NULL;
	for (skip = sim_random(port, 8); skip && page->next; skip--)
		page = page->next;
	list_remove(list, page);
	change_owner(page, 0, SIM_HELD, SIM_ISOLATED, "isolate");
	list_add(&port->isolated, page);
	return page;
}

void sim_putback(struct aero_port *port, aero_page *page)
{
	change_owner(page, 0, SIM_ISOLATED, SIM_HELD, "put back");
	list_remove(&port->isolated, page);
	list_add(&port->held[AERO_CLASS_PAGE], page);
}

enum aero_migration sim_migrate(struct aero_balloon *b, aero_page *page)
{
	struct aero_port *port = b->port;
	enum aero_migration result;
	aero_page *to = alloc_block(port, 0, SIM_FLIGHT);

	if (!to)
		return AERO_MIGRATE_FAILED;
	result = aero_migrate(b, page, to);
	if (result == AERO_MIGRATE_MOVED)
		aero_port_hold(port, AERO_CLASS_PAGE, &to, 1);
	else if (result != AERO_MIGRATE_TO_IN_FLIGHT)
		aero_port_free(port, 0, &to, 1);
	if (result == AERO_MIGRATE_FAILED)
		return result;
	list_remove(&port->isolated, page);
	if (result == AERO_MIGRATE_FROM_IN_FLIGHT)
		change_owner(page, 0, SIM_ISOLATED, SIM_FLIGHT, "migration");
	else
		free_block(page, 0, SIM_ISOLATED, "migration");
	return result;
}

/* -- pages without memory behind them ------------------------------------------------------------
 */

aero_page *sim_online(struct aero_port *port, unsigned int order)
{
	uint32_t n = 1U << order, first = port->pages - port->owned[SIM_ABSENT];
	aero_page *block = port->page + first;

	if (n > port->owned[SIM_ABSENT] || first % n)
		return NULL;
	set_order(block, order);
	change_owner(block, order, SIM_ABSENT, SIM_FLIGHT, "coming online");
	return block;
}

unsigned int sim_lend(struct aero_balloon *b, unsigned int n)
{
	aero_page *pages[AERO_BATCH_MAX];
	unsigned int got, i;

	if (n > AERO_BATCH_MAX)
		sim_fail("lend: %u pages", n);
	got = aero_lend(b, pages, n);
	if (got > n)
		sim_fail("%u pages are lent of %u", got, n);
	for (i = 0; i < got; i++) {
		change_owner(pages[i], 0, SIM_FLIGHT, SIM_LENT, "lend");
		list_add(&b->port->lent, pages[i]);
	}
	return got;
}

unsigned int sim_repay(struct aero_balloon *b, unsigned int n)
{
	aero_page *pages[AERO_BATCH_MAX];
	struct sim_list *lent = &b->port->lent;
	unsigned int i;

	for (i = 0; i < n && i < AERO_BATCH_MAX && lent->first; i++) {
		pages[i] = sim_random(b->port, 2) ? lent->last : lent->first;
		list_remove(lent, pages[i]);
		change_owner(pages[i], 0, SIM_LENT, SIM_FLIGHT, "repay");
	}
	aero_repay(b, pages, i);
	return i;
}

/* -- blocks beside the balloon --------------------------------------------------------------- */

void sim_put_aside(struct aero_port *port, enum sim_aside list, aero_page *block)
{
	change_owner(block, AERO_BLOCK_ORDER, SIM_FLIGHT, SIM_ASIDE, "aside");
	list_add(&port->aside[list], block);
}

void sim_take_aside(struct aero_port *port, enum sim_aside list, aero_page *block)
{
	list_remove(&port->aside[list], block);
	change_owner(block, AERO_BLOCK_ORDER, SIM_ASIDE, SIM_FLIGHT, "back from aside");
}

/* -- the hypervisor's grip ------------------------------------------------------------------------
 */

static void protect(struct aero_port *port, const aero_page *page, uint64_t pages, int mode)
{
	if (port->protect && mprotect(sim_memory(page), pages * SIM_PAGE_SIZE, mode))
		sim_fail("mprotect: not possible here; run without it");
}

static aero_page *range(struct aero_port *port, uint64_t pfn, uint64_t pages, bool discarded)
{
	aero_page *page = sim_page(port, pfn);
	uint64_t i;

	if (!page || !pages || pages > port->pages - index_of(page))
		sim_fail("the hypervisor reaches for frames 0x%llx + %llu, not the guest's",
			 (unsigned long long)pfn, (unsigned long long)pages);
	for (i = 0; i < pages; i++) {
		if (page[i].discarded == discarded)
			sim_fail("frame 0x%llx is %s twice", page[i].pfn.v,
				 discarded ? "discarded" : "populated");
		page[i].discarded = discarded;
	}
	return page;
}

void sim_discard(struct aero_port *port, uint64_t pfn, uint64_t pages)
{
	aero_page *page = range(port, pfn, pages, true);
	uint64_t i;

	for (i = 0; i < pages; i++)
		write_content(page + i, CONTENT_DISCARDED);
	ASAN_POISON_MEMORY_REGION(sim_memory(page), pages * SIM_PAGE_SIZE);
	protect(port, page, pages, PROT_NONE);
}

void sim_populate(struct aero_port *port, uint64_t pfn, uint64_t pages)
{
	aero_page *page = range(port, pfn, pages, false);
	uint64_t i;

	protect(port, page, pages, PROT_READ | PROT_WRITE);
	ASAN_UNPOISON_MEMORY_REGION(sim_memory(page), pages * SIM_PAGE_SIZE);
	for (i = 0; i < pages; i++)
		write_content(page + i, 0);
}

/* -- life
 * -------------------------------------------------------------------------------------------- */

/* The first @pages are free. */
static void fill_allocator(struct aero_port *port, uint32_t pages)
{
	uint32_t i;

	port->owned[SIM_FREE] = pages;
	/* A page not yet in a list must not look like a free neighbour. */
	for (i = 0; i < pages; i++)
		port->page[i].order = SIM_ORDERS;
	for (i = 0; i < pages; i++) {
		set_order(port->page + i, 0);
		insert_free(port, port->page + i, 0);
	}
}

void sim_create(struct aero_port *port, uint32_t pages, uint64_t base_pfn, uint64_t seed)
{
	size_t bytes = (size_t)pages * SIM_PAGE_SIZE;
	uint32_t i;

	if (!pages || base_pfn % (1U << (SIM_ORDERS - 1)))
		sim_fail("a guest of %u pages at frame 0x%llx", pages,
			 (unsigned long long)base_pfn);
	*port = (struct aero_port){.pages = pages, .base_pfn = base_pfn, .stride = 512};
	port->random = seed;
	port->memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	port->page = calloc(pages, sizeof(*port->page));
	if (port->memory == MAP_FAILED || !port->page)
		sim_fail("no memory for a guest of %u pages", pages);
	for (i = 0; i < pages; i++) {
		port->page[i] = (aero_page){
			.pfn = {base_pfn + i}, .port = port, .owner = SIM_FREE, .head = true};
		write_content(port->page + i, CONTENT_FREE);
	}
	fill_allocator(port, pages);
}

void sim_absent(struct aero_port *port, uint32_t pages)
{
	uint32_t i;

	memset(port->free, 0, sizeof(port->free));
	for (i = port->pages - pages; i < port->pages; i++)
		port->page[i].owner = SIM_ABSENT;
	port->owned[SIM_ABSENT] = pages;
	fill_allocator(port, port->pages - pages);
	for (i = port->pages - pages; i < port->pages; i++)
		set_order(port->page + i, 0);
}

void sim_look_closer(struct aero_port *port)
{
	uint32_t i;

	port->stride = sizeof(uint64_t);
	for (i = 0; i < port->pages; i++)
		write_content(port->page + i, CONTENT_FREE);
}

void sim_destroy(struct aero_port *port)
{
	size_t bytes = (size_t)port->pages * SIM_PAGE_SIZE;

	ASAN_UNPOISON_MEMORY_REGION(port->memory, bytes);
	munmap(port->memory, bytes);
	free(port->page);
	port->memory = NULL;
	port->page = NULL;
}
