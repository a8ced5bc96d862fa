/* SPDX-License-Identifier: MIT */
#ifndef TEST_WORKER_POOL_LOOP_H
#define TEST_WORKER_POOL_LOOP_H

#include "test/unit/worker/app_fixture.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "server/base/clock.h"
#include "worker/memo.h"
#include "worker/pool.h"

/*
 * An app whose functions are quick, wait for the cache or block until a gate
 * opens, and a stand-in for the loop: submit, wait for mail, collect. One
 * test program includes this.
 */
#define PATIENCE_US 20000000 /* something hangs when it takes this long */

static struct app_fixture fixture;
static struct pool *pool;
static int mail_fd;

static sem_t begun; /* a function that blocks has started */
static sem_t gate;  /* it may end */
static atomic_int inside;
static atomic_int most_inside;
static atomic_int runs;

/* ---- the app ---- */

static inline void
block(void)
{
	int now = atomic_fetch_add(&inside, 1) + 1;
	int most = atomic_load(&most_inside);

	while (now > most &&
	       !atomic_compare_exchange_weak(&most_inside, &most, now))
		continue;
	(void)sem_post(&begun);
	while (sem_wait(&gate) < 0)
		continue;
	atomic_fetch_sub(&inside, 1);
}

static inline enum ph_status
slow(struct ph_call *call)
{
	block();
	atomic_fetch_add(&runs, 1);
	return ph_return(call, ph_arg(call, 0));
}

static inline enum ph_status
twice(struct ph_call *call)
{
	atomic_fetch_add(&runs, 1);
	return ph_return(call, ph_int(2 * ph_int_of(ph_arg(call, 0))));
}

/* Doubles its input at once, through the cache or after the gate opens. */
static inline enum ph_status
quick(struct ph_call *call)
{
	const struct ph_value *input = ph_input(call, "in.value");

	return ph_output(call, "quick.x", ph_int(2 * ph_int_of(input)));
}

static inline enum ph_status
through_cache(struct ph_call *call)
{
	const struct ph_value *value =
	    ph_memo(call, twice, ph_input(call, "in.value"));

	return value != NULL ? ph_output(call, "cached.x", value) : PH_WAIT;
}

static inline enum ph_status
blocked(struct ph_call *call)
{
	block();
	return ph_output(call, "blocked.x", ph_input(call, "in.value"));
}

enum { QUICK, THROUGH_CACHE, BLOCKED };

/* ---- helpers ---- */

static inline int
set_up(void **state)
{
	struct ph_app *app;

	(void)state;
	fixture_init(&fixture);
	app = fixture_ph(&fixture);
	ph_memoize(app, slow, .timeout = 60);
	ph_memoize(app, twice, .timeout = 60);
	ph_callback(app, quick, PH_OUTPUT("quick.x"), PH_INPUT("in.value"));
	ph_callback(app, through_cache, PH_OUTPUT("cached.x"),
	    PH_INPUT("in.value"));
	ph_callback(app, blocked, PH_OUTPUT("blocked.x"), PH_INPUT("in.value"));
	fixture_open_cache(&fixture);
	mail_fd = fd_event_new();
	pool = NULL;
	atomic_store(&inside, 0);
	atomic_store(&most_inside, 0);
	atomic_store(&runs, 0);
	return mail_fd < 0 || sem_init(&begun, 0, 0) < 0 ||
	       sem_init(&gate, 0, 0) < 0;
}

static inline int
tear_down(void **state)
{
	(void)state;
	if (pool != NULL)
		pool_stop(&pool);
	fd_close(&mail_fd);
	(void)sem_destroy(&begun);
	(void)sem_destroy(&gate);
	fixture_fini(&fixture);
	return 0;
}

static inline void
start(int threads, int queue)
{
	struct cache_peer peer = fixture_peer(&fixture, 0);

	fixture.options.threads = threads;
	fixture.options.limit_queue = queue;
	assert_int_equal(pool_start(&pool, &fixture.kit, &peer, mail_fd), 0);
}

static inline struct task *
make_task(int which, int input)
{
	struct task *task = task_new(TASK_CALLBACK);
	char json[32];

	assert_non_null(task);
	(void)snprintf(json, sizeof(json), "[%d]", input);
	assert_int_equal(
	    encode_value(fixture_json(&fixture, json), &task->arguments), 0);
	task->callback = fixture.app->callbacks[which];
	task->computation = &task->callback->computation;
	return task;
}

/* A turn of the loop that hands on one task. */
static inline void
hand_on(struct task *task)
{
	assert_int_equal(pool_submit(pool, task), 0);
	(void)pool_kick(pool);
}

static inline void
submit(int which, int input)
{
	hand_on(make_task(which, input));
}

static inline void
wait_readable(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&wait, 1, PATIENCE_US / 1000), 1);
	assert_true(fd_event_drain(fd) > 0);
}

static inline void
wait_begun(void)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_US / 1000000;
	assert_int_equal(sem_timedwait(&begun, &until), 0);
}

static inline void
open_gate(int times)
{
	while (times-- > 0)
		assert_int_equal(sem_post(&gate), 0);
}

/* The next mail, as the loop takes it: all that is there, oldest first. */
static inline struct task *
next_mail(void)
{
	struct task *task;

	do {
		wait_readable(mail_fd);
		task = pool_collect(pool);
	} while (task == NULL);
	return task;
}

/* `seen[input]` counts each finished task by its answer; all are freed. */
static inline void
collect(int count, int *seen)
{
	struct task *task;
	struct task *next;
	int input;

	while (count > 0) {
		for (task = next_mail(); task != NULL; task = next) {
			next = task->next;
			assert_int_equal(task->outcome, TASK_DONE);
			input = atoi(
			    strstr(buf_cstr(&task->response), "\"x\":") + 4);
			if (seen != NULL)
				seen[input]++;
			task_free(task);
			count--;
		}
	}
	assert_int_equal(count, 0);
}

/* Threads may still be on their way back from the last task. */
static inline void
wait_idle(void)
{
	int64_t until = clock_mono_us() + PATIENCE_US;

	while (pool_busy(pool) > 0 || pool_computing(pool) > 0) {
		assert_true(clock_mono_us() < until);
		(void)sched_yield();
	}
}

/* The other worker asks; the key comes back. */
static inline void
want(ph_function *function, int argument, uint8_t key[CACHE_KEY_LEN])
{
	const struct computation *computation =
	    app_find_function(fixture.app, function);
	struct buf encoded = BUF_EMPTY;
	char json[32];

	(void)snprintf(json, sizeof(json), "[%d]", argument);
	assert_int_equal(encode_value(fixture_json(&fixture, json), &encoded),
	    0);
	assert_int_equal(memo_key_of(&fixture.kit, computation, false,
			     encoded.data, encoded.len, key),
	    0);
	assert_int_equal(cache_ask(fixture.other, key, computation->name,
			     encoded.data, encoded.len, NULL, NULL),
	    CACHE_WANTED_NEW);
	buf_free(&encoded);
}

/* Sleep on the other worker's descriptor until the value is published. */
static inline void
wait_ready(const uint8_t key[CACHE_KEY_LEN])
{
	while (cache_state(fixture.other, key, NULL) != CACHE_READY)
		wait_readable(fixture.wake_fds[1]);
}

#endif
