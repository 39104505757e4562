/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Arithmetic on numbers of pages.  Results that are out of range become 0 or AERO_ALL_PAGES, the
 * ends of the range.  No library is needed, not even the compiler's.
 */
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

/* Returns a + b. */
static inline uint64_t aero_sum(uint64_t a, uint64_t b)
{
	return a > AERO_ALL_PAGES - b ? AERO_ALL_PAGES : a + b;
}

/* Returns a - b. */
static inline uint64_t aero_less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/*
 * Returns n / d without a division instruction.  On 32-bit machines the compiler would call its
 * library for a 64-bit division, and a kernel does not have that.
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

/* Returns n / d, or n if d is 0. */
static inline uint64_t aero_quotient(uint64_t n, uint32_t d)
{
	if (d <= 1)
		return n;
	if (sizeof(long) == sizeof(uint32_t))
		return aero_long_division(n, d);
	return (uint64_t)((unsigned long)n / d);
}

/* Returns n * by. */
static inline uint64_t aero_product(uint64_t n, uint32_t by)
{
	return by && n > aero_quotient(AERO_ALL_PAGES, by) ? AERO_ALL_PAGES : n * by;
}

/* Returns n * by / of.  It is exact if the result is in range, even if n * by is not. */
static inline uint64_t aero_part(uint64_t n, uint32_t by, uint32_t of)
{
	uint64_t whole = aero_quotient(n, of);
	uint64_t rest = n - whole * (of ? of : 1);

	return aero_sum(aero_product(whole, by), aero_quotient(rest * by, of));
}

/* Returns n << bits.  @bits is less than 64. */
static inline uint64_t aero_shifted(uint64_t n, uint32_t bits)
{
	return n > AERO_ALL_PAGES >> bits ? AERO_ALL_PAGES : n << bits;
}

/* Converts MiB to pages. */
static inline uint64_t aero_mib_pages(uint32_t mib, uint32_t page_shift)
{
	return (uint64_t)mib << (20 - page_shift);
}

/*
 * Converts managed pages to a target for the balloon, which also counts pages that the kernel's
 * allocator does not manage.
 */
static inline uint64_t aero_balloon_pages(const struct aero_policy_figures *f, uint64_t managed)
{
	if (f->current_pages >= f->managed_pages)
		return aero_sum(managed, f->current_pages - f->managed_pages);
	return aero_less(managed, f->managed_pages - f->current_pages);
}

#endif
