/* SPDX-License-Identifier: MIT */

/*
 * The control socket's lines, with an answer of the test's own.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/control.h"

#include "test/unit/scratch_file.h"

static struct control control;
static unsigned answers;

/* Echo; "later" is answered by nobody. */
static void
echo(void *context, struct control_client *client)
{
	(void)context;
	answers++;
	if (strcmp(client->line, "later") == 0)
		client->waits_for = CONTROL_RELOAD;
	else
		(void)buf_printf(&client->out, "<%s>\n", client->line);
}

static int
set_up(void **state)
{
	struct buf why = BUF_EMPTY;

	(void)state;
	answers = 0;
	if (scratch_make("s") < 0)
		return -1;
	control_init(&control);
	return control_open(&control, path, 0600, &why);
}

static int
tear_down(void **state)
{
	(void)state;
	control_close(&control);
	return scratch_remove();
}

static int
connect_client(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)),
	    0);
	return fd;
}

static void
turn(int64_t now_us)
{
	control_turn(&control, now_us, echo, NULL);
}

static void
expect(int fd, const char *text)
{
	char got[256] = "";

	(void)!read(fd, got, sizeof(got) - 1);
	assert_string_equal(text, got);
}

static void
send_text(int fd, const char *text)
{
	assert_int_equal(strlen(text), write(fd, text, strlen(text)));
}

static void
lines_are_put_together(void **state)
{
	int fd = connect_client();

	(void)state;
	turn(0);
	send_text(fd, "on");
	turn(0);
	expect(fd, "");
	send_text(fd, "e\ntwo\nthr");
	turn(0);
	expect(fd, "<one>\n<two>\n");
	send_text(fd, "ee\n");
	turn(0);
	expect(fd, "<three>\n");
	assert_int_equal(3, answers);
	(void)close(fd);
}

static void
nothing_is_read_while_an_answer_is_due(void **state)
{
	int fd = connect_client();

	(void)state;
	send_text(fd, "later\nnext\n");
	turn(0);
	turn(0);
	assert_int_equal(1, answers);
	/* Who waits is not thrown out for being silent. */
	turn(INT64_C(3600) * 1000000);
	(void)buf_puts(&control.clients[0].out, "now\n");
	control.clients[0].waits_for = CONTROL_NOTHING;
	turn(1);
	expect(fd, "now\n<next>\n");
	(void)close(fd);
}

static void
a_long_line_ends_the_talk(void **state)
{
	char text[CONTROL_LINE_MAX + 1];
	int fd = connect_client();
	char end;

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(sizeof(text), write(fd, text, sizeof(text)));
	turn(0);
	expect(fd, "{\"ok\":false,\"error\":\"the line is too long\"}\n");
	assert_int_equal(0, answers);
	/* Unread bytes make the end a reset; an end it is. */
	assert_true(read(fd, &end, 1) <= 0 && errno != EAGAIN);
	(void)close(fd);
}

static void
the_silent_make_room(void **state)
{
	int fds[CONTROL_CLIENTS_MAX + 1];
	struct pollfd polls[CONTROL_POLLS];
	size_t i;

	(void)state;
	for (i = 0; i < CONTROL_CLIENTS_MAX + 1; i++)
		fds[i] = connect_client();
	turn(0);
	send_text(fds[CONTROL_CLIENTS_MAX], "hello\n");
	turn(1);
	expect(fds[CONTROL_CLIENTS_MAX], "");
	control_poll(&control, polls);
	assert_int_equal(-1, polls[0].fd); /* or poll would spin */
	turn(control_deadline(&control));
	turn(control_deadline(&control) == INT64_MAX ? 0 : 1);
	expect(fds[CONTROL_CLIENTS_MAX], "<hello>\n");
	for (i = 0; i < CONTROL_CLIENTS_MAX + 1; i++)
		(void)close(fds[i]);
}

static void
is_private_and_not_stolen(void **state)
{
	struct control other;
	struct buf why = BUF_EMPTY;
	struct stat st;

	(void)state;
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0600, st.st_mode & 07777);
	control_init(&other);
	assert_int_equal(-EADDRINUSE, control_open(&other, path, 0600, &why));
	assert_non_null(strstr(buf_cstr(&why), "another process serves it"));
	assert_int_equal(0, access(path, F_OK));
	buf_free(&why);
	/* A child's copies go without the name. */
	control_forget(&control);
	assert_int_equal(0, access(path, F_OK));
}

static void
where_it_is(void **state)
{
	static const struct {
		const char *setting;
		const char *pidfile;
		const char *path;
	} cases[] = { { "auto", "", "" },
		{ "auto", "/run/x.pid", "/run/x.ctl" },
		{ "auto", "pid", "pid.ctl" }, { "", "/run/x.pid", "" },
		{ "c.sock", "/run/x.pid", "c.sock" } };
	struct buf out = BUF_EMPTY;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		assert_int_equal(0,
		    control_path(cases[i].setting, cases[i].pidfile, &out));
		assert_string_equal(cases[i].path, buf_cstr(&out));
	}
	buf_free(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines_are_put_together),
		TEST(nothing_is_read_while_an_answer_is_due),
		TEST(a_long_line_ends_the_talk),
		TEST(the_silent_make_room),
		TEST(is_private_and_not_stolen),
		cmocka_unit_test(where_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
