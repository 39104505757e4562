/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Arithmetic on pages that stops at the ends of the range, and needs no library. */
#ifndef AEROSTAT_POLICY_ARITHMETIC_H
#define AEROSTAT_POLICY_ARITHMETIC_H

#include <aerostat/policy.h>

#define AERO_ALL_PAGES (~(uint64_t)0)

static inline uint64_t aero_lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t aero_greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* a + b */
static inline uint64_t aero_sum(uint64_t a, uint64_t b)
{
	return a > AERO_ALL_PAGES - b ? AERO_ALL_PAGES : a + b;
}

/* a - b */
static inline uint64_t aero_less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/*
 * n / d by hand, for machines where a 64-bit division is a call into the
 * compiler's library, which a kernel does not have.
 */
static inline uint64_t aero_long_division(uint64_t n, uint32_t d)
{
	uint64_t quotient = 0, rest = 0;
	int bit;

	for (bit = 63; bit >= 0; bit--) {
		rest = rest << 1 | (n >> bit & 1);
		if (rest >= d) {
			rest -= d;
			quotient |= (uint64_t)1 << bit;
		}
	}
	return quotient;
}

/* n / d; a d of 0 counts as 1. */
static inline uint64_t aero_quotient(uint64_t n, uint32_t d)
{
	if (d <= 1)
		return n;
	if (sizeof(long) == sizeof(uint32_t))
		return aero_long_division(n, d);
	return (uint64_t)((unsigned long)n / d);
}

/* n * by */
static inline uint64_t aero_product(uint64_t n, uint32_t by)
{
	return by && n > aero_quotient(AERO_ALL_PAGES, by) ? AERO_ALL_PAGES : n * by;
}

/* n * by / of, exact as long as the result is in range */
static inline uint64_t aero_part(uint64_t n, uint32_t by, uint32_t of)
{
	uint64_t whole = aero_quotient(n, of);
	uint64_t rest = n - whole * (of ? of : 1);

	return aero_sum(aero_product(whole, by), aero_quotient(rest * by, of));
}

/* n << bits, for less than 64 bits */
static inline uint64_t aero_shifted(uint64_t n, uint32_t bits)
{
	return n > AERO_ALL_PAGES >> bits ? AERO_ALL_PAGES : n << bits;
}

/* MiB in pages */
static inline uint64_t aero_mib_pages(uint32_t mib, uint32_t page_shift)
{
	return (uint64_t)mib << (20 - page_shift);
}

/* The balloon counts pages the kernel does not manage: its target for @managed pages. */
static inline uint64_t aero_balloon_pages(const struct aero_policy_figures *f, uint64_t managed)
{
	if (f->current_pages >= f->managed_pages)
		return aero_sum(managed, f->current_pages - f->managed_pages);
	return aero_less(managed, f->managed_pages - f->current_pages);
}

#endif
