/* SPDX-License-Identifier: MIT */

/* Files, and the folders on the way to them, that change. */
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

#include "server/dev/step.h"
#include "server/dev/watch.h"

static char tmp[48];
static struct watch watch;

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
put(const char *name)
{
	FILE *file = fopen(at(name), "we");

	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
}

static void
make(const char *folder)
{
	assert_int_equal(mkdir(at(folder), 0700), 0);
}

static void
move(const char *from, const char *to)
{
	assert_int_equal(rename(at(from), at(to)), 0);
}

static int
begin(void **state)
{
	(void)state;
	(void)strcpy(tmp, "/tmp/watch_test_XXXXXX");
	assert_non_null(mkdtemp(tmp));
	make("app");
	make("app/inc");
	put("app/inc/t.h");
	put("app/app.c");
	assert_int_equal(watch_open(&watch), 0);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	watch_close(&watch);
	step_remove_folder(tmp);
	return 0;
}

/* What has happened since means this. */
#define MEANS(meaning) assert_int_equal(watch_read(&watch), (meaning))

static void
watch_all(void)
{
	assert_int_equal(watch_source(&watch, at("app/app.c")), 0);
	assert_int_equal(watch_file(&watch, at("app/inc/t.h"), WATCH_CODE), 0);
	MEANS(0);
}

/* Saved in place, and as editors do. */
static void
saved_is_seen(const char *name)
{
	put(name);
	MEANS(WATCH_CODE);
	put("new");
	MEANS(0);
	move("new", name);
	MEANS(WATCH_CODE);
}

/* What nobody has named may be read from now on. */
static void
saved_beside_is_seen(void)
{
	put("app/beside.h");
	MEANS(WATCH_CODE | WATCH_NEW);
	put("new");
	MEANS(0);
	move("new", "app/beside.h");
	MEANS(WATCH_CODE | WATCH_NEW);
	/* It was there before. */
	put("app/beside.h");
	MEANS(WATCH_CODE);
	assert_int_equal(watch_file(&watch, at("app/beside.h"), WATCH_CODE), 0);
	saved_is_seen("app/beside.h");
}

/* The old one is kept under another name for a moment, which is no header. */
static void
a_header_is_saved_as_vim_does(void **state)
{
	(void)state;
	watch_all();
	put("app/t.h");
	assert_int_equal(watch_file(&watch, at("app/t.h"), WATCH_CODE), 0);
	(void)watch_read(&watch);
	move("app/t.h", "app/t.h~");
	put("app/t.h");
	assert_int_equal(unlink(at("app/t.h~")), 0);
	MEANS(WATCH_CODE);
	put("app/notes.html");
	put("app/#t.h#");
	MEANS(0);
}

static void
files_are_seen(void **state)
{
	(void)state;
	watch_all();
	saved_is_seen("app/app.c");
	saved_is_seen("app/inc/t.h");
	put("app/inc/u.h");
	put("app/other.c");
	MEANS(0);
	saved_beside_is_seen();
}

static void
a_folder_goes_and_comes_back(void **state)
{
	(void)state;
	watch_all();
	step_remove_folder(at("app/inc"));
	MEANS(WATCH_CODE);
	make("app/inc");
	MEANS(WATCH_CODE);
	saved_is_seen("app/inc/t.h");
	/* All in one go. */
	step_remove_folder(at("app/inc"));
	make("app/inc");
	put("app/inc/t.h");
	MEANS(WATCH_CODE);
	saved_is_seen("app/inc/t.h");
}

static void
a_folder_is_swapped(void **state)
{
	(void)state;
	make("app/inc_b");
	put("app/inc_b/t.h");
	watch_all();
	move("app/inc", "app/inc_old");
	MEANS(WATCH_CODE);
	move("app/inc_b", "app/inc");
	MEANS(WATCH_CODE);
	saved_is_seen("app/inc/t.h");
	put("app/inc_old/t.h");
	MEANS(0);
}

/* One above it: what is below comes with it. */
static void
the_folder_of_all_is_swapped(void **state)
{
	(void)state;
	watch_all();
	move("app", "old");
	MEANS(WATCH_CODE);
	make("app");
	MEANS(WATCH_CODE);
	saved_is_seen("app/app.c");
	make("app/inc");
	MEANS(WATCH_CODE);
	saved_is_seen("app/inc/t.h");
	step_remove_folder(at("app"));
	move("old", "app");
	MEANS(WATCH_CODE);
	saved_is_seen("app/inc/t.h");
	saved_beside_is_seen();
}

