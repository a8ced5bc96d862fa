/* SPDX-License-Identifier: MIT */
#ifndef SERVER_PLACEMENT_H
#define SERVER_PLACEMENT_H

#include <stdbool.h>

#include "server/options.h"

/*
 * On which CPUs a worker runs, and how willingly it lets others go first: the
 * settings cpu_affinity and worker_nice.
 *
 * THREADS  The child's only one, before it changes its user.
 */

/* Take "3" or "0-3" apart; false: it is neither. */
bool placement_parse(const char *text, unsigned *first, unsigned *last);

/* In a new worker. What cannot be had is a warning; it runs all the same. */
void placement_apply(const struct server_options *options, unsigned slot);

#endif
