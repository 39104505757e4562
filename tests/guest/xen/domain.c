/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "domain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DATA_MIB 48u
#define DOM0_KIB (1024u * KIB_PER_MIB) /* the default of struct lab_xen */
#define REST_MS	 10000

/* The domU that the next test may use again. */
static struct {
	struct subject s;
	struct lab_domu config;
} shared;

/* This works even after its dom0 has ended. */
static const char *drop_shared(void)
{
	struct lab_guest *g = shared.s.g;

	shared.s.g = NULL;
	LAB_OK(lab_domu_stop(g));
	return NULL;
}

/* Two tests may have equal texts at different addresses. */
static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

const char *domu_up(struct subject *s, struct lab_guest *dom0, const struct lab_domu *config)
{
	unsigned int mib = config->memory_mib ? config->memory_mib : 256;
	uint64_t kib = mib * KIB_PER_MIB;
	struct lab_domain_memory d;

	*s = (struct subject){0};
	if (same_text(config->name, shared.config.name))
		LAB_TRY(drop_shared());
	LAB_OK(lab_domu_start(&s->g, dom0, config));
	/* After the boot, the built-in balloon first brings the domain to its target. */
	LAB_OK(lab_wait_domain_kib(s->g, kib, kib + 2 * KIB_PER_MIB, SETTLE_MS));
	LAB_OK(lab_wait_domain_steady(s->g, QUIET_MS, SETTLE_MS, &d));
	s->offset_kib = d.kib - kib;
	LAB_CHECK(config->type == LAB_PVH || !s->offset_kib,
		  "a PV domain of %u MiB has %" PRIu64 " KiB", mib, d.kib);
	LAB_OK(lab_data_fill(s->g, DATA_MIB, lab_domain(s->g)));
	return NULL;
}

static bool same_kind(const struct lab_domu *a, const struct lab_domu *b)
{
	return a->type == b->type && a->kernel == b->kernel && a->memory_mib == b->memory_mib &&
	       a->maxmem_mib == b->maxmem_mib && a->vcpus == b->vcpus &&
	       same_text(a->append, b->append) && same_text(a->modules, b->modules) &&
	       same_text(a->config, b->config);
}

void spoil(const struct subject *s)
{
	if (s->g == shared.s.g)
		shared.s.g = NULL;
}

const char *domu_shared(struct subject *s, struct lab_guest *dom0, const struct lab_domu *config)
{
	if (shared.s.g && lab_dom0(shared.s.g) == dom0 && same_kind(&shared.config, config)) {
		lab_note("in the domU of the test before");
		*s = shared.s;
		return NULL;
	}
	LAB_TRY(drop_shared());
	LAB_TRY(domu_up(s, dom0, config));
	shared.s = *s;
	shared.config = *config;
	return NULL;
}

/* Pages ballooned before are taken over from the built-in balloon in steps. */
static const char *await_takeover(struct lab_guest *g)
{
	int64_t start = lab_now_ms();
	uint64_t left_kib;

	for (;;) {
		LAB_OK(lab_read_number(g, BUILTIN "info/low_kb", &left_kib));
		if (!left_kib)
			return NULL;
		LAB_CHECK(lab_now_ms() - start < SETTLE_MS,
			  "the built-in balloon still has %" PRIu64 " KiB", left_kib);
		lab_sleep_ms(100);
	}
}

const char *load(struct subject *s)
{
	uint64_t kib;
	/* Without CONFIG_XEN_BALLOON our module provides these files, so they are absent now. */
	bool builtin = !lab_read_number(s->g, BUILTIN "info/low_kb", &kib);

	LAB_TRY(driver_insert(s->g));
	if (builtin)
		LAB_TRY(await_takeover(s->g));
	return NULL;
}

const char *hurry(struct subject *s)
{
	LAB_OK(lab_write_file(s->g, "/sys/kernel/aerostat/period_ms", "100"));
	return NULL;
}

const char *settle_within(struct subject *s, uint64_t kib, unsigned int timeout_ms)
{
	kib += s->offset_kib;
	LAB_OK(lab_wait_domain_kib(s->g, kib, kib, timeout_ms));
	return NULL;
}

