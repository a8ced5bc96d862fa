/* SPDX-License-Identifier: MIT */

/*
 * A thread will not end what it runs, because it has crashed or is stuck. Who
 * waits for that in this worker is answered before the process ends: a browser
 * whose connection is just dropped sends its request again, and kills the next
 * worker with it.
 *
 * Waiting are the request that the thread runs for, requests for the answer of
 * its key, and requests whose task waits for the value of its key, or for one
 * that is computed from it. All others are left alone until the process ends.
 *
 * THREADS  The loop only; a thread that crashes waits for it, see crash.h.
 * FAILURE  Who cannot be answered loses the connection, as without this.
 */
#include <string.h>

#include "worker/crash.h"
#include "worker/dispatch_int.h"
#include "worker/h2.h"
#include "worker/together.h"
#include "worker/worker_int.h"

#define DEPTH_MAX 8       /* of values computed from values */
#define ANSWERS_MAX 10000 /* a bound where answering changes the lists */

struct dead {
	struct worker *worker;
	const struct crash_about *about;
	bool ends;
	unsigned answered;
};

static void
answer(struct dead *dead, struct request *request, const char *name)
{
	struct conn *conn = request->conn;
	struct reply reply;

	dispatch_explain(dead->worker->options, 500, name, dead->about->what,
	    dead->about->stack, &reply);
	reply.close = dead->ends;
	conn_finish(conn, &request->to, &reply);
	dispatch_abandon(request);
	dead->answered++;
}

/* The newest of the tasks that has a request, or NULL. */
static struct request *
next_of_tasks(const struct parked *parked)
{
	const struct task *task = parked->tasks;

	while (task != NULL &&
	       (task->request == NULL || task->request->conn == NULL))
		task = task->next;
	return task != NULL ? task->request : NULL;
}

/* Looked up and begun again each time: an answer may change the lot. */
static void
answer_key(struct dead *dead, const uint8_t key[CACHE_KEY_LEN], unsigned depth)
{
	uint8_t owned[DEPTH_MAX][CACHE_KEY_LEN];
	struct request *request;
	struct parked *parked;
	struct task *task;
	unsigned count = 0;
	unsigned i;

	while (dead->answered < ANSWERS_MAX &&
	       (parked = park_find(dead->worker->park, key)) != NULL) {
		request = parked->requests;
		if (request == NULL)
			request = next_of_tasks(parked);
		if (request == NULL)
			break;
		answer(dead, request, request->name);
	}
	parked = park_find(dead->worker->park, key);
	if (parked == NULL || depth == DEPTH_MAX)
		return;
	for (task = parked->tasks; task != NULL && count < DEPTH_MAX;
	     task = task->next) {
		if (task->owned)
			memcpy(owned[count++], task->claim.key, CACHE_KEY_LEN);
	}
	for (i = 0; i < count; i++)
		answer_key(dead, owned[i], depth + 1);
}

unsigned
dispatch_on_dead(struct worker *worker, const struct crash_about *about,
    bool ends)
{
	struct dead dead = { .worker = worker, .about = about, .ends = ends };
	struct request *request = about->request;
	uint8_t led[DEPTH_MAX][CACHE_KEY_LEN];
	unsigned count;

	/* The task has not come back, so it is still there. */
	if (request != NULL && request->conn != NULL &&
	    (!ends || crash_is_loops()))
		answer(&dead, request, about->name);
	if (about->has_key) {
		count = !ends ? 0
			      : together_lost(about->key, about->what, led,
				    DEPTH_MAX);
		answer_key(&dead, about->key, 0);
		while (count > 0)
			answer_key(&dead, led[--count], 0);
	}
	return dead.answered;
}

static struct conn *
next_at_end(const struct worker *worker)
{
	struct conn *stream;
	struct conn *conn;

	for (conn = worker->conns; conn != NULL; conn = conn->next) {
		if (conn->h2 != NULL) {
			stream = h2_busy_stream(conn->h2);
			if (stream != NULL)
				return stream;
		} else if (worker->options->debug && conn->request != NULL &&
			   conn->state == CONN_BUSY) {
			return conn;
		}
	}
	return NULL;
}

/* Begun again each time: an answer may change the list. */
void
dispatch_on_end(struct worker *worker, const char *why)
{
	int status = worker->options->debug ? 500 : 503;
	unsigned answered = 0;
	struct request *request;
	struct reply reply;
	struct conn *conn;

	while (
	    (conn = next_at_end(worker)) != NULL && answered++ < ANSWERS_MAX) {
		request = conn->request;
		dispatch_explain(worker->options, status, request->name, why,
		    NULL, &reply);
		reply.close = true;
		conn_finish(conn, &request->to, &reply);
		dispatch_abandon(request);
	}
}
