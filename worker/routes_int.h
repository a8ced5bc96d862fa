/* SPDX-License-Identifier: MIT */
#ifndef WORKER_ROUTES_INT_H
#define WORKER_ROUTES_INT_H

#include "worker/call.h"
#include "worker/form.h"
#include "worker/routes.h"

/* Between the files of the app's own paths. */

/* One run of a handler; the task owns what it points to. */
struct route_call {
	const struct app_route *route;
	const char *path;
	const char *body; /* a NUL behind it; never NULL */
	size_t body_len;
	struct spool *spool; /* the file that the body is in, or NULL */
	struct buf *response;
	struct route_answer *answer;
	struct form form;
	bool head_only; /* the client asks for the head alone */
	bool form_read; /* or tried */
	bool bad;       /* the client's mistake */
	int bad_status; /* ... and what it is told */
};

/* The call of a handler, or NULL: call_error set. */
struct call *route_call(struct ph_call *call, const char *function);

/* The client's mistake: told to it, and no error in the log. */
void route_bad_request(struct call *call, int status, const char *why);

/* host_form.c: forms and what came with them. */
const char *route_form_arg(struct ph_call *call, const char *name);
size_t route_form_count(struct ph_call *call);
bool route_form_part(struct ph_call *call, size_t index, struct ph_part *part);
bool route_form_file(struct ph_call *call, const char *name,
    struct ph_part *part);
enum ph_status route_save(struct ph_call *call, const void *bytes, size_t len,
    const char *path);

/* host_path.c: bytes as a file with a name; in callbacks, too. */
const char *host_bytes_path(struct ph_call *call, const void *bytes,
    size_t len);

/* host_respond.c: what a handler answers. */
enum ph_status route_respond(struct ph_call *call, int status, const char *type,
    const void *bytes, size_t len);
enum ph_status route_respond_more(struct ph_call *call, const void *bytes,
    size_t len);
enum ph_status route_respond_csv(struct ph_call *call, const char *sql,
    const struct ph_value *const *arguments, size_t count);
enum ph_status route_respond_json(struct ph_call *call, int status,
    const struct ph_value *value);
enum ph_status route_respond_file(struct ph_call *call, const char *path,
    const char *type, const char *save_as);
bool route_respond_header(struct ph_call *call, const char *name,
    const char *value);

/* host_part.c: what the request makes of the file that is answered with. */
void route_choose_part(struct call *call, bool head_only);

/* ph_route(). */
void routes_define(struct ph_app *app, const char *method, const char *path,
    ph_function *handler, const char *name,
    const struct ph_route_options *options);

#endif
