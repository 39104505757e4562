/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The checksummed data set.  It lives in the agent itself, which the kernel never picks as an
 * OOM victim.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "agent.h"

static struct {
	uint64_t *words;
	size_t pages;
	uint64_t seed;
} data;

/* splitmix64: each word depends on seed, page and place, so that any page which
 * is lost, zeroed, stale or swapped with another shows. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static uint64_t page_key(size_t page)
{
	return mix(data.seed + (page + 1) * 0x9e3779b97f4a7c15ULL) | 1;
}

/* A multiplicative generator is enough within a page, and fast under emulation. */
#define NEXT(x) ((x)*0x5851f42d4c957f2dULL + 0x14057b7ef767814fULL)

static void data_free(void)
{
	if (data.words)
		munmap(data.words, data.pages * PAGE);
	data.words = NULL;
	data.pages = 0;
}

static void data_fill(unsigned int id, size_t mib, uint64_t seed)
{
	data_free();
	data.words = map_pages(mib * MIB / PAGE, 0);
	if (!data.words) {
		answer_text(id, 1, "can't map %zu MiB: %s", mib, strerror(errno));
		return;
	}
	/* Copying its page tables would make each fork slower. */
	madvise(data.words, mib * MIB, MADV_DONTFORK);
	data.pages = mib * MIB / PAGE;
	data.seed = seed;
	for (size_t page = 0; page < data.pages; page++) {
		uint64_t *word = data.words + page * (PAGE / 8), x = page_key(page);

		for (size_t i = 0; i < PAGE / 8; i++, x = NEXT(x))
			word[i] = x;
	}
	answer_text(id, 0, "pages %zu\n", data.pages);
}

static void data_check(unsigned int id)
{
	size_t bad = 0, first = 0;
	uint64_t sum = 0;

	if (!data.words) {
		answer_text(id, STATUS_BAD, "there is no data set; send: data fill MIB SEED");
		return;
	}
	for (size_t page = 0; page < data.pages; page++) {
		const uint64_t *word = data.words + page * (PAGE / 8);
		uint64_t x = page_key(page), wrong = 0;

		for (size_t i = 0; i < PAGE / 8; i++, x = NEXT(x)) {
			wrong |= word[i] ^ x;
			sum += word[i];
		}
		if (wrong && !bad++)
			first = page;
	}
	if (bad)
		answer_text(id, 1, "bad %zu of %zu pages, the first is %zu\n", bad, data.pages,
			    first);
	else
		answer_text(id, 0, "pages %zu sum %016llx\n", data.pages, (unsigned long long)sum);
}

void do_data(unsigned int id, char *args)
{
	uint64_t mib, seed, page;

	if (take_word(&args, "fill") && take_number(&args, 1 << 20, &mib) && mib &&
	    take_number(&args, UINT64_MAX, &seed) && !*args) {
		data_fill(id, (size_t)mib, seed);
	} else if (take_word(&args, "check") && !*args) {
		data_check(id);
	} else if (take_word(&args, "spoil") && take_number(&args, SIZE_MAX, &page) && !*args &&
		   page < data.pages) {
		/* For the lab's own test, which proves that `data check` can fail. */
		data.words[page * (PAGE / 8) + 100] ^= 1ULL << 40;
		answer(id, 0, "", 0);
	} else if (take_word(&args, "free") && !*args) {
		data_free();
		answer(id, 0, "", 0);
	} else {
		answer_text(id, STATUS_BAD,
			    "usage: data fill MIB SEED | data check | data spoil PAGE | data free");
	}
}
