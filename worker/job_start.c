/* SPDX-License-Identifier: MIT */

/*
 * The request that starts a background callback, on a pool thread, because it
 * writes: tickets of former jobs go, a ticket and a row are made, and the
 * answer tells the page what to ask for.
 *
 * INVARIANT  The ticket is written before the row, or a thread that is quick
 *            would find that nobody wants its job.
 * THREADS    Pool threads.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cache/encode.h"
#include "cache/session.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "worker/job.h"
#include "worker/json_write.h"
#include "worker/memo.h"
#include "worker/packed.h"
#include "worker/task.h"
#include "worker/update.h"

enum ph_status
job_nothing(struct ph_call *call)
{
	(void)call;
	return PH_NO_UPDATE;
}

/* What is not to stand in the store. */
static bool
is_secret(const struct value *name)
{
	return strcasecmp(name->u.text, "cookie") == 0 ||
	       strcasecmp(name->u.text, "authorization") == 0 ||
	       strcasecmp(name->u.text, "proxy-authorization") == 0;
}

static void
remove_secrets(const struct value *about, struct arena *arena)
{
	const struct value *request = &about->u.items[UPDATE_REQUEST];
	const struct value *fields = value_get(request, "fields");
	struct value *kept;
	uint32_t i;

	if (fields == NULL || fields->kind != VALUE_ARRAY)
		return;
	kept = value_array(arena, fields->count);
	if (kept == NULL)
		return;
	kept->count = 0;
	for (i = 0; i + 1 < fields->count; i += 2) {
		if (is_secret(&fields->u.items[i]))
			continue;
		kept->u.items[kept->count++] = fields->u.items[i];
		kept->u.items[kept->count++] = fields->u.items[i + 1];
	}
	for (i = 0; i < request->count; i++) {
		if (strcmp(request->u.members[i].name, "fields") == 0)
			request->u.members[i].value = *kept;
	}
}

/* The session that asks, when there is one; a job only reads it. */
static bool
find_session(const struct task *task, struct toolkit *kit,
    struct session_row *row)
{
	int64_t until_ms = 0;
	int rc;

	if (!kit->app->sessions || task->visit.ticket.issued == 0)
		return false;
	do
		rc = session_find(kit->cache, task->visit.ticket.id,
		    (int64_t)task->visit.ticket.issued * 1000, row);
	while (memo_try_again(kit, rc, &until_ms));
	return rc == SESSION_LIVE;
}

/* The arguments of a row of its own: with the job's id among them, and the
 * user of its session ("": none). */
static int
add_id(struct task *task, const char *id, const char *user, struct arena *arena)
{
	const struct callback *callback = task->callback;
	struct buf encoded = BUF_EMPTY;
	const struct value *about = NULL;
	struct value *args = NULL;
	struct value *item;
	int rc;

	rc = update_decode(task->arguments.data, task->arguments.len, callback,
	    arena, &args, &about);
	if (rc < 0)
		return rc;
	if (about == NULL)
		return ERR_CORRUPT;
	remove_secrets(about, arena);
	item = &about->u.items[UPDATE_JOB];
	item->kind = VALUE_TEXT;
	item->u.text = id;
	item->count = JOB_ID_LEN;
	item = &about->u.items[UPDATE_USER];
	item->kind = VALUE_TEXT;
	item->u.text = user;
	item->count = (uint32_t)strlen(user);
	args->count++; /* update_decode() has hidden the last */
	args->u.items[args->count - 1] = *about;
	rc = encode_value(args, &encoded);
	if (rc < 0) {
		buf_free(&encoded);
		return rc;
	}
	buf_free(&task->arguments);
	task->arguments = encoded; /* ownership moves to the task */
	return 0;
}

static void
put_cancel(const struct callback *callback, struct buf *out)
{
	uint32_t i;

	for (i = 0; i < callback->cancel_count; i++) {
		(void)buf_puts(out, i == 0 ? ",\"cancel\":[" : ",");
		(void)buf_putl(out, "{\"id\":");
		(void)json_write_text(callback->cancel[i].id,
		    strlen(callback->cancel[i].id), out);
		(void)buf_putl(out, ",\"property\":");
		(void)json_write_text(callback->cancel[i].property,
		    strlen(callback->cancel[i].property), out);
		(void)buf_puts(out,
		    i + 1 == callback->cancel_count ? "}]" : "}");
	}
}

