// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* VMware's constants; the hold-off is this project's. */
const struct aero_config rig_config = {
	.pace = {.period_ms = 1000,
		 .rate_max = 2048,
		 .rate_min = 512,
		 .rate_step = 16,
		 .slow_runs = 4,
		 .holdoff_ms = 5000},
	.large = true,
	.split = false,
};

/* -- the hypervisor ------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static void note(struct fake *fake, const char *format, ...)
{
	size_t used = strlen(fake->course);
	va_list args;

	va_start(args, format);
	vsnprintf(fake->course + used, sizeof(fake->course) - used, format, args);
	va_end(args);
}

static enum aero_reply next_reply(struct fake_order *order)
{
	if (order->skip) {
		order->skip--;
		return AERO_REPLY_OK;
	}
	if (!order->times)
		return AERO_REPLY_OK;
	order->times--;
	return order->reply;
}

void fake_forget(struct fake *fake)
{
	uint32_t i;

	for (i = 0; i < fake->port->pages; i++)
		if (fake->order[i])
			sim_populate(fake->port, fake->port->base_pfn + i, 1);
	memset(fake->order, 0, sizeof(fake->order));
	fake->locked_pages = 0;
	fake->connected = false;
}

/* What was given as one unit comes back page by page. */
static void divide_lock(struct fake *fake, uint64_t at)
{
	uint64_t first = at - at % 512;

	if (fake->divisible && fake->order[at] == AERO_BLOCK_ORDER + 1)
		memset(fake->order + first, 1, 512);
}

static void set_lock(struct fake *fake, uint64_t pfn, unsigned int order, bool locked)
{
	uint64_t at = pfn - fake->port->base_pfn, pages = 1ULL << order, i;

	if (!locked && !order)
		divide_lock(fake, at);
	for (i = 0; i < pages; i++) {
		if (fake->order[at + i] != (locked ? 0 : order + 1))
			sim_fail("frame 0x%llx is %s wrongly: it was locked with %u",
				 (unsigned long long)(pfn + i), locked ? "locked" : "unlocked",
				 fake->order[at + i]);
		fake->order[at + i] = (uint8_t)(locked ? order + 1 : 0);
	}
	fake->locked_pages += locked ? pages : -pages;
	if (locked)
		sim_discard(fake->port, pfn, pages);
	else
		sim_populate(fake->port, pfn, pages);
}

static enum aero_reply move_units(struct fake *fake, struct aero_batch *batch, bool giving)
{
	enum aero_answer answer = AERO_ANSWER_OK;
	uint32_t u;

	for (u = 0; u < batch->units; u++) {
		aero_pfn pfn = aero_batch_pfn(batch, u);

		if (answer != AERO_ANSWER_RESET)
			answer = fake->answer ? fake->answer(fake, giving, pfn, u) : AERO_ANSWER_OK;
		if (answer == AERO_ANSWER_OK)
			set_lock(fake, pfn.v, batch->wire_order, giving);
		else
			aero_batch_answer(batch, u, answer);
	}
	if (answer != AERO_ANSWER_RESET)
		return AERO_REPLY_OK;
	fake_forget(fake);
	return AERO_REPLY_RESET;
}

static enum aero_reply move(struct fake *fake, struct aero_batch *batch, bool giving)
{
	enum aero_reply reply = next_reply(giving ? &fake->on_offer : &fake->on_reclaim);
	uint32_t u;

	note(fake, "%s:%s:%u ", giving ? "offer" : "reclaim", aero_class_name(batch->class),
	     batch->blocks);
	for (u = 0; u < batch->units; u++)
		if (batch->answer[u])
			sim_fail("the answers were not cleared before the call");
	if (!fake->connected && !fake->unbacked)
		sim_fail("pages are moved without a connection");
	if (reply == AERO_REPLY_RESET) {
		for (u = 0; u < batch->units; u++)
			aero_batch_answer(batch, u, AERO_ANSWER_RESET);
		fake_forget(fake);
		return reply;
	}
	if (reply != AERO_REPLY_OK) {
		/* Answers without a meaning: the engine must not look at them. */
		aero_batch_answer(batch, 0, AERO_ANSWER_FAILED);
		return reply;
	}
	batch->has_target = !fake->mute;
	batch->target_pages = fake->target_pages;
	return move_units(fake, batch, giving);
}

