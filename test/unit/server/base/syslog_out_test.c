/* SPDX-License-Identifier: MIT */

/* To a daemon of our own, on each kind of socket that there is. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/sink.h"
#include "server/base/syslog_out.h"

#include "test/unit/scratch_file.h"

#define PATIENCE_MS 20000

static char address[128];

static int
set_up(void **state)
{
	(void)state;
	if (scratch_make("log") < 0)
		return -1;
	(void)snprintf(address, sizeof(address), "unix://%s", path);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	syslog_out_close();
	return scratch_remove();
}

static int
listen_unix(int type)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 4), 0);
	return fd;
}

/* On loopback; `address` becomes where. */
static int
listen_ip(int type)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(name);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&name, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 4), 0);
	(void)snprintf(address, sizeof(address), "%s://127.0.0.1:%u",
	    type == SOCK_STREAM ? "tcp" : "udp", ntohs(name.sin_port));
	return fd;
}

static void
await(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
}

static const char *
receive(int fd)
{
	static char text[10000];
	ssize_t got;

	await(fd);
	got = recv(fd, text, sizeof(text) - 1, 0);
	assert_true(got > 0);
	text[got] = '\0';
	return text;
}

static void
start(const char *facility)
{
	struct buf why = BUF_EMPTY;

	assert_int_equal(syslog_out_open(address, facility, "sales", &why), 0);
	assert_int_equal(why.len, 0);
	assert_true(syslog_out_is_on());
}

static void
send_line(enum syslog_severity severity, const char *line)
{
	syslog_out(severity, line, strlen(line));
}

static void
a_local_daemon_gets_its_own_form(void **state)
{
	int fd = listen_unix(SOCK_DGRAM);
	char want[64];
	const char *text;

	(void)state;
	start("local3");
	send_line(SYSLOG_WARNING, "event=x");
	text = receive(fd);
	/* local3 is 19: 19 * 8 + 4; then "Nov 28 03:00:00 ". */
	assert_memory_equal(text, "<156>", 5);
	assert_int_equal(text[8], ' ');
	assert_int_equal(text[20], ' ');
	(void)snprintf(want, sizeof(want), "sales[%ld]: event=x",
	    (long)getpid());
	assert_string_equal(text + 21, want);
	/* It was restarted: another socket under the same name. */
	(void)close(fd);
	(void)unlink(path);
	send_line(SYSLOG_INFO, "lost");
	fd = listen_unix(SOCK_DGRAM);
	for (;;) { /* not more often than once a second */
		struct pollfd ready = { .fd = fd, .events = POLLIN };

		send_line(SYSLOG_INFO, "again");
		if (poll(&ready, 1, 100) == 1)
			break;
	}
	assert_non_null(strstr(receive(fd), "]: again"));
	(void)close(fd);
}

static void
a_local_stream_is_found_by_itself(void **state)
{
	int fd = listen_unix(SOCK_STREAM);
	int peer;

	(void)state;
	start("user");
	send_line(SYSLOG_ERROR, "one");
	await(fd);
	peer = accept(fd, NULL, NULL);
	assert_true(peer >= 0);
	assert_non_null(strstr(receive(peer), "]: one\n"));
	(void)close(peer);
	(void)close(fd);
}

static void
datagrams_have_the_form_of_rfc_5424(void **state)
{
	int fd = listen_ip(SOCK_DGRAM);
	char want[64];
	const char *text;

	(void)state;
	start("daemon");
	send_line(SYSLOG_CRITICAL, "event=x a=\"b\"");
	text = receive(fd);
	/* daemon is 3: 3 * 8 + 2. <26>1 2026-11-28T03:00:00.123Z host ... */
	assert_memory_equal(text, "<26>1 ", 6);
	assert_int_equal(text[16], 'T');
	assert_int_equal(text[29], 'Z');
	(void)snprintf(want, sizeof(want), " sales %ld - - event=x a=\"b\"",
	    (long)getpid());
	assert_string_equal(strstr(text, " sales "), want);
	(void)close(fd);
}

static void
a_long_line_is_cut(void **state)
{
	int fd = listen_ip(SOCK_DGRAM);
	char line[20000];

	(void)state;
	start("user");
	memset(line, 'a', sizeof(line));
	syslog_out(SYSLOG_INFO, line, sizeof(line));
	assert_true(strlen(receive(fd)) <= 8192);
	(void)close(fd);
}