static void
put_defaults(const struct callback *callback, struct buf *out)
{
	const struct running *item = callback->progress;
	const char *why;
	bool any = false;
	uint32_t i;

	for (i = 0; i < callback->progress_count; i++, item++) {
		if (item->off == NULL)
			continue;
		(void)buf_puts(out, any ? "," : ",\"progressDefault\":{");
		any = true;
		(void)json_write_text(item->what, strlen(item->what), out);
		(void)buf_putc(out, ':');
		if (json_write_page(item->off, NULL, out, &why) < 0)
			(void)buf_putl(out, "null");
	}
	if (any)
		(void)buf_putc(out, '}');
}

static void
answer_id(struct task *task, const char *id)
{
	(void)buf_printf(&task->response, "{\"cacheKey\":\"%s\",\"job\":\"%s\"",
	    id, id);
	put_cancel(task->callback, &task->response);
	put_defaults(task->callback, &task->response);
	(void)buf_putc(&task->response, '}');
	task->outcome = TASK_DONE;
}

/* A memoized result that is there is the answer. */
static bool
answer_result(struct task *task, struct toolkit *kit)
{
	struct buf found = BUF_EMPTY;
	enum cache_format format;
	struct packed packed;
	bool there;

	there =
	    cache_lookup(kit->cache, task->key, &found, &format) > CACHE_MISS &&
	    format == CACHE_FORMAT_RESPONSE &&
	    packed_open(found.data, found.len, &packed);
	if (there)
		(void)buf_put(&task->response, packed.plain, packed.plain_len);
	buf_free(&found);
	task->outcome = TASK_DONE;
	return there;
}

/* `scope` is that of the row's values: the session's, or "". */
static int
ask(struct task *task, struct toolkit *kit, const char *scope)
{
	struct cache_question question = { .key = task->key,
		.scope = scope,
		.function = task->computation->name,
		.arguments = task->arguments.data,
		.arguments_len = task->arguments.len,
		.code = memo_code(kit->app, task->computation, true),
		.client = task->client };
	int64_t until_ms = 0;
	int rc;

	do
		rc = cache_ask_for(kit->cache, &question, NULL, NULL);
	while (memo_try_again(kit, rc, &until_ms));
	task->wanted_new = rc == CACHE_WANTED_NEW;
	if (task->wanted_new)
		cache_hint_all(kit->cache);
	return rc;
}

/* Tickets that the request names go: of jobs that it replaces or ends. */
static void
cancel_named(struct task *task, struct toolkit *kit, const char *requester,
    struct http_span query)
{
	static const char *const names[] = { "oldJob", "cancelJob" };
	char id[JOB_ID_LEN + 1];
	size_t at;
	int i;

	for (i = 0; i < 2; i++) {
		/* A background callback's own request replaces only. */
		if (i == 1 && task->callback->background)
			continue;
		at = 0;
		while (job_next_id(query, names[i], &at, id))
			job_cancel(kit, id, requester);
	}
}

bool
job_start(struct task *task, struct toolkit *kit)
{
	const struct callback *callback = task->callback;
	char requester[JOB_ID_LEN + 1];
	char scope[sizeof(SESSION_GROUP) + SESSION_SCOPE_LEN] = "";
	struct session_row session = { .user = "" };
	struct http_span query;
	char id[JOB_ID_LEN + 1];
	struct arena arena;
	int rc;

	if (kit->cache == NULL || memo_store_is_failing(kit) ||
	    task->jobs.len < JOB_ID_LEN)
		return false;
	memcpy(requester, task->jobs.data, JOB_ID_LEN);
	requester[JOB_ID_LEN] = '\0';
	query.data = task->jobs.data + JOB_ID_LEN;
	query.len = task->jobs.len - JOB_ID_LEN;
	cancel_named(task, kit, requester, query);
	if (!callback->background) {
		task->outcome = TASK_DONE; /* nothing to say: 204 */
		return true;
	}
	arena_init(&arena, (size_t)kit->options->limit_request_memory);
	/* What is kept for everybody knows nobody. */
	if (!callback->memoize && find_session(task, kit, &session))
		(void)snprintf(scope, sizeof(scope), SESSION_GROUP "%s",
		    session.scope);
	rc = job_new_id(id);
	if (rc == 0 && !callback->memoize)
		rc = add_id(task, id, session.user, &arena);
	if (rc == 0)
		rc = memo_key_of(kit, task->computation, true,
		    task->arguments.data, task->arguments.len, task->key);
	if (rc == 0)
		rc = job_write(kit, id, requester, task->key);
	if (rc == 0)
		rc = ask(task, kit, scope);
	arena_free(&arena);
	if (rc < 0 || rc == CACHE_PASS)
		return false;
	if (rc != CACHE_READY || !answer_result(task, kit))
		answer_id(task, id);
	return true;
}
