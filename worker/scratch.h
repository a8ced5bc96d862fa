/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SCRATCH_H
#define WORKER_SCRATCH_H

#include "worker/call.h"
#include "worker/host.h"

/*
 * Scratches: the other side of <pronghorn/scratch.h>. While one is open the
 * call's arena is another one, and what is made goes with it. What the call
 * itself has to remember is put into scratch_lasting_arena() instead.
 *
 * OWNERSHIP  A call owns its open scratches. One that is still open when the
 *            function returns becomes a part of the call's arena.
 * THREADS    The thread that runs the call.
 */
struct scratch;

/* The arena that lives as long as the call. */
struct arena *scratch_lasting_arena(struct call *call);

/* The value where it lives as long as the call: itself when no scratch is open,
 * else a copy. NULL gives null. No memory: call_error is set, it is null. */
const struct value *scratch_lasting(struct call *call,
    const struct value *value);

/* The function has returned: what it has left open lives with the call. */
void scratch_leave(struct call *call);

/* A copy of all of a value. NULL: no memory, or nested too deeply. */
struct value *scratch_copy(struct arena *arena, const struct value *value);

/*
 * Was this begun in `arena`, where what is put into it now will be? Else it
 * would outlive its parts: call_error is set, `what` is "ph_patch()" or so.
 */
bool scratch_is_here(struct call *call, const struct arena *arena,
    const char *what);

void host_scratch_begin(struct ph_call *call);
void host_scratch_end(struct ph_call *call);
const struct ph_value *host_keep(struct ph_call *call,
    const struct ph_value *value);

#endif
