/* SPDX-License-Identifier: MIT */

/*
 * Compressing beside the loop. See packer.h.
 *
 * INVARIANT  `bytes` is the sum of the answers that are not done yet.
 * THREADS    All but `level`, `wake_fd` and `started` under the lock; an item
 *            that was taken from `waiting` is the thread's until it is in
 *            `done`.
 * FAILURE    Without memory an answer stays as it is.
 */
#include "worker/packer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "server/base/fd.h"
#include "worker/compress.h"

struct list {
	struct packer_item *first;
	struct packer_item *last;
};

struct packer {
	int level;
	int wake_fd;
	bool started;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct list waiting;
	struct list done;
	size_t bytes;
	bool stop;
};

static void
list_push(struct list *list, struct packer_item *item)
{
	item->next = NULL;
	if (list->last != NULL)
		list->last->next = item;
	else
		list->first = item;
	list->last = item;
}

static struct packer_item *
list_pop(struct list *list)
{
	struct packer_item *item = list->first;

	if (item == NULL)
		return NULL;
	list->first = item->next;
	if (list->first == NULL)
		list->last = NULL;
	item->next = NULL;
	return item;
}

static struct packer_item *
list_take(struct list *list)
{
	struct packer_item *all = list->first;

	list->first = NULL;
	list->last = NULL;
	return all;
}

struct packer *
packer_new(int level, int wake_fd)
{
	struct packer *packer = calloc(1, sizeof(*packer));

	if (packer == NULL)
		return NULL;
	packer->level = level;
	packer->wake_fd = wake_fd;
	(void)pthread_mutex_init(&packer->lock, NULL);
	(void)pthread_cond_init(&packer->work, NULL);
	return packer;
}

static void *
thread_main(void *arg)
{
	struct packer *packer = arg;
	struct packer_item *item;
	bool first;

	pthread_mutex_lock(&packer->lock);
	for (;;) {
		while (packer->waiting.first == NULL && !packer->stop)
			pthread_cond_wait(&packer->work, &packer->lock);
		if (packer->stop)
			break;
		item = list_pop(&packer->waiting);
		pthread_mutex_unlock(&packer->lock);
		item->small = (item->brotli ? compress_brotli
					    : compress_gzip)(item->reply.body,
		    item->reply.len, packer->level, &item->small_len);
		pthread_mutex_lock(&packer->lock);
		packer->bytes -= item->reply.len;
		first = packer->done.first == NULL;
		list_push(&packer->done, item);
		if (first)
			fd_event_wake(packer->wake_fd);
	}
	pthread_mutex_unlock(&packer->lock);
	return NULL;
}

/* POSIX signals are for the main thread. */
static int
start_thread(struct packer *packer)
{
	sigset_t all;
	sigset_t old;
	int rc;

	if (packer->started)
		return 0;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&packer->thread, NULL, thread_main, packer);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	packer->started = rc == 0;
	if (packer->started)
		(void)pthread_setname_np(packer->thread, "ph-packer");
	return -rc;
}

bool
packer_has_room(struct packer *packer, size_t len)
{
	size_t bytes;

	if (packer == NULL)
		return false;
	pthread_mutex_lock(&packer->lock);
	bytes = packer->bytes;
	pthread_mutex_unlock(&packer->lock);
	return len <= PACKER_MAX && bytes <= PACKER_MAX - len;
}

int
packer_submit(struct packer *packer, struct packer_item *item)
{
	int rc = start_thread(packer);

	if (rc < 0)
		return rc;
	item->small = NULL;
	item->small_len = 0;
	pthread_mutex_lock(&packer->lock);
	packer->bytes += item->reply.len;
	list_push(&packer->waiting, item);
	pthread_mutex_unlock(&packer->lock);
	pthread_cond_signal(&packer->work);
	return 0;
}

struct packer_item *
packer_collect(struct packer *packer)
{
	struct packer_item *all;

	if (packer == NULL || !packer->started)
		return NULL;
	pthread_mutex_lock(&packer->lock);
	all = list_take(&packer->done);
	pthread_mutex_unlock(&packer->lock);
	return all;
}

struct packer_item *
packer_stop(struct packer **packer_in)
{
	struct packer *packer = *packer_in;
	struct packer_item *item;
	struct packer_item *all;

	*packer_in = NULL;
	if (packer == NULL)
		return NULL;
	pthread_mutex_lock(&packer->lock);
	packer->stop = true;
	pthread_mutex_unlock(&packer->lock);
	pthread_cond_signal(&packer->work);
	if (packer->started)
		(void)pthread_join(packer->thread, NULL);
	while ((item = list_pop(&packer->waiting)) != NULL)
		list_push(&packer->done, item);
	all = list_take(&packer->done);
	(void)pthread_cond_destroy(&packer->work);
	(void)pthread_mutex_destroy(&packer->lock);
	free(packer);
	return all;
}
