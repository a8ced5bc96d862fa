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

/* Have starts failed so often that it makes no sense to go on? */
bool crew_reached_limit(const struct crew *crew);

/* The crashes of workers that had served do not count any more. */
void crew_forget_relapses(struct crew *crew);

/* No vacancy waits, no failure counts. */
void crew_start_afresh(struct crew *crew);

/* The steps of a restart, and the first "everybody is ready". */
bool crew_next_milestone(struct crew *crew, int64_t now_us,
    struct crew_action *action);

/* Rolling restart: how many of the new generation, for now. */
unsigned crew_restart_wanted(const struct crew *crew);

/* ... and an old one leaves, where a new one can stand in for it. */
void crew_restart_step(struct crew *crew, int64_t now_us);

/* Is a worker there whose successor is on its way? */
bool crew_recycle_pending(const struct crew *crew);

/*
 * The successor of a tired worker is ready: it may go. Then it is the turn of
 * the next one.
 */
void crew_recycle(struct crew *crew, int64_t now_us);

#endif
