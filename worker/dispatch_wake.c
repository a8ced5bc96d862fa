/* SPDX-License-Identifier: MIT */

/*
 * Results out: finished tasks from the pool, hints from other processes, and
 * the requests and tasks in the parking lot that they set free.
 *
 * A hint is only a hint: what counts is the row in the signal table, which
 * is read again whenever a hint comes, when somebody parks, and every 50 ms
 * while anybody waits.
 *
 * An entry that its last client has left stays for disconnect_grace_period;
 * then the signal table learns that nobody waits here.
 *
 * INVARIANT  Whoever is parked is found again: an entry leaves the lot only
 *            when both its lists have been taken over.
 * THREADS    The loop only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/board.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/log.h"
#include "worker/dispatch_int.h"
#include "worker/memo.h"
#include "worker/packed.h"
#include "worker/session_again.h"
#include "worker/share.h"
#include "worker/together.h"
#include "worker/worker_int.h"

static const struct timeval net_interval = { 0, 50000 };

#define MAIL_US 5000 /* for finished tasks; then clients have their turn */
#define NET_FULL 20  /* every so many times, whether anything changed or not */

static void
net_start(struct worker *worker)
{
	if (!event_pending(&worker->net_event, EV_TIMEOUT, NULL))
		(void)event_add(&worker->net_event, &net_interval);
}

void
dispatch_park(struct request *request, struct parked *parked)
{
	request->parked = parked;
	parked->left_us = 0;
	request->asked_us = clock_mono_us();
	if (parked->requests == NULL)
		parked->asked_us = request->asked_us;
	request->prev = NULL;
	request->next = parked->requests;
	if (request->next != NULL)
		request->next->prev = request;
	parked->requests = request;
	net_start(request->conn->worker);
}

/* Tell the signal table that nobody waits here; failing is no harm. */
static void
leave_key(struct worker *worker, const uint8_t key[CACHE_KEY_LEN])
{
	struct task *task = task_new(TASK_LEAVE);

	if (task == NULL)
		return;
	memcpy(task->key, key, CACHE_KEY_LEN);
	if (pool_submit(worker->pool, task) < 0)
		task_free(task);
}

static int64_t
grace_us(const struct worker *worker)
{
	return (int64_t)(worker->options->disconnect_grace_period * 1e6);
}

/*
 * If the last who waited here has gone, without the value, say so: after a
 * while, when it was a client, as somebody may just load his page again.
 */
static void
leave(struct worker *worker, struct parked *parked, bool at_once)
{
	if (!parked->may_stop || !park_is_empty(parked))
		return;
	if (at_once || grace_us(worker) == 0) {
		leave_key(worker, parked->key);
		return;
	}
	parked->left_us = clock_mono_us();
	net_start(worker);
}

/*
 * Take a parked task out of the lot and end it. A computation that it owns is
 * given up; what it waits for loses one who waits, too.
 */
static void
end_task(struct worker *worker, struct task *task, bool at_once)
{
	struct parked *parked = task->parked;
	enum task_kind kind = task->kind;

	park_remove_task(task);
	task->kind = TASK_LEAVE;
	if (!task->owned) {
		task_free(task);
	} else if (pool_submit(worker->pool, task) < 0) {
		task->kind = kind; /* the claim must not be forgotten */
		park_add_task(parked, task);
	}
	leave(worker, parked, at_once);
}

void
dispatch_end_waiting(struct worker *worker, struct task *task)
{
	task->request->waiting = NULL;
	end_task(worker, task, false);
}

void
dispatch_unpark(struct request *request, struct worker *worker)
{
	struct parked *parked = request->parked;

	if (request->prev != NULL)
		request->prev->next = request->next;
	else
		parked->requests = request->next;
	if (request->next != NULL)
		request->next->prev = request->prev;
	request->parked = NULL;
	leave(worker, parked, false);
	/* An entry without waiters goes at a later look at the lot. */
}

void
dispatch_drop_if_empty(struct worker *worker, struct parked *parked)
{
	if (!park_is_empty(parked) || parked->asking)
		return;
	if (parked->left_us != 0) {
		if (clock_mono_us() < parked->left_us + grace_us(worker))
			return;
		leave_key(worker, parked->key);
	}
	park_remove(worker->park, parked);
}

