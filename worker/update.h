/* SPDX-License-Identifier: MIT */
#ifndef WORKER_UPDATE_H
#define WORKER_UPDATE_H

#include <stddef.h>

#include "cache/value.h"
#include "server/base/buf.h"
#include "worker/app.h"
#include "worker/options.h"

/*
 * The bodies of POST _dash-update-component: the request into a callback and
 * its arguments, the outputs into the response.
 */

struct update {
	int status;      /* 0, or the HTTP status of the refusal */
	const char *why; /* static sentence of a refusal */
	const struct callback *callback;
	struct value *arguments; /* array: inputs, then states */
};

/*
 * Check a body against the definition of its callback: everything the
 * browser names must be what the app defined, in number, order and name.
 *   400  not JSON, or not of the shape the protocol has
 *   413  more values than limit_json_nodes
 *   500  an output that no callback of this app has
 *   503  out of memory
 * The arguments live in the arena.
 */
void update_parse(const struct app *app, const struct worker_options *options,
    const char *body, size_t len, struct arena *arena, struct update *update);

/*
 * Append {"multi":true,"response":{...}}; nothing at all when no output was
 * set. 0, or negative with *why a sentence that names the output (thread
 * local, valid until the next call).
 */
int update_response(const struct callback *callback,
    const struct value *const *outputs, struct buf *out, const char **why);

#endif
