/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SHARE_H
#define WORKER_SHARE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What large answers may take of one pass through the loop.
 *
 * A kernel takes megabytes for a client that reads nothing, each for the time
 * of a copy. All large sends of one pass share a few megabytes, so that those
 * who ask for little wait for a few of them and not for all.
 *
 * THREADS  The loop only.
 */
struct worker;

/* A pass begins: the worker's loop, and nobody else, says so. */
void share_begin(struct worker *worker);

/* May large answers be sent in this pass? If not, what is left to do of many
 * of them is done in the next one. */
bool share_is_left(const struct worker *worker);

/* Bytes have been sent. */
void share_take(struct worker *worker, size_t sent);

#endif
