/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SESSION_AGAIN_H
#define WORKER_SESSION_AGAIN_H

#include "server/base/buf.h"
#include "worker/http_parse.h"

/*
 * A callback that comes with the old id of a session that has just got another
 * one: the browser is told to send it once more (307), and takes the new cookie
 * when it has got that meanwhile. Nobody gets anything by the old id. How often
 * stands in the query; after SESSION_AGAIN_MAX times the answer is 409.
 *
 * THREADS  Any.
 */
#define SESSION_AGAIN_MAX 12 /* browsers follow 20 */

/* How often a request with that query was sent; SESSION_AGAIN_MAX when it says
 * something else, which must not get lost. */
unsigned session_again_count(struct http_span query);

/* Append the field that tells where to: the same address. False: enough. */
bool session_again_field(unsigned count, struct buf *fields);

#endif
