/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A folder that plays the machine for the tools (--root), as tests/swap/os.c wants it.
 * Whatever fails here fails the test.
 */
#ifndef AEROSTAT_TESTS_MACHINE_H
#define AEROSTAT_TESTS_MACHINE_H

struct machine {
	char root[64];
};

/* An empty folder, to be removed with machine_remove(). */
struct machine *machine_new(void);
void machine_remove(struct machine *machine);

/* The path of @name, which begins with '/', until the next call. */
const char *machine_path(const struct machine *machine, const char *name);

/* Makes the folder @name and those on the way to it. */
void machine_folder(const struct machine *machine, const char *name);

/* Writes the file @name anew, in a folder that is there. */
void machine_write(const struct machine *machine, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void machine_unlink(const struct machine *machine, const char *name);

#endif
