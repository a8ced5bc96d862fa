/* SPDX-License-Identifier: MIT */

/*
 * Finished answers of memoized callbacks, given on the loop thread: from this
 * worker's memory when the store confirms them, else from the store.
 *
 * INVARIANT  No answer leaves that cache_lookup() would not have given since
 *            its request was read.
 * OWNERSHIP  recall.c owns what it keeps; a reply holds a reference.
 * THREADS    The loop only.
 */
#include <stdlib.h>
#include <string.h>

#include "cache/now.h"
#include "worker/dispatch_int.h"
#include "worker/packed.h"
#include "worker/recall.h"
#include "worker/worker_int.h"

/*
 * The answer was given but should be made anew: let the pool see to it, once
 * for however many requests come meanwhile. Failing is no harm.
 */
static void
renew(struct worker *worker, const struct recalled *recalled, int64_t seen_ms)
{
	struct task *task;

	if (cache_state(worker->kit.cache, recalled->key, NULL) != CACHE_READY)
		return; /* on its way, or failed a moment ago */
	task = task_new(TASK_ANSWER);
	if (task == NULL)
		return;
	task->callback = recalled->callback;
	task->computation = &recalled->callback->computation;
	task->renew = true;
	task->since_ms = seen_ms;
	memcpy(task->key, recalled->key, CACHE_KEY_LEN);
	if (buf_put(&task->arguments, recalled->arguments.data,
		recalled->arguments.len) < 0 ||
	    pool_submit(worker->pool, task) < 0)
		task_free(task);
}

static void
give(struct conn *conn, const struct answer_to *to,
    const struct recalled *recalled)
{
	struct answer_to named = *to;
	struct reply reply;

	named.callback = recalled->callback;
	packed_reply(&recalled->packed, to->gzip, to->br, &reply);
	reply.blob = blob_ref(recalled->blob);
	conn_answer(conn, &named, &reply, false);
}

/* Give what is kept, if the store would give the same. */
static bool
give_kept(struct conn *conn, const struct answer_to *to,
    struct recalled *recalled)
{
	struct worker *worker = conn->worker;
	int found;

	found = cache_still(worker->kit.cache, recalled->key, &recalled->seen);
	if (found <= CACHE_MISS) {
		if (found == CACHE_MISS)
			recall_drop(worker->recall, recalled);
		return false;
	}
	if (found == CACHE_STALE)
		renew(worker, recalled, cache_now_ms());
	give(conn, to, recalled);
	return true;
}

bool
dispatch_recall_body(struct conn *conn, const struct answer_to *to,
    const char *body, size_t len)
{
	struct recalled *recalled =
	    recall_find_body(conn->worker->recall, body, len);

	return recalled != NULL && give_kept(conn, to, recalled);
}

/* From the store, to be kept for the next time. */
static bool
give_stored(struct conn *conn, const struct answer_to *to,
    struct recalled *about, const struct dispatch_asked *asked)
{
	struct worker *worker = conn->worker;
	struct recalled *kept;
	struct buf found = BUF_EMPTY;
	enum cache_format format;
	int64_t seen_ms = cache_now_ms();
	size_t len;
	char *data;
	int rc;

	rc = cache_lookup_seen(worker->kit.cache, about->key, &found, &format,
	    &about->seen);
	if (rc <= CACHE_MISS || format != CACHE_FORMAT_RESPONSE) {
		buf_free(&found);
		return false;
	}
	data = buf_detach(&found, &len);
	about->blob = blob_new(data, len);
	if (about->blob == NULL)
		return false;
	if (!packed_open(about->blob->data, len, &about->packed)) {
		blob_unref(about->blob);
		return false;
	}
	about->arguments = worker->scratch; /* borrowed */
	if (rc == CACHE_STALE)
		renew(worker, about, seen_ms);
	give(conn, to, about);
	kept = recall_keep(worker->recall, about, worker->scratch.data,
	    worker->scratch.len);
	if (kept != NULL && asked->body != NULL)
		recall_add_body(worker->recall, kept, asked->body, asked->len);
	blob_unref(about->blob);
	return true;
}

bool
dispatch_recall(struct conn *conn, const struct answer_to *to,
    const struct dispatch_asked *asked, const uint8_t key[CACHE_KEY_LEN])
{
	struct worker *worker = conn->worker;
	struct recalled about = { .callback = asked->callback };
	struct recalled *kept;

	kept = recall_find(worker->recall, key);
	if (kept != NULL && give_kept(conn, to, kept)) {
		if (asked->body != NULL)
			recall_add_body(worker->recall, kept, asked->body,
			    asked->len);
		return true;
	}
	memcpy(about.key, key, CACHE_KEY_LEN);
	return give_stored(conn, to, &about, asked);
}