static enum aero_reply offer(void *hypervisor, struct aero_batch *batch)
{
	return move(hypervisor, batch, true);
}

static enum aero_reply reclaim(void *hypervisor, struct aero_batch *batch)
{
	return move(hypervisor, batch, false);
}

static enum aero_reply connect(void *hypervisor, struct aero_link *link)
{
	struct fake *fake = hypervisor;
	enum aero_reply reply = next_reply(&fake->on_connect);

	note(fake, "connect ");
	if (fake->locked_pages && !fake->unbacked)
		sim_fail("connect() with %llu pages locked",
			 (unsigned long long)fake->locked_pages);
	if (reply != AERO_REPLY_OK)
		return reply;
	fake->connected = true;
	link->large = fake->large;
	link->divisible = fake->divisible;
	link->unbacked = fake->unbacked;
	link->slack_pages = fake->slack_pages;
	return AERO_REPLY_OK;
}

static void quiesce(void *hypervisor)
{
	note(hypervisor, "quiesce ");
}

static void disconnect(void *hypervisor)
{
	note(hypervisor, "disconnect ");
	if (!((struct fake *)hypervisor)->unbacked)
		fake_forget(hypervisor);
}

static enum aero_reply get_target(void *hypervisor, uint64_t limit_pages, uint64_t *target_pages)
{
	struct fake *fake = hypervisor;
	enum aero_reply reply = next_reply(&fake->on_target);

	note(fake, "target ");
	fake->limit_pages = limit_pages;
	if (reply == AERO_REPLY_RESET)
		fake_forget(fake);
	if (reply == AERO_REPLY_OK)
		*target_pages = fake->target_pages;
	return reply;
}

static uint64_t beyond(void *hypervisor)
{
	struct fake *fake = hypervisor;

	fake->beyond_calls++;
	return fake->beyond_pages;
}

static const struct aero_hypervisor_ops fake_ops = {
	.name = "fake",
	.connect = connect,
	.quiesce = quiesce,
	.disconnect = disconnect,
	.get_target = get_target,
	.beyond = beyond,
	.offer = offer,
	.reclaim = reclaim,
};

/* -- answers to order ------------------------------------------------------------- */

enum aero_answer fake_refuse_first(struct fake *fake, bool giving, aero_pfn pfn, uint32_t u)
{
	(void)pfn;
	return giving && u < fake->answer_arg ? AERO_ANSWER_REFUSED : AERO_ANSWER_OK;
}

enum aero_answer fake_refuse_all(struct fake *fake, bool giving, aero_pfn pfn, uint32_t u)
{
	(void)fake;
	(void)pfn;
	(void)u;
	return giving ? AERO_ANSWER_REFUSED : AERO_ANSWER_OK;
}

enum aero_answer fake_odd_all(struct fake *fake, bool giving, aero_pfn pfn, uint32_t u)
{
	(void)fake;
	(void)pfn;
	(void)u;
	return giving ? AERO_ANSWER_FAILED : AERO_ANSWER_OK;
}

enum aero_answer fake_odd_frame(struct fake *fake, bool giving, aero_pfn pfn, uint32_t u)
{
	(void)giving;
	(void)u;
	return pfn.v == fake->answer_arg ? AERO_ANSWER_FAILED : AERO_ANSWER_OK;
}

enum aero_answer fake_enough_after(struct fake *fake, bool giving, aero_pfn pfn, uint32_t u)
{
	(void)pfn;
	return giving && u >= fake->answer_arg ? AERO_ANSWER_NOT_NEEDED : AERO_ANSWER_OK;
}

enum aero_answer fake_reset_after(struct fake *fake, bool giving, aero_pfn pfn, uint32_t u)
{
	(void)giving;
	(void)pfn;
	return u >= fake->answer_arg ? AERO_ANSWER_RESET : AERO_ANSWER_OK;
}

enum aero_answer fake_keep_all(struct fake *fake, bool giving, aero_pfn pfn, uint32_t u)
{
	(void)fake;
	(void)pfn;
	(void)u;
	return giving ? AERO_ANSWER_OK : AERO_ANSWER_FAILED;
}

/* -- the rig ---------------------------------------------------------------------- */