static void
a_link_leads_elsewhere(void **state)
{
	(void)state;
	make("app/other");
	put("app/other/t.h");
	assert_int_equal(symlink("inc", at("app/way")), 0);
	assert_int_equal(watch_file(&watch, at("app/way/t.h"), WATCH_CODE), 0);
	assert_int_equal(symlink("other", at("app/new")), 0);
	MEANS(0);
	move("app/new", "app/way");
	MEANS(WATCH_CODE);
	saved_is_seen("app/other/t.h");
	put("app/inc/t.h");
	MEANS(0);
}

static void
point(const char *link, const char *target)
{
	assert_int_equal(symlink(target, at(link)), 0);
}

/* What is read is the file at the end of the links. */
static void
a_linked_file_is_seen(void **state)
{
	(void)state;
	make("real");
	put("real/app.c");
	put("real/u.h");
	point("app/l.c", "../real/app.c");
	point("app/m.c", "l.c");
	point("app/inc/u.h", at("real/u.h"));
	assert_int_equal(watch_source(&watch, at("app/m.c")), 0);
	assert_int_equal(watch_file(&watch, at("app/inc/u.h"), WATCH_CODE), 0);
	MEANS(0);
	saved_is_seen("real/app.c");
	saved_is_seen("real/u.h");
	/* The folder of it, too. */
	move("real", "old");
	MEANS(WATCH_CODE);
	move("old", "real");
	MEANS(WATCH_CODE);
	saved_is_seen("real/u.h");
}

/* In one step, in two, and one in the middle. */
static void
a_linked_file_is_another(void **state)
{
	(void)state;
	put("app/a.h");
	put("app/b.h");
	point("app/mid.h", "a.h");
	point("app/l.h", "mid.h");
	assert_int_equal(watch_file(&watch, at("app/l.h"), WATCH_REST), 0);
	point("app/new", "b.h");
	MEANS(0);
	move("app/new", "app/mid.h");
	MEANS(WATCH_REST);
	put("app/a.h");
	MEANS(0);
	put("app/b.h");
	MEANS(WATCH_REST);
	assert_int_equal(unlink(at("app/l.h")), 0);
	MEANS(WATCH_REST);
	point("app/l.h", "a.h");
	MEANS(WATCH_REST);
	put("app/a.h");
	MEANS(WATCH_REST);
	put("app/b.h");
	MEANS(0);
}

/* What the link leads to is not there yet, or is the link. */
static void
a_link_leads_nowhere(void **state)
{
	(void)state;
	point("app/l.h", "../real/l.h");
	point("app/loop.h", "loop.h");
	assert_int_equal(watch_file(&watch, at("app/l.h"), WATCH_CODE), 0);
	assert_int_equal(watch_file(&watch, at("app/loop.h"), WATCH_CODE), 0);
	make("real");
	MEANS(WATCH_CODE);
	saved_is_seen("real/l.h");
}

static void
the_target_of_a_linked_folder_is_swapped(void **state)
{
	(void)state;
	make("real");
	put("real/t.h");
	point("app/way", "../real");
	assert_int_equal(watch_file(&watch, at("app/way/t.h"), WATCH_CODE), 0);
	MEANS(0);
	move("real", "old");
	MEANS(WATCH_CODE);
	make("real");
	MEANS(WATCH_CODE);
	saved_is_seen("real/t.h");
	put("old/t.h");
	MEANS(0);
}

/* A second name for a file: nobody writes to it. */
static void
a_name_comes_with_its_content(void **state)
{
	(void)state;
	watch_all();
	assert_int_equal(unlink(at("app/app.c")), 0);
	MEANS(WATCH_CODE);
	assert_int_equal(link(at("app/inc/t.h"), at("app/app.c")), 0);
	assert_true(watch_read(&watch) & WATCH_CODE);
}

static void
no_folder_is_there_yet(void **state)
{
	(void)state;
	assert_int_equal(watch_file(&watch, at("app/a/b/c.conf"), WATCH_REST),
	    0);
	make("app/a");
	MEANS(WATCH_REST);
	put("app/a/c.conf");
	MEANS(0);
	make("app/a/b");
	MEANS(WATCH_REST);
	put("app/a/b/c.conf");
	MEANS(WATCH_REST);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(files_are_seen),
		TEST(a_header_is_saved_as_vim_does),
		TEST(a_folder_goes_and_comes_back),
		TEST(a_folder_is_swapped),
		TEST(the_folder_of_all_is_swapped),
		TEST(a_link_leads_elsewhere),
		TEST(a_linked_file_is_seen),
		TEST(a_linked_file_is_another),
		TEST(a_link_leads_nowhere),
		TEST(the_target_of_a_linked_folder_is_swapped),
		TEST(a_name_comes_with_its_content),
		TEST(no_folder_is_there_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
