/* SPDX-License-Identifier: MIT */

/* One line per answer, whatever a client sends; bounded; rotated. */
#include <errno.h>
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

#include "server/base/clock.h"
#include "server/base/fd.h"
#include "server/base/log.h"
#include "worker/access_log.h"

#include "test/unit/scratch_file.h"

static struct access_log ours;
static struct worker_options options;
static struct buf why;
static const struct http_span no_extras[ACCESS_EXTRAS];

static int
open_log(struct access_log *log, const char *file)
{
	options.accesslog = file;
	options.access_log_format = ACCESS_FORMAT_DEFAULT;
	options.access_log_sample = 1;
	buf_clear(&why);
	return access_log_open(log, &options, &why);
}

static int
set_up(void **state)
{
	(void)state;
	if (scratch_make("log") < 0)
		return -1;
	log_threshold = LOG_LEVEL_CRITICAL;
	return open_log(&ours, path);
}

static int
tear_down(void **state)
{
	(void)state;
	access_log_close(&ours);
	return scratch_remove();
}

static struct http_span
span(const char *text)
{
	struct http_span it = { .data = text,
		.len = text != NULL ? strlen(text) : 0 };

	return it;
}

static struct access_entry
plain_entry(void)
{
	struct access_entry entry = {
		.client = { "127.0.0.1", 9 },
		.method = span("GET"),
		.target = span("/"),
		.minor = 1,
		.status = 200,
		.bytes = 2356,
		.referer = span("http://a/"),
		.user_agent = span("Mozilla/5.0 (X11)"),
		.extras = no_extras,
		.duration_us = 154,
	};

	return entry;
}

static char *
read_log(const char *name)
{
	char *text;
	size_t len;

	access_log_flush(&ours);
	assert_int_equal(fd_read_file(name, 1 << 22, &text, &len), 0);
	assert_int_equal(strlen(text), len);
	return text;
}

static size_t
count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text != '\0'; text++)
		lines += *text == '\n';
	return lines;
}

/* Check the only line but for its time, which must be now. */
static void
check_line(const struct access_entry *entry, const char *before,
    const char *after)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t earliest = clock_wall_ms() / 1000;
	struct tm tm;
	char month[4] = "";
	char *text;
	char *time;
	int64_t logged;
	int used = 0;

	access_log_put(&ours, entry);
	text = read_log(path);
	assert_int_equal(count_lines(text), 1);
	assert_memory_equal(text, before, strlen(before));
	time = text + strlen(before);
	memset(&tm, 0, sizeof(tm));
	assert_int_equal(sscanf(time, "[%2d/%3s/%4d:%2d:%2d:%2d +0000]%n",
			     &tm.tm_mday, month, &tm.tm_year, &tm.tm_hour,
			     &tm.tm_min, &tm.tm_sec, &used),
	    6);
	assert_int_equal(used, 28);
	tm.tm_mon = (int)(strstr(months, month) - months) / 3;
	tm.tm_year -= 1900;
	logged = (int64_t)timegm(&tm);
	assert_in_range(logged, earliest, clock_wall_ms() / 1000);
	assert_string_equal(time + used, after);
	free(text);
	assert_int_equal(truncate(path, 0), 0);
}

static void
golden_line(void **state)
{
	struct access_entry entry = plain_entry();

	(void)state;
	check_line(&entry, "127.0.0.1 - - ",
	    " \"GET / HTTP/1.1\" 200 2356 \"http://a/\" "
	    "\"Mozilla/5.0 (X11)\" 154\n");
}

static void
what_is_missing_is_a_dash(void **state)
{
	struct access_entry entry = { .client = { "", 0 },
		.minor = 0,
		.status = 400,
		.extras = no_extras,
		.duration_us = 0 };

	(void)state;
	check_line(&entry, "- - - ", " \"- - HTTP/1.0\" 400 0 \"-\" \"-\" 0\n");
	entry.user_agent = span("");
	check_line(&entry, "- - - ", " \"- - HTTP/1.0\" 400 0 \"-\" \"-\" 0\n");
}

static void
large_numbers_are_written_in_full(void **state)
{
	struct access_entry entry = plain_entry();

	(void)state;
	entry.client.data = "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff";
	entry.client.len = strlen(entry.client.data);
	entry.bytes = SIZE_MAX;
	entry.duration_us = INT64_MAX;
	check_line(&entry, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff - - ",
	    " \"GET / HTTP/1.1\" 200 18446744073709551615 \"http://a/\" "
	    "\"Mozilla/5.0 (X11)\" 9223372036854775807\n");
}

static void
bytes_from_clients_are_escaped(void **state)
{
	struct access_entry entry = plain_entry();
	struct http_span all = { .len = 256 };
	char bytes[256];
	struct buf want = BUF_EMPTY;
	int c;

	(void)state;
	entry.target = span("/a\" 200 1\n10.0.0.1 - - \\");
	entry.user_agent = span("caf\xc3\xa9\x1b[2J\x7f");
	check_line(&entry, "127.0.0.1 - - ",
	    " \"GET /a\\x22 200 1\\x0a10.0.0.1 - - \\x5c HTTP/1.1\" 200 2356 "
	    "\"http://a/\" \"caf\\xc3\\xa9\\x1b[2J\\x7f\" 154\n");
	for (c = 0; c < 256; c++)
		bytes[c] = (char)c;
	all.data = bytes;
	entry = plain_entry();
	entry.referer = all;
	(void)buf_puts(&want, " \"GET / HTTP/1.1\" 200 2356 \"");
	for (c = 0; c < 256; c++) {
		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
			(void)buf_putc(&want, (char)c);
		else
			(void)buf_printf(&want, "\\x%02x", c);
	}
	(void)buf_puts(&want, "\" \"Mozilla/5.0 (X11)\" 154\n");
	check_line(&entry, "127.0.0.1 - - ", buf_cstr(&want));
	buf_free(&want);
}

