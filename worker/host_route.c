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
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "cache/encode.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "worker/base64.h"
#include "worker/crash.h"
#include "worker/guard.h"
#include "worker/host.h"
#include "worker/http_class.h"
#include "worker/json_read.h"
#include "worker/json_write.h"
#include "worker/pattern.h"
#include "worker/routes.h"
#include "worker/routes_int.h"
#include "worker/task.h"
#include "worker/update.h"

/* Set by the server, or changing how the answer is framed. */
static const char *const own_fields[] = { "connection", "content-encoding",
	"content-length", "content-type", "date", "keep-alive",
	"transfer-encoding", "upgrade", "trailer" };

/* The call of a handler, or NULL: call_error set. */
static struct call *
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
	struct call *call = route_call(ph, "ph_path");

	return call != NULL ? call->route->path : "";
}

static const void *
get_body(struct ph_call *ph, size_t *len)
{
	struct call *call = route_call(ph, "ph_body");
	const struct buf *body = call != NULL ? call->route->body : NULL;

	if (len != NULL)
		*len = body != NULL ? body->len : 0;
	return body != NULL && body->len > 0 ? body->data : "";
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

/* The client's mistake: told to it, and no error in the log. */
static void
bad_request(struct call *call, const char *why)
{
	call->route->bad = true;
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
		    (size_t)call->kit->options->limit_json_nodes, 2000 };
	body = get_body(ph, &len);
	if (!is_type(call, "application/json") ||
	    json_read(body, len, &limits, call->arena, &tree, &why) < 0) {
		bad_request(call, why);
		return host_give(&call_null_value);
	}
	return host_give(tree);
}

static const char *
get_form(struct ph_call *ph, const char *name)
{
	struct call *call = route_call(ph, "ph_form_arg");
	const struct value *value;
	struct http_span span;
	size_t len;

	if (call == NULL)
		return "";
	if (call->route->form == NULL &&
	    is_type(call, "application/x-www-form-urlencoded")) {
		span.data = get_body(ph, &len);
		span.len = len;
		call->route->form = pattern_query(span, call->arena);
	}
	value = call->route->form != NULL ? value_get(call->route->form, name)
					  : NULL;
	return value != NULL && value->kind == VALUE_TEXT ? value->u.text : "";
}

/* ---- the response -------------------------------------------------------- */

static bool
is_printable(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	}
	return true;
}

/* Status and type; NULL: call_error set. */
static struct route_answer *
begin_answer(struct ph_call *ph, const char *function, int status,
    const char *type)
{
	struct call *call = route_call(ph, function);
	struct route_answer *answer;

	if (call == NULL)
		return NULL;
	answer = call->route->answer;
	if (type == NULL)
		type = "";
	if (status < 200 || status > 599 || !is_printable(type) ||
	    strlen(type) >= sizeof(answer->type)) {
		call_error(call, "%s(%d, \"%.60s\"): no such status or type",
		    function, status, type);
		return NULL;
	}
	answer->status = status;
	(void)strcpy(answer->type, type);
	fd_close(&answer->fd);
	buf_clear(call->route->response);
	return answer;
}

static enum ph_status
respond(struct ph_call *ph, int status, const char *type, const void *bytes,
    size_t len)
{
	struct call *call = host_call(ph);

	if (begin_answer(ph, "ph_respond", status, type) == NULL)
		return PH_ERROR;
	if (len > 0 && buf_put(call->route->response, bytes, len) < 0) {
		call_error(call, "ph_respond(): out of memory");
		return PH_ERROR;
	}
	return PH_OK;
}

static enum ph_status
respond_json(struct ph_call *ph, int status, const struct ph_value *value)
{
	struct call *call = host_call(ph);
	const char *why;

	if (begin_answer(ph, "ph_respond_json", status, "application/json") ==
	    NULL)
		return PH_ERROR;
	if (json_write(host_take(value), call->route->response, &why) < 0) {
		call_error(call, "ph_respond_json(): %s", why);
		return PH_ERROR;
	}
	return PH_OK;
}

static bool
respond_header(struct ph_call *ph, const char *name, const char *value)
{
	struct call *call = route_call(ph, "ph_respond_header");
	const char *wrong = NULL;
	const char *at;
	size_t i;

	if (call == NULL)
		return false;
	for (at = name; *at != '\0'; at++) {
		if (!http_class_has(*at, HTTP_TOKEN))
			wrong = "is no name";
	}
	if (*name == '\0')
		wrong = "is no name";
	for (i = 0; i < sizeof(own_fields) / sizeof(own_fields[0]); i++) {
		if (strcasecmp(name, own_fields[i]) == 0)
			wrong = "is the server's to set";
	}
	if (!is_printable(value))
		wrong = "has a control character in its value";
	if (call->route->answer->fields.len + strlen(name) + strlen(value) + 4 >
	    GUARD_FIELDS_MAX)
		wrong = "does not fit";
	if (wrong != NULL) {
		call_error(call, "ph_respond_header(\"%.60s\"): it %s", name,
		    wrong);
		return false;
	}
	return buf_printf(&call->route->answer->fields, "%s: %s\r\n", name,
		   value) == 0;
}

