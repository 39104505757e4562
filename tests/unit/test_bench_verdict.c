// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What a bench says of its requirements.  It was reported that `make bench --mode 4k` called
 * requirements about 2 MiB rows met, although nobody had measured them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frame.h"

enum { COUNTED, TIMED, FIGURES };
enum { BOTH_WAYS = 1u << BENCH_INFLATE | 1u << BENCH_DEFLATE };

static const struct bench_figure figures[FIGURES] = {
	[COUNTED] = {.name = "instructions"},
	[TIMED] = {.name = "rate", .more_is_better = true, .timed = true},
};

static const char *const sets[] = {"off", "on"};
static const char *const kinds[] = {"large", "small", "single"};
static const char *const drivers[] = {"ours", "peer"};

static const struct bench_requirement requirements[] = {
	{.text = "large rows are never worse",
	 .times = 1,
	 .figures = 1u << COUNTED,
	 .sets = 3,
	 .kinds = 1,
	 .moves = BOTH_WAYS},
	{.text = "no row is worse",
	 .times = 1,
	 .figures = 1u << COUNTED,
	 .sets = 3,
	 .kinds = 7,
	 .moves = BOTH_WAYS},
	{.text = "twice as fast",
	 .times = 2,
	 .figures = 1u << TIMED,
	 .sets = 3,
	 .kinds = 7,
	 .moves = 1u << BENCH_INFLATE},
};

static const struct bench_frame frame = {
	.set = {.key = "zeroing", .names = sets, .count = 2},
	.kind = {.key = "mode", .names = kinds, .count = 3},
	.drivers = drivers,
	.driver_count = 2,
	.figures = figures,
	.figure_count = FIGURES,
	.requirements = requirements,
	.requirement_count = 3,
};

/* All rows that are wanted: ours needs 10 instructions, the peer 20; 300 MiB/s against 100. */
static void measure(struct bench *b)
{
	for (unsigned int set = 0; set < 2; set++)
		for (unsigned int kind = 0; kind < 3; kind++)
			for (int move = BENCH_INFLATE; move <= BENCH_DEFLATE; move++) {
				struct bench_cell *cell = b->cell[set][kind][move];

				if (!b->options.set[set] || !b->options.kind[kind])
					continue;
				samples_add(&cell[BENCH_OURS].figure[COUNTED], 10);
				samples_add(&cell[BENCH_PEER].figure[COUNTED], 20);
				if (b->options.no_rates)
					continue;
				samples_add(&cell[BENCH_OURS].figure[TIMED], 300);
				samples_add(&cell[BENCH_PEER].figure[TIMED], 100);
			}
}

static int begin(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	b->frame = &frame;
	b->options.set[0] = b->options.set[1] = true;
	b->options.kind[0] = b->options.kind[1] = b->options.kind[2] = true;
	*state = b;
	return 0;
}

static int end(void **state)
{
	free(*state);
	return 0;
}

/* The verdict's text, to be freed, and how many are missed. */
static char *judge(struct bench *b, unsigned int *missed)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	*missed = bench_judge(b, to);
	fclose(to);
	return text;
}

static void says(struct bench *b, unsigned int number, const char *word)
{
	struct bench_verdict v = bench_judge_one(b, &requirements[number], NULL);

	assert_string_equal(bench_verdict_word(&v), word);
}

static void all_measured_is_met(void **state)
{
	struct bench *b = *state;

	measure(b);
	for (unsigned int i = 0; i < 3; i++)
		says(b, i, "met");
	assert_true(bench_complete(b));
}

static void left_out_is_not_met(void **state)
{
	struct bench *b = *state;
	unsigned int missed;
	char *text;

	b->options.kind[0] = b->options.kind[2] = false;
	measure(b);
	says(b, 0, "not measured");
	says(b, 1, "met in part");
	text = judge(b, &missed);
	assert_int_equal(missed, 0);
	assert_non_null(strstr(text, "\nnot measured  large rows are never worse\n"));
	assert_non_null(strstr(text, "no row is worse (4 of 12 rows were measured)\n"));
	free(text);
	assert_false(bench_complete(b));
}

static void without_rates_no_rate_is_judged(void **state)
{
	struct bench *b = *state;

	b->options.no_rates = true;
	measure(b);
	says(b, 0, "met");
	says(b, 2, "not measured");
	assert_false(bench_complete(b));
}

static void worse_is_missed(void **state)
{
	struct bench *b = *state;
	struct samples *ours = &b->cell[1][2][BENCH_DEFLATE][BENCH_OURS].figure[COUNTED];
	unsigned int missed;
	char *text;

	b->options.kind[0] = false;
	measure(b);
	ours->value[0] = 20.5;
	says(b, 0, "not measured");
	says(b, 1, "MISSED");
	text = judge(b, &missed);
	assert_int_equal(missed, 1);
	assert_non_null(strstr(text, "single, deflate, zeroing on: instructions 20.50 against "
				     "20.00, 0.98 times\n"));
	free(text);
}

/* Wanted and not there is an error of the bench, not a row that was left out. */
static void wanted_without_figures_is_missed(void **state)
{
	struct bench *b = *state;

	measure(b);
	b->cell[0][0][BENCH_INFLATE][BENCH_PEER].figure[COUNTED].count = 0;
	says(b, 0, "MISSED");
}

/* The JSON file says the same, and has the rows that were measured. */
static void json_says_the_same(void **state)
{
	struct bench *b = *state;
	json_t *list, *rows;

	b->options.kind[0] = b->options.kind[2] = false;
	measure(b);
	list = bench_requirements_to_json(b);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "verdict")),
			    "not measured");
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(list, 1), "rows_not_measured")),
		8);
	rows = bench_rows_to_json(b);
	assert_int_equal(json_array_size(rows), 4);
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "mode")),
			    "small");
	json_decref(list);
	json_decref(rows);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_measured_is_met),
		TEST(left_out_is_not_met),
		TEST(without_rates_no_rate_is_judged),
		TEST(worse_is_missed),
		TEST(wanted_without_figures_is_missed),
		TEST(json_says_the_same),
	};

	return cmocka_run_group_tests_name("bench-verdict", tests, NULL, NULL);
}
