/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SIDES_H
#define WORKER_SIDES_H

#include <stdbool.h>

#include "cache/value.h"
#include "worker/call.h"

/*
 * What callbacks set of the page beside their outputs, with ph_set_props(). It
 * goes with the answer; that of a job is told to its page while it runs, too.
 */

/* "id.property" is `value` from now on; both live as long as the call. False:
 * no memory. The thread that runs the call. */
bool sides_set(struct call *call, const char *what, const struct value *value);

/* Nothing more is told of this call; to be called before it ends. Its thread.
 */
void sides_end(struct call *call);

/* All calls have ended: so does what was begun for them. */
void sides_stop(void);

#endif