static void
long_fields_are_cut(void **state)
{
	static char target[60001];
	struct access_entry entry = plain_entry();
	char *text;
	char *end;

	(void)state;
	memset(target, 'x', sizeof(target) - 1);
	entry.target = span(target);
	access_log_put(&ours, &entry);
	text = read_log(path);
	assert_int_equal(count_lines(text), 1);
	end = strstr(text, "x HTTP/1.1\" 200 ");
	assert_non_null(end);
	assert_int_equal(end + 1 - strchr(text, 'x'), 2048);
	free(text);
}

/* Collected lines are written by themselves before they become too many. */
static void
what_is_collected_is_bounded(void **state)
{
	static char agent[2049];
	struct access_entry entry = plain_entry();
	char *text;
	char *line;
	char *end;
	int i;

	(void)state;
	memset(agent, '\n', sizeof(agent) - 1);
	entry.user_agent = span(agent);
	for (i = 0; i < 300; i++) {
		entry.status = 200 + i;
		access_log_put(&ours, &entry);
		assert_true(ours.lines.cap <= 128 * 1024);
	}
	text = read_log(path);
	for (i = 0, line = text; i < 300; i++, line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		assert_memory_equal(line, "127.0.0.1 - - [", 15);
		assert_int_equal(atoi(strstr(line, "HTTP/1.1\" ") + 10),
		    200 + i);
		assert_memory_equal(end - 4, " 154", 4);
	}
	assert_int_equal(*line, '\0');
	free(text);
}

static void
nothing_collected_writes_nothing(void **state)
{
	struct access_entry entry = plain_entry();
	struct stat st;

	(void)state;
	access_log_flush(&ours);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
	access_log_put(&ours, &entry); /* not before the flush */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
	access_log_flush(&ours);
	access_log_flush(&ours);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 50 && st.st_size < 150);
}

static void
the_file_is_appended_to_with_safe_rights(void **state)
{
	struct access_log other;
	struct access_entry entry = plain_entry();
	struct stat st;
	char *text;

	(void)state;
	assert_true(access_log_is_on(&ours));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777 & ~0640, 0);
	assert_true(fcntl(ours.sink.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(open_log(&other, path), 0); /* a sibling */
	access_log_put(&ours, &entry);
	access_log_flush(&ours);
	access_log_put(&other, &entry);
	access_log_close(&other);
	text = read_log(path);
	assert_int_equal(count_lines(text), 2);
	free(text);
}

static void
reopen_follows_rotation(void **state)
{
	struct access_entry entry = plain_entry();
	char *text;

	(void)state;
	access_log_put(&ours, &entry);
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(access_log_reopen(&ours), 0);
	access_log_put(&ours, &entry);
	access_log_put(&ours, &entry);
	text = read_log(path);
	assert_int_equal(count_lines(text), 2);
	free(text);
	text = read_log(moved); /* what was collected before */
	assert_int_equal(count_lines(text), 1);
	free(text);
}

static void
reopen_that_fails_goes_on_with_the_old_file(void **state)
{
	struct access_entry entry = plain_entry();
	char *text;

	(void)state;
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(access_log_reopen(&ours), -EISDIR);
	assert_true(access_log_is_on(&ours));
	access_log_put(&ours, &entry);
	text = read_log(moved);
	assert_int_equal(count_lines(text), 1);
	free(text);
	assert_int_equal(rmdir(path), 0);
}

static void
off_and_stdout(void **state)
{
	struct access_log other;
	struct stat mine;
	struct stat theirs;

	(void)state;
	assert_int_equal(open_log(&other, ""), 0);
	assert_false(access_log_is_on(&other));
	assert_int_equal(access_log_reopen(&other), 0);
	access_log_close(&other);
	assert_int_equal(open_log(&other, "-"), 0);
	assert_true(other.sink.fd > 2);
	assert_true(fcntl(other.sink.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fstat(STDOUT_FILENO, &mine), 0);
	assert_int_equal(fstat(other.sink.fd, &theirs), 0);
	assert_true(mine.st_ino == theirs.st_ino);
	assert_int_equal(access_log_reopen(&other), 0);
	access_log_close(&other);
	assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0); /* still open */
	assert_int_equal(open_log(&other, "/no/such/folder/log"), -ENOENT);
	assert_false(access_log_is_on(&other));
	access_log_close(&other);
}

/* A full disk drops lines; it must neither block nor collect for ever. */
static void
a_failed_write_drops_the_lines(void **state)
{
	struct access_entry entry = plain_entry();
	struct access_log full;
	int i;

	(void)state;
	assert_int_equal(open_log(&full, "/dev/full"), 0);
	for (i = 0; i < 2000; i++)
		access_log_put(&full, &entry);
	access_log_flush(&full);
	assert_int_equal(full.lines.len, 0);
	assert_true(full.lines.cap <= 128 * 1024);
	access_log_close(&full);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(golden_line),
		TEST(what_is_missing_is_a_dash),
		TEST(large_numbers_are_written_in_full),
		TEST(bytes_from_clients_are_escaped),
		TEST(long_fields_are_cut),
		TEST(what_is_collected_is_bounded),
		TEST(nothing_collected_writes_nothing),
		TEST(the_file_is_appended_to_with_safe_rights),
		TEST(reopen_follows_rotation),
		TEST(reopen_that_fails_goes_on_with_the_old_file),
		TEST(off_and_stdout),
		TEST(a_failed_write_drops_the_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
