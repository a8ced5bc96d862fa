/* SPDX-License-Identifier: MIT */

/*
 * A request for one of the app's own paths to the pool, and its answer back.
 *
 * THREADS  The loop only.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/encode.h"
#include "server/base/fd.h"
#include "worker/dispatch_int.h"
#include "worker/routes.h"
#include "worker/spool.h"
#include "worker/update.h"
#include "worker/worker_int.h"

/* Longer ones stay a line of their own: a head has a bound. */
#define CACHE_CONTROL_MAX 200

static bool
set_text(struct arena *arena, struct value *value, const char *data, size_t len)
{
	value->kind = VALUE_TEXT;
	value->count = (uint32_t)len;
	value->u.text = arena_strndup(arena, data != NULL ? data : "", len);
	return value->u.text != NULL;
}

/* Path, query and request, encoded for the pool. */
static int
encode_request(struct worker *worker, const struct route_message *message,
    struct buf *out)
{
	struct value *args = value_array(&worker->arena, 4);
	const struct http_head *head = message->head;
	struct value *request =
	    update_request(&worker->arena, head, message->client);

	if (args == NULL || request == NULL ||
	    !set_text(&worker->arena, &args->u.items[0], message->path,
		strlen(message->path)) ||
	    !set_text(&worker->arena, &args->u.items[1], head->query.data,
		head->query.len))
		return -ENOMEM;
	args->u.items[2] = *request;
	args->u.items[3].kind = VALUE_BOOL;
	args->u.items[3].flag = head->method == HTTP_HEAD;
	return encode_value(args, out);
}

void
dispatch_route(struct conn *conn, const struct answer_to *to,
    const struct route_message *message)
{
	struct worker *worker = conn->worker;
	struct task *task = task_new(TASK_ROUTE);
	int rc = -ENOMEM;

	if (task != NULL) {
		task->route = message->route;
		dispatch_visit(conn, message->head, to, task);
		task->client = dispatch_client(conn, to, &task->visit.ticket);
		rc = encode_request(worker, message, &task->arguments);
	}
	/* A body in a file: the file goes along. */
	if (rc == 0 && conn->spool != NULL)
		task->spool = conn_take_spool(conn);
	else if (rc == 0 && message->len > 0)
		rc = buf_put(&task->about, message->body, message->len);
	if (rc < 0) {
		task_free(task);
		task = NULL;
	}
	dispatch_submit(conn, to, task, message->route->name);
}

/* The file of an answer; one that others are being sent, with them. */
static struct blob *
take_file(struct route_answer *answer)
{
	struct blob *blob = NULL;
	struct stat st;
	int fd = answer->fd;
	bool whole = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		     (uint64_t)st.st_size == answer->file_len;

	answer->fd = -1;
	if (whole)
		blob = blob_of_file(&st);
	if (blob != NULL) {
		fd_close(&fd);
		return blob;
	}
	blob = blob_new_file(fd, answer->file_len);
	if (whole)
		blob_share(blob, &st);
	return blob;
}

/* The file of the answer, or the part of it that is asked for. */
static void
reply_with_file(struct route_answer *answer, struct reply *reply)
{
	const struct route_file *file = &answer->file;
	const struct static_texts *texts = &file->texts;

	if (file->status == 412 || file->status == 416) {
		http_reply_error(reply, file->status);
		if (file->status == 416)
			reply->range = texts->range;
		return;
	}
	if (file->status != 0) {
		reply->status = file->status;
		reply->etag = texts->etag[0] != '\0' ? texts->etag : NULL;
		reply->modified =
		    texts->modified[0] != '\0' ? texts->modified : NULL;
	}
	if (file->status == 304) {
		reply->type = NULL;
		return;
	}
	reply->ranges = file->status != 0;
	reply->len = answer->file_len;
	reply->blob = take_file(answer);
	if (reply->blob == NULL) {
		http_reply_error(reply, 503);
		return;
	}
	reply->body = reply->blob->data;
	if (file->status != 206)
		return;
	reply->range = texts->range;
	reply->offset = file->first;
	reply->len = file->count;
	if (reply->body != NULL)
		reply->body = (const char *)reply->body + file->first;
}

/* The handler's fields behind those of ph_set_header() and ph_set_cookie(),
 * but for a Cache-Control, which stands for ours. */
static void
give_fields(struct task *task, struct reply *reply)
{
	struct buf *fields = &task->answer->fields;
	struct http_span value;
	struct http_span line;
	size_t before;

	/* It is that of these bytes, not of others with the same meaning. */
	if (routes_find_field(fields, "ETag", &value, &line))
		reply->as_is = true;
	if (!routes_find_field(fields, "Cache-Control", &value, &line) ||
	    value.len > CACHE_CONTROL_MAX) {
		(void)buf_put(&task->fields, fields->data, fields->len);
		return;
	}
	before = (size_t)(line.data - fields->data);
	(void)buf_put(&task->fields, fields->data, before);
	(void)buf_put(&task->fields, line.data + line.len,
	    fields->len - before - line.len);
	before = (size_t)(value.data - fields->data);
	fields->data[before + value.len] = '\0';
	if (strcasestr(fields->data + before, "no-transform") != NULL)
		reply->as_is = true;
	if (reply->status < 400 || reply->status == task->answer->status)
		reply->cache = fields->data + before;
}

void
dispatch_route_reply(struct task *task, struct reply *reply)
{
	struct route_answer *answer = task->answer;
	size_t len;
	char *data;

	memset(reply, 0, sizeof(*reply));
	reply->status = answer->status != 0 ? answer->status : 204;
	reply->type = answer->type[0] != '\0' ? answer->type : NULL;
	if (answer->spool != NULL) {
		reply->len = spool_len(answer->spool);
		reply->blob = blob_new_spool(answer->spool);
		answer->spool = NULL; /* the blob's now */
		if (reply->blob == NULL)
			http_reply_error(reply, 503);
	} else if (answer->fd >= 0) {
		reply_with_file(answer, reply);
	} else if (reply->status != 204 && reply->status != 205 &&
		   reply->status != 304) {
		data = buf_detach(&task->response, &len);
		reply->body = data;
		reply->len = len;
		reply->blob = blob_new(data, len);
		if (reply->blob == NULL)
			http_reply_error(reply, 503);
	}
	give_fields(task, reply);
}
