/* SPDX-License-Identifier: MIT */

/*
 * The master's loop with children that start, serve, hang, crash and end.
 */
#include "test/unit/server/master_world.h"

static void
serves_and_drains(void **state)
{
	struct trial *trial = *state;
	struct report report;
	unsigned counts[KEEPER_DONE + 1] = { 0 };

	(void)start_serving(trial);
	assert_non_null(strstr(trial->text, " url=http://127.0.0.1:"));
	assert_non_null(strstr(trial->text, " workers=2 threads=3"));
	assert_int_equal(access(pid_path, F_OK), 0);
	tell(trial, SIGTERM);
	do {
		assert_true(next_report(trial, &report));
		counts[report.what]++;
	} while (report.what != KEEPER_DONE);
	/* The keeper goes last, when it has heard of everybody. */
	assert_int_equal(counts[DRAINED], 2);
	assert_int_equal(counts[NOTE], 2);
	assert_int_equal(end_of(trial), 0);
	assert_int_equal(access(pid_path, F_OK), -1);
	expect_log(trial, "verdict=drained status=0 reason=stop");
	expect_log(trial, "event=keeper.exit");
	expect_log(trial, "verdict=drained status=0");
	expect_log(trial, "event=master.exit status=0");
}

static void
quits_quickly(void **state)
{
	struct trial *trial = *state;
	int64_t before_us;

	behaviour = STUBBORN;
	(void)start_serving(trial);
	before_us = clock_mono_us();
	tell(trial, SIGTERM);
	expect_log(trial, "how=graceful");
	tell(trial, SIGINT);
	expect_log(trial, "how=quick");
	tell(trial, SIGINT);
	assert_int_equal(end_of(trial), 0);
	/* The second one at once, not after two seconds of patience. */
	assert_true(clock_mono_us() - before_us < 1500000);
	expect_log(trial, "verdict=killed signal=SIGKILL reason=stop");
}

static void
quit_asks_first(void **state)
{
	struct trial *trial = *state;

	(void)start_serving(trial);
	tell(trial, SIGQUIT);
	(void)expect(trial, QUITTED);
	(void)expect(trial, QUITTED);
	assert_int_equal(end_of(trial), 0);
}

static void
patience_ends(void **state)
{
	struct trial *trial = *state;
	int64_t before_us;

	behaviour = STUBBORN;
	options.graceful_timeout = 0.3;
	(void)start_serving(trial);
	before_us = clock_mono_us();
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
	assert_true(clock_mono_us() - before_us >= 300000);
	expect_log(trial, "verdict=killed signal=SIGKILL reason=stop");
}

static void
replaces_a_killed_worker_and_tells_the_keeper(void **state)
{
	struct trial *trial = *state;
	struct report victim;
	struct report heir;
	struct report report;
	bool noted = false;
	bool born = false;

	options.workers = 1;
	victim = start_serving(trial);
	assert_int_equal(kill(victim.pid, SIGKILL), 0);
	while (!noted || !born) {
		assert_true(next_report(trial, &report));
		if (report.what == NOTE) {
			assert_int_equal(report.worker_id, victim.worker_id);
			assert_int_equal(report.slot, victim.slot);
			assert_int_equal(report.value, victim.pid);
			noted = true;
		} else if (report.what == STARTED) {
			heir = report;
			born = true;
		}
	}
	assert_int_equal(heir.slot, victim.slot);
	assert_int_not_equal(heir.worker_id, victim.worker_id);
	assert_int_equal(heir.value, victim.value); /* the same port */
	expect_log(trial, "signal=SIGKILL");
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
}

static void
a_new_keeper_is_told_what_the_old_one_heard(void **state)
{
	struct trial *trial = *state;
	struct report old_keeper;
	struct report victim;
	struct report note;

	start_pair(trial, &old_keeper, &victim);
	assert_int_equal(old_keeper.value, 0); /* no listeners */
	assert_int_equal(kill(victim.pid, SIGKILL), 0);
	(void)expect(trial, NOTE);
	assert_int_equal(kill(old_keeper.pid, SIGKILL), 0);
	(void)expect(trial, KEEPER);
	note = expect(trial, NOTE);
	assert_int_equal(note.worker_id, victim.worker_id);
	expect_log(trial, "event=keeper.exit");
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
}

static void
a_stopped_keeper_catches_up(void **state)
{
	struct trial *trial = *state;
	struct report old_keeper;
	struct report victim;

	start_pair(trial, &old_keeper, &victim);
	/* It hears nothing, and then dies without having heard it. */
	assert_int_equal(kill(old_keeper.pid, SIGSTOP), 0);
	assert_int_equal(kill(victim.pid, SIGKILL), 0);
	(void)expect(trial, STARTED);
	assert_int_equal(kill(old_keeper.pid, SIGKILL), 0);
	assert_int_equal(expect(trial, NOTE).worker_id, victim.worker_id);
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
}

