/* SPDX-License-Identifier: MIT */

/* Files that change in every way that programs have to change files. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/clock.h"
#include "server/changes.h"

#define PATIENCE_US INT64_C(20000000)

static char folder[64];
static char names[8][128];
static struct changes changes;

/* The path of a file in the folder; eight at a time. */
static const char *
at(const char *name)
{
	static unsigned turn;
	char *text = names[turn++ % 8];

	(void)snprintf(text, sizeof(names[0]), "%s/%s", folder, name);
	return text;
}

static void
put(const char *name, const char *text)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/changes_test.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	changes_init(&changes);
	put("app.so", "one");
	put("conf", "one");
	return mkdir(at("data"), 0700);
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	changes_close(&changes);
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void
start(const char *extra, bool polling)
{
	const char *items[] = { at("app.so"), at("conf"), extra };

	assert_int_equal(
	    changes_open(&changes, items, extra != NULL ? 3 : 2, polling), 0);
}

/* Wait as the master does until a file has changed. */
static void
expect(const char *path)
{
	int64_t end = clock_mono_us() + PATIENCE_US;
	const char *changed = NULL;
	struct pollfd ready;
	int64_t now_us;

	while (changed == NULL) {
		now_us = clock_mono_us();
		assert_true(now_us < end);
		ready = (struct pollfd){ .fd = changes.fd, .events = POLLIN };
		(void)poll(&ready, !changes.polling,
		    changes_deadline(&changes) == INT64_MAX ? 1000 : 20);
		/* Looking takes no real time here. */
		changed = changes_look(&changes,
		    changes.polling ? changes_deadline(&changes)
				    : clock_mono_us());
	}
	assert_string_equal(changed, path);
}

/* Nothing, however long one waits. */
static void
expect_nothing(void)
{
	int64_t later_us = clock_mono_us();
	int i;

	for (i = 0; i < 20; i++) {
		later_us += 1000000;
		assert_null(changes_look(&changes, later_us));
	}
}

static void
check_changes(bool polling)
{
	start(NULL, polling);
	assert_true((changes.fd >= 0) == !polling);
	expect_nothing();
	put("app.so", "two");
	expect(at("app.so"));
	expect_nothing();
	/* Another file under the same name, as linkers and editors do. */
	put("new", "three");
	assert_int_equal(rename(at("new"), at("conf")), 0);
	expect(at("conf"));
	/* It goes, and comes again. */
	assert_int_equal(unlink(at("app.so")), 0);
	expect(at("app.so"));
	put("app.so", "four");
	expect(at("app.so"));
	/* Others in the folder are no concern. */
	put("error.log", "line");
	expect_nothing();
}

static void
told_by_the_kernel(void **state)
{
	(void)state;
	check_changes(false);
}

static void
found_by_looking(void **state)
{
	(void)state;
	check_changes(true);
}

static void
patterns_and_folders(void **state)
{
	(void)state;
	put("data/a.csv", "1");
	start(at("data/*.csv"), false);
	put("data/b.txt", "1");
	expect_nothing();
	put("data/b.csv", "1");
	expect(at("data/b.csv"));
	changes_close(&changes);
	/* A folder stands for the files right in it. */
	start(at("data"), false);
	put("data/c.txt", "1");
	expect(at("data/c.txt"));
	assert_int_equal(unlink(at("data/a.csv")), 0);
	expect(at("data/b.csv")); /* now where the other one was */
	changes_close(&changes);
	/* What is not there yet may come. */
	start(at("later/*.csv"), true);
	assert_int_equal(mkdir(at("later"), 0700), 0);
	put("later/x.csv", "1");
	expect(at("later/x.csv"));
}

static void
behind_a_link(void **state)
{
	(void)state;
	put("data/v1", "1");
	put("data/v2", "22");
	assert_int_equal(unlink(at("app.so")), 0);
	assert_int_equal(symlink("data/v1", at("app.so")), 0);
	start(NULL, false);
	put("data/v1", "new"); /* where it leads to */
	expect(at("app.so"));
	assert_int_equal(symlink("data/v2", at("link")), 0);
	assert_int_equal(rename(at("link"), at("app.so")), 0);
	expect(at("app.so"));
}

static void
a_busy_folder_delays_it_for_two_seconds_at_most(void **state)
{
	int64_t from_us = clock_mono_us();
	const char *changed = NULL;
	int64_t now_us = from_us;

	(void)state;
	start(NULL, false);
	put("app.so", "two");
	while (changed == NULL && now_us < from_us + 10000000) {
		put("log", "x");
		now_us += 100000;
		changed = changes_look(&changes, now_us);
	}
	assert_non_null(changed);
	assert_true(now_us - from_us <= 2200000);
	assert_true(now_us - from_us >= 1900000);
}

static void
the_same_items_again_change_nothing(void **state)
{
	int fd;

	(void)state;
	start(NULL, false);
	fd = changes.fd;
	put("app.so", "two");
	start(NULL, false);
	assert_int_equal(changes.fd, fd);
	expect(at("app.so")); /* was not missed */
	start(NULL, true);
	assert_int_equal(changes.fd, -1);
	assert_true(changes_deadline(&changes) < INT64_MAX);
	changes_close(&changes);
	assert_int_equal(changes_deadline(&changes), INT64_MAX);
	assert_null(changes_look(&changes, clock_mono_us()));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(told_by_the_kernel),
		TEST(found_by_looking),
		TEST(patterns_and_folders),
		TEST(behind_a_link),
		TEST(a_busy_folder_delays_it_for_two_seconds_at_most),
		TEST(the_same_items_again_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
