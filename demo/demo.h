/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files of the demonstration share. */
#ifndef AEROSTAT_DEMO_H
#define AEROSTAT_DEMO_H

#include "platform.h"
#include "screen.h"

#define KIB_PER_MIB  1024u
#define HANDOVER_MIB 64u /* what the kernel's own driver moves after ours is gone */

struct options {
	const struct lab_platform *platform;
	int type; /* an index of platform->types */
	unsigned int memory_mib, low_mib, data_mib;
	enum lab_backend backend;
	const char *module;
	bool own_driver; /* the module is Aerostat's */
	bool verbose;
};

/* One column of the closing table. */
struct column {
	struct lab_figures figures;
	struct lab_meminfo guest;
	uint64_t balloon_kib;
	double seconds, busy_seconds; /* of the move that led here */
	bool data_good;
};

enum { BEFORE, INFLATED, DEFLATED, COLUMNS };

struct demo {
	struct options options;
	struct lab_subject subject;
	struct column at[COLUMNS];
};

/* ---- options.c ---- */

/* Fills in the options or ends the program with a usage error. */
void options_parse(int argc, char **argv, struct options *o);

/* ---- table.c ---- */

void table_print(const struct demo *d);

/* Prints what is wrong, or a sentence that sums it up; 0 when nothing is wrong. */
int judge(const struct demo *d);

#endif
