/* SPDX-License-Identifier: MIT */

/*
 * What a thread of the pool does: choose between quick callbacks, computations
 * of this worker and wanted rows, do one, give the result to the loop.
 *
 * FAILURE    A thread without a cache connection still runs callbacks; they
 *            compute without the cache.
 */
#include "worker/pool_int.h"

#include <errno.h>

#include "server/base/bug.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"
#include "worker/crash.h"
#include "worker/data.h"
#include "worker/memo.h"

#define ENDED_MAX 256
#define OVERDUE_US 100000 /* a wanted row waits no longer behind the queue */
#define ASK_LOOKS 64      /* at those that wait, with the lock held */
#define BRIEF_US 500      /* in this time a queue is not worth a wake-up */

enum source { NOTHING, QUEUE, COMPUTE, WANTED, ASK };

/* With the lock held: the first answer that others may be asked for, or NULL.
 */
static struct task *
find_answer(const struct pool *pool)
{
	struct task *task = pool->compute.first;
	int looks;

	for (looks = 0; task != NULL && looks < ASK_LOOKS; looks++) {
		if (task->kind == TASK_ANSWER && !task->owned && !task->asked)
			return task;
		task = task->next;
	}
	return NULL;
}

/*
 * With the lock held: what should a free thread do next? Callbacks come
 * first, since they are quick; but a computation that is there for longer
 * than OVERDUE_US does not wait behind them any more. Own computations, some
 * of which have run before, come before new ones, unless those are older.
 * Where none may begin, others are asked for the answers that wait here.
 */
static enum source
choose(const struct pool *pool)
{
	const struct task *own = pool->compute.first;
	enum source source = NOTHING;
	int64_t since_us = 0;

	if (pool->computing < pool->compute_max) {
		if (own != NULL) {
			source = COMPUTE;
			since_us = own->queued_us;
		}
		if (pool->wanted &&
		    (own == NULL ||
			pool->wanted_since_us < since_us - OVERDUE_US)) {
			source = WANTED;
			since_us = pool->wanted_since_us;
		}
	}
	if (pool->queue.count > 0 &&
	    pool->running - pool->computing < pool->quick_max &&
	    (source == NOTHING || clock_mono_us() - since_us <= OVERDUE_US))
		source = QUEUE;
	if (source == NOTHING && pool->computing >= pool->compute_max &&
	    pool->running - pool->computing < pool->quick_max &&
	    find_answer(pool) != NULL)
		source = ASK;
	return source;
}

/*
 * With the lock held: does a thread that is awake come to all that is queued
 * before another would have been woken? By what callbacks have taken of late,
 * and as long as threads do come for the next one.
 */
static bool
is_at_hand(const struct pool *pool, int64_t now_us)
{
	return pool->running > pool->computing &&
	       now_us - pool->taken_us <= BRIEF_US &&
	       (int64_t)pool->queue.count * pool->mean_us16 <= BRIEF_US * 16;
}

/*
 * One at a time: who has been woken takes one thing to do and wakes the next
 * for what is left, unless that is brief. So a burst of quick callbacks costs
 * a wake-up or two, not one each. When a callback takes longer than those
 * before it, pool_hurry() makes good for what this has held back.
 */
enum pool_wake
pool_must_wake(struct pool *pool, int64_t now_us)
{
	enum source source;

	if (pool->idle == 0)
		return POOL_REST;
	source = choose(pool);
	if (source == NOTHING)
		return POOL_REST;
	if (pool->waking || (source == QUEUE && is_at_hand(pool, now_us)))
		return POOL_HOLD_BACK;
	pool->waking = true;
	return POOL_WAKE;
}

/* With the lock held: what a thing from the queue has taken. */
static void
note_brief(struct pool *pool, int64_t run_us)
{
	pool->mean_us16 += run_us - pool->mean_us16 / 16;
}

/* Tell the other workers when no thread of ours is going to look soon. */
static void
hint_others(struct pool *pool, struct toolkit *kit)
{
	bool alone;

	pthread_mutex_lock(&pool->lock);
	alone = pool->computing < pool->compute_max && pool->queue.count == 0 &&
		pool->compute.count == 0;
	pthread_mutex_unlock(&pool->lock);
	if (!alone)
		cache_hint(kit->cache);
}

/* Returns the time it took, in us. */
static int64_t
run_timed(struct task *task, struct toolkit *kit, int64_t since_us)
{
	int64_t us;

	task_run(task, kit);
	us = clock_mono_us() - since_us;
	task->run_us += us;
	return us;
}

/* Run one task from a queue: it goes back to the loop. The time it took. */
static int64_t
run_queued(struct pool *pool, struct toolkit *kit, struct task *task,
    int64_t since_us)
{
	int64_t us = run_timed(task, kit, since_us);

	if (task->outcome == TASK_WAITS && task->wanted_new) {
		pool_want(pool);
		hint_others(pool, kit);
	}
	return us;
}

/* For the heartbeat to count. */
static void
keep_ended(struct pool *pool, struct task *task)
{
	pthread_mutex_lock(&pool->lock);
	if (pool->ended.count < ENDED_MAX) {
		task_list_push(&pool->ended, task);
		task = NULL;
	}
	pthread_mutex_unlock(&pool->lock);
	task_free(task);
}

