/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Figures in Prometheus' text format. */
#ifndef AEROSTAT_CLI_METRICS_H
#define AEROSTAT_CLI_METRICS_H

#include <stdint.h>
#include <stdio.h>

/* What stands before the values of a metric; @type is gauge or counter. */
void metrics_describe(FILE *to, const char *name, const char *type, const char *help);

/* A gauge without labels. */
void metrics_gauge(FILE *to, const char *name, const char *help, uint64_t value);

/*
 * Lets write() write @of: into the file, which is replaced as a whole because the collector may
 * read it at any moment; or, if that is NULL, on standard output.  An enum cli_exit.
 */
int metrics_write(const char *file, void (*write)(FILE *to, const void *of), const void *of);

#endif