const char *borrower_up(struct subject *s, struct lab_guest *dom0, const struct lab_domu *config)
{
	LAB_TRY(domu_shared(s, dom0, config));
	LAB_TRY(load(s));
	LAB_TRY(hurry(s));
	LAB_OK(lab_must(s->g, 20000, "modprobe test_borrow"));
	return NULL;
}

const char *borrower_down(struct subject *s)
{
	LAB_OK(lab_must(s->g, 20000, "rmmod test_borrow"));
	LAB_OK(lab_must(s->g, 60000, "rmmod aerostat_xen aerostat"));
	LAB_OK(lab_data_check(s->g));
	return NULL;
}

const char *settle(struct subject *s, uint64_t kib)
{
	return settle_within(s, kib, SETTLE_MS);
}

static const char *total_now_kib(const struct subject *s, unsigned int n, uint64_t *out)
{
	struct lab_xen_memory xen;
	struct lab_domain_memory d;

	*out = 0;
	for (unsigned int i = 0; i < n; i++) {
		LAB_OK(lab_memory_now(s[i].g, &xen, &d));
		*out += d.kib;
	}
	*out += xen.free_kib;
	return NULL;
}

/* The figures are read one after the other, and a balloon may move a batch in between. */
const char *total_kib(const struct subject *s, unsigned int n, uint64_t *out)
{
	uint64_t before;

	LAB_TRY(total_now_kib(s, n, out));
	for (unsigned int i = 0; i < 50; i++) {
		before = *out;
		lab_sleep_ms(100);
		LAB_TRY(total_now_kib(s, n, out));
		if (*out == before)
			return NULL;
	}
	return lab_because("the sum of the domains and Xen's free memory does not settle");
}

const char *move_to(struct subject *s, uint64_t kib)
{
	int64_t start = lab_now_ms();
	uint64_t before, after;

	LAB_TRY(total_kib(s, 1, &before));
	LAB_OK(lab_mem_set_kib(s->g, kib));
	LAB_TRY(settle(s, kib));
	lab_note("domain %u: at %" PRIu64 " KiB after %" PRId64 " ms", lab_domain(s->g), kib,
		 lab_now_ms() - start);
	LAB_TRY(total_kib(s, 1, &after));
	LAB_CHECK(before == after,
		  "the domain and Xen's free memory were %" PRIu64 " KiB in all and are %" PRIu64,
		  before, after);
	return NULL;
}

const char *read_figures(struct lab_guest *g, struct figures *f)
{
	const struct {
		const char *name;
		uint64_t scale, *sum;
	} wanted[] = {
		{"size_pages", 1, &f->size},
		{"target_pages", 1, &f->target},
		{"held_page", 1, &f->held},
		{"held_split", BLOCK_PAGES, &f->held},
		{"held_large", BLOCK_PAGES, &f->held},
		{"taken_light_base", 1, &f->taken},
		{"taken_reclaim_base", 1, &f->taken},
		{"taken_light_large", BLOCK_PAGES, &f->taken},
		{"taken_reclaim_large", BLOCK_PAGES, &f->taken},
		{"freed_base", 1, &f->given},
		{"freed_large", BLOCK_PAGES, &f->given},
		{"pages_in", 1, &f->pages_in},
		{"pages_out", 1, &f->pages_out},
		{"adopted_pages", 1, &f->adopted},
		{"decreased_base", 1, &f->decreased_base},
		{"decreased_large", 1, &f->decreased_large},
		{"populated_base", 1, &f->populated_base},
		{"populated_large", 1, &f->populated_large},
		{"guest_pages", 1, &f->guest_pages},
		{"guest_target_pages", 1, &f->guest_target},
		{"unmapped", 1, &f->unmapped},
		{"odd_answers", 1, &f->odd_answers},
		{"resets", 1, &f->resets},
		{"short_answers", 1, &f->short_answers},
	};
	const char *missing = NULL;
	char *text;

	*f = (struct figures){0};
	LAB_OK(lab_read_file(g, STATS, &text));
	for (size_t i = 0; i < LAB_COUNT(wanted); i++)
		if (!stats_add(text, wanted[i].name, wanted[i].scale, wanted[i].sum))
			missing = wanted[i].name;
	free(text);
	LAB_CHECK(!missing, "the statistics have no %s", missing);
	return NULL;
}

