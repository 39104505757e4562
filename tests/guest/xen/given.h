/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What is in the pages that a guest gives to Xen, as test_given.ko sees them. */
#ifndef AEROSTAT_TESTS_GUEST_XEN_GIVEN_H
#define AEROSTAT_TESTS_GUEST_XEN_GIVEN_H

#include "domain.h"

/* All free memory of the guest has been used: it is not zero. */
const char *soil(struct subject *s, unsigned int mib);

/* test_given.ko: while our module is loaded.  counts: since then, in pages. */
const char *given_start(struct subject *s);
const char *given_counts(struct subject *s, uint64_t *pages, uint64_t *dirty);
const char *given_stop(struct subject *s);

/* At least @pages pages were given since given_start(), and all were zero. */
const char *gave_zeroes(struct subject *s, uint64_t pages);

/*
 * Reported: on 5.10 pages to which the kernel had migrated those of the balloon went to Xen
 * with what the guest had in them, since the kernel does not zero the targets of compaction there.
 * The module is loaded and unloaded; the guest has 384 MiB.
 */
const char *migrated_pages_are_zero(struct subject *s);

#define GIVEN_MIB 384u

#endif
