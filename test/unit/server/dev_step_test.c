/* SPDX-License-Identifier: MIT */

/* Children of `pronghorn dev`: what they print, and that none outlives them. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/dev/step.h"

/* A child of the child that ends late, as it has much memory to give back. */
static char slow[] =
    "(head -c 400000000 /dev/zero; sleep 60) | tail -c 400000000 "
    "& sleep 1; echo ready; wait";

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
	int i;

	for (i = 0; i < 3000; i++) {
		step_read(step);
		if (step->text.len > 0 &&
		    memmem(step->text.data, step->text.len, what,
			strlen(what)) != NULL)
			return;
		(void)usleep(10000);
	}
	fail_msg("nothing was printed");
}

static void
a_child_is_run_and_heard(void **state)
{
	static char both[] = "echo $TMPDIR; echo two >&2";
	struct step step = STEP_EMPTY;

	(void)state;
	start_shell(&step, both, "/somewhere");
	assert_int_equal(waitpid(step.pid, NULL, 0), step.pid);
	step_end(&step);
	assert_int_equal(step.text.len, strlen("/somewhere\ntwo\n"));
	assert_memory_equal(step.text.data, "/somewhere\ntwo\n", 15);
	step_free(&step);
}

/* A compiler is a driver with children; what is not quite gone may still
 * write a file where somebody is tidying up. */
static void
nobody_outlives_a_kill(void **state)
{
	struct step step = STEP_EMPTY;
	pid_t group;

	(void)state;
	start_shell(&step, slow, "/tmp");
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
		cmocka_unit_test(nobody_outlives_a_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
