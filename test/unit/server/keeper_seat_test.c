/* SPDX-License-Identifier: MIT */

/* No death of a worker is lost on the way to the keeper. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/log.h"
#include "server/keeper_seat.h"

#define SECOND INT64_C(1000000)
#define NOW (1000 * SECOND)

/* A keeper that sits there; returns the read end of its notes. */
static int
seat_one(struct keeper_seat *keeper, int64_t now)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_true(keeper_seat_wants_fork(keeper, now));
	keeper_seat_forked(keeper, 4000, -1, fds[1], now);
	assert_false(keeper_seat_wants_fork(keeper, now));
	return fds[0];
}

static void
put_note(struct keeper_seat *keeper, int64_t id)
{
	struct handoff_note note = { .worker_id = id, .slot = 1, .pid = 2 };

	keeper_seat_note(keeper, &note);
}

/* Read notes until the pipe is empty: how many; checks their order. */
static unsigned
take_notes(int fd, int64_t first_id)
{
	struct handoff_note note;
	unsigned count = 0;

	while (read(fd, &note, sizeof(note)) == (ssize_t)sizeof(note)) {
		assert_int_equal(note.worker_id, first_id + count);
		count++;
	}
	return count;
}

static void
notes_arrive_in_order(void **state)
{
	struct keeper_seat keeper;
	int fd;

	(void)state;
	keeper_seat_init(&keeper, SECOND);
	put_note(&keeper, 7); /* before there is a keeper */
	keeper_seat_flush(&keeper);
	fd = seat_one(&keeper, NOW);
	put_note(&keeper, 8);
	keeper_seat_flush(&keeper);
	assert_int_equal(take_notes(fd, 7), 2);
	keeper_seat_flush(&keeper);
	assert_int_equal(take_notes(fd, 0), 0); /* once each */
	keeper_seat_fini(&keeper);
	(void)close(fd);
}

static void
a_new_keeper_hears_everything_again(void **state)
{
	struct keeper_seat keeper;
	int fd;

	(void)state;
	keeper_seat_init(&keeper, SECOND);
	fd = seat_one(&keeper, NOW);
	put_note(&keeper, 1);
	keeper_seat_flush(&keeper);
	(void)close(fd); /* it dies with the note unread */
	put_note(&keeper, 2);
	keeper_seat_flush(&keeper); /* EPIPE */
	assert_int_equal(keeper.notes_fd, -1);
	(void)keeper_seat_exited(&keeper, SIGKILL, NOW + 5 * SECOND);
	put_note(&keeper, 3);
	fd = seat_one(&keeper, NOW + 5 * SECOND);
	keeper_seat_flush(&keeper);
	assert_int_equal(take_notes(fd, 1), 3);
	keeper_seat_fini(&keeper);
	(void)close(fd);
}

static void
a_full_pipe_is_waited_for(void **state)
{
	struct keeper_seat keeper;
	unsigned got;
	int fd;
	int i;

	(void)state;
	keeper_seat_init(&keeper, SECOND);
	fd = seat_one(&keeper, NOW);
	/* As small as the kernel makes it. */
	assert_true(fcntl(keeper.notes_fd, F_SETPIPE_SZ, 4096) > 0);
	for (i = 0; i < KEEPER_NOTES_MAX; i++)
		put_note(&keeper, i);
	for (i = 0; i < 8; i++) { /* fill the pipe with earlier notes */
		keeper_seat_flush(&keeper);
		keeper.sent = 0;
	}
	keeper_seat_flush(&keeper);
	assert_true(keeper.sent < keeper.count);
	got = 0;
	while (keeper.sent < keeper.count) {
		struct handoff_note note;

		while (read(fd, &note, sizeof(note)) > 0)
			got++;
		keeper_seat_flush(&keeper);
	}
	assert_true(got > 0);
	keeper_seat_fini(&keeper);
	(void)close(fd);
}

static void
too_many_notes_drop_the_oldest(void **state)
{
	struct keeper_seat keeper;
	int fd;
	int i;

	(void)state;
	log_threshold = LOG_LEVEL_CRITICAL;
	keeper_seat_init(&keeper, SECOND);
	for (i = 0; i < KEEPER_NOTES_MAX + 10; i++)
		put_note(&keeper, i);
	fd = seat_one(&keeper, NOW);
	keeper_seat_flush(&keeper);
	assert_int_equal(take_notes(fd, 10), KEEPER_NOTES_MAX);
	/* Those it has read make room without a loss. */
	put_note(&keeper, KEEPER_NOTES_MAX + 10);
	keeper_seat_flush(&keeper);
	assert_int_equal(take_notes(fd, KEEPER_NOTES_MAX + 10), 1);
	keeper_seat_fini(&keeper);
	(void)close(fd);
}

static void
a_keeper_that_keeps_dying_waits(void **state)
{
	struct keeper_seat keeper;
	int64_t now = NOW;

	(void)state;
	keeper_seat_init(&keeper, SECOND);
	(void)close(seat_one(&keeper, now));
	assert_int_equal(keeper_seat_exited(&keeper, SIGKILL, now),
	    REAP_STILLBORN);
	assert_false(keeper_seat_wants_fork(&keeper, now));
	assert_int_equal(keeper_seat_deadline(&keeper, now), now + SECOND);
	now += SECOND;
	(void)close(seat_one(&keeper, now));
	(void)keeper_seat_exited(&keeper, SIGKILL, now);
	assert_int_equal(keeper_seat_deadline(&keeper, now), now + 2 * SECOND);
	now += 2 * SECOND;
	(void)close(seat_one(&keeper, now));
	now += 2 * SECOND; /* has lived */
	assert_int_equal(keeper_seat_exited(&keeper, SIGKILL, now),
	    REAP_CRASHED);
	assert_true(keeper_seat_wants_fork(&keeper, now));
	keeper_seat_fini(&keeper);
}

