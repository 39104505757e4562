// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "rig.h"

#include <string.h>

static const char *phase(unsigned int i)
{
	return aero_phase_name((enum aero_phase)i);
}

static const char *class_of(unsigned int i)
{
	return aero_class_name((enum aero_class)i);
}

static const char *answer(unsigned int i)
{
	return aero_answer_name((enum aero_answer)i);
}

static const char *run_end(unsigned int i)
{
	return aero_run_end_name((enum aero_run_end)i);
}

/* Each of @n has a lower-case name of its own, and nothing beyond them has. */
static void check_names(const char *(*name)(unsigned int), unsigned int n)
{
	unsigned int i, j;

	for (i = 0; i < n; i++) {
		assert_non_null(name(i));
		assert_int_equal(strspn(name(i), "abcdefghijklmnopqrstuvwxyz_"), strlen(name(i)));
		assert_string_not_equal(name(i), "unknown");
		for (j = 0; j < i; j++)
			assert_string_not_equal(name(i), name(j));
	}
	assert_string_equal(name(n), "unknown");
	assert_string_equal(name(UINT32_MAX), "unknown");
}

static void phases_have_names(void **state)
{
	check_names(phase, AERO_PHASES);
}

static void classes_have_names(void **state)
{
	check_names(class_of, AERO_CLASSES);
}

static void answers_have_names(void **state)
{
	check_names(answer, AERO_ANSWERS);
}

static void run_ends_have_names(void **state)
{
	check_names(run_end, AERO_RUN_ENDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(phases_have_names),
		cmocka_unit_test(classes_have_names),
		cmocka_unit_test(answers_have_names),
		cmocka_unit_test(run_ends_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