int
dispatch_ask(struct worker *worker, struct parked *parked)
{
	struct task *task = task_new(TASK_ANSWER);
	int rc;

	if (task == NULL)
		return -ENOMEM;
	task->answer_fd = dispatch_answer_fd(parked->requests);
	task->callback = parked->callback;
	task->computation = &parked->callback->computation;
	if (parked->requests != NULL)
		task->client = dispatch_client(parked->requests->conn,
		    &parked->requests->to, &parked->requests->to.ticket);
	task->asked_us = parked->asked_us;
	memcpy(task->key, parked->key, CACHE_KEY_LEN);
	rc = buf_put(&task->arguments, parked->arguments.data,
	    parked->arguments.len);
	if (rc == 0)
		rc = pool_submit(worker->pool, task);
	if (rc < 0)
		task_free(task);
	else
		parked->asking = true;
	return rc;
}

/* Answer everybody who waits for this answer with an error; `why` is sent in
 * development only and may be NULL. */
static void
refuse_requests(struct parked *parked, int status, const char *why)
{
	dispatch_refuse(dispatch_take_until(parked, INT64_MAX), status, why);
}

/* The value under a key is there (or its failure is): tasks run again. */
static void
rerun_tasks(struct worker *worker, struct parked *parked)
{
	struct task *task = parked->tasks;
	struct task *next;

	for (; task != NULL; task = next) {
		next = task->next;
		park_remove_task(task);
		if (pool_submit(worker->pool, task) < 0) {
			/* The queue is full: the net tries again. */
			worker->look_again = true;
			park_add_task(parked, task);
			break;
		}
		if (task->request != NULL) {
			task->request->waiting = NULL;
			task->request->begun = true;
		}
	}
}

/* The answer is in the store: read it once, send it to all. */
static void
recall_for_requests(struct worker *worker, struct parked *parked)
{
	struct buf found = BUF_EMPTY;
	struct packed packed;
	enum cache_format format;

	if (parked->requests == NULL)
		return;
	if (cache_lookup_waited(worker->kit.cache, parked->key, 0, &found,
		&format) <= CACHE_MISS ||
	    format != CACHE_FORMAT_RESPONSE ||
	    !packed_open(found.data, found.len, &packed)) {
		buf_free(&found);
		/* Gone again, or the store fails: have it made anew. */
		if (!parked->asking && dispatch_ask(worker, parked) < 0)
			refuse_requests(parked, 503, NULL);
		return;
	}
	dispatch_answer(dispatch_take_until(parked, INT64_MAX), &found);
}

static int
row_state(struct worker *worker, const uint8_t key[CACHE_KEY_LEN],
    struct buf *why)
{
	if (worker->kit.cache == NULL)
		return ERR_STORE;
	return cache_state(worker->kit.cache, key, why);
}

static const char *
error_of(struct buf *why)
{
	return why->len > 0 ? buf_cstr(why) : NULL;
}

/* End the computations that wait here and that nobody waits for any more. */
static void
end_unwanted(struct worker *worker, struct parked *parked)
{
	struct task *task = parked->tasks;
	struct task *next;

	for (; task != NULL; task = next) {
		next = task->next;
		if (task->owned && task->computation->may_stop &&
		    cache_is_left(worker->kit.cache, task->claim.key,
			task->claim.epoch) > 0)
			end_task(worker, task, true);
	}
}

struct waiting {
	struct handoff_waits *waits;
	unsigned count;
};

static void
count_waiting(struct parked *parked, void *arg)
{
	struct waiting *waiting = arg;
	const struct request *request;
	const struct task *task;
	unsigned count = 0;

	for (request = parked->requests; request != NULL;
	     request = request->next)
		count++;
	for (task = parked->tasks; task != NULL; task = task->next) {
		count += task->request != NULL;
		if (task->owned)
			board_note_chain(waiting->waits, task->claim.key,
			    parked->key);
	}
	if (count > 0)
		board_note_wait(waiting->waits, parked->key, count);
	waiting->count += count;
}

