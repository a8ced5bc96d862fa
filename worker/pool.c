/* SPDX-License-Identifier: MIT */

/*
 * The thread pool. See pool.h.
 *
 * INVARIANT  A task is in the queue, with a thread, or in the mailbox.
 *            computing <= compute_max, running - computing <= quick_max.
 * OWNERSHIP  struct pool owns its threads, their connections and the tasks
 *            in its lists.
 * THREADS    `lock` guards everything below it in the struct. It is never
 *            held while app code or the database runs.
 * FAILURE    A thread without a cache connection still runs callbacks; they
 *            compute without the cache.
 */
#include "worker/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/bug.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"
#include "worker/bell.h"
#include "worker/crash.h"
#include "worker/data.h"
#include "worker/memo.h"
#include "worker/task_list.h"
#include "worker/together.h"

#define ENDED_MAX 256
#define OVERDUE_US 100000 /* a wanted row waits no longer behind the queue */
#define KICK_US 200       /* a longer turn of the loop wakes under way */
/* What a program's first thread has; only what is touched takes memory. */
#define STACK_BYTES ((size_t)8 * 1024 * 1024)

struct pool {
	struct toolkit kit; /* what every thread's own is copied from */
	struct cache_peer peer;
	int mail_fd;
	bool submitted;       /* since the last kick; the loop's */
	int64_t submitted_us; /* the first of those */
	unsigned thread_count;
	unsigned quick_max; /* threads that may do anything but compute */
	unsigned compute_max;
	size_t queue_max;
	pthread_t *threads;
	struct bell bell;         /* wakes sleeping calls */
	_Atomic unsigned started; /* gives each thread its number */

	pthread_mutex_t lock;
	pthread_cond_t work;
	struct task_list queue;   /* quick: callbacks, layouts, bodies */
	struct task_list compute; /* computations and answers */
	struct task_list ended;   /* computations nobody has counted yet */
	struct task_list mailbox;
	unsigned idle;
	unsigned running;
	unsigned computing; /* of them, those that `compute_max` bounds */
	unsigned lost;      /* of them, those that have crashed */
	bool waking;        /* a thread was woken and has not looked yet */
	bool wanted;        /* a row may be `wanted` */
	int64_t wanted_since_us;
	bool stopping;
};

enum source { NOTHING, QUEUE, COMPUTE, WANTED };

/*
 * With the lock held: what should a free thread do next? Callbacks come
 * first, since they are quick; but a computation that is there for longer
 * than OVERDUE_US does not wait behind them any more. Own computations, some
 * of which have run before, come before new ones, unless those are older.
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
	return source;
}

/*
 * With the lock held: must an idle thread be woken? One at a time: who has
 * been woken takes one thing to do and wakes the next for what is left. So a
 * burst of quick callbacks costs a wake-up or two, not one each.
 */
static bool
must_wake(struct pool *pool)
{
	if (pool->waking || pool->idle == 0 || choose(pool) == NOTHING)
		return false;
	pool->waking = true;
	return true;
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

static void
run_timed(struct task *task, struct toolkit *kit)
{
	int64_t since_us = clock_mono_us();

	task_run(task, kit);
	task->run_us += clock_mono_us() - since_us;
}

/* Run one task from the queue: it goes back to the loop. */
static void
run_queued(struct pool *pool, struct toolkit *kit, struct task *task)
{
	run_timed(task, kit);
	if (task->outcome == TASK_WAITS && task->wanted_new) {
		pool_want(pool);
		hint_others(pool, kit);
	}
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

struct task *
pool_take_ended(struct pool *pool)
{
	struct task *task;

	pthread_mutex_lock(&pool->lock);
	task = task_list_pop(&pool->ended);
	pthread_mutex_unlock(&pool->lock);
	return task;
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
	if (memo_store_is_stuck(kit, rc))
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
	run_timed(task, kit);
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

/* With the lock held on entry and exit: do one thing, or wait for it. */
static void
thread_turn(struct pool *pool, struct toolkit *kit)
{
	enum source source = choose(pool);
	struct task *task = NULL;
	bool wake;

	if (source == NOTHING) {
		pool->idle++;
		pthread_cond_wait(&pool->work, &pool->lock);
		pool->idle--;
		pool->waking = false;
		if (cache_is_behind(kit->cache)) {
			pthread_mutex_unlock(&pool->lock);
			cache_follow(kit->cache);
			pthread_mutex_lock(&pool->lock);
		}
		return;
	}
	pool->running++;
	if (source != QUEUE)
		pool->computing++;
	if (source == WANTED)
		pool->wanted = false;
	else
		task = task_list_pop(
		    source == QUEUE ? &pool->queue : &pool->compute);
	ASSERT(task != NULL || source == WANTED); /* as choose() has seen */
	if (task != NULL)
		task->queued = false;
	wake = must_wake(pool);
	pthread_mutex_unlock(&pool->lock);
	if (wake)
		pthread_cond_signal(&pool->work);
	if (source == WANTED)
		task = run_claimed(pool, kit);
	else
		run_queued(pool, kit, task);
	ASSERT(cache_is_idle(kit->cache)); /* it may wait now */
	pthread_mutex_lock(&pool->lock);
	pool->running--;
	if (source != QUEUE)
		pool->computing--;
	if (task != NULL)
		post(pool, task);
}

static void *
thread_main(void *arg)
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
	crash_thread_end();
	return NULL;
}

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
		    pthread_create(&pool->threads[i], &attr, thread_main, pool);
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
	together_limit(pool->quick_max > 1 ? pool->compute_max : 2);
	pool->queue_max = (size_t)kit->options->limit_queue;
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
		pool_kick(pool);
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
void
pool_kick(struct pool *pool)
{
	bool wake;

	if (!pool->submitted)
		return;
	pool->submitted = false;
	pthread_mutex_lock(&pool->lock);
	wake = must_wake(pool);
	pthread_mutex_unlock(&pool->lock);
	if (wake)
		pthread_cond_signal(&pool->work);
}

void
pool_want(struct pool *pool)
{
	bool wake;

	pthread_mutex_lock(&pool->lock);
	if (!pool->wanted) {
		pool->wanted = true;
		pool->wanted_since_us = clock_mono_us();
	}
	wake = must_wake(pool);
	pthread_mutex_unlock(&pool->lock);
	if (wake)
		pthread_cond_signal(&pool->work);
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
pool_lost(struct pool *pool)
{
	bool wake;

	pthread_mutex_lock(&pool->lock);
	pool->lost++;
	pool->quick_max++;
	pool->compute_max++;
	together_limit(pool->compute_max);
	wake = must_wake(pool);
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
