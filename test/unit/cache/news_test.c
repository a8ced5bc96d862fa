/* SPDX-License-Identifier: MIT */

/*
 * The news of commits: who follows them hears of every value that was changed,
 * or that any may have been; whatever is missing, torn or begins anew.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cache/db.h"
#include "cache/news.h"

#define INODE 77
#define VALUES 200

struct scene {
	char dir[32];
	int fd;
	uint32_t commits;
};

static bool heard[VALUES];

static void
on_change(uint32_t part)
{
	assert_true(part < VALUES);
	heard[part] = true;
}

static int
set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	strcpy(s->dir, "/tmp/ph-news-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	s->fd = news_open(s->dir);
	assert_true(s->fd >= 0);
	s->commits = 1;
	*state = s;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *s = *state;
	char path[PATH_MAX];

	(void)close(s->fd);
	assert_int_equal(db_path(path, sizeof(path), s->dir, NEWS_FILE), 0);
	(void)unlink(path);
	assert_int_equal(rmdir(s->dir), 0);
	free(s);
	return 0;
}

static void
tell(struct scene *s, int64_t id)
{
	struct news news = { .count = 0 };

	news_add(&news, id);
	news_tell(s->fd, INODE, s->commits, &news);
}

static void
commit(struct scene *s, int64_t id)
{
	tell(s, id);
	s->commits++;
}

static bool
follow(const struct scene *s, struct news_place *place)
{
	memset(heard, 0, sizeof(heard));
	return news_follow(s->fd, INODE, s->commits, place, on_change);
}

static void
changes_are_heard_of(void **state)
{
	struct scene *s = *state;
	struct news_place place = { 0 };
	int i;

	assert_false(follow(s, &place));
	commit(s, 1);
	assert_false(follow(s, &place)); /* from where? */
	assert_true(follow(s, &place));
	assert_false(heard[1]);
	commit(s, 2);
	commit(s, 3);
	assert_true(follow(s, &place));
	assert_true(heard[2] && heard[3] && !heard[1]);
	/* Around the ring, a few hundred at a time. */
	for (i = 0; i < 5000; i++) {
		commit(s, i % VALUES);
		if (i % 300 == 0)
			assert_true(follow(s, &place));
		assert_true(i % 300 != 0 || heard[i % VALUES]);
	}
	for (i = 0; i < 1024; i++)
		commit(s, 4);
	assert_false(follow(s, &place)); /* what was is written over */
	assert_true(follow(s, &place));
}

static void
many_values_are_any(void **state)
{
	struct scene *s = *state;
	struct news news = { .count = 0 };
	struct news_place place = { 0 };
	int64_t i;

	commit(s, 1);
	assert_false(follow(s, &place));
	for (i = 0; i < NEWS_PARTS; i++) {
		news_add(&news, i);
		news_add(&news, i);
	}
	news_tell(s->fd, INODE, s->commits++, &news);
	assert_true(follow(s, &place));
	for (i = 0; i < NEWS_PARTS; i++)
		assert_true(heard[i]);
	news_add(&news, i);
	news_add(&news, i + 1);
	news_tell(s->fd, INODE, s->commits++, &news);
	assert_false(follow(s, &place));
	commit(s, 5);
	assert_true(follow(s, &place));
}

