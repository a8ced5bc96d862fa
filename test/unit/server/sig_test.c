/* SPDX-License-Identifier: MIT */

/* Signals arrive as intents, in order, and children begin as the table says. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/sig.h"

static void
arrives_in_order(void **state)
{
	struct pollfd polled = { .events = POLLIN };
	struct sig sig = SIG_EMPTY;
	const struct sig_row *row;

	(void)state;
	assert_int_equal(sig_open(&sig), 0);
	polled.fd = sig_fd(&sig);
	assert_int_equal(poll(&polled, 1, 0), 0);
	assert_null(sig_next(&sig));
	assert_int_equal(raise(SIGTTIN), 0);
	assert_int_equal(raise(SIGTTIN), 0);
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(poll(&polled, 1, 0), 1);
	row = sig_next(&sig);
	assert_non_null(row);
	assert_int_equal(row->action, SIG_DO_MORE);
	row = sig_next(&sig);
	assert_non_null(row);
	assert_int_equal(row->action, SIG_DO_MORE);
	row = sig_next(&sig);
	assert_non_null(row);
	assert_int_equal(row->action, SIG_DO_STOP);
	assert_string_equal(row->name, "TERM");
	assert_null(sig_next(&sig));
	sig_close(&sig);
	sig_close(&sig); /* the empty value is fine */
	assert_int_equal(sig.read_fd, -1);
}

static void
every_row_is_caught(void **state)
{
	struct sig sig = SIG_EMPTY;
	const struct sig_row *row;

	(void)state;
	assert_int_equal(sig_open(&sig), 0);
	for (row = sig_table; row->number != 0; row++) {
		assert_int_equal(raise(row->number), 0);
		assert_ptr_equal(sig_next(&sig), row);
		assert_true(strlen(row->help) > 10);
	}
	sig_close(&sig);
}

static void
a_blocked_signal_is_let_in(void **state)
{
	struct sig sig = SIG_EMPTY;
	sigset_t set;
	sigset_t old;

	(void)state;
	/* As a careless parent may have left it. */
	assert_int_equal(sigemptyset(&set), 0);
	assert_int_equal(sigaddset(&set, SIGTERM), 0);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, &old), 0);
	assert_int_equal(sig_open(&sig), 0);
	assert_int_equal(raise(SIGTERM), 0);
	assert_non_null(sig_next(&sig));
	sig_close(&sig);
	assert_int_equal(sigprocmask(SIG_SETMASK, &old, NULL), 0);
}

static void
others_are_left_alone(void **state)
{
	struct sigaction before;
	struct sigaction after;
	struct sig sig = SIG_EMPTY;

	(void)state;
	assert_int_equal(sigaction(SIGALRM, NULL, &before), 0);
	assert_int_equal(sig_open(&sig), 0);
	assert_int_equal(sigaction(SIGALRM, NULL, &after), 0);
	assert_ptr_equal(before.sa_handler, after.sa_handler);
	assert_int_equal(sigaction(SIGPIPE, NULL, &after), 0);
	assert_ptr_equal(after.sa_handler, SIG_IGN);
	sig_close(&sig);
}

/* The number of the row a child begins with wrongly; 0: all are right. */
static int
look_around(void)
{
	const struct sig_row *row;
	struct sigaction action;
	sigset_t blocked;

	for (row = sig_table; row->number != 0; row++) {
		if (sigaction(row->number, NULL, &action) < 0 ||
		    action.sa_handler !=
			(row->child_ignores ? SIG_IGN : SIG_DFL))
			return row->number;
	}
	if (sigprocmask(SIG_BLOCK, NULL, &blocked) < 0)
		return 100;
	for (row = sig_table; row->number != 0; row++) {
		if (sigismember(&blocked, row->number) != 0)
			return 101;
	}
	return sigismember(&blocked, SIGUSR2) != 0 ? 102 : 0;
}

static void
a_child_begins_afresh(void **state)
{
	struct sig sig = SIG_EMPTY;
	sigset_t saved;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(sig_open(&sig), 0);
	sig_hold(&saved);
	pid = fork();
	if (pid == 0) {
		sig_become_child();
		_exit(look_around());
	}
	sig_release(&saved);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	sig_close(&sig);
}

static void
a_signal_held_back_is_not_the_childs(void **state)
{
	struct sig sig = SIG_EMPTY;
	const struct sig_row *row;
	sigset_t saved;

	(void)state;
	assert_int_equal(sig_open(&sig), 0);
	sig_hold(&saved);
	assert_int_equal(raise(SIGHUP), 0);
	assert_null(sig_next(&sig));
	sig_release(&saved);
	row = sig_next(&sig);
	assert_non_null(row);
	assert_int_equal(row->action, SIG_DO_RESTART);
	sig_close(&sig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrives_in_order),
		cmocka_unit_test(every_row_is_caught),
		cmocka_unit_test(a_blocked_signal_is_let_in),
		cmocka_unit_test(others_are_left_alone),
		cmocka_unit_test(a_child_begins_afresh),
		cmocka_unit_test(a_signal_held_back_is_not_the_childs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
