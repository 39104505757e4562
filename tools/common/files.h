/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Small files of the kernel, and how the last thing failed.
 *
 * @root stands before each path; it is empty but in tests.  One thread only.
 */
#ifndef AEROSTAT_COMMON_FILES_H
#define AEROSTAT_COMMON_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AERO_PATH_MAX 1024

/* Remembers the words for aero_error(); always -1, for return statements. */
__attribute__((format(printf, 1, 2))) int aero_fail(const char *format, ...);
const char *aero_error(void);

/* A whole decimal number and nothing else; false: *@value is as it was. */
bool aero_parse(const char *text, uint64_t most, uint64_t *value);

/* The file's text, as far as it fits, with a NUL.  Errors: -errno. */
int aero_read(const char *root, const char *name, char *text, size_t size);

/* The number that a file consists of, but for blanks at the end.  Errors: -errno. */
int aero_read_number(const char *root, const char *name, uint64_t *value);

/* One write, as sysfs wants it.  The file must be there.  Errors: -errno. */
int aero_write(const char *root, const char *name, const char *text);

/* The number after @name at the beginning of a line; false: there is none. */
bool aero_line(const char *text, const char *name, uint64_t *value);

/* The sum of the numbers of all lines whose names begin with @prefix. */
uint64_t aero_sum(const char *text, const char *prefix);

/*
 * What is available (MemAvailable), and what of it should stay when swapped pages come
 * home: 1/20 of the memory, at least 16 MiB.  That is half of what the pressure policy
 * leaves (docs/design/policy.md): with the same share nothing would ever fit into a guest that
 * has come to rest.  Errors: -1, see aero_error().
 */
int aero_memory(const char *root, uint64_t *available_kib, uint64_t *headroom_kib);

uint64_t aero_now_us(void); /* monotonic */

#endif