static void
what_does_not_fit_is_any(void **state)
{
	struct scene *s = *state;
	struct news_place place = { 0 };
	struct news_place other = { 0 };
	char byte = 'x';

	commit(s, 1);
	commit(s, 2);
	assert_false(follow(s, &place));
	assert_false(
	    news_follow(s->fd, INODE + 1, s->commits, &other, on_change));
	assert_int_equal(other.number, 0); /* another database */
	s->commits++;                      /* somebody who tells nothing */
	assert_false(follow(s, &place));
	commit(s, 3);
	assert_false(follow(s, &place));
	commit(s, 4);
	assert_true(follow(s, &place));
	/* Half a line. */
	commit(s, 5);
	assert_int_equal(pwrite(s->fd, &byte, 1, s->commits * 64 + 30), 1);
	assert_false(follow(s, &place));
	assert_int_equal(place.number, 0);
	/* The file was emptied. */
	commit(s, 6);
	commit(s, 7);
	assert_false(follow(s, &place));
	assert_int_equal(ftruncate(s->fd, 0), 0);
	commit(s, 8);
	assert_false(follow(s, &place));
	commit(s, 9);
	assert_true(follow(s, &place) && heard[9]);
	/* The wal-index was made anew. */
	s->commits = 0;
	assert_false(follow(s, &place));
	assert_int_equal(place.number, 0);
	commit(s, 10);
	assert_false(follow(s, &place));
	commit(s, 11);
	assert_true(follow(s, &place) && heard[11]);
}

/* Rolled back, or killed in front of its commit. */
static void
what_was_not_committed_is_written_over(void **state)
{
	struct scene *s = *state;
	struct news_place place = { 0 };

	commit(s, 1);
	assert_false(follow(s, &place));
	tell(s, 2);
	assert_true(follow(s, &place));
	assert_false(heard[2]);
	tell(s, 3);
	commit(s, 4);
	assert_true(follow(s, &place));
	assert_true(heard[4] && !heard[2] && !heard[3]);
}

/*
 * By lot, against a list of what was changed by which commit: writers of
 * whom some do not commit and some do not tell, and readers that sleep.
 */
static void
nothing_is_ever_missed(void **state)
{
	enum { STEPS = 60000, READERS = 4 };
	static int64_t last_change[VALUES];
	struct news_place places[READERS] = { { 0 } };
	int64_t seen[READERS] = { 0 };
	struct scene *s = *state;
	unsigned trusted = 0;
	int64_t now = 0;
	int64_t step;

	srand(7);
	memset(last_change, 0, sizeof(last_change));
	for (step = 0; step < STEPS; step++) {
		int what = rand() % 1000;
		int value = rand() % VALUES;
		int i;

		if (what < 700) {
			commit(s, value);
			last_change[value] = ++now;
		} else if (what < 750) {
			tell(s, value);
		} else if (what < 752) {
			/* Whoever tells nothing must not meet what was told
			 * and not committed: that has its number. */
			commit(s, value);
			s->commits++;
			last_change[value] = ++now;
			last_change[rand() % VALUES] = now;
		} else if (what == 752) {
			s->commits = 0;
			commit(s, value);
			last_change[value] = ++now;
			last_change[rand() % VALUES] = now;
		} else if (what == 753) {
			assert_int_equal(ftruncate(s->fd, 0), 0);
		}
		i = rand() % (READERS * 20);
		if (i >= READERS || rand() % (1 << 3 * i) != 0)
			continue;
		if (follow(s, &places[i])) {
			trusted++;
			for (value = 0; value < VALUES; value++)
				assert_true(heard[value] ||
					    last_change[value] <= seen[i]);
		}
		seen[i] = now;
	}
	assert_true(trusted > 500);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* The wal-index was made anew, and has come to the same number again. */
static void
the_same_number_of_another_count(void **state)
{
	struct scene *s = *state;
	struct news_place place = { 0 };
	uint32_t commits;

	commit(s, 1);
	(void)follow(s, &place);
	assert_true(follow(s, &place)); /* nothing since */
	commits = s->commits;
	s->commits = 0;
	while (s->commits < commits)
		commit(s, 2);
	assert_false(follow(s, &place));
	assert_true(follow(s, &place));
	commit(s, 3);
	assert_true(follow(s, &place));
	assert_true(heard[3]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_same_number_of_another_count),
		CASE(changes_are_heard_of),
		CASE(many_values_are_any),
		CASE(what_does_not_fit_is_any),
		CASE(what_was_not_committed_is_written_over),
		CASE(nothing_is_ever_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