static void
stops_and_stays_stopped(void **state)
{
	struct keeper_seat keeper;

	(void)state;
	keeper_seat_init(&keeper, SECOND);
	(void)close(seat_one(&keeper, NOW));
	keeper_seat_stop(&keeper, SIGTERM, 5 * SECOND, NOW + SECOND);
	assert_int_equal(seat_due(&keeper.seat, NOW + SECOND), SIGTERM);
	assert_int_equal(seat_due(&keeper.seat, NOW + SECOND), 0);
	assert_int_equal(keeper_seat_deadline(&keeper, NOW + SECOND),
	    NOW + 6 * SECOND);
	assert_int_equal(seat_due(&keeper.seat, NOW + 6 * SECOND), SIGKILL);
	assert_int_equal(keeper_seat_exited(&keeper, SIGKILL, NOW),
	    REAP_KILLED);
	assert_false(keeper_seat_wants_fork(&keeper, NOW + 100 * SECOND));
	assert_int_equal(keeper_seat_deadline(&keeper, NOW), INT64_MAX);
	keeper_seat_fini(&keeper);
}

static void
hear(struct keeper_seat *keeper, uint32_t kind, uint32_t value, int64_t now)
{
	struct handoff_status message = { .kind = kind, .value = value };

	keeper_seat_heard(keeper, &message, now);
}

static void
a_silent_one_has_to_go(void **state)
{
	struct keeper_seat keeper;
	int64_t now = NOW;

	(void)state;
	keeper_seat_init(&keeper, SECOND);
	keeper.silence_us = KEEPER_SILENCE_US;
	(void)close(seat_one(&keeper, now));
	/* Its start may take longer. */
	assert_false(keeper_seat_is_silent(&keeper, now + 30 * SECOND));
	hear(&keeper, HANDOFF_READY, 0, now);
	assert_int_equal(keeper_seat_deadline(&keeper, now),
	    now + KEEPER_SILENCE_US);
	assert_false(
	    keeper_seat_is_silent(&keeper, now + KEEPER_SILENCE_US - 1));
	/* It has said that it has something to do. */
	hear(&keeper, HANDOFF_BEAT, 20, now);
	assert_false(keeper_seat_is_silent(&keeper, now + 20 * SECOND));
	now += 20 * SECOND;
	hear(&keeper, HANDOFF_BEAT, 0, now);
	keeper_seat_excuse(&keeper, 100 * SECOND);
	assert_false(keeper_seat_is_silent(&keeper, now + 101 * SECOND));
	now += 100 * SECOND + KEEPER_SILENCE_US;
	assert_true(keeper_seat_is_silent(&keeper, now));
	assert_false(keeper_seat_is_silent(&keeper, now)); /* told once */
	assert_int_equal(seat_due(&keeper.seat, now), SIGABRT);
	assert_int_equal(seat_due(&keeper.seat, now), 0);
	assert_int_equal(keeper_seat_deadline(&keeper, now), now + SECOND);
	assert_int_equal(seat_due(&keeper.seat, now + SECOND), SIGKILL);
	assert_int_equal(keeper_seat_exited(&keeper, SIGKILL, now + SECOND),
	    REAP_KILLED);
	assert_true(keeper_seat_wants_fork(&keeper, now + SECOND));
	/* Where no silence is too long. */
	keeper.silence_us = 0;
	(void)close(seat_one(&keeper, now + SECOND));
	assert_false(keeper_seat_is_silent(&keeper, INT64_MAX - 1));
	assert_int_equal(keeper_seat_deadline(&keeper, now), INT64_MAX);
	keeper_seat_fini(&keeper);
}

/* Whichever of the two it is: a child that says nothing is ended. */
static void
it_is_watched(void **state)
{
	struct keeper_seat seat;
	int status = 0;
	pid_t child;

	(void)state;
	log_threshold = LOG_LEVEL_CRITICAL;
	child = fork();
	if (child == 0) {
		(void)pause();
		_exit(0);
	}
	assert_true(child > 0);
	keeper_seat_init(&seat, SECOND);
	keeper_seat_forked(&seat, child, -1, -1, NOW);
	hear(&seat, HANDOFF_READY, 0, NOW);
	keeper_seat_watch(&seat, "test.timeout", false, NOW + 100 * SECOND);
	keeper_seat_watch(&seat, "test.timeout", true,
	    NOW + KEEPER_SILENCE_US - 1);
	assert_int_equal(seat.seat.state, SEAT_READY);
	assert_int_equal(waitpid(child, &status, WNOHANG), 0);
	keeper_seat_watch(&seat, "test.timeout", true, NOW + KEEPER_SILENCE_US);
	assert_int_equal(seat.seat.state, SEAT_LEAVING);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	keeper_seat_fini(&seat);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notes_arrive_in_order),
		cmocka_unit_test(a_new_keeper_hears_everything_again),
		cmocka_unit_test(a_full_pipe_is_waited_for),
		cmocka_unit_test(too_many_notes_drop_the_oldest),
		cmocka_unit_test(a_keeper_that_keeps_dying_waits),
		cmocka_unit_test(stops_and_stays_stopped),
		cmocka_unit_test(a_silent_one_has_to_go),
		cmocka_unit_test(it_is_watched),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