static void
lines_of_a_stream_have_their_length(void **state)
{
	int fd = listen_ip(SOCK_STREAM);
	const char *text;
	char *end;
	long size;
	int peer;

	(void)state;
	start("user");
	await(fd);
	peer = accept(fd, NULL, NULL);
	send_line(SYSLOG_INFO, "one");
	text = receive(peer);
	size = strtol(text, &end, 10);
	assert_int_equal(*end, ' ');
	assert_int_equal(strlen(end + 1), size);
	assert_memory_equal(end + 1, "<14>1 ", 6);
	(void)close(peer);
	(void)close(fd);
}

/* A stream of two processes would mix their bytes: each has its own. */
static void
a_child_opens_a_stream_of_its_own(void **state)
{
	int fd = listen_ip(SOCK_STREAM);
	int status;
	int peer;
	pid_t pid;

	(void)state;
	start("user");
	await(fd);
	(void)close(accept(fd, NULL, NULL));
	pid = fork();
	if (pid == 0) {
		send_line(SYSLOG_INFO, "from the child");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	await(fd);
	peer = accept(fd, NULL, NULL);
	assert_non_null(strstr(receive(peer), " - - from the child"));
	(void)close(peer);
	(void)close(fd);
}

static void
a_daemon_that_does_not_read_holds_nobody_up(void **state)
{
	int fd = listen_unix(SOCK_DGRAM);
	uint64_t before = sink_drops();
	int64_t from = clock_mono_us();
	int i;

	(void)state;
	start("user");
	for (i = 0; i < 2000; i++)
		send_line(SYSLOG_INFO, "event=x");
	assert_true(clock_mono_us() - from < 2000000);
	assert_true(sink_drops() > before);
	(void)close(fd);
}

static void
wrong_settings_change_nothing(void **state)
{
	static const struct {
		const char *address;
		const char *facility;
		const char *why;
	} rows[] = {
		{ "tls://a:1", "user", "must begin with unix://" },
		{ "udp://a:b", "user", "HOST:PORT" },
		{ "udp://:514", "user", "HOST:PORT" },
		{ "tcp://a:", "user", "HOST:PORT" },
		{ "unix://", "user", "is no path of a socket" },
		{ "unix:///x#y", "user", "only #dgram or #stream" },
		{ "udp://127.0.0.1", "local8", "\"local8\" is none" },
	};
	int fd = listen_ip(SOCK_DGRAM);
	size_t i;

	(void)state;
	start("user");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf why = BUF_EMPTY;

		assert_true(syslog_out_open(rows[i].address, rows[i].facility,
				"x", &why) < 0);
		assert_non_null(strstr(buf_cstr(&why), rows[i].why));
		buf_clear(&why);
		assert_true(syslog_out_check(rows[i].address, rows[i].facility,
				&why) < 0);
		assert_non_null(strstr(buf_cstr(&why), rows[i].why));
		buf_free(&why);
	}
	send_line(SYSLOG_INFO, "still here");
	assert_non_null(strstr(receive(fd), "still here"));
	(void)close(fd);
}

static void
a_check_opens_nothing(void **state)
{
	struct buf why = BUF_EMPTY;

	(void)state;
	assert_int_equal(syslog_out_check("udp://127.0.0.1:514", "user", &why),
	    0);
	assert_true(syslog_out_check("udp://no.such.host.invalid:514", "user",
			&why) < 0);
	assert_non_null(strstr(buf_cstr(&why), "no.such.host.invalid: "));
	assert_false(syslog_out_is_on());
	assert_int_equal(syslog_out_check("tcp://[::1]:1", "cron", &why), 0);
	assert_int_equal(syslog_out_check("unix:///dev/log", "kern", &why), 0);
	buf_free(&why);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_local_daemon_gets_its_own_form),
		TEST(a_local_stream_is_found_by_itself),
		TEST(datagrams_have_the_form_of_rfc_5424),
		TEST(a_long_line_is_cut),
		TEST(lines_of_a_stream_have_their_length),
		TEST(a_child_opens_a_stream_of_its_own),
		TEST(a_daemon_that_does_not_read_holds_nobody_up),
		TEST(wrong_settings_change_nothing),
		TEST(a_check_opens_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
