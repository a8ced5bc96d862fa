/* SPDX-License-Identifier: MIT */
#ifndef WORKER_TASK_H
#define WORKER_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/cache.h"
#include "server/base/arena.h"
#include "server/base/buf.h"
#include "worker/call.h"
#include "worker/memo_here.h"
#include "worker/spool.h"
#include "worker/visit.h"

/*
 * A piece of app work for the thread pool, and its outcome.
 *
 * Kinds:
 *   TASK_LAYOUT   a layout function that asked for a pool thread
 *   TASK_PARSE    a large request body into callback and arguments
 *   TASK_CALLBACK one request runs a callback of its own
 *   TASK_ANSWER   a memoized callback's answer, for everybody who waits for
 *                 its key; owns the signal row unless the store failed
 *   TASK_JOB      the request that starts a background callback, or ends some
 *   TASK_RENEW    a page still waits for a job; nobody waits for this task
 *   TASK_ROUTE    one request runs a handler of ph_route()
 *   TASK_COMPUTE  a memoized function (or an answer somebody else asked for)
 *                 claimed from the signal table
 *   TASK_LEAVE    tells the signal table that this worker does not wait for
 *                 `key` any more; if it owns a claim, that nobody waits for
 *                 it and it is given up
 *
 * OWNERSHIP  Exactly one owner at any time: the loop, the pool's queue, a
 *            pool thread, the mailbox, a parked key. Ownership moves with
 *            the pointer.
 * THREADS    `request` belongs to the loop; pool threads do not look at it.
 */
enum task_kind {
	TASK_LAYOUT,
	TASK_PARSE,
	TASK_CALLBACK,
	TASK_ANSWER,
	TASK_JOB,
	TASK_RENEW,
	TASK_ROUTE,
	TASK_COMPUTE,
	TASK_LEAVE
};

enum task_outcome {
	TASK_DONE,      /* `response` holds the body, none: no update; of a
			   memoized callback's answer the packed form */
	TASK_FAILED,    /* `error` says why; logged */
	TASK_WAITS,     /* run again when `wait_key` is ready */
	TASK_ELSEWHERE, /* ANSWER: another worker computes it */
	TASK_THERE,     /* ANSWER: it is in the store already */
	TASK_GIVEN_UP   /* ANSWER, COMPUTE: nobody waits for it */
};

struct held;
struct parked;  /* park.h */
struct request; /* loop side; see dispatch.h */

