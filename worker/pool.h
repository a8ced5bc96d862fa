/* SPDX-License-Identifier: MIT */
#ifndef WORKER_POOL_H
#define WORKER_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/task.h"

/*
 * The thread pool of a worker: a fixed number of threads, a bounded queue,
 * and a mailbox that carries finished tasks back to the loop.
 *
 * A thread that is free also takes computations from the signal table, when
 * somebody said that there may be one (pool_want). At most compute_threads
 * of the threads compute values and memoized answers at a time, and never
 * all of them, so that quick callbacks do not wait behind them: where
 * `threads` is 1, there is a second one, and one of the two at a time may
 * compute and one do all else.
 *
 * THREADS  pool_* functions are for the loop thread, except where noted.
 */
struct pool;

/*
 * Start `threads` threads, each with its own toolkit made from `kit` (whose
 * cache and data it opens itself) and `peer`. `mail_fd` is an eventfd that
 * is written when the mailbox becomes non-empty. 0, -errno, -ENOMEM.
 */
int pool_start(struct pool **pool, const struct toolkit *kit,
    const struct cache_peer *peer, int mail_fd);

/*
 * Queue a task; the pool owns it now. 0, or ERR_BUSY: the caller still does.
 * The loop only; a thread is woken by pool_kick(), or here when the turn has
 * become long.
 */
int pool_submit(struct pool *pool, struct task *task);

/*
 * Take a task that no thread has begun back out of the queue: the caller's
 * again. False: it is with a thread, or has been, and comes by pool_collect();
 * or it starts or ends jobs, which is not for one client alone.
 */
bool pool_withdraw(struct pool *pool, struct task *task);

/*
 * The loop's turn is over: wake a thread for what was submitted, unless one
 * that is awake will come to it in no time. True: it may be mistaken there, so
 * pool_hurry() is to be called in POOL_HURRY_US, and again while that says so.
 */
#define POOL_HURRY_US 1000
bool pool_kick(struct pool *pool);

/* Wake a thread when what is queued is not being taken after all. True: look
 * again. */
bool pool_hurry(struct pool *pool);

/* There may be a `wanted` row: a free thread looks. Any thread. */
void pool_want(struct pool *pool);

/* Somebody may have left: calls that sleep look whether they are waited
 * for. Any thread. */
void pool_ring(struct pool *pool);

/* The cache's file was replaced: idle threads let go of the old one. */
void pool_follow(struct pool *pool);

/* Take all finished tasks, oldest first; the caller owns them. */
struct task *pool_collect(struct pool *pool);

/* Give back those that it is too early for, with all behind them: they are the
 * next to be collected, and the mailbox's descriptor says so. */
void pool_put_back(struct pool *pool, struct task *first);

/* Tasks queued, running or not collected yet, computations included. */
size_t pool_busy(struct pool *pool);

/* The next computation that has ended, for counting; the caller's. NULL: no
 * more. Some are forgotten when nobody takes them. */
struct task *pool_take_ended(struct pool *pool);

/* A thread has crashed in what it runs: others may do what it would have. */
void pool_lost(struct pool *pool);

/* Threads that have not. */
unsigned pool_alive(struct pool *pool);

/* Tasks that wait for a thread. */
size_t pool_queued(struct pool *pool);

/* Since when the first of them does (clock_mono_us); none: now. */
int64_t pool_oldest_us(struct pool *pool);

/* Threads that run a callback or compute a value at this moment. */
unsigned pool_computing(struct pool *pool);

/* Let the running tasks end, join the threads, free what is queued. */
void pool_stop(struct pool **pool);

#endif
