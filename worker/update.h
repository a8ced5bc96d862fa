/* SPDX-License-Identifier: MIT */
#ifndef WORKER_UPDATE_H
#define WORKER_UPDATE_H

#include <stddef.h>

#include "cache/value.h"
#include "server/base/buf.h"
#include "worker/app.h"
#include "worker/http_parse.h"
#include "worker/options.h"

/*
 * The bodies of POST _dash-update-component: the request into a callback and
 * its arguments, the outputs into the response.
 */

/*
 * What an update says besides the values. An array of:
 *   outputs    per output its id, for ALL a list of ids; null when the
 *              callback has no patterns
 *   ids        the same per input and state
 *   triggered  texts "id.property"; null when the callback is memoized,
 *              whose answer must not depend on it
 *   request    {"client", "fields": [name, value, ...]}; the same
 *   job        id of the background job that the callback runs as
 *   user       ... and who uses the session that began it
 */
enum update_about {
	UPDATE_OUTPUTS,
	UPDATE_IDS,
	UPDATE_TRIGGERED,
	UPDATE_REQUEST,
	UPDATE_JOB,
	UPDATE_USER,
	UPDATE_ABOUT_COUNT
};

#define UPDATE_SLOTS_MAX 4096 /* components that one answer may set */

struct update {
	int status;      /* 0, or the HTTP status of the refusal */
	const char *why; /* sentence of a refusal, static or in the arena */
	const struct callback *callback; /* also of some refusals; or NULL */
	struct value *arguments;         /* array: inputs, then states */
	struct value *about; /* see enum update_about; NULL: nothing to say */
};

/* One property that an answer may set: an output, or one of its ALL. */
struct update_slot {
	const struct dependency *output;
	const char *id; /* as the browser writes it */
};

/* A property set by ph_set_props(). */
struct update_side {
	struct update_side *next;
	const char *what; /* "id.property" */
	const struct value *value;
	int64_t set_us;   /* clock_mono_us */
	struct arena own; /* of the value, when it was set in a scratch */
	struct arena old; /* of one that is just being written; see sides.c */
	bool writing;     /* ... as this one is */
};

/*
 * Check a body against the definition of its callback: everything the
 * browser names must be what the app defined, in number, order and name.
 *   400  not JSON, or not of the shape the protocol has
 *   413  more values than limit_json_nodes
 *   422  a text that C cannot hold; the sentence names the input
 *   500  an output that no callback of this app has
 *   503  out of memory
 * The arguments live in the arena.
 */
void update_parse(const struct app *app, const struct worker_options *options,
    const char *body, size_t len, struct arena *arena, struct update *update);

/* What ph_header() and the like read, in the arena; NULL without memory. */
struct value *update_request(struct arena *arena, const struct http_head *head,
    struct http_span client);

/*
 * Append the encoding of arguments and what is said about them, `request`
 * (may be NULL) among it: for a memoized callback the part of its key. As
 * encode_value().
 */
int update_encode(const struct update *update, const struct value *request,
    struct arena *arena, struct buf *out);

/* Read it back. *about is NULL when there is nothing. As encode_decode(). */
int update_decode(const void *data, size_t len, const struct callback *callback,
    struct arena *arena, struct value **arguments, const struct value **about);

/*
 * The properties an answer may set, in the arena. `about` may be NULL when
 * the callback has no patterns. 0; ERR_CORRUPT; -ENOMEM.
 */
int update_slots(const struct callback *callback, const struct value *about,
    struct arena *arena, struct update_slot **slots, uint32_t *count);

/* Append {"id.property":value,...} of those set since then; false: there are
 * none, or *why as below. */
bool update_sides(const struct update_side *side, int64_t since_us,
    struct buf *out, const char **why);

/*
 * Development: is there anything among the values that a browser could not
 * show, but would lose the component for? False, with *why as below.
 */
bool update_can_be_shown(const struct update_slot *slots, uint32_t count,
    const struct value *const *values, const struct update_side *side,
    const char **why);

/*
 * Append {"multi":true,"response":{...},"sideUpdate":{...}}; nothing at all
 * when nothing was set. `values` has one pointer per slot, NULL: not set. 0,
 * or negative with *why a sentence that names the output (thread local, valid
 * until the next call).
 */
int update_response(const struct update_slot *slots, uint32_t count,
    const struct value *const *values, const struct update_side *side,
    struct buf *out, const char **why);

#endif
