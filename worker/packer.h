/* SPDX-License-Identifier: MIT */
#ifndef WORKER_PACKER_H
#define WORKER_PACKER_H

#include <stdbool.h>

#include "worker/http_reply.h"

/*
 * A thread that compresses answers too long for the loop, of which a megabyte
 * takes about ten milliseconds. It has nothing else to do, so that an answer
 * that is made never waits for callbacks; and what waits for it is bounded:
 * beyond that an answer goes out as it is, which is sooner there than its turn.
 *
 * OWNERSHIP  An item is the packer's from packer_submit() to packer_collect().
 * THREADS    packer_* are for the loop. The packer's thread reads the bytes of
 *            the reply, which may be shared with other answers, and writes
 *            `small`; it touches no blob, as they are counted without a lock.
 */
struct request;
struct task;

#define PACKER_MAX ((size_t)16 << 20) /* bytes of an answer, and of all */

struct packer_item {
	struct packer_item *next;
	struct reply reply;      /* with a reference to its blob */
	bool brotli;             /* else gzip */
	char *small;             /* out: malloc'ed; NULL: does not shrink */
	size_t small_len;        /* out */
	struct request *request; /* whose answer it is; not looked at */
	struct task *task;       /* what the reply points into; not looked at */
};

struct packer;

/* `wake_fd` is an eventfd that is written when there is something to collect.
 * The thread begins with the first item. NULL: no memory. */
struct packer *packer_new(int level, int wake_fd);

/* Room for one of so many bytes? */
bool packer_has_room(struct packer *packer, size_t len);

/* 0, or negative when no thread can be started: the item is the caller's. */
int packer_submit(struct packer *packer, struct packer_item *item);

/* All that are done, in their order. */
struct packer_item *packer_collect(struct packer *packer);

/* End the thread, after the item it is at; what was not collected is returned,
 * and is the caller's. Accepts NULL. */
struct packer_item *packer_stop(struct packer **packer);

#endif
