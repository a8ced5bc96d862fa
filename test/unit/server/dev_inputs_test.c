/* SPDX-License-Identifier: MIT */

/* What a result was made of has changed, or has not. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/dev/dev_int.h"
#include "server/dev/step.h"

static char tmp[48];
static char rules[96];

static const char *
at(const char *name)
{
	static char paths[4][96];
	static unsigned next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", tmp, name);
	return path;
}

static void
put(const char *name, const char *text)
{
	FILE *file = fopen(at(name), "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Files of a time long ago, and rules that name them. */
static int
begin(void **state)
{
	char text[512];

	(void)state;
	(void)strcpy(tmp, "/tmp/inputs_test_XXXXXX");
	assert_non_null(mkdtemp(tmp));
	assert_int_equal(mkdir(at("inc"), 0700), 0);
	assert_int_equal(mkdir(at("other"), 0700), 0);
	put("app.c", "one");
	put("inc/t.h", "one");
	put("other/t.h", "two");
	(void)snprintf(text, sizeof(text), "%s/app.o: %s/app.c %s/inc/t.h\n",
	    tmp, tmp, tmp);
	put("rules", text);
	(void)snprintf(rules, sizeof(rules), "%s/rules", tmp);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	step_remove_folder(tmp);
	return 0;
}

/* Read them at a time when all of them had been there for a while. */
static struct dev_inputs
taken(void)
{
	struct dev_inputs inputs;

	dev_inputs_begin(&inputs);
	inputs.since.tv_sec += 5;
	dev_inputs_end(&inputs, rules, "/ours");
	assert_true(dev_inputs_same(&inputs, rules, "/ours"));
	return inputs;
}

/* Give a file the times of long ago, as who restores it does. */
static void
age(const char *name)
{
	const struct timespec times[2] = { { .tv_sec = 1000 },
		{ .tv_sec = 1000 } };

	assert_int_equal(utimensat(AT_FDCWD, at(name), times, 0), 0);
}

static void
an_older_file_is_another(void **state)
{
	struct dev_inputs inputs;

	(void)state;
	put("app.old", "old");
	age("app.old");
	inputs = taken();
	assert_int_equal(rename(at("app.old"), at("app.c")), 0);
	assert_false(dev_inputs_same(&inputs, rules, "/ours"));
}

static void
an_older_content_is_another(void **state)
{
	struct dev_inputs inputs;

	(void)state;
	age("inc/t.h");
	inputs = taken();
	put("inc/t.h", "three");
	age("inc/t.h");
	assert_false(dev_inputs_same(&inputs, rules, "/ours"));
}

/* None of its files has changed, and it is another. */
static void
a_folder_in_its_place_is_another(void **state)
{
	struct dev_inputs inputs = taken();

	(void)state;
	assert_int_equal(rename(at("inc"), at("away")), 0);
	assert_int_equal(rename(at("other"), at("inc")), 0);
	assert_false(dev_inputs_same(&inputs, rules, "/ours"));
	assert_int_equal(rename(at("inc"), at("other")), 0);
	assert_false(dev_inputs_same(&inputs, rules, "/ours"));
	assert_int_equal(rename(at("away"), at("inc")), 0);
	assert_true(dev_inputs_same(&inputs, rules, "/ours"));
}

/* What was saved while it was read may have been read half. */
static void
what_was_saved_meanwhile_does_not_count(void **state)
{
	struct dev_inputs inputs;

	(void)state;
	dev_inputs_begin(&inputs);
	inputs.since.tv_sec -= 5;
	dev_inputs_end(&inputs, rules, "/ours");
	assert_false(dev_inputs_same(&inputs, rules, "/ours"));
}

/* It is written anew for each run. */
static void
what_is_ours_does_not_count(void **state)
{
	struct dev_inputs inputs;

	(void)state;
	dev_inputs_begin(&inputs);
	inputs.since.tv_sec -= 5;
	dev_inputs_end(&inputs, rules, tmp);
	assert_true(dev_inputs_same(&inputs, rules, tmp));
}

static void
nothing_was_read_yet(void **state)
{
	struct dev_inputs inputs = { .print = 0 };

	(void)state;
	assert_false(dev_inputs_same(&inputs, rules, "/ours"));
	inputs = taken();
	assert_int_equal(unlink(rules), 0);
	assert_false(dev_inputs_same(&inputs, rules, "/ours"));
	dev_inputs_begin(&inputs);
	dev_inputs_end(&inputs, rules, "/ours");
	assert_false(dev_inputs_same(&inputs, rules, "/ours"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_older_file_is_another),
		TEST(an_older_content_is_another),
		TEST(a_folder_in_its_place_is_another),
		TEST(what_was_saved_meanwhile_does_not_count),
		TEST(what_is_ours_does_not_count),
		TEST(nothing_was_read_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