static void
gives_up_a_start_that_cannot_be(void **state)
{
	struct trial *trial = *state;
	struct report report;
	unsigned starts = 0;

	behaviour = CRASH;
	options.workers = 1;
	start(trial);
	while (next_report(trial, &report))
		starts += report.what == STARTED;
	assert_int_equal(starts, 4); /* respawn_limit */
	assert_int_equal(end_of(trial), 1);
	expect_log(trial, "verdict=stillborn status=1");
	expect_log(trial, "event=master.give_up");
	assert_null(strstr(trial->text, "master.ready"));
}

static void
a_worker_that_refuses_ends_the_start(void **state)
{
	struct trial *trial = *state;

	behaviour = REFUSE;
	start(trial);
	assert_int_equal(end_of(trial), 1);
	expect_log(trial, "event=master.give_up");
	expect_log(trial, "no such table: points");
}

static void
a_failed_check_is_reported(void **state)
{
	struct trial *trial = *state;

	check_rc = -EINVAL;
	check_why = "callback 1: no component has the id x\ncallback 2: too";
	start(trial);
	assert_int_equal(end_of(trial), 1);
	expect_log(trial, "error=\"callback 1: no component has the id x\"");
	expect_log(trial, "error=\"callback 2: too\"");
	assert_null(strstr(trial->text, "worker.fork"));
	assert_int_equal(access(pid_path, F_OK), -1);
}

static void
an_app_that_crashes_in_the_check_is_reported(void **state)
{
	struct trial *trial = *state;

	check_dies = true;
	start(trial);
	assert_int_equal(end_of(trial), 1);
	expect_log(trial, "the app crashed while it was being loaded");
	assert_non_null(strstr(trial->text, "SIGABRT"));
}

static void
a_failed_cache_is_reported(void **state)
{
	struct trial *trial = *state;

	prepare_fails = true;
	options.errorlog = log_path;
	start(trial);
	assert_int_equal(end_of(trial), 1);
	/* With a log file stderr gets it, too. */
	expect_log(trial, "pronghorn: the cache folder is on fire");
	assert_int_equal(access(log_path, F_OK), 0);
}

static void
grows_and_shrinks(void **state)
{
	struct trial *trial = *state;
	struct report third;

	(void)start_serving(trial);
	tell(trial, SIGTTIN);
	third = expect(trial, STARTED);
	expect_log(trial, "event=worker.ready");
	tell(trial, SIGTTOU);
	assert_int_equal(expect(trial, DRAINED).worker_id, third.worker_id);
	tell(trial, SIGTTOU);
	(void)expect(trial, DRAINED);
	tell(trial, SIGTTOU);
	expect_log(trial, "as few as it gets");
	tell(trial, SIGTERM);
	(void)expect(trial, DRAINED);
	assert_int_equal(end_of(trial), 0);
}

static void
restarts_without_a_gap(void **state)
{
	struct trial *trial = *state;
	struct report first;
	struct report report;
	unsigned started = 0;
	unsigned drained = 0;

	first = start_serving(trial);
	tell(trial, SIGHUP);
	while (drained < 2) {
		assert_true(next_report(trial, &report));
		started += report.what == STARTED;
		drained += report.what == DRAINED;
		if (report.what == STARTED) {
			assert_int_equal(drained, 0);
			assert_int_equal(report.value, first.value);
		}
	}
	assert_int_equal(started, 2);
	expect_log(trial, "event=master.restarted workers=2 generation=2");
	tell(trial, SIGTERM);
	(void)expect(trial, DRAINED);
	(void)expect(trial, DRAINED);
	assert_int_equal(end_of(trial), 0);
}

static void
ends_a_silent_worker(void **state)
{
	struct trial *trial = *state;
	struct report victim;

	behaviour = SILENT;
	options.workers = 1;
	options.timeout = 0.3;
	start(trial);
	victim = expect(trial, STARTED);
	assert_int_not_equal(expect(trial, STARTED).pid, victim.pid);
	expect_log(trial, "event=worker.timeout slot=0");
	expect_log(trial, "verdict=killed signal=SIGABRT");
	tell(trial, SIGKILL);
	assert_int_equal(end_of(trial), -SIGKILL);
}

static void
ends_a_worker_that_boots_for_ever(void **state)
{
	struct trial *trial = *state;

	behaviour = SLOW;
	options.workers = 1;
	options.boot_timeout = 0.2;
	start(trial);
	expect_log(trial, "event=worker.boot_timeout");
	expect_log(trial, "verdict=stillborn signal=SIGKILL");
	assert_int_equal(end_of(trial), 1);
}

static void
garbage_on_a_status_pipe_is_dropped(void **state)
{
	struct trial *trial = *state;

	behaviour = BABBLE;
	options.workers = 1;
	start(trial);
	expect_log(trial, "event=worker.garbage");
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
}