/* RFC 6266: the name in both forms. */
static bool
put_disposition(struct ph_call *ph, const char *save_as)
{
	struct buf text = BUF_EMPTY;
	const char *at;
	bool done = false;

	(void)buf_putl(&text, "attachment; filename=\"");
	for (at = save_as; *at != '\0'; at++)
		(void)buf_putc(&text,
		    *at >= 0x20 && *at < 0x7f && strchr("\"\\%", *at) == NULL
			? *at
			: '_');
	(void)buf_putl(&text, "\"; filename*=UTF-8''");
	for (at = save_as; *at != '\0'; at++) {
		if (http_class_has(*at, HTTP_TOKEN) &&
		    strchr("'%*", *at) == NULL)
			(void)buf_putc(&text, *at);
		else
			(void)buf_printf(&text, "%%%02X", (unsigned char)*at);
	}
	if (buf_cstr(&text) != NULL)
		done = respond_header(ph, "Content-Disposition", text.data);
	buf_free(&text);
	return done;
}

static enum ph_status
respond_file(struct ph_call *ph, const char *path, const char *type,
    const char *save_as)
{
	struct call *call = host_call(ph);
	struct route_answer *answer;
	struct stat st = { .st_size = 0 };
	int rc = 0;

	answer = begin_answer(ph, "ph_respond_file", 200, type);
	if (answer == NULL ||
	    (save_as != NULL && !put_disposition(ph, save_as)))
		return PH_ERROR;
	answer->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (answer->fd < 0 || fstat(answer->fd, &st) < 0)
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		rc = -EISDIR;
	if (rc < 0) {
		call_error(call, "ph_respond_file(\"%s\"): %s", path,
		    err_str(rc));
		return PH_ERROR;
	}
	answer->file_len = (size_t)st.st_size;
	return PH_OK;
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

/* The arguments of a TASK_ROUTE: path, query, request. */
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
	if (rc < 0 || args->kind != VALUE_ARRAY || args->count != 3)
		return rc < 0 ? rc : ERR_CORRUPT;
	about = value_array(arena, UPDATE_ABOUT_COUNT);
	if (about == NULL)
		return -ENOMEM;
	about->u.items[UPDATE_REQUEST] = args->u.items[2];
	call->about = about;
	route->path = args->u.items[0].u.text;
	query = &args->u.items[1];
	call->query_args = pattern_query(
	    (struct http_span){ query->u.text, query->count }, arena);
	(void)pattern_match(route->route->path, route->path, arena,
	    &call->path_args);
	return 0;
}

void
route_run(struct task *task, struct toolkit *kit, struct arena *arena)
{
	struct route_call route = { .route = task->route,
		.body = &task->about,
		.response = &task->response };
	enum ph_status status;
	struct call call;
	int rc = -ENOMEM;

	call_init(&call, kit, arena, CALL_ROUTE, task->route->name, NULL);
	call.since_ms = task->since_ms;
	call.session = task->session;
	call.user = task->user;
	route_answer_free(&task->answer);
	task->answer = calloc(1, sizeof(*task->answer));
	if (task->answer != NULL) {
		task->answer->fd = -1;
		route.answer = task->answer;
		call.route = &route;
		buf_clear(&task->response);
		(void)buf_cstr(&task->about); /* a NUL behind the body */
		rc = read_arguments(task, &call, arena, &route);
	}
	if (rc < 0) {
		task_fail(task, task->route->name, err_str(rc));
		return;
	}
	call_enter(&call);
	crash_enter(task->route->name, NULL);
	status = task->route->handler((struct ph_call *)(void *)&call);
	crash_leave();
	call_leave(&call);
	if (route.bad && call.failed) {
		task->outcome = TASK_FAILED;
		task->status = 400;
		(void)snprintf(task->error, sizeof(task->error), "%s",
		    call.error);
	} else {
		(void)task_judge(task, &call, status);
	}
	call_fini(&call);
}

const struct ph_route_host host_route_table = {
	.size = sizeof(struct ph_route_host),
	.route = routes_define,
	.method = get_method,
	.path = get_path,
	.body = get_body,
	.body_json = get_json,
	.form_arg = get_form,
	.respond = respond,
	.respond_json = respond_json,
	.respond_file = respond_file,
	.respond_header = respond_header,
	.upload = upload,
	.download = download,
};
