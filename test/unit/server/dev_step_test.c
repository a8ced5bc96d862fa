/* SPDX-License-Identifier: MIT */

/* Children of `pronghorn dev`: what they print, and that none outlives them. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/dev/step.h"

/* Children of the child, and of those. */
static char family[] = "(sleep 60; true) & sleep 60 & echo ready; wait";

static void
start_shell(struct step *step, char *script, const char *tmp)
{
	char words[][4] = { "sh", "-c" };
	char *argv[] = { words[0], words[1], script, NULL };

	assert_int_equal(step_start(step, argv, tmp), 0);
}

/* The text has `what`, sooner or later. */
static void
wait_for(struct step *step, const char *what)
{
	struct pollfd look = { .events = POLLIN };

	while (step->text.len == 0 || memmem(step->text.data, step->text.len,
					  what, strlen(what)) == NULL) {
		look.fd = step->fd;
		assert_true(step->fd >= 0);
		assert_int_equal(poll(&look, 1, 30000), 1);
		step_read(step);
	}
}

static void
a_child_is_run_and_heard(void **state)
{
	static char both[] = "echo one; echo two >&2";
	struct step step = STEP_EMPTY;

	(void)state;
	start_shell(&step, both, "/somewhere");
	assert_int_equal(waitpid(step.pid, NULL, 0), step.pid);
	step_end(&step);
	assert_int_equal(step.text.len, strlen("one\ntwo\n"));
	assert_memory_equal(step.text.data, "one\ntwo\n", 8);
	step_free(&step);
}

/* Whether it ends by itself or is killed, in the middle of a file. */
static void
its_temporary_files_go_with_it(void **state)
{
	static char scripts[][64] = {
		"echo 1 >$TMPDIR/a; mkdir $TMPDIR/b; echo ready; exit 1",
		"echo 1 >$TMPDIR/a; mkdir $TMPDIR/b; echo ready; sleep 60"
	};
	char folder[] = "/tmp/step_test_XXXXXX";
	struct step step = STEP_EMPTY;
	char file[256];
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (i = 0; i < 2; i++) {
		start_shell(&step, scripts[i], folder);
		assert_ptr_equal(strstr(step.tmp, folder), step.tmp);
		wait_for(&step, "ready");
		(void)snprintf(file, sizeof(file), "%s/a", step.tmp);
		assert_int_equal(access(file, F_OK), 0);
		if (i == 0) {
			assert_int_equal(waitpid(step.pid, NULL, 0), step.pid);
			step_end(&step);
		} else {
			step_kill(&step);
		}
		/* Nothing but the folder itself is there any more. */
		assert_string_equal(step.tmp, "");
		assert_int_equal(access(file, F_OK), -1);
	}
	step_free(&step);
	assert_int_equal(rmdir(folder), 0);
}

/*
 * A compiler is a driver with children; what is not quite gone may still write
 * a file where somebody is tidying up. Orphans are ours, so that they can be
 * found until we have waited for them, however soon they end.
 */
static void
nobody_outlives_a_kill(void **state)
{
	struct step step = STEP_EMPTY;
	pid_t group;

	(void)state;
	start_shell(&step, family, "/tmp");
	group = step.pid;
	wait_for(&step, "ready");
	assert_int_equal(kill(-group, 0), 0);
	step_kill(&step);
	assert_int_equal(kill(-group, 0), -1);
	assert_int_equal(errno, ESRCH);
	step_free(&step);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_is_run_and_heard),
		cmocka_unit_test(its_temporary_files_go_with_it),
		cmocka_unit_test(nobody_outlives_a_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
