/* SPDX-License-Identifier: MIT */

/*
 * The keeper as a process: what it tells the master, what it does about
 * notes, leases, a growing log, and how it ends. Everything is waited for as
 * a condition with a deadline.
 */
#include "test/unit/cache/keeper_child.h"

static void
says_ready_and_beats(void **state)
{
	struct fixture *f = *state;
	struct child child;

	start(f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	assert_int_equal(next_status(&child, NULL), HANDOFF_BEAT);
	assert_int_equal(next_status(&child, NULL), HANDOFF_BEAT);
	/* These two do not end it. */
	assert_int_equal(kill(child.pid, SIGHUP), 0);
	assert_int_equal(kill(child.pid, SIGUSR1), 0);
	assert_int_equal(next_status(&child, NULL), HANDOFF_BEAT);
	stop(&child, SIGTERM);
}

static void
ends_when_the_master_is_gone(void **state)
{
	struct fixture *f = *state;
	struct child child;

	cache_close(&f->a);
	cache_close(&f->b);
	start(f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	fd_close(&child.death);
	fixture_wait(child.pid);
	close_ends(&child);
	/* The last to close it: noted as complete. */
	assert_int_equal(
	    fixture_sql(f, "SELECT value FROM meta WHERE name = 'clean'"), 1);
}

static void
ends_at_once_while_others_go_on(void **state)
{
	static const int sigs[] = { SIGTERM, SIGQUIT, SIGINT };
	struct fixture *f = *state;
	struct child child;
	unsigned i;

	for (i = 0; i < 3; i++) {
		start(f, &child);
		assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
		stop(&child, sigs[i]);
	}
	assert_int_equal(
	    fixture_sql(f, "SELECT value FROM meta WHERE name = 'clean'"), 0);
	fixture_store(f->a, 1, "v", -1);
	assert_int_equal(fixture_lookup(f->b, 1, "v"), CACHE_HIT);
}

static void
hands_on_what_it_is_told(void **state)
{
	struct cache_claim late = { .epoch = 0 };
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	struct child child;
	unsigned woken = 0;
	int64_t until;

	start(f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	assert_int_equal(fixture_ask(f->a, 1, &late), CACHE_OWNED);
	send_note(&child, 555);
	send_note(&child, 101);
	until = clock_boot_ms() + DEADLINE_MS;
	while (woken != 0xf) { /* all slots hear of it */
		assert_true(clock_boot_ms() < until);
		woken |= fixture_woken(f);
	}
	assert_int_equal(cache_claim_next(f->b, &claim), 0);
	assert_int_equal(claim.attempts, 2);
	assert_int_equal(fixture_publish(f->a, &late, "late", -1), ERR_STALE);
	assert_int_equal(fixture_publish(f->b, &claim, "v", -1), 0);
	stop(&child, SIGQUIT);
	cache_claim_free(&late);
	cache_claim_free(&claim);
}

static void
a_note_in_two_parts(void **state)
{
	struct handoff_note note = { .worker_id = 101 };
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	struct child child;
	const char *bytes = (const char *)&note;

	start(f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	assert_int_equal(fd_write_full(child.notes, bytes, 5), 0);
	assert_int_equal(next_status(&child, NULL), HANDOFF_BEAT);
	assert_int_equal(
	    fd_write_full(child.notes, bytes + 5, sizeof(note) - 5), 0);
	wait_for(f, "SELECT state FROM signals", 1);
	/* It lives on without the pipe, too. */
	fd_close(&child.notes);
	assert_int_equal(next_status(&child, NULL), HANDOFF_BEAT);
	assert_int_equal(next_status(&child, NULL), HANDOFF_BEAT);
	stop(&child, SIGQUIT);
	cache_claim_free(&claim);
}

static void
a_busy_database_only_delays_a_note(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	struct child child;

	start(f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	assert_int_equal(db_write_begin(&f->b->db), 0);
	send_note(&child, 101);
	assert_int_equal(next_status(&child, NULL), HANDOFF_BEAT);
	assert_int_equal(next_status(&child, NULL), HANDOFF_BEAT);
	assert_int_equal(fixture_state(f->a, 1), CACHE_WAITING);
	db_write_cancel(&f->b->db);
	wait_for(f, "SELECT state FROM signals", 1);
	stop(&child, SIGQUIT);
	cache_claim_free(&claim);
}

static void
hands_on_after_the_lease(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	struct child child;

	f->a->lease_ms = 100;
	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	start(f, &child);
	wait_for(f, "SELECT state FROM signals", 1);
	stop(&child, SIGQUIT);
	cache_claim_free(&claim);
}

static void
a_new_keeper_finds_the_vanished(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	struct cache *cache;
	struct child child;
	pid_t pid;

	cache_close(&f->a);
	cache_close(&f->b);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		cache = fixture_open(f, 3, 103);
		_exit(fixture_ask(cache, 1, &claim) != CACHE_OWNED);
	}
	fixture_wait(pid);
	f->a = fixture_open(f, 1, 101);
	assert_int_equal(fixture_state(f->a, 1), CACHE_WAITING);
	start(f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	assert_int_equal(cache_has_wanted(f->a), 1);
	stop(&child, SIGQUIT);
}

/* Which values of a second are evicted is drawn by lot: so count. */
static int
count_ready(struct fixture *f, int from, int to)
{
	int count = 0;

	for (; from < to; from++)
		count += fixture_state(f->b, from) == CACHE_READY;
	return count;
}

/* What a busy machine gives, and what goes by. */
static bool
is_delayed(int rc)
{
	return rc == ERR_FULL || rc == ERR_BUSY;
}

static void
keeps_the_log_short_under_constant_writing(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	struct child child;
	char *data = calloc(1, 100000);
	int64_t longest = 0;
	int64_t size;
	int rc;
	int i;

	assert_non_null(data);
	f->options.cache_threshold = 500;
	start(f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	for (i = 0; i < 3000; i++) {
		memcpy(data, &i, sizeof(i));
		/* A keeper that gets no processor makes us wait. */
		while (is_delayed(rc = fixture_ask(f->a, i, &claim)))
			(void)usleep(10000);
		assert_int_equal(rc, CACHE_OWNED);
		while (is_delayed(rc = cache_publish(f->a, &claim,
				      CACHE_FORMAT_VALUE, data, 100000, -1)))
			(void)usleep(10000);
		assert_int_equal(rc, 0);
		size = db_wal_bytes(&f->a->db);
		if (size > longest)
			longest = size;
	}
	/* The bound, and one value that was on its way. */
	assert_in_range(longest, 1, 66 << 20);
	/* 300 MB were written; in the end the oldest are gone. */
	wait_for(f, "SELECT count(*) FROM kv", 500);
	assert_true(count_ready(f, 2500, 3000) > count_ready(f, 0, 500));
	stop(&child, SIGQUIT);
	fixture_check_integrity(f);
	cache_claim_free(&claim);
	free(data);
}

static void
cleans_up_while_it_runs(void **state)
{
	struct fixture *f = *state;
	struct child child;
	int i;

	for (i = 0; i < 300; i++)
		fixture_store(f->a, i, "short", 1);
	fixture_store(f->a, 300, "long", -1);
	start(f, &child);
	wait_for(f, "SELECT count(*) FROM kv", 1);
	wait_for(f, "SELECT count(*) FROM signals", 1);
	assert_int_equal(fixture_lookup(f->b, 300, "long"), CACHE_HIT);
	stop(&child, SIGQUIT);
}

/* It is taken up when there is one: e2e/cache_start. */
static void
without_a_database_it_waits_for_one(void **state)
{
	struct fixture *f = *state;
	struct child child;

	cache_close(&f->a);
	f->options.cache_dir = "/proc/nonexistent";
	start(f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	send_note(&child, 101);
	assert_int_equal(next_status(&child, NULL), HANDOFF_BEAT);
	assert_int_equal(next_status(&child, NULL), HANDOFF_BEAT);
	stop(&child, SIGQUIT);
}

static void
without_a_cache_it_only_beats(void **state)
{
	struct fixture *f = *state;
	struct child child;

	cache_close(&f->a);
	f->options.cache_type = "null";
	f->options.cache_dir = "/nonexistent";
	start(f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	send_note(&child, 101);
	assert_int_equal(next_status(&child, NULL), HANDOFF_BEAT);
	assert_int_equal(next_status(&child, NULL), HANDOFF_BEAT);
	stop(&child, SIGQUIT);
}

static void
a_master_that_does_not_read_does_not_stop_it(void **state)
{
	struct handoff_status status = { .kind = HANDOFF_BEAT };
	struct fixture *f = *state;
	struct cache_claim claim = { .epoch = 0 };
	struct handoff handoff = { .slot_count = SLOTS,
		.wake_fds = f->wake_fds };
	int death[2];
	int full[2];
	pid_t pid;

	assert_int_equal(pipe(death), 0);
	assert_int_equal(pipe(full), 0);
	assert_int_equal(fd_set_nonblocking(full[1]), 0);
	while (write(full[1], &status, sizeof(status)) > 0)
		continue;
	f->a->lease_ms = 1500; /* runs out after the first beats */
	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	cache_close(&f->a);
	cache_close(&f->b);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		handoff.death_fd = death[0];
		handoff.notes_fd = -1;
		handoff.status_fd = full[1];
		(void)close(death[1]);
		_exit(keeper_run(&handoff, &f->options));
	}
	wait_for(f, "SELECT state FROM signals", 1);
	fd_close(&death[1]);
	fixture_wait(pid);
	fd_close(&death[0]);
	fd_close(&full[0]);
	fd_close(&full[1]);
	cache_claim_free(&claim);
}

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(says_ready_and_beats),
		CASE(ends_when_the_master_is_gone),
		CASE(ends_at_once_while_others_go_on),
		CASE(hands_on_what_it_is_told),
		CASE(a_note_in_two_parts),
		CASE(a_busy_database_only_delays_a_note),
		CASE(hands_on_after_the_lease),
		CASE(a_new_keeper_finds_the_vanished),
		CASE(keeps_the_log_short_under_constant_writing),
		CASE(cleans_up_while_it_runs),
		CASE(without_a_database_it_waits_for_one),
		CASE(without_a_cache_it_only_beats),
		CASE(a_master_that_does_not_read_does_not_stop_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
