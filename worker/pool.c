/* SPDX-License-Identifier: MIT */

/*
 * The thread pool as the loop sees it: started, given tasks, asked, stopped.
 * See pool.h; pool_thread.c is what the threads do.
 *
 * INVARIANT  See pool_int.h.
 * THREADS    Those of pool.h; the threads of the pool run pool_thread() only.
 */
#include "worker/pool_int.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "worker/together.h"

#define KICK_US 200 /* a longer turn of the loop wakes under way */
/* What a program's first thread has; only what is touched takes memory. */
#define STACK_BYTES ((size_t)8 * 1024 * 1024)

/* Threads take no POSIX signals but those that mean a fault of their own. */
static int
start_threads(struct pool *pool)
{
	pthread_attr_t attr;
	sigset_t all;
	sigset_t old;
	unsigned i;
	int rc;

	(void)sigfillset(&all);
	(void)sigdelset(&all, SIGSEGV);
	(void)sigdelset(&all, SIGBUS);
	(void)sigdelset(&all, SIGFPE);
	(void)sigdelset(&all, SIGILL);
	(void)sigdelset(&all, SIGABRT);
	rc = pthread_attr_init(&attr);
	if (rc != 0)
		return -rc;
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	for (i = 0; i < pool->thread_count && rc == 0; i++) {
		rc =
		    pthread_create(&pool->threads[i], &attr, pool_thread, pool);
		if (rc != 0)
			pool->thread_count = i;
	}
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attr);
	return -rc;
}

/* At least one; one thread is always left for callbacks. */
static unsigned
compute_max(const struct worker_options *options)
{
	unsigned threads = (unsigned)options->threads;
	unsigned max = threads > 1 ? threads - 1 : 1;
	unsigned wish = (unsigned)options->compute_threads;

	return wish > 0 && wish < max ? wish : max;
}

int
pool_start(struct pool **out, const struct toolkit *kit,
    const struct cache_peer *peer, int mail_fd)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	int rc;

	*out = NULL;
	if (pool == NULL)
		return -ENOMEM;
	pool->kit = *kit;
	pool->kit.cache = NULL;
	pool->kit.data = NULL;
	pool->kit.nonce = 0; /* each thread draws its own */
	arena_init(&pool->kit.arena, 0);
	pool->kit.on_loop = false;
	pool->kit.bell = &pool->bell;
	pool->kit.mail_fd = mail_fd;
	bell_init(&pool->bell);
	pool->peer = *peer;
	pool->mail_fd = mail_fd;
	pool->quick_max = (unsigned)kit->options->threads;
	/* A single one does not wait for a computation: there is one more. */
	pool->thread_count = pool->quick_max > 1 ? pool->quick_max : 2;
	pool->compute_max = compute_max(kit->options);
	pool->lead_max = pool->quick_max > 1 ? pool->compute_max : 2;
	together_limit(pool->lead_max);
	pool->queue_max = (size_t)kit->options->limit_queue;
	pool->mean_us16 = POOL_SURPRISE_US16; /* not known yet */
	task_list_init(&pool->queue);
	task_list_init(&pool->compute);
	task_list_init(&pool->ended);
	task_list_init(&pool->mailbox);
	(void)pthread_mutex_init(&pool->lock, NULL);
	(void)pthread_cond_init(&pool->work, NULL);
	pool->threads = calloc(pool->thread_count, sizeof(*pool->threads));
	rc = pool->threads != NULL ? start_threads(pool) : -ENOMEM;
	if (rc < 0) {
		pool_stop(&pool);
		return rc;
	}
	*out = pool;
	return 0;
}

int
pool_submit(struct pool *pool, struct task *task)
{
	bool computes = task_computes(task);

	task->queued_us = clock_mono_us();
	if (task->asked_us == 0)
		task->asked_us = task->queued_us;
	pthread_mutex_lock(&pool->lock);
	if (pool->queue.count + pool->compute.count >= pool->queue_max ||
	    pool->stopping) {
		pthread_mutex_unlock(&pool->lock);
		return ERR_BUSY;
	}
	task_list_push(computes ? &pool->compute : &pool->queue, task);
	task->queued = true;
	pthread_mutex_unlock(&pool->lock);
	if (!pool->submitted)
		pool->submitted_us = task->queued_us;
	pool->submitted = true;
	if (task->queued_us - pool->submitted_us > KICK_US)
		(void)pool_kick(pool);
	return 0;
}

bool
pool_withdraw(struct pool *pool, struct task *task)
{
	bool queued;

	pthread_mutex_lock(&pool->lock);
	queued = task->queued && task->kind != TASK_JOB;
	if (queued) {
		task_list_remove(
		    task_computes(task) ? &pool->compute : &pool->queue, task);
		task->queued = false;
	}
	pthread_mutex_unlock(&pool->lock);
	return queued;
}

/*
 * A thread that is woken at once may take the loop's processor, do one
 * callback and sleep again, for each of a burst. So the loop first hands on
 * all that has come in: on one processor 25 us became 10 us a callback.
 */
bool
pool_kick(struct pool *pool)
{
	enum pool_wake wake;
	bool held_back;

	if (pool->submitted) {
		pool->submitted = false;
		pthread_mutex_lock(&pool->lock);
		wake = pool_must_wake(pool, clock_mono_us());
		/* Who is woken may hold back, too, for what is behind. */
		pool->held_back = wake == POOL_HOLD_BACK ||
				  (wake == POOL_WAKE && pool->queue.count > 1);
		pthread_mutex_unlock(&pool->lock);
		if (wake == POOL_WAKE)
			pthread_cond_signal(&pool->work);
	}
	held_back = pool->held_back;
	pool->held_back = false;
	return held_back;
}

