/* SPDX-License-Identifier: MIT */
#ifndef WORKER_ROUTES_INT_H
#define WORKER_ROUTES_INT_H

#include "worker/call.h"
#include "worker/routes.h"

/* Between the two files of the app's own paths. */

/* One run of a handler; the task owns what it points to. */
struct route_call {
	const struct app_route *route;
	const char *path;
	const struct buf *body;
	struct buf *response;
	struct route_answer *answer;
	struct value *form; /* NULL: not read yet, or none */
	bool bad;           /* the client's mistake: 400 */
};

/* ph_route(). */
void routes_define(struct ph_app *app, const char *method, const char *path,
    ph_function *handler, const char *name,
    const struct ph_route_options *options);

#endif
