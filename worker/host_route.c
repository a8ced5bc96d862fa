/* SPDX-License-Identifier: MIT */

/*
 * What a handler of ph_route() reads and sets, its run, and files through the
 * page.
 *
 * OWNERSHIP  The answer belongs to the task; what a handler reads lives in
 *            the arena of its call or in the task.
 * THREADS    The thread that runs the call.
 * FAILURE    What a client sends wrongly is 400, not the app's error.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cache/encode.h"
#include "server/base/err.h"
#include "worker/base64.h"
#include "worker/crash.h"
#include "worker/host.h"
#include "worker/host_session.h"
#include "worker/json_read.h"
#include "worker/pattern.h"
#include "worker/routes.h"
#include "worker/routes_int.h"
#include "worker/spool.h"
#include "worker/task.h"
#include "worker/update.h"

struct call *
route_call(struct ph_call *ph, const char *function)
{
	struct call *call = host_call(ph);

	if (call->route == NULL) {
		call_error(call, "%s(): %s is not a handler of ph_route()",
		    function, call->name);
		return NULL;
	}
	return call;
}

static const char *
get_method(struct ph_call *ph)
{
	struct call *call = route_call(ph, "ph_method");

	if (call == NULL)
		return "";
	switch (call->route->route->method) {
	case HTTP_GET:
		return "GET";
	case HTTP_POST:
		return "POST";
	case HTTP_PUT:
		return "PUT";
	case HTTP_PATCH:
		return "PATCH";
	default:
		return "DELETE";
	}
}

static const char *
get_path(struct ph_call *ph)
{
	struct call *call = host_call(ph);

	if (call->route == NULL && call->page_path != NULL)
		return call->page_path;
	if (call->route == NULL && call->trial)
		return "";
	call = route_call(ph, "ph_path");
	return call != NULL ? call->route->path : "";
}

static const void *
get_body(struct ph_call *ph, size_t *len)
{
	struct call *call = route_call(ph, "ph_body");

	if (len != NULL)
		*len = call != NULL ? call->route->body_len : 0;
	return call != NULL ? call->route->body : "";
}

static bool
is_type(const struct call *call, const char *type)
{
	const char *have =
	    host_header((struct ph_call *)(uintptr_t)call, "Content-Type");
	size_t len = strlen(type);

	return strncasecmp(have, type, len) == 0 &&
	       strchr("; \t", have[len]) != NULL;
}

void
route_bad_request(struct call *call, int status, const char *why)
{
	call->route->bad = true;
	call->route->bad_status = status;
	call_error(call, "%s", why);
}

static const struct ph_value *
get_json(struct ph_call *ph)
{
	struct call *call = route_call(ph, "ph_body_json");
	struct json_limits limits;
	struct value *tree = NULL;
	const char *why = "the body is not announced as application/json";
	size_t len;
	const char *body;

	if (call == NULL)
		return host_give(&call_null_value);
	limits =
	    (struct json_limits){ (size_t)call->kit->options->limit_json_depth,
		    (size_t)call->kit->options->limit_json_nodes,
		    (size_t)call->kit->options->limit_json_nodes, false, true };
	body = get_body(ph, &len);
	if (!is_type(call, "application/json") ||
	    json_read(body, len, &limits, call->arena, &tree, &why) < 0) {
		route_bad_request(call, 400, why);
		return host_give(&call_null_value);
	}
	return host_give(tree);
}

/* ---- files through the page -----------------------------------------------
 */

static const void *
upload(struct ph_call *ph, const struct ph_value *ph_contents, size_t *len)
{
	struct call *call = host_call(ph);
	const struct value *contents = host_take(ph_contents);
	struct buf bytes = BUF_EMPTY;
	const char *comma;
	char *data;
	size_t count;

	if (len != NULL)
		*len = 0;
	if (contents->kind == VALUE_NULL)
		return NULL;
	comma = contents->kind == VALUE_TEXT
		    ? memchr(contents->u.text, ',', contents->count)
		    : NULL;
	if (comma == NULL ||
	    base64_decode(comma + 1,
		contents->count - (size_t)(comma + 1 - contents->u.text),
		&bytes) < 0 ||
	    buf_cstr(&bytes) == NULL) {
		buf_free(&bytes);
		call_error(call,
		    "ph_upload(): it is no \"contents\" of a dcc.Upload");
		return NULL;
	}
	data = buf_detach(&bytes, &count);
	if (call_keep(call, data) < 0) {
		call_error(call, "ph_upload(): out of memory");
		return NULL;
	}
	if (len != NULL)
		*len = count;
	return data;
}

