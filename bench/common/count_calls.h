/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The counting plug-in's part that counts a Xen guest's hypercalls. */
#ifndef AEROSTAT_BENCH_COUNT_CALLS_H
#define AEROSTAT_BENCH_COUNT_CALLS_H

#include <stdbool.h>

#include "counts.h"
#include "qemu/qemu_abi.h"

/* False: this QEMU lacks what it takes. */
bool count_calls_init(struct bench_counts *counts);

/* To be asked of each block when it is translated. */
void count_calls_look_at(struct qemu_plugin_tb *tb, uint64_t address);

#endif