static int locked_order(void *ctx, uint64_t pfn)
{
	const struct fake *fake = ctx;

	unsigned int order = fake->order[pfn - fake->port->base_pfn];

	/* Where locks can be divided, how the guest holds a page says nothing of its lock. */
	if (fake->divisible && order)
		return (int)aero_class_wire_order(
			(enum aero_class)sim_page(fake->port, pfn)->class);
	return (int)order - 1;
}

void rig_check(struct rig *rig)
{
	struct sim_view view = {
		.ctx = &rig->fake,
		.connected = rig->fake.connected || rig->fake.unbacked,
		.locked_order = locked_order,
		.locked_pages = rig->fake.locked_pages,
	};

	sim_check(&rig->b, &view);
}

int rig_setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	if (!rig)
		return -1;
	sim_create(&rig->port, RIG_PAGES, 0, 1);
	rig->fake.port = &rig->port;
	rig->fake.large = true;
	rig->fake.slack_pages = 512;
	aero_init(&rig->b, &rig->port, &rig_config, &fake_ops, &rig->fake);
	*state = rig;
	return 0;
}

int rig_setup_connected(void **state)
{
	struct rig *rig;

	if (rig_setup(state))
		return -1;
	rig = *state;
	rig_run(rig);
	rig->fake.course[0] = 0;
	return 0;
}

int rig_teardown(void **state)
{
	struct rig *rig = *state;

	sim_destroy(&rig->port);
	free(rig);
	return 0;
}

struct aero_next rig_step(struct rig *rig)
{
	struct aero_next next = aero_step(&rig->b);

	rig_check(rig);
	if (next.kind == AERO_NEXT_DELAY)
		rig->port.now_ms += next.delay_ms;
	return next;
}

struct aero_unload rig_unload_step(struct rig *rig)
{
	struct aero_unload next = aero_unload_step(&rig->b);

	rig_check(rig);
	return next;
}

enum aero_run_end rig_run(struct rig *rig)
{
	unsigned int steps = 0;

	while (rig_step(rig).kind == AERO_NEXT_NOW)
		if (++steps > 10000)
			sim_fail("a run without an end");
	return (enum aero_run_end)sim_last_trace(&rig->port, AERO_EVENT_RUN_END)->c;
}

uint64_t rig_growth(struct rig *rig)
{
	struct aero_next next = {.kind = AERO_NEXT_NOW};
	unsigned int steps = 0;

	while (next.kind == AERO_NEXT_NOW) {
		if (++steps > 10000)
			sim_fail("a run without an end");
		next = rig_step(rig);
	}
	return next.kind == AERO_NEXT_GROW ? next.grow_pages : 0;
}

void rig_reach(struct rig *rig, uint64_t target_pages)
{
	uint64_t before;

	rig->fake.target_pages = target_pages;
	do {
		before = rig->b.size_pages;
		rig_run(rig);
	} while (rig->b.size_pages != before);
}

/* -- unbacked links ---------------------------------------------------------------------- */

struct rig *rig_unbacked(void **state, uint64_t target_pages)
{
	struct rig *rig = *state;

	rig->fake.unbacked = true;
	rig->fake.divisible = true;
	rig->fake.slack_pages = 0;
	rig_reach(rig, target_pages);
	assert_int_equal(rig->b.size_pages, target_pages);
	rig->fake.course[0] = 0;
	return rig;
}

void rig_absent(struct rig *rig, uint32_t pages)
{
	uint32_t first = rig->port.pages - pages;

	rig->fake.unbacked = true;
	rig->fake.divisible = true;
	rig->fake.slack_pages = 0;
	sim_absent(&rig->port, pages);
	sim_discard(&rig->port, rig->port.base_pfn + first, pages);
	memset(rig->fake.order + first, 1, pages);
	rig->fake.locked_pages += pages;
}

void rig_online(struct rig *rig, enum aero_class class)
{
	unsigned int order = aero_class_held_order(class);
	aero_page *block = sim_online(&rig->port, order);

	if (!block)
		sim_fail("no block to come online");
	memset(rig->fake.order + (block->pfn.v - rig->port.base_pfn),
	       (int)aero_class_wire_order(class) + 1, 1U << order);
	aero_adopt(&rig->b, class, &block, 1);
	rig_check(rig);
}
