/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The frame of the guest tests: each test is a function with a name and the
 * configuration of the guest it wants.  A suite is a program:
 *
 *     static const char *inflates(struct lab_guest *g)
 *     {
 *             LAB_OK(lab_target(g, 1000));
 *             LAB_OK(lab_wait_size(g, 1000, 1000, 20000));
 *             return NULL;
 *     }
 *
 *     static const struct lab_test tests[] = {
 *             { "inflates", inflates, .config = &small },
 *     };
 *     static const struct lab_suite suite = { "vmware", tests, LAB_COUNT(tests), modules_in };
 *
 *     int main(int argc, char **argv)
 *     {
 *             return lab_suite_main(argc, argv, &suite);
 *     }
 *
 * Neighbours in the table with the same configuration share one boot; after a
 * failure the next test gets a new one.  Output is TAP.  Whatever a test returns,
 * it fails when the guest's kernel complained (lab_log_problems()) or QEMU died; for the
 * first test after a boot, complaints during the boot count, too.  A failure prints the
 * console's last lines.
 */
#ifndef AEROSTAT_LAB_SCENARIO_H
#define AEROSTAT_LAB_SCENARIO_H

#include "platform.h"

#define LAB_COUNT(array) (sizeof(array) / sizeof(*(array)))

struct lab_test {
	const char *name; /* words joined by '-' */
	/* NULL: passed; else what went wrong (lab_because()), or lab_skip(). */
	const char *(*run)(struct lab_guest *g);
	const struct lab_config *config; /* compared by address; the name is replaced */
	unsigned int timeout_s;		 /* for the test alone, without the boot; 0: 60 */
	bool fresh;			 /* wants a guest that nobody used before */
	bool spoils;			 /* nobody shall use the guest after it */
	const char *allow;		 /* lines of the console with this text are no failure */
	const char *skip;		 /* a reason not to run it at all; none */
};

struct lab_suite {
	const char *name; /* letters, digits, - and _; names the logs */
	const struct lab_test *tests;
	size_t count;
	const char *(*after_boot)(struct lab_guest *g); /* may be NULL; else as a test */
	const char *(*after_test)(struct lab_guest *g); /* brings the guest back; may be NULL */
	bool boots; /* is about the boot itself: no guest goes on from a kept one */
};

/*
 * Runs those tests whose names match a pattern of the command line (all when
 * there is none).  Returns the program's exit status: 0 when none failed.
 */
int lab_suite_main(int argc, char **argv, const struct lab_suite *suite);

/* What a test returns.  The text lives until the next call. */
const char *lab_because(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *lab_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line for the reader, without effect on the result. */
void lab_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the test unless the condition holds; the rest says in words what was found. */
#define LAB_CHECK(condition, ...)                                      \
	do {                                                           \
		if (!(condition)) {                                    \
			lab_note("line %d: %s", __LINE__, #condition); \
			return lab_because(__VA_ARGS__);               \
		}                                                      \
	} while (0)

/* Ends the test unless the call returns 0. */
#define LAB_OK(call) LAB_CHECK((call) == 0, "%s", lab_error())

/* Ends the calling function with the message of the called one, if it has one. */
#define LAB_TRY(call)                                 \
	do {                                          \
		const char *lab_try_message = (call); \
		if (lab_try_message)                  \
			return lab_try_message;       \
	} while (0)

#endif