static enum ph_status
download(struct ph_call *ph, const char *what, const char *name,
    const char *type, const void *bytes, size_t len)
{
	struct call *call = host_call(ph);
	struct buf text = BUF_EMPTY;
	const struct ph_value *content;

	if (len > 0 && base64_encode(bytes, len, &text) < 0) {
		call_error(call, "ph_download(\"%s\"): out of memory", what);
		buf_free(&text);
		return PH_ERROR;
	}
	content = host_make_text(text.data != NULL ? text.data : "", text.len);
	buf_free(&text);
	return host_output(ph, what,
	    HOST_OBJECT({ "filename", host_make_text(name, strlen(name)) },
		{ "content", content },
		{ "type", host_make_text(type != NULL ? type : "",
			      type != NULL ? strlen(type) : 0) },
		{ "base64", host_make_bool(true) }));
}

/* ---- the run --------------------------------------------------------------
 */

/* The arguments of a TASK_ROUTE: path, query, request, and is it a HEAD. */
static int
read_arguments(struct task *task, struct call *call, struct arena *arena,
    struct route_call *route)
{
	struct value *args = NULL;
	struct value *about;
	const struct value *query;
	int rc;

	rc = encode_decode(task->arguments.data, task->arguments.len, arena,
	    &args);
	if (rc < 0 || args->kind != VALUE_ARRAY || args->count != 4)
		return rc < 0 ? rc : ERR_CORRUPT;
	about = value_array(arena, UPDATE_ABOUT_COUNT);
	if (about == NULL)
		return -ENOMEM;
	about->u.items[UPDATE_REQUEST] = args->u.items[2];
	call->about = about;
	route->head_only = args->u.items[3].flag;
	route->path = args->u.items[0].u.text;
	query = &args->u.items[1];
	call->query_args = pattern_query(
	    (struct http_span){ query->u.text, query->count }, arena);
	(void)pattern_match(route->route->path, route->path, arena,
	    &call->path_args);
	return 0;
}

/* The body, in memory or in a file. 0 or -errno. */
static int
give_body(struct task *task, struct route_call *route)
{
	int rc = 0;

	if (task->spool != NULL) {
		route->spool = task->spool;
		rc = spool_map(task->spool, &route->body);
		route->body_len = spool_len(task->spool);
	} else {
		route->body = buf_cstr(&task->about); /* a NUL behind it */
		route->body_len = task->about.len;
	}
	return route->body != NULL ? rc : -ENOMEM;
}

static void
judge(struct task *task, struct call *call, const struct route_call *route,
    enum ph_status status)
{
	buf_clear(&task->fields);
	if (!call->failed && !call->waits)
		(void)host_fields_write(call, &task->fields);
	if (!route->bad || !call->failed) {
		(void)task_judge(task, call, status);
		return;
	}
	task->outcome = TASK_FAILED;
	task->status = route->bad_status;
	(void)snprintf(task->error, sizeof(task->error), "%s", call->error);
}

void
route_run(struct task *task, struct toolkit *kit, struct arena *arena)
{
	struct route_call route = { .route = task->route,
		.response = &task->response };
	enum ph_status status;
	struct call call;
	int rc = -ENOMEM;

	call_init(&call, kit, arena, CALL_ROUTE, task->route->name, NULL);
	task_begin(task, kit, &call);
	route_answer_free(&task->answer);
	task->answer = calloc(1, sizeof(*task->answer));
	if (task->answer != NULL) {
		task->answer->fd = -1;
		route.answer = task->answer;
		call.route = &route;
		buf_clear(&task->response);
		rc = give_body(task, &route);
		if (rc == 0)
			rc = read_arguments(task, &call, arena, &route);
	}
	if (rc < 0) {
		task_fail(task, task->route->name, err_str(rc));
		return;
	}
	call_enter(&call);
	crash_enter(task->route->name, NULL);
	status = call_run(&call, task->route->handler);
	crash_leave();
	route_choose_part(&call, route.head_only);
	call_leave(&call);
	judge(task, &call, &route, status);
	call_fini(&call);
}

const struct ph_route_host host_route_table = {
	.size = sizeof(struct ph_route_host),
	.route = routes_define,
	.method = get_method,
	.path = get_path,
	.body = get_body,
	.body_json = get_json,
	.form_arg = route_form_arg,
	.respond = route_respond,
	.respond_json = route_respond_json,
	.respond_file = route_respond_file,
	.respond_header = route_respond_header,
	.upload = upload,
	.download = download,
	.form_count = route_form_count,
	.form_part = route_form_part,
	.form_file = route_form_file,
	.save = route_save,
	.respond_more = route_respond_more,
	.respond_csv = route_respond_csv,
	.bytes_path = host_bytes_path,
};