/* After kill -9 of the master nothing is left of it within a second. */
static void
die_with_the_master(struct trial *trial, enum behaviour how)
{
	struct report worker_report;
	int64_t before_us;

	behaviour = how;
	worker_report = start_serving(trial);
	assert_false(port_is_free((int)worker_report.value));
	before_us = clock_mono_us();
	tell(trial, SIGKILL);
	assert_int_equal(end_of(trial), -SIGKILL);
	/* What ends closes its descriptors one after the other: the pipe that
	 * end_of() looks at may be gone before the port is. */
	while (!port_is_free((int)worker_report.value)) {
		assert_true(clock_mono_us() - before_us < 5000000);
		(void)sched_yield();
	}
	assert_true(clock_mono_us() - before_us < 5000000);
}

static void
stuck_children_die_with_the_master(void **state)
{
	die_with_the_master(*state, DEAF_AND_STUCK);
}

static void
the_death_pipe_ends_with_the_master(void **state)
{
	die_with_the_master(*state, SERVE_ALONE);
}

static void
children_hold_nothing_of_their_siblings(void **state)
{
	struct trial *trial = *state;
	struct report early;
	struct report late;
	int i;

	options.workers = 4;
	start(trial);
	early = expect(trial, STARTED);
	for (i = 1; i < 4; i++)
		late = expect(trial, STARTED);
	assert_int_equal(early.descriptors, late.descriptors);
	assert_int_equal(kill(early.pid, SIGKILL), 0);
	late = expect(trial, STARTED);
	assert_int_equal(early.descriptors, late.descriptors);
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
}

static void
reopens_its_logs(void **state)
{
	struct trial *trial = *state;
	char moved[128];
	struct stat st;

	(void)snprintf(moved, sizeof(moved), "%s.1", log_path);
	options.errorlog = log_path;
	options.workers = 1;
	start(trial);
	(void)expect(trial, STARTED);
	assert_int_equal(rename(log_path, moved), 0);
	tell(trial, SIGUSR1);
	(void)expect(trial, REOPENED);
	assert_int_equal(stat(log_path, &st), 0);
	assert_true(st.st_size > 0);
	assert_int_equal(unlink(moved), 0);
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
}

static void
a_second_master_is_refused(void **state)
{
	struct trial *trial = *state;
	struct trial *second;
	char expected[64];
	void *second_state;

	(void)start_serving(trial);
	second = calloc(1, sizeof(*second));
	assert_non_null(second);
	second_state = second;
	start(second);
	(void)snprintf(expected, sizeof(expected),
	    "already running with pid %d", (int)trial->master);
	expect_log(second_state, expected);
	assert_int_equal(end_of(second), 1);
	assert_int_equal(access(pid_path, F_OK), 0);
	(void)close(second->reports);
	(void)close(second->log);
	free(second);
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
}

static void
a_taken_port_is_reported(void **state)
{
	struct trial *trial = *state;
	struct sockaddr_in name = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(name);
	char item[32];
	const char *const items[] = { item };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	(void)snprintf(item, sizeof(item), "127.0.0.1:%u",
	    ntohs(name.sin_port));
	options.bind = (struct opt_list){ items, 1 };
	start(trial);
	assert_int_equal(end_of(trial), 1);
	expect_log(trial, "cannot listen on 127.0.0.1:");
	(void)close(fd);
}

static void
strangers_are_buried(void **state)
{
	struct trial *trial = *state;

	/* As process 1 of a container: a child that was never forked here. */
	with_stranger = true;
	(void)start_serving(trial);
	trial->seen = 0; /* it may have died before or after that */
	expect_log(trial, "event=master.stranger");
	assert_null(strstr(trial->text, "event=worker.exit"));
	tell(trial, SIGTERM);
	assert_int_equal(end_of(trial), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(serves_and_drains),
		TEST(quit_asks_first),
		TEST(quits_quickly),
		TEST(patience_ends),
		TEST(replaces_a_killed_worker_and_tells_the_keeper),
		TEST(a_new_keeper_is_told_what_the_old_one_heard),
		TEST(a_stopped_keeper_catches_up),
		TEST(gives_up_a_start_that_cannot_be),
		TEST(a_worker_that_refuses_ends_the_start),
		TEST(a_failed_check_is_reported),
		TEST(an_app_that_crashes_in_the_check_is_reported),
		TEST(a_failed_cache_is_reported),
		TEST(grows_and_shrinks),
		TEST(restarts_without_a_gap),
		TEST(ends_a_silent_worker),
		TEST(ends_a_worker_that_boots_for_ever),
		TEST(garbage_on_a_status_pipe_is_dropped),
		TEST(stuck_children_die_with_the_master),
		TEST(the_death_pipe_ends_with_the_master),
		TEST(children_hold_nothing_of_their_siblings),
		TEST(reopens_its_logs),
		TEST(a_second_master_is_refused),
		TEST(a_taken_port_is_reported),
		TEST(strangers_are_buried),
	};
	struct rlimit no_core = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