struct task {
	struct task *next;     /* in whatever list holds it */
	struct task *prev;     /* in a parked entry, and in the pool's lists */
	bool queued;           /* no thread has it yet; under the pool's lock */
	struct parked *parked; /* that entry */
	enum task_kind kind;
	enum task_outcome outcome;
	struct request *request;         /* LAYOUT, PARSE, CALLBACK */
	const struct callback *callback; /* CALLBACK, ANSWER, COMPUTE or NULL */
	const struct computation *computation; /* COMPUTE, ANSWER */
	struct buf arguments;     /* as update_encode(), or an encoded array;
				     PARSE: body; LAYOUT: query of the page */
	struct arena tree;        /* CALLBACK: where `args` and `said` live */
	const struct value *args; /* ... instead of `arguments`; or NULL */
	const struct value *said; /* see enum update_about; or NULL */
	bool gzip;                /* PARSE: the body is */
	struct spool *spool;      /* PARSE, ROUTE: a body in a file instead */
	struct buf about;         /* PARSE, LAYOUT: the request, encoded; ROUTE:
				     body */
	const struct app_route *route; /* ROUTE */
	struct route_answer *answer;   /* ROUTE */
	struct buf jobs; /* PARSE, JOB: requester and query; RENEW:
			    requester and id; see job.h */
	uint8_t
	    key[CACHE_KEY_LEN]; /* ANSWER, JOB, RENEW: of the answer; LEAVE */
	struct cache_claim claim;
	bool owned;         /* the claim is ours */
	bool asked;         /* ANSWER: it is to run here, see task_ask() */
	bool wanted_new;    /* the run put a new `wanted` row */
	bool renew;         /* ANSWER: there, but to be made anew */
	bool waited;        /* `wait_key` is what the last run waited for */
	bool wait_may_stop; /* ... and that may be given up */
	bool is_null;       /* the result is null */
	bool no_store;      /* the result is for those who wait, only */
	bool handled;       /* the response is that of an on_error function */
	const char *tags[CACHE_TAGS_MAX]; /* of the result, during a run */
	unsigned tag_count;
	struct session_visit visit; /* CALLBACK, LAYOUT, ROUTE: whose request
				       it is */
	bool secure;                /* which came by https */
	struct buf fields;          /* lines for the head of its answer */
	char *session;    /* whom it runs for, see call_session(); owned */
	char *user;       /* as above, see call_user() */
	int64_t since_ms; /* cache_now_ms of the first run */
	struct memo_watch watch; /* ANSWER: since then */
	int64_t serves_us;       /* ANSWER, DONE or FAILED: who came in by then
				    (clock_mono_us) gets it; 0: nobody */
	uint64_t nonce;          /* the same in all runs */
	int64_t client;          /* who asks, for fairness; 0: nobody special */
	struct held *held;       /* values of former runs */
	int status;              /* FAILED: HTTP status; 0: 500 */
	uint8_t wait_key[CACHE_KEY_LEN];
	struct buf response;
	int64_t asked_us;  /* when who asks came in (clock_mono_us) */
	int64_t queued_us; /* when it was submitted last */
	int64_t run_us;    /* time it has run, in all its runs */
	int answer_fd;     /* development: a duplicate of the socket of who
			      waits, for a crash to be told there; -1 */
	const char *name;  /* CALLBACK: what has failed, when that is not the
			      callback's own name; NULL */
	char error[512];
};

/* For the files that run tasks: end as an error, and what a status and the
 * state of a call mean together. */
void task_fail(struct task *task, const char *name, const char *why);
enum task_outcome task_judge(struct task *task, struct call *call,
    enum ph_status status);

/* What the call has to say in the head of its answer. */
void task_fields(struct task *task, struct call *call);

/* Tell the call whose computation it is, and since when. */
void task_begin(struct task *task, struct toolkit *kit, struct call *call);

/* A zeroed task of that kind; NULL without memory. */
struct task *task_new(enum task_kind kind);

/* Free with everything it owns. Accepts NULL. A claim that is still owned
 * is not released: the caller has to. */
void task_free(struct task *task);

/* Is it one of those that `compute_threads` bounds? */
bool task_computes(const struct task *task);

/*
 * Run it: never blocks on anything but app code and the database.
 * Sets outcome, response, error, wait_key, wanted_new. Pool threads.
 */
void task_run(struct task *task, struct toolkit *kit);

/*
 * An ANSWER that no thread may compute now: only put its row to `wanted`, for
 * whoever comes first, here or in another worker. True: that is all, and the
 * outcome is set; false: it is to be run here. Pool threads.
 */
bool task_ask(struct task *task, struct toolkit *kit);

/*
 * Fill a COMPUTE task from its claim: find the computation by name.
 * False: this app has no such function; the claim has been failed.
 */
bool task_adopt(struct task *task, struct toolkit *kit);

/*
 * Run the layout function into `task`, which need not be from task_new().
 * `request`: who asks, as update_request(), borrowed; NULL: as task->about has
 * it, encoded. Sets outcome, response or error; TASK_WAITS only where the
 * toolkit may wait. Loop or pool thread.
 */
void task_layout(struct task *task, struct toolkit *kit,
    const struct value *request);

/*
 * Check the update in task->arguments, or in its spool, against the app and
 * put its encoded arguments in its place. Sets outcome, callback, or status
 * and error. Pool threads.
 */
void task_parse(struct task *task, struct toolkit *kit, struct arena *arena);

#endif