bool
pool_hurry(struct pool *pool)
{
	int64_t now_us = clock_mono_us();
	enum pool_wake wake;

	pthread_mutex_lock(&pool->lock);
	if (pool->queue.count > 0 &&
	    now_us - pool->taken_us > POOL_HURRY_US / 2 &&
	    pool->mean_us16 < POOL_SURPRISE_US16)
		pool->mean_us16 = POOL_SURPRISE_US16; /* not so brief */
	wake = pool_must_wake(pool, now_us);
	pthread_mutex_unlock(&pool->lock);
	if (wake == POOL_WAKE)
		pthread_cond_signal(&pool->work);
	return wake != POOL_REST;
}

void
pool_want(struct pool *pool)
{
	int64_t now_us = clock_mono_us();
	bool wake;

	pthread_mutex_lock(&pool->lock);
	if (!pool->wanted) {
		pool->wanted = true;
		pool->wanted_since_us = now_us;
	}
	wake = pool_must_wake(pool, now_us) == POOL_WAKE;
	pthread_mutex_unlock(&pool->lock);
	if (wake)
		pthread_cond_signal(&pool->work);
}

struct task *
pool_take_ended(struct pool *pool)
{
	struct task *task;

	pthread_mutex_lock(&pool->lock);
	task = task_list_pop(&pool->ended);
	pthread_mutex_unlock(&pool->lock);
	return task;
}

struct task *
pool_collect(struct pool *pool)
{
	struct task *first;

	pthread_mutex_lock(&pool->lock);
	first = pool->mailbox.first;
	task_list_init(&pool->mailbox);
	pthread_mutex_unlock(&pool->lock);
	return first;
}

void
pool_put_back(struct pool *pool, struct task *first)
{
	struct task_list back;
	struct task *next;

	task_list_init(&back);
	for (; first != NULL; first = next) {
		next = first->next;
		task_list_push(&back, first);
	}
	pthread_mutex_lock(&pool->lock);
	while ((next = task_list_pop(&pool->mailbox)) != NULL)
		task_list_push(&back, next);
	pool->mailbox = back;
	pthread_mutex_unlock(&pool->lock);
	fd_event_wake(pool->mail_fd);
}

void
pool_lost(struct pool *pool)
{
	bool wake;

	pthread_mutex_lock(&pool->lock);
	pool->lost++;
	pool->quick_max++;
	pool->compute_max++;
	/* What it led is given up, and one thread fewer is there to lead. */
	if (pool->lead_max > 1)
		pool->lead_max--;
	together_limit(pool->lead_max);
	pool->mean_us16 = POOL_SURPRISE_US16;
	wake = pool_must_wake(pool, clock_mono_us()) == POOL_WAKE;
	pthread_mutex_unlock(&pool->lock);
	if (wake)
		pthread_cond_signal(&pool->work);
}

unsigned
pool_alive(struct pool *pool)
{
	unsigned alive;

	pthread_mutex_lock(&pool->lock);
	alive = pool->thread_count - pool->lost;
	pthread_mutex_unlock(&pool->lock);
	return alive;
}

void
pool_ring(struct pool *pool)
{
	bell_ring(&pool->bell);
}

void
pool_follow(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
}

size_t
pool_queued(struct pool *pool)
{
	size_t queued;

	pthread_mutex_lock(&pool->lock);
	queued = pool->queue.count + pool->compute.count;
	pthread_mutex_unlock(&pool->lock);
	return queued;
}

int64_t
pool_oldest_us(struct pool *pool)
{
	const struct task *task;
	int64_t us = clock_mono_us();

	pthread_mutex_lock(&pool->lock);
	task = pool->queue.first;
	us = task != NULL ? task->queued_us : us;
	task = pool->compute.first;
	us = task != NULL && task->queued_us < us ? task->queued_us : us;
	pthread_mutex_unlock(&pool->lock);
	return us;
}

size_t
pool_busy(struct pool *pool)
{
	size_t busy;

	pthread_mutex_lock(&pool->lock);
	busy = pool->queue.count + pool->compute.count + pool->running +
	       pool->mailbox.count;
	pthread_mutex_unlock(&pool->lock);
	return busy;
}

unsigned
pool_computing(struct pool *pool)
{
	unsigned computing;

	pthread_mutex_lock(&pool->lock);
	computing = pool->running;
	pthread_mutex_unlock(&pool->lock);
	return computing;
}

void
pool_stop(struct pool **pool_in)
{
	struct pool *pool = *pool_in;
	struct task *task;
	unsigned i;

	*pool_in = NULL;
	if (pool == NULL)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_mutex_unlock(&pool->lock);
	pthread_cond_broadcast(&pool->work);
	bell_ring(&pool->bell);
	for (i = 0; pool->threads != NULL && i < pool->thread_count; i++)
		(void)pthread_join(pool->threads[i], NULL);
	while ((task = task_list_pop(&pool->ended)) != NULL)
		task_free(task);
	while ((task = task_list_pop(&pool->queue)) != NULL)
		task_free(task);
	while ((task = task_list_pop(&pool->compute)) != NULL)
		task_free(task);
	while ((task = task_list_pop(&pool->mailbox)) != NULL)
		task_free(task);
	(void)pthread_cond_destroy(&pool->work);
	(void)pthread_mutex_destroy(&pool->lock);
	bell_fini(&pool->bell);
	free(pool->threads);
	free(pool);
}
