/* SPDX-License-Identifier: MIT */

/* A broken contract: one line on stderr, then SIGABRT; else no effect. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/bug.h"

static void
assert_that_fails(void)
{
	int one = 1;

	ASSERT(one == 2);
}

static void
bug_that_is_named(void)
{
	BUG("the sky fell");
}

static void
bug_with_a_long_text(void)
{
	static char text[2000];

	memset(text, 'x', sizeof(text) - 1);
	bug_abort("somewhere.c", 7, text);
}

/* Run in a child; its stderr comes back in `said`, its status returns. */
static int
last_words(void (*run)(void), char *said, size_t cap)
{
	struct rlimit none = { 0, 0 };
	int ends[2];
	int status;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		(void)signal(SIGABRT, SIG_DFL);
		(void)dup2(ends[1], STDERR_FILENO);
		run();
		_exit(0);
	}
	(void)close(ends[1]);
	got = read(ends[0], said, cap - 1);
	said[got > 0 ? got : 0] = '\0';
	(void)close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
says_why_and_dies(void **state)
{
	static const struct {
		void (*run)(void);
		const char *why;
	} cases[] = {
		{ assert_that_fails, "why=\"one == 2\"\n" },
		{ bug_that_is_named, "why=\"the sky fell\"\n" },
		{ bug_with_a_long_text, "at=somewhere.c:7 why=\"xxxx" },
	};
	char said[4096];
	int status;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		status = last_words(cases[i].run, said, sizeof(said));
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
		assert_memory_equal(said, "level=bug pid=", 14);
		assert_non_null(strstr(said, cases[i].why));
		assert_true(strlen(said) < 512);
	}
}

static void
a_kept_contract_costs_nothing(void **state)
{
	int calls = 0;

	(void)state;
	ASSERT(++calls == 1);
	if (calls == 1)
		ASSERT(calls == 1);
	else
		fail();
	assert_int_equal(calls, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_why_and_dies),
		cmocka_unit_test(a_kept_contract_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
