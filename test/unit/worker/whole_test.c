/* SPDX-License-Identifier: MIT */

/* Answers as files: not at once, exactly these bytes, and not for ever. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worker/whole.h"

#define LEN 20000

static size_t
open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count;
}

static struct reply
reply_of(char fill, size_t len)
{
	struct reply reply;
	char *data = malloc(len);

	assert_non_null(data);
	memset(data, fill, len);
	memset(&reply, 0, sizeof(reply));
	reply.blob = blob_new(data, len);
	assert_non_null(reply.blob);
	reply.body = reply.blob->data;
	reply.len = len;
	return reply;
}

/* Ask until there is one; the answer at most the tenth time. */
static struct blob *
ask_for(struct whole *whole, const char *head, const struct reply *reply)
{
	struct blob *file = NULL;
	int i;

	for (i = 0; i < 10 && file == NULL; i++)
		file = whole_get(whole, head, strlen(head), reply);
	return file;
}

/* The same for one that is not there at once. */
static struct blob *
ask(struct whole *whole, const char *head, const struct reply *reply)
{
	assert_null(whole_get(whole, head, strlen(head), reply));
	return ask_for(whole, head, reply);
}

static void
check(const struct blob *file, const char *head, char fill)
{
	char data[LEN + 100];
	size_t len = strlen(head);
	size_t i;

	assert_non_null(file);
	assert_int_equal(file->len, len + LEN);
	assert_int_equal(pread(file->fd, data, sizeof(data), 0), len + LEN);
	assert_memory_equal(data, head, len);
	for (i = 0; i < LEN; i++)
		assert_int_equal(data[len + i], fill);
}

static void
test_bytes(void **state)
{
	struct whole *whole = whole_new();
	struct reply one = reply_of('a', LEN);
	struct reply part = one;
	struct blob *file;

	(void)state;
	file = ask(whole, "head 1", &one);
	check(file, "head 1", 'a');
	assert_ptr_equal(whole_get(whole, "head 1", 6, &one), file);
	/* Another second: another file, and the old one stays as it is. */
	file = blob_ref(file);
	check(ask(whole, "head 2", &one), "head 2", 'a');
	check(file, "head 1", 'a');
	blob_unref(file);
	/* A part of the same bytes is another answer. */
	part.body = (const char *)one.body + 1;
	part.len = LEN - 1;
	assert_null(whole_get(whole, "head 2", 6, &part));
	part = one;
	part.len = LEN - 1;
	assert_null(whole_get(whole, "head 2", 6, &part));
	whole_free(&whole);
	assert_null(whole);
	blob_unref(one.blob);
}

static void
test_bounds(void **state)
{
	static char head[2000];
	struct whole *whole = whole_new();
	struct reply small = reply_of('s', WHOLE_MIN - 1);
	struct reply large = reply_of('l', WHOLE_MAX + 1);
	struct reply right = reply_of('r', LEN);
	size_t before = open_files();
	int i;

	(void)state;
	memset(head, 'h', sizeof(head) - 1);
	assert_null(ask(whole, "head", &small));
	assert_null(ask(whole, "head", &large));
	assert_null(ask(whole, head, &right));
	assert_null(ask(NULL, "head", &right));
	assert_int_equal(open_files(), before);
	check(ask(whole, "head", &right), "head", 'r');
	assert_int_equal(open_files(), before + 1);
	/* Asked for since the last look, then not. */
	for (i = 0; i < 3; i++) {
		whole_sweep(whole);
		assert_non_null(whole_get(whole, "head", 4, &right));
	}
	whole_sweep(whole);
	whole_sweep(whole);
	assert_int_equal(open_files(), before);
	assert_int_equal(right.blob->refs, 1);
	whole_free(&whole);
	blob_unref(small.blob);
	blob_unref(large.blob);
	blob_unref(right.blob);
}

/* More answers than places: each is right, and few files are open. */
static void
test_many(void **state)
{
	struct whole *whole = whole_new();
	struct reply replies[50];
	size_t before = open_files();
	struct blob *file;
	int round;
	int i;

	(void)state;
	for (i = 0; i < 50; i++)
		replies[i] = reply_of((char)i, LEN);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 50; i++) {
			file = ask_for(whole, "head", &replies[i]);
			check(file, "head", (char)i);
		}
		assert_true(open_files() <= before + WHOLE_SLOTS);
	}
	whole_free(&whole);
	assert_int_equal(open_files(), before);
	for (i = 0; i < 50; i++)
		blob_unref(replies[i].blob);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
