// SPDX-License-Identifier: GPL-2.0-only OR MIT
#define _GNU_SOURCE
#include "zeroing.h"

const char *const bench_zeroing_words[] = {"0", "1"};
const char *const bench_zeroing_names[] = {"off", "on"};
const char *const bench_zeroing_headings[] = {"init_on_alloc=0", "init_on_alloc=1"};

void bench_zeroing_configure(const struct bench *b, struct lab_config *out)
{
	out->memory_mib = b->options.memory_mib;
	out->cpus = 1;
	out->append = bench_zeroing_headings[b->set];
}
