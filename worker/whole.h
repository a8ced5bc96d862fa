/* SPDX-License-Identifier: MIT */
#ifndef WORKER_WHOLE_H
#define WORKER_WHOLE_H

#include "worker/http_reply.h"

/*
 * Answers that are asked for over and over, as files in memory that hold head
 * and body: sendfile() from one copies no byte.
 *
 * Bounded: WHOLE_SLOTS answers with bodies of WHOLE_MIN to WHOLE_MAX bytes.
 *
 * OWNERSHIP  The table holds a reference to each body, and the files; who
 *            sends one takes a reference.
 * THREADS    The loop only.
 */
#define WHOLE_SLOTS 16
#define WHOLE_MIN ((size_t)8 * 1024) /* below it a copy costs less */
#define WHOLE_MAX ((size_t)128 * 1024)

struct whole;

struct whole *whole_new(void); /* NULL: no memory */
void whole_free(struct whole **whole);

/*
 * The file with exactly these bytes: `head`, then the body of `reply`, which
 * is held by its blob. NULL: there is none (yet); send them as they are.
 * Accepts NULL for `whole`. The blob is the table's, until the next call.
 */
struct blob *whole_get(struct whole *whole, const char *head, size_t len,
    const struct reply *reply);

/* Once a second: forget what nobody has asked for since the last time. */
void whole_sweep(struct whole *whole);

#endif