unsigned
dispatch_count_waiting(struct worker *worker, struct handoff_waits *waits)
{
	struct waiting waiting = { .waits = waits };

	memset(waits, 0, sizeof(*waits));
	park_each(worker->park, count_waiting, &waiting);
	return waiting.count;
}

/* Look at the row of one parked key. */
static void
check_parked(struct parked *parked, void *arg)
{
	struct worker *worker = arg;
	struct buf why = BUF_EMPTY;
	int state;

	worker_read_begin(worker); /* again after each that was answered */
	if (parked->stoppable > 0 && worker->kit.cache != NULL)
		end_unwanted(worker, parked);
	if (park_is_empty(parked)) {
		dispatch_drop_if_empty(worker, parked);
		return;
	}
	if (together_must_wait(parked->key)) {
		worker->look_again = true;
		return;
	}
	state = row_state(worker, parked->key, &why);
	worker->look_again |= state < 0 && state != -ENOENT;
	if ((state == CACHE_WAITING || state == ERR_BUSY) &&
	    !memo_store_is_failing(&worker->kit))
		return; /* there is no error text then */
	if (state == CACHE_READY) {
		recall_for_requests(worker, parked);
		rerun_tasks(worker, parked);
	} else if (state == CACHE_FAILED) {
		if (!parked->asking)
			refuse_requests(parked, 500, error_of(&why));
		rerun_tasks(worker, parked);
	} else {
		/* No row, or no store: who waits has to ask again, and
		 * computes for himself while the store fails. */
		if (parked->requests != NULL && !parked->asking &&
		    dispatch_ask(worker, parked) < 0)
			refuse_requests(parked, 503, NULL);
		rerun_tasks(worker, parked);
	}
	buf_free(&why);
	dispatch_drop_if_empty(worker, parked);
}

bool
dispatch_on_net(struct worker *worker)
{
	worker_read_end(worker);
	if (worker->look_again || ++worker->net_ticks % NET_FULL == 0 ||
	    worker->kit.cache == NULL || memo_store_is_failing(&worker->kit) ||
	    cache_has_changed(worker->kit.cache, &worker->looked_at)) {
		dispatch_on_wake(worker);
		return true;
	}
	if (park_count(worker->park) > 0)
		net_start(worker);
	return false;
}

void
dispatch_on_wake(struct worker *worker)
{
	worker->look_again = false;
	pool_ring(worker->pool); /* it may be that somebody has left */
	worker_read_end(worker); /* look at what the hint is about */
	park_each(worker->park, check_parked, worker);
	if (park_count(worker->park) > 0)
		net_start(worker);
}

/* The client of `task` went before the task could wait for a value. */
static void
leave_unparked(struct worker *worker, const struct task *task)
{
	struct parked *parked = park_find(worker->park, task->wait_key);

	if (!task->wait_may_stop || parked != NULL)
		return;
	if (grace_us(worker) > 0)
		parked = park_get(worker->park, task->wait_key);
	if (parked == NULL) { /* or no memory for the grace */
		leave_key(worker, task->wait_key);
		return;
	}
	parked->may_stop = true;
	leave(worker, parked, false);
}

/* A task waits for a value: into the lot, and look once whether it came. */
static void
park_task(struct worker *worker, struct task *task)
{
	struct parked *parked = park_get(worker->park, task->wait_key);
	int state;

	if (parked == NULL) { /* no memory: try again from the queue */
		if (pool_submit(worker->pool, task) < 0)
			log_error(-ENOMEM, "dispatch.park", "a task is lost");
		return;
	}
	park_add_task(parked, task);
	parked->may_stop |= task->wait_may_stop;
	if (task->request != NULL)
		task->request->waiting = task;
	net_start(worker);
	state = row_state(worker, parked->key, NULL);
	if (state >= 0 || state == -ENOENT)
		check_parked(parked, worker);
	else /* at the net's pace */
		worker->look_again = true;
}

static bool
task_has_ended(const struct task *task)
{
	return task->outcome == TASK_DONE || task->outcome == TASK_FAILED;
}

