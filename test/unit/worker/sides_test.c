/* SPDX-License-Identifier: MIT */

/*
 * What jobs set of their pages while the store is held up by somebody else.
 */
#include "test/unit/worker/app_fixture.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "server/base/clock.h"
#include "worker/job.h"
#include "worker/scratch.h"
#include "worker/sides.h"

#define HELD_S 5 /* a writer waits so long for the store */
#define WAIT_US INT64_C(10000000)
#define LATER_US INT64_C(300000)

static struct app_fixture fixture;
static struct callback callback = { .interval = 60 };
static sqlite3 *holder;

struct job {
	struct call call;
	struct arena arena;
	uint8_t key[CACHE_KEY_LEN];
	const char *text;
	_Atomic bool begun;
	_Atomic bool done;
};

static void
sql(const char *text)
{
	assert_int_equal(sqlite3_exec(holder, text, NULL, NULL, NULL),
	    SQLITE_OK);
}

static int
set_up(void **state)
{
	char path[128];

	(void)state;
	fixture_init(&fixture);
	fixture.cache_options.cache_busy_timeout = HELD_S;
	fixture_open_cache(&fixture);
	(void)snprintf(path, sizeof(path), "%s/cache-v1.db", fixture.dir);
	assert_int_equal(
	    sqlite3_open_v2(path, &holder, SQLITE_OPEN_READWRITE, NULL),
	    SQLITE_OK);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sides_stop();
	assert_int_equal(sqlite3_close(holder), SQLITE_OK);
	fixture_fini(&fixture);
	return 0;
}

static void
job_begin(struct job *job, uint8_t number, const char *text)
{
	memset(job, 0, sizeof(*job));
	job->key[0] = number;
	job->text = text;
	arena_init(&job->arena, 0);
	call_init(&job->call, &fixture.kit, &job->arena, CALL_CALLBACK, "job",
	    NULL);
	job->call.callback = &callback;
	job->call.job = "id";
	job->call.own_key = job->key;
}

static void
job_end(struct job *job)
{
	sides_end(&job->call);
	arena_free(&job->arena);
}

static bool
set(struct job *job, const char *text)
{
	struct value *value = arena_calloc(&job->arena, 1, sizeof(*value));

	assert_non_null(value);
	value->kind = VALUE_TEXT;
	value->u.text = text;
	value->count = (uint32_t)strlen(text);
	return sides_set(&job->call, "x.children", value);
}

static void *
run(void *arg)
{
	struct job *job = arg;

	atomic_store(&job->begun, true);
	assert_true(set(job, job->text));
	atomic_store(&job->done, true);
	return NULL;
}

/* Has the page of the job been told this? */
static bool
is_told(const struct job *job, const char *text)
{
	enum cache_format format;
	struct buf bytes = BUF_EMPTY;
	uint8_t key[CACHE_KEY_LEN];
	bool found;

	assert_int_equal(job_sides_key(&fixture.cache_options, job->key, key),
	    0);
	found =
	    cache_lookup(fixture.other, key, &bytes, &format) == CACHE_HIT &&
	    memmem(bytes.data, bytes.len, text, strlen(text)) != NULL;
	buf_free(&bytes);
	return found;
}

static void
wait_until_told(const struct job *job, const char *text)
{
	int64_t end_us = clock_mono_us() + WAIT_US;

	while (!is_told(job, text)) {
		assert_true(clock_mono_us() < end_us);
		(void)usleep(1000);
	}
}

/* One that has set so much lately that it is written down in a moment. */
static void
make_bursting(struct job *job, int64_t due_in_us)
{
	job->call.sides_bytes = (size_t)1 << 30;
	job->call.sides_us = clock_mono_us() + due_in_us;
}

static void
a_job_that_waits_for_the_store_holds_up_no_other(void **state)
{
	int64_t longest_us = 0;
	struct job waits;
	struct job other;
	pthread_t thread;
	int64_t since_us;
	int64_t end_us;
	int64_t us;
	bool waited;

	(void)state;
	job_begin(&waits, 1, "first");
	job_begin(&other, 2, "second");
	make_bursting(&other, 3600 * WAIT_US);
	sql("BEGIN IMMEDIATE");
	assert_int_equal(pthread_create(&thread, NULL, run, &waits), 0);
	while (!atomic_load(&waits.begun))
		(void)usleep(1000);
	end_us = clock_mono_us() + LATER_US;
	do {
		since_us = clock_mono_us();
		assert_true(set(&other, "again"));
		us = clock_mono_us() - since_us;
		longest_us = us > longest_us ? us : longest_us;
		(void)usleep(1000);
	} while (clock_mono_us() < end_us);
	waited = !atomic_load(&waits.done);
	sql("ROLLBACK");
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(longest_us < HELD_S * INT64_C(1000000) / 2);
	assert_true(waited);
	assert_true(is_told(&waits, "first"));
	job_end(&waits);
	job_end(&other);
}

/* The thread is writing what was set before: what is set then comes after it,
 * and is not waited for. */
static void
what_is_set_meanwhile_is_told_after_it(void **state)
{
	int64_t since_us;
	struct job job;
	int64_t us;

	(void)state;
	job_begin(&job, 3, "");
	sql("BEGIN IMMEDIATE");
	make_bursting(&job, 0);
	assert_true(set(&job, "older"));
	(void)usleep(LATER_US); /* due after 50 ms: it is most likely at it */
	since_us = clock_mono_us();
	assert_true(set(&job, "newer"));
	us = clock_mono_us() - since_us;
	sql("ROLLBACK");
	assert_true(us < HELD_S * INT64_C(1000000) / 2);
	wait_until_told(&job, "newer");
	assert_false(is_told(&job, "older"));
	job_end(&job);
}

/* As a loop does that gives back what each of its rounds has made. */
static void
set_in_a_scratch(struct job *job, const char *text)
{
	struct ph_call *ph = (struct ph_call *)(void *)&job->call;

	host_scratch_begin(ph);
	assert_true(set(job, text));
	host_scratch_end(ph);
}

static void
what_is_being_written_stays(void **state)
{
	struct job job;

	(void)state;
	job_begin(&job, 4, "");
	sql("BEGIN IMMEDIATE");
	make_bursting(&job, 0);
	set_in_a_scratch(&job, "older");
	(void)usleep(LATER_US);
	set_in_a_scratch(&job, "newer");
	set_in_a_scratch(&job, "newest");
	sql("ROLLBACK");
	wait_until_told(&job, "newest");
	assert_false(is_told(&job, "older"));
	sides_end(&job.call);
	call_sides_free(&job.call);
	arena_free(&job.arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_job_that_waits_for_the_store_holds_up_no_other, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    what_is_set_meanwhile_is_told_after_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_being_written_stays,
		    set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
