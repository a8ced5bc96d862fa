/* SPDX-License-Identifier: MIT */
#ifndef SERVER_CREW_INT_H
#define SERVER_CREW_INT_H

#include "server/crew.h"

/*
 * What the files of the crew's policy share. Private to crew*.c.
 *
 * THREADS  Master only.
 */

/* Boots or serves, and belongs to the wanted generation. */
bool crew_is_wanted(const struct crew *crew, const struct seat *seat);

/* How many of these serve. */
unsigned crew_count_ready(const struct crew *crew);

/* Is a worker there whose successor is on its way? */
bool crew_recycle_pending(const struct crew *crew);

/*
 * The successor of a tired worker is ready: it may go. Then it is the turn of
 * the next one.
 */
void crew_recycle(struct crew *crew, int64_t now_us);

#endif
