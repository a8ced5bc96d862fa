/* SPDX-License-Identifier: MIT */

/*
 * The responses of ph_route() handlers.
 *
 * A response that is made piece by piece stays in memory while it is small
 * and goes to a file without a name when it is not. It is sent when the
 * handler has returned: so a slow client holds no thread, and an export of any
 * size takes no memory.
 *
 * OWNERSHIP  The answer belongs to the task.
 * THREADS    The thread that runs the call.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"
#include "worker/frame.h"
#include "worker/guard.h"
#include "worker/host.h"
#include "worker/host_data.h"
#include "worker/host_session.h"
#include "worker/http_class.h"
#include "worker/json_write.h"
#include "worker/routes.h"
#include "worker/routes_int.h"
#include "worker/spool.h"

/* Set by the server, or changing how the answer is framed. */
static const char *const own_fields[] = { "connection", "content-encoding",
	"content-length", "content-type", "date", "keep-alive",
	"proxy-connection", "te", "transfer-encoding", "upgrade", "trailer" };

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
	if (status < 200 || status > 599 || !host_field_ok(type) ||
	    strlen(type) >= sizeof(answer->type)) {
		call_error(call, "%s(%d, \"%.60s\"): no such status or type",
		    function, status, type);
		return NULL;
	}
	answer->status = status;
	(void)strcpy(answer->type, type);
	fd_close(&answer->fd);
	spool_unref(&answer->spool);
	buf_clear(call->route->response);
	return answer;
}

enum ph_status
route_respond(struct ph_call *ph, int status, const char *type,
    const void *bytes, size_t len)
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

/* For want of descriptors, memory or disk, or of what slow readers may hold:
 * nobody's mistake, and over when they are gone. */
static bool
is_want_of_room(int rc)
{
	return rc == ERR_FULL || rc == -EMFILE || rc == -ENFILE ||
	       rc == -ENOMEM || rc == -ENOSPC || rc == -EDQUOT;
}

/* It cannot be answered: as there is no room for it (503), or for a reason of
 * the handler's (500). */
static enum ph_status
fail(struct call *call, const char *what, int rc)
{
	static struct log_gate gate;
	unsigned suppressed;

	if (!call->failed && is_want_of_room(rc)) {
		call->route->bad = true;
		call->route->bad_status = 503;
		if (log_gate_open(&gate, &suppressed))
			log_warn(rc, "route.no_room", "name=%s suppressed=%u",
			    call->name, suppressed);
	}
	call_error(call, "%s: %s", what, err_str(rc));
	return PH_ERROR;
}

/* What has been written so far to a file, as it is a lot. */
static int
to_file(struct call *call)
{
	const struct worker_options *options = call->kit->options;
	struct buf *written = call->route->response;
	int rc;

	rc = spool_new(&call->route->answer->spool, call_folder(call),
	    (size_t)options->limit_upload_total);
	if (rc == 0)
		rc = spool_put(call->route->answer->spool, written->data,
		    written->len);
	buf_free(written);
	return rc;
}

enum ph_status
route_respond_more(struct ph_call *ph, const void *bytes, size_t len)
{
	struct call *call = route_call(ph, "ph_respond_more");
	struct route_answer *answer;
	int rc = 0;

	if (call == NULL || call->failed)
		return PH_ERROR;
	answer = call->route->answer;
	if (answer->status == 0 || answer->fd >= 0) {
		call_error(call,
		    "ph_respond_more(): nothing that it could go on with: "
		    "ph_respond() comes first");
		return PH_ERROR;
	}
	if (answer->spool == NULL &&
	    call->route->response->len + len >
		(size_t)call->kit->options->upload_buffer)
		rc = to_file(call);
	if (rc == 0)
		rc = answer->spool != NULL
			 ? spool_put(answer->spool, bytes, len)
			 : buf_put(call->route->response, bytes, len);
	return rc < 0 ? fail(call, "ph_respond_more()", rc) : PH_OK;
}

/* Some rows of a query, and the names of the columns before the first. */
static bool
put_rows(struct call *call, const struct value_table *rows, bool first)
{
	struct ph_csv_options options = { .no_header = !first };
	struct buf text = BUF_EMPTY;
	int rc = frame_csv(rows, &options, &text);

	if (rc < 0)
		call_error(call, "ph_respond_csv(): %s", err_str(rc));
	else
		(void)route_respond_more((struct ph_call *)(void *)call,
		    text.data, text.len);
	buf_free(&text);
	return !call->failed;
}

enum ph_status
route_respond_csv(struct ph_call *ph, const char *sql,
    const struct ph_value *const *arguments, size_t count)
{
	struct call *call = route_call(ph, "ph_respond_csv");

	if (call == NULL || call->failed)
		return PH_ERROR;
	return data_query_parts(call, sql, arguments, count, put_rows);
}

enum ph_status
route_respond_json(struct ph_call *ph, int status, const struct ph_value *value)
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

bool
route_respond_header(struct ph_call *ph, const char *name, const char *value)
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
	if (!host_field_ok(value))
		wrong = "has a value that is not printable ASCII";
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
		done =
		    route_respond_header(ph, "Content-Disposition", text.data);
	buf_free(&text);
	return done;
}

enum ph_status
route_respond_file(struct ph_call *ph, const char *path, const char *type,
    const char *save_as)
{
	struct call *call = host_call(ph);
	struct route_answer *answer;
	struct stat st = { .st_size = 0 };
	char what[PATH_MAX + 32];
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
		(void)snprintf(what, sizeof(what), "ph_respond_file(\"%s\")",
		    path);
		return fail(call, what, rc);
	}
	answer->file_len = (size_t)st.st_size;
	return PH_OK;
}
