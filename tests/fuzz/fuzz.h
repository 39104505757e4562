/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the fuzzers of readers of text share. */
#ifndef AEROSTAT_TESTS_FUZZ_H
#define AEROSTAT_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Not on stderr, which a fuzzer may have put something else in place of. */
#define MUST(condition)                                                                           \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			dprintf(2, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                  \
		}                                                                                 \
	} while (0)

/*
 * The input is a row of parts with NUL bytes between them.  Returns the next part, which
 * ends with a NUL and is to be freed; one that is not there any more is empty.
 */
char *fuzz_part(const uint8_t **data, size_t *size);

/* A folder for files, which is removed when the fuzzer ends. */
const char *fuzz_folder(void);

/* Makes the file in the folder, with the folders it lies in. */
void fuzz_file(const char *name, const void *bytes, size_t length);

/* From here on, what is written to stderr is kept; fuzz_said() returns it and forgets it. */
void fuzz_listen(void);
const char *fuzz_said(void);

/* Is this exactly one line "aerostat: ..." of printable characters? */
int fuzz_is_complaint(const char *text);

#endif
