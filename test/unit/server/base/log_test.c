/* SPDX-License-Identifier: MIT */

/* One event is one line, whatever is in it; rotation loses nothing. */
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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"

#include "test/unit/scratch_file.h"

static int
set_up(void **state)
{
	(void)state;
	if (scratch_make("log") < 0)
		return -1;
	log_threshold = LOG_LEVEL_DEBUG;
	return log_open(path);
}

static int
tear_down(void **state)
{
	(void)state;
	(void)log_open("-");
	return scratch_remove();
}

/* What is in a file now; the caller frees it. */
static char *
read_log(const char *name)
{
	char *text;
	size_t len;

	assert_int_equal(fd_read_file(name, 1 << 20, &text, &len), 0);
	assert_int_equal(strlen(text), len); /* no NUL inside */
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

/* The part behind time=... and before the end of the only line. */
__attribute__((format(printf, 1, 2))) static void
check_line(const char *want_format, ...)
{
	char want[8192];
	va_list args;
	char *text = read_log(path);
	char *rest;
	int year, month, day, hour, minute, second, milli;
	int used = 0;

	va_start(args, want_format);
	(void)vsnprintf(want, sizeof(want), want_format, args);
	va_end(args);
	assert_int_equal(count_lines(text), 1);
	assert_int_equal(sscanf(text, "time=%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %n",
			     &year, &month, &day, &hour, &minute, &second,
			     &milli, &used),
	    7);
	assert_int_equal(used, 30);
	rest = text + used;
	rest[strlen(rest) - 1] = '\0';
	assert_string_equal(rest, want);
	free(text);
	assert_int_equal(truncate(path, 0), 0);
}

static void
golden_lines(void **state)
{
	long pid = (long)getpid();

	(void)state;
	log_info("crew.start", "workers=%d", 4);
	check_line("level=info pid=%ld event=crew.start workers=4", pid);
	log_debug("a.b", "%s", "");
	check_line("level=debug pid=%ld event=a.b ", pid);
	log_warn(0, "a.b", "x");
	check_line("level=warning pid=%ld event=a.b x", pid);
	log_error(-ENOENT, "blob.read", "path=%s", "/nope");
	check_line("level=error pid=%ld event=blob.read rc=-2 "
		   "why=\"No such file or directory\" path=/nope",
	    pid);
	log_critical(ERR_CORRUPT, "store.open", "path=x");
	check_line("level=critical pid=%ld event=store.open rc=-20005 "
		   "why=\"stored data is damaged\" path=x",
	    pid);
	log_error(5, "a.b", "x"); /* not negative: no reason */
	check_line("level=error pid=%ld event=a.b x", pid);
}

static void
time_is_now_in_utc(void **state)
{
	int64_t before = clock_wall_ms();
	struct tm tm = { .tm_isdst = 0 };
	int64_t logged;
	char *text;
	int milli;

	(void)state;
	log_info("a.b", "x");
	text = read_log(path);
	assert_int_equal(sscanf(text, "time=%4d-%2d-%2dT%2d:%2d:%2d.%3dZ",
			     &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
			     &tm.tm_min, &tm.tm_sec, &milli),
	    7);
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	logged = (int64_t)timegm(&tm) * 1000 + milli;
	assert_true(before <= logged && logged <= clock_wall_ms());
	free(text);
}

static void
control_bytes_cannot_forge_a_line(void **state)
{
	long pid = (long)getpid();
	char want[2048];
	char all[256];
	size_t len = 0;
	int c;

	(void)state;
	log_info("a.b", "%s", "x\nlevel=critical\r\n\x1b[2J\x7f\x01");
	check_line("level=info pid=%ld event=a.b x\\x0alevel=critical"
		   "\\x0d\\x0a\\x1b[2J\\x7f\\x01",
	    pid);
	for (c = 1; c < 256; c++) {
		all[c - 1] = (char)c;
		if (c < 0x20 || c == 0x7f || c == '\\')
			len += (size_t)sprintf(want + len, "\\x%02x", c);
		else
			want[len++] = (char)c;
	}
	all[255] = want[len] = '\0';
	log_info("a.b", "%s", all);
	check_line("level=info pid=%ld event=a.b %s", pid, want);
}

/* Long texts are cut, in the middle of an escape never; still one line. */
static void
long_texts_are_cut(void **state)
{
	static char text[20000];
	char *line;
	size_t len;
	char fill;
	int i;

	(void)state;
	for (i = 0; i < 8; i++) {
		fill = i < 4 ? 'y' : '\n';
		memset(text, fill, sizeof(text) - 1);
		memset(text, 'x', (size_t)(i & 3)); /* shifts the escapes */
		log_info("a.b", "%s", text);
		line = read_log(path);
		len = strlen(line);
		assert_int_equal(count_lines(line), 1);
		assert_true(len > 3000 && len <= 4096);
		assert_int_equal(line[len - 1], '\n');
		if (fill == '\n')
			assert_memory_equal(line + len - 5, "\\x0a\n", 5);
		free(line);
		assert_int_equal(truncate(path, 0), 0);
	}
}

static int calls;

static const char *
count_call(void)
{
	calls++;
	return "x";
}

static void
threshold_drops_without_formatting(void **state)
{
	char *text;
	int level;

	(void)state;
	for (level = LOG_LEVEL_CRITICAL; level <= LOG_LEVEL_DEBUG; level++) {
		log_threshold = level;
		calls = 0;
		log_critical(0, "a.b", "%s", count_call());
		log_error(0, "a.b", "%s", count_call());
		log_warn(0, "a.b", "%s", count_call());
		log_info("a.b", "%s", count_call());
		log_debug("a.b", "%s", count_call());
		text = read_log(path);
		assert_int_equal(count_lines(text), level + 1);
		assert_int_equal(calls, level + 1);
		free(text);
		assert_int_equal(truncate(path, 0), 0);
	}
}

static void
level_names_go_both_ways(void **state)
{
	static const struct {
		const char *name;
		int level;
	} cases[] = {
		{ "critical", LOG_LEVEL_CRITICAL },
		{ "error", LOG_LEVEL_ERROR },
		{ "warning", LOG_LEVEL_WARNING },
		{ "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG },
	};
	static const char *const others[] = { "", "warn", "infos", "in", "0",
		" info", "notice" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(log_level_name(cases[i].level),
		    cases[i].name);
		assert_int_equal(log_level_parse(cases[i].name),
		    cases[i].level);
	}
	assert_int_equal(log_level_parse("WARNING"), LOG_LEVEL_WARNING);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(log_level_parse(others[i]), -1);
	assert_string_equal(log_level_name(-1), "?");
	assert_string_equal(log_level_name(5), "?");
}

static void
errno_is_kept(void **state)
{
	int fd = log_fd;

	(void)state;
	errno = ENOTTY;
	log_info("a.b", "x");
	assert_int_equal(errno, ENOTTY);
	log_fd = -1; /* even when the line cannot be written */
	errno = ENOTTY;
	log_info("a.b", "x");
	assert_int_equal(errno, ENOTTY);
	log_fd = fd;
}

static void
opening_appends_with_safe_rights(void **state)
{
	struct stat st;
	char *text;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777 & ~0640, 0);
	assert_true(fcntl(log_fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(log_fd, F_GETFL) & O_APPEND);
	log_info("a.b", "first");
	assert_int_equal(log_open(path), 0);
	log_info("a.b", "second");
	text = read_log(path);
	assert_int_equal(count_lines(text), 2);
	free(text);
}

static void
a_bad_path_changes_nothing(void **state)
{
	static char huge[10000];
	char missing[128];
	char *text;

	(void)state;
	(void)snprintf(missing, sizeof(missing), "%s/no/log", folder);
	assert_int_equal(log_open(missing), -ENOENT);
	assert_int_equal(log_open(folder), -EISDIR);
	memset(huge, 'x', sizeof(huge) - 1);
	assert_int_equal(log_open(huge), -ENAMETOOLONG);
	log_info("a.b", "still here");
	text = read_log(path);
	assert_int_equal(count_lines(text), 1);
	free(text);
	assert_int_equal(log_reopen(), 0); /* the old path, too */
}

static void
reopen_follows_rotation(void **state)
{
	int fd = log_fd;
	char *text;

	(void)state;
	log_info("a.b", "old");
	assert_int_equal(rename(path, moved), 0);
	log_info("a.b", "old, too");
	assert_int_equal(log_reopen(), 0);
	assert_int_equal(log_fd, fd); /* other threads hold the number */
	assert_true(fcntl(log_fd, F_GETFD) & FD_CLOEXEC);
	log_info("a.b", "new");
	text = read_log(moved);
	assert_int_equal(count_lines(text), 2);
	free(text);
	text = read_log(path);
	assert_int_equal(count_lines(text), 1);
	assert_non_null(strstr(text, " new\n"));
	free(text);
}

static void
reopen_that_fails_keeps_the_old_file(void **state)
{
	char away[96];
	char *text;

	(void)state;
	(void)snprintf(away, sizeof(away), "%.60s.away", folder);
	assert_int_equal(rename(folder, away), 0);
	assert_int_equal(log_reopen(), -ENOENT);
	log_info("a.b", "kept");
	assert_int_equal(rename(away, folder), 0);
	text = read_log(path);
	assert_int_equal(count_lines(text), 1);
	free(text);
}

static void
dash_is_stderr(void **state)
{
	(void)state;
	assert_int_equal(log_open("-"), 0);
	assert_int_equal(log_fd, STDERR_FILENO);
	assert_int_equal(log_reopen(), 0);
	assert_int_equal(log_fd, STDERR_FILENO);
	assert_int_equal(log_open(path), 0);
	assert_true(fcntl(STDERR_FILENO, F_GETFD) >= 0); /* not closed */
}

/* Several processes append to one file: no line is torn. */
static void
lines_of_many_writers_stay_whole(void **state)
{
	char *text;
	char *line;
	char *end;
	int status;
	int child;
	int i;

	(void)state;
	for (child = 0; child < 4; child++) {
		if (fork() == 0) {
			for (i = 0; i < 200; i++)
				log_info("a.b", "%0500d end", i);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		assert_int_equal(status, 0);
	text = read_log(path);
	assert_int_equal(count_lines(text), 800);
	for (line = text; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		assert_memory_equal(line, "time=", 5);
		assert_memory_equal(end - 4, " end", 4);
		assert_in_range(end - line, 550, 590);
	}
	free(text);
}

static void
gate_opens_once_a_second(void **state)
{
	struct log_gate gate = { 0, 0 };
	unsigned held = 99;
	long next;
	int i;

	(void)state;
	assert_true(log_gate_open(&gate, &held));
	assert_int_equal(held, 0);
	next = gate.next_ms;
	assert_in_range(next - (long)clock_boot_ms(), 0, 1000);
	gate.next_ms = (long)clock_boot_ms() + 100000; /* not while we test */
	for (i = 0; i < 7; i++) {
		assert_false(log_gate_open(&gate, &held));
		assert_int_equal(held, 0);
	}
	gate.next_ms = (long)clock_boot_ms() - 1; /* a second later */
	assert_true(log_gate_open(&gate, &held));
	assert_int_equal(held, 7);
	gate.next_ms = 0;
	assert_true(log_gate_open(&gate, &held));
	assert_int_equal(held, 0); /* told once */
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(golden_lines),
		TEST(time_is_now_in_utc),
		TEST(control_bytes_cannot_forge_a_line),
		TEST(long_texts_are_cut),
		TEST(threshold_drops_without_formatting),
		TEST(level_names_go_both_ways),
		TEST(errno_is_kept),
		TEST(opening_appends_with_safe_rights),
		TEST(a_bad_path_changes_nothing),
		TEST(reopen_follows_rotation),
		TEST(reopen_that_fails_keeps_the_old_file),
		TEST(dash_is_stderr),
		TEST(lines_of_many_writers_stay_whole),
		TEST(gate_opens_once_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
