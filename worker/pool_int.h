/* SPDX-License-Identifier: MIT */
#ifndef WORKER_POOL_INT_H
#define WORKER_POOL_INT_H

#include "worker/pool.h"

#include <pthread.h>
#include <stdatomic.h>

#include "worker/bell.h"
#include "worker/task_list.h"

/*
 * Between pool.c, which the loop calls, and pool_thread.c, what its threads do.
 *
 * INVARIANT  A task is in the queue, with a thread, or in the mailbox.
 *            computing <= compute_max, running - computing <= quick_max.
 * OWNERSHIP  struct pool owns its threads, their connections and the tasks
 *            in its lists.
 * THREADS    `lock` guards everything below it in the struct. It is never
 *            held while app code or the database runs.
 */
struct pool {
	struct toolkit kit; /* what every thread's own is copied from */
	struct cache_peer peer;
	int mail_fd;
	bool submitted;       /* since the last kick; the loop's */
	bool held_back;       /* pool_hurry() is wanted; the loop's */
	int64_t submitted_us; /* the first of those submitted */
	unsigned thread_count;
	unsigned quick_max; /* threads that may do anything but compute */
	unsigned compute_max;
	unsigned lead_max; /* threads that compute without the store */
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
	int64_t taken_us;   /* when a thread took something from `queue` */
	int64_t mean_us16;  /* what that takes, in 16ths of 1 us, on average */
	bool wanted;        /* a row may be `wanted` */
	int64_t wanted_since_us;
	bool stopping;
};

/* A mean that is not brief. */
#define POOL_SURPRISE_US16 ((int64_t)16 * 10000)

enum pool_wake {
	POOL_REST,      /* nothing to do, or nobody to do it */
	POOL_HOLD_BACK, /* a thread that is awake comes to it in no time */
	POOL_WAKE       /* signal `work`, without the lock */
};

/* With the lock held: must an idle thread be woken? */
enum pool_wake pool_must_wake(struct pool *pool, int64_t now_us);

/* A thread's life; `arg` is the pool. */
void *pool_thread(void *arg);

#endif