/* Xen carries out a batch shortly before the engine records it. */
static const char *read_at_rest(struct lab_guest *g, struct figures *f)
{
	int64_t start = lab_now_ms();

	do {
		LAB_TRY(read_figures(g, f));
		if (f->size == f->target && f->guest_pages == f->guest_target)
			return NULL;
		lab_sleep_ms(50);
	} while (lab_now_ms() - start < REST_MS);
	return lab_because("not at rest: %" PRIu64 " of %" PRIu64 " pages, the guest %" PRIu64
			   " of %" PRIu64,
			   f->size, f->target, f->guest_pages, f->guest_target);
}

const char *figures_agree(struct subject *s)
{
	struct figures f;
	uint64_t net, decreased, populated;

	LAB_TRY(read_at_rest(s->g, &f));
	net = f.pages_in - f.pages_out;
	decreased = f.decreased_base + BLOCK_PAGES * f.decreased_large;
	populated = f.populated_base + BLOCK_PAGES * f.populated_large;
	LAB_CHECK(f.held == f.size, "%" PRIu64 " pages are held, and the size is %" PRIu64, f.held,
		  f.size);
	LAB_CHECK(f.size == net + f.adopted,
		  "%" PRIu64 " pages in, %" PRIu64 " out, %" PRIu64
		  " adopted, but the size is %" PRIu64,
		  f.pages_in, f.pages_out, f.adopted, f.size);
	LAB_CHECK(f.taken - f.given == net,
		  "%" PRIu64 " pages from the allocator, %" PRIu64 " to it; %" PRIu64
		  " in and %" PRIu64 " out",
		  f.taken, f.given, f.pages_in, f.pages_out);
	LAB_CHECK(decreased - populated == net,
		  "Xen took %" PRIu64 " pages and gave %" PRIu64 "; %" PRIu64 " in and %" PRIu64
		  " out",
		  decreased, populated, f.pages_in, f.pages_out);
	LAB_CHECK(!f.unmapped && !f.odd_answers && f.resets == 1,
		  "%" PRIu64 " pages unmapped, %" PRIu64 " odd answers, %" PRIu64 " resets",
		  f.unmapped, f.odd_answers, f.resets);
	return NULL;
}

/* Restores the shared domU: at its target, driven by the built-in balloon, data intact. */
static const char *tidy_shared(void)
{
	const struct lab_domu *c = &shared.config;
	struct subject *s = &shared.s;
	uint64_t kib = (c->memory_mib ? c->memory_mib : 256) * KIB_PER_MIB;
	struct lab_domain_memory d;

	LAB_OK(lab_domain_memory(s->g, &d));
	if (d.kib != kib + s->offset_kib) {
		LAB_OK(lab_mem_set_kib(s->g, kib));
		LAB_TRY(settle(s, kib));
	}
	LAB_TRY(drivers_gone(s->g));
	LAB_TRY(settle(s, kib));
	LAB_OK(lab_data_check(s->g));
	return NULL;
}

const char *tidy(struct lab_guest *dom0)
{
	struct lab_domain_memory d;

	if (shared.s.g && lab_dom0(shared.s.g) != dom0)
		LAB_TRY(drop_shared());
	LAB_OK(lab_domu_stop_others(dom0, shared.s.g));
	if (shared.s.g)
		LAB_TRY(tidy_shared());
	LAB_TRY(drivers_gone(dom0));
	LAB_OK(lab_domain_memory(dom0, &d));
	if (d.kib == DOM0_KIB)
		return NULL;
	LAB_OK(lab_mem_set_kib(dom0, DOM0_KIB));
	LAB_OK(lab_wait_domain_kib(dom0, DOM0_KIB, DOM0_KIB, SETTLE_MS));
	return NULL;
}