/* Claim one wanted row and compute it: what goes to the loop, or NULL. */
static struct task *
run_claimed(struct pool *pool, struct toolkit *kit)
{
	struct task *task = task_new(TASK_COMPUTE);
	int rc;

	if (task == NULL || memo_store_is_failing(kit) ||
	    cache_has_wanted(kit->cache) <= 0) {
		task_free(task);
		return NULL;
	}
	rc = cache_claim_next(kit->cache, &task->claim);
	if (memo_store_is_stuck(rc))
		rc = ERR_STORE;
	if (rc != 0) {
		task_free(task);
		/* Nobody can take it: who waits here computes for himself. */
		if (rc != -ENOENT && rc != ERR_BUSY && rc != -ENOMEM) {
			log_warn(rc, "signal.claim",
			    "a value that is wanted is not claimed");
			memo_store_failed(kit);
		}
		return NULL;
	}
	pool_want(pool); /* there may be more */
	hint_others(pool, kit);
	if (!task_adopt(task, kit)) {
		task_free(task);
		return NULL;
	}
	(void)run_timed(task, kit, clock_mono_us());
	if (task->outcome != TASK_WAITS) {
		keep_ended(pool, task);
		return NULL;
	}
	if (task->wanted_new) {
		pool_want(pool);
		hint_others(pool, kit);
	}
	return task; /* the loop parks it */
}

/* With the lock held on entry and exit: something for the loop. */
static void
post(struct pool *pool, struct task *task)
{
	bool first = pool->mailbox.count == 0;

	task_list_push(&pool->mailbox, task);
	if (!first)
		return;
	pthread_mutex_unlock(&pool->lock);
	fd_event_wake(pool->mail_fd);
	pthread_mutex_lock(&pool->lock);
}

/* With the lock held on entry and exit: nothing to do for now. */
static void
wait_for_work(struct pool *pool, struct toolkit *kit)
{
	pool->idle++;
	pthread_cond_wait(&pool->work, &pool->lock);
	pool->idle--;
	pool->waking = false;
	if (!cache_is_behind(kit->cache))
		return;
	pthread_mutex_unlock(&pool->lock);
	cache_follow(kit->cache);
	pthread_mutex_lock(&pool->lock);
}

/*
 * With the lock held on entry and exit: ask for an answer, which goes to the
 * loop, or back to where it was.
 */
static struct task *
ask_others(struct pool *pool, struct toolkit *kit)
{
	struct task *task = find_answer(pool);
	bool done;

	if (task == NULL) /* choose() has seen one, under the same lock */
		return NULL;
	task_list_remove(&pool->compute, task);
	task->queued = false;
	pthread_mutex_unlock(&pool->lock);
	done = task_ask(task, kit);
	if (done && task->wanted_new) {
		pool_want(pool);
		hint_others(pool, kit);
	}
	pthread_mutex_lock(&pool->lock);
	if (done)
		return task;
	task->asked = true;
	task->queued = true;
	task_list_push(&pool->compute, task);
	return NULL;
}

/* With the lock held on entry and exit: do one thing, or wait for it. */
static void
thread_turn(struct pool *pool, struct toolkit *kit)
{
	enum source source = choose(pool);
	struct task *task = NULL;
	int64_t now_us;
	int64_t run_us = 0;
	bool wake;

	if (source == NOTHING) {
		wait_for_work(pool, kit);
		return;
	}
	now_us = clock_mono_us();
	pool->running++;
	if (source == ASK) {
		task = ask_others(pool, kit);
		pool->running--;
		if (task != NULL)
			post(pool, task);
		return;
	}
	if (source != QUEUE)
		pool->computing++;
	else
		pool->taken_us = now_us;
	if (source == WANTED)
		pool->wanted = false;
	else
		task = task_list_pop(
		    source == QUEUE ? &pool->queue : &pool->compute);
	ASSERT(task != NULL || source == WANTED); /* as choose() has seen */
	if (task != NULL)
		task->queued = false;
	wake = pool_must_wake(pool, now_us) == POOL_WAKE;
	pthread_mutex_unlock(&pool->lock);
	if (wake)
		pthread_cond_signal(&pool->work);
	if (source == WANTED)
		task = run_claimed(pool, kit);
	else
		run_us = run_queued(pool, kit, task, now_us);
	ASSERT(cache_is_idle(kit->cache)); /* it may wait now */
	pthread_mutex_lock(&pool->lock);
	pool->running--;
	if (source != QUEUE)
		pool->computing--;
	else
		note_brief(pool, run_us);
	if (task != NULL)
		post(pool, task);
}

void *
pool_thread(void *arg)
{
	struct pool *pool = arg;
	struct toolkit kit = pool->kit;
	int rc;

	crash_thread_begin(atomic_fetch_add(&pool->started, 1) + 1);
	rc = cache_open_patient(&kit.cache, kit.cache_options, &pool->peer);
	if (rc < 0)
		log_warn(rc, "pool.cache", "going on without the cache");
	(void)data_open(&kit, &kit.data); /* logged there */
	pthread_mutex_lock(&pool->lock);
	while (!pool->stopping)
		thread_turn(pool, &kit);
	pthread_mutex_unlock(&pool->lock);
	data_close(&kit.data);
	cache_close(&kit.cache);
	arena_free(&kit.arena);
	crash_thread_end();
	return NULL;
}
