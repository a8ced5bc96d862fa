/* SPDX-License-Identifier: MIT */

/* Verdicts over real deaths and over every combination of what is known. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/reap.h"

#define EXITED(status) ((status) << 8) /* as waitpid() encodes it */

static void
judges_by_what_was_known(void **state)
{
	static const struct {
		int status;
		struct reap_life life; /* ready asked overdue killed */
		enum reap_verdict verdict;
	} rows[] = {
		{ EXITED(0), { true, true, false, false }, REAP_DRAINED },
		{ EXITED(0), { false, true, false, false }, REAP_DRAINED },
		{ SIGTERM, { false, true, false, false }, REAP_DRAINED },
		{ SIGQUIT, { true, true, false, false }, REAP_DRAINED },
		{ EXITED(1), { true, true, false, false }, REAP_CRASHED },
		{ SIGSEGV, { true, true, false, false }, REAP_CRASHED },
		{ SIGKILL, { true, true, false, true }, REAP_KILLED },
		{ SIGKILL, { true, true, false, false }, REAP_CRASHED },
		{ EXITED(0), { true, false, false, false }, REAP_RECYCLED },
		{ EXITED(1), { true, false, false, false }, REAP_CRASHED },
		{ SIGTERM, { true, false, false, false }, REAP_CRASHED },
		{ SIGABRT, { true, false, true, false }, REAP_KILLED },
		{ SIGKILL, { true, false, true, true }, REAP_KILLED },
		{ EXITED(0), { false, false, false, false }, REAP_STILLBORN },
		{ SIGSEGV, { false, false, false, false }, REAP_STILLBORN },
		{ SIGKILL, { false, false, true, true }, REAP_STILLBORN },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (reap_judge(rows[i].status, &rows[i].life) !=
		    rows[i].verdict)
			fail_msg("row %zu: %s", i,
			    reap_verdict_name(
				reap_judge(rows[i].status, &rows[i].life)));
	}
}

static void
describes_the_end(void **state)
{
	char text[64];

	(void)state;
	assert_string_equal(reap_describe(EXITED(3), text, sizeof(text)),
	    "status=3");
	assert_string_equal(reap_describe(SIGSEGV, text, sizeof(text)),
	    "signal=SIGSEGV");
	assert_string_equal(reap_describe(SIGABRT | 0x80, text, sizeof(text)),
	    "signal=SIGABRT core=yes");
	assert_string_equal(reap_describe(SIGRTMIN + 5, text, sizeof(text)),
	    "signal=39");
	/* Never past the end. */
	assert_string_equal(reap_describe(SIGSEGV, text, 7), "signal");
}

static void
finds_real_deaths(void **state)
{
	struct reap_death death;
	siginfo_t info;
	pid_t first;
	pid_t second;

	(void)state;
	assert_false(reap_next(&death)); /* no children at all */
	first = fork();
	if (first == 0)
		_exit(7);
	second = fork();
	if (second == 0) {
		for (;;)
			(void)pause();
	}
	/* Wait until it is dead, and leave it to be reaped. */
	assert_int_equal(waitid(P_PID, (id_t)first, &info, WEXITED | WNOWAIT),
	    0);
	assert_true(reap_next(&death));
	assert_int_equal(death.pid, first);
	assert_true(WIFEXITED(death.status));
	assert_int_equal(WEXITSTATUS(death.status), 7);
	assert_false(reap_next(&death)); /* the second one lives */
	assert_int_equal(kill(second, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)second, &info, WEXITED | WNOWAIT),
	    0);
	assert_true(reap_next(&death));
	assert_int_equal(death.pid, second);
	assert_int_equal(WTERMSIG(death.status), SIGKILL);
	assert_false(reap_next(&death));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_by_what_was_known),
		cmocka_unit_test(describes_the_end),
		cmocka_unit_test(finds_real_deaths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