/* A TASK_ANSWER came back: its key's entry learns what happened. Who came too
 * late for it goes on waiting, for what the row says. */
static void
on_answer(struct worker *worker, struct task *task)
{
	struct parked *parked = park_find(worker->park, task->key);

	if (task->outcome == TASK_WAITS) {
		park_task(worker, task);
		return;
	}
	if (parked != NULL) {
		parked->asking = false;
		if (task->outcome == TASK_DONE)
			dispatch_answer(
			    dispatch_take_until(parked, task->serves_us),
			    &task->response);
		else if (task->outcome == TASK_FAILED)
			dispatch_refuse(
			    dispatch_take_until(parked, task->serves_us), 500,
			    task->error);
		if (parked->requests == NULL && task_has_ended(task)) {
			rerun_tasks(worker, parked);
			dispatch_drop_if_empty(worker, parked);
		} else {
			check_parked(parked, worker);
		}
	}
	task_free(task);
}

/* A callback or layout that ran for one request. */
static void
on_single(struct worker *worker, struct task *task)
{
	struct request *request = task->request;
	struct reply reply;
	size_t len;
	char *data;

	if (task->outcome == TASK_WAITS) {
		if (request->conn == NULL) { /* nobody is left to answer */
			leave_unparked(worker, task);
			free(request);
			task_free(task);
			return;
		}
		park_task(worker, task);
		return;
	}
	request->with_task = false;
	if (task->outcome == TASK_FAILED && task->visit.outdated &&
	    task->kind == TASK_CALLBACK &&
	    session_again_field(request->to.again, &task->fields)) {
		http_reply_error(&reply, 307);
	} else if (task->outcome == TASK_FAILED) {
		dispatch_error_reply(worker->options,
		    task->visit.outdated ? 409
		    : task->status != 0  ? task->status
					 : 500,
		    task->name != NULL ? task->name : request->name,
		    task->error, &reply);
	} else if (task->kind == TASK_ROUTE) {
		dispatch_route_reply(task, &reply);
	} else {
		data = buf_detach(&task->response, &len);
		dispatch_json_reply(&reply, data, len);
		reply.blob = blob_new(data, len);
		if (reply.blob == NULL)
			http_reply_error(&reply, 503);
	}
	/* After an error, too: the session may have got another id. */
	if (request->conn != NULL)
		dispatch_private(request->conn, task, &reply);
	if (dispatch_pack(request, task, &reply))
		return;
	dispatch_finish(request, &reply);
	task_free(task);
}

static void
count_computation(struct worker *worker, const struct task *task)
{
	if ((task->kind == TASK_COMPUTE || task->kind == TASK_ANSWER) &&
	    task->computation != NULL && task_has_ended(task))
		stats_series(&worker->stats, HANDOFF_COMPUTATION,
		    task->computation, task->computation->name,
		    task->outcome == TASK_FAILED, task->run_us);
}

static void
take_mail(struct worker *worker, struct task *task)
{
	count_computation(worker, task);
	switch (task->kind) {
	case TASK_PARSE:
		dispatch_parsed(worker, task);
		task_free(task);
		break;
	case TASK_ANSWER:
		on_answer(worker, task);
		break;
	case TASK_LEAVE:
	case TASK_RENEW: /* nobody waits for it */
		task_free(task);
		break;
	case TASK_COMPUTE: /* nobody here waits for the task itself */
		if (task->outcome == TASK_WAITS)
			park_task(worker, task);
		else
			task_free(task);
		break;
	default:
		on_single(worker, task);
		break;
	}
}

void
dispatch_on_mail(struct worker *worker, bool all)
{
	struct task *task = pool_collect(worker->pool);
	int64_t end_us = clock_mono_us() + MAIL_US;
	struct task *next;

	for (; task != NULL; task = next) {
		next = task->next;
		task->next = NULL;
		take_mail(worker, task);
		if (!all && next != NULL &&
		    (!share_is_left(worker) || clock_mono_us() > end_us)) {
			pool_put_back(worker->pool, next);
			break;
		}
	}
	dispatch_on_packed(worker);
	if (together_has_rung())
		dispatch_on_wake(worker);
}
