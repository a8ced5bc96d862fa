/* SPDX-License-Identifier: MIT */
#ifndef WORKER_WORKER_INT_H
#define WORKER_WORKER_INT_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "cache/cache.h"
#include "server/base/handoff.h"
#include "worker/access_log.h"
#include "worker/balance.h"
#include "worker/call.h"
#include "worker/http_parse.h"
#include "worker/http_reply.h"
#include "worker/park.h"
#include "worker/pool.h"
#include "worker/site.h"
#include "worker/stats.h"

/*
 * The state of a worker, shared by the files of its loop thread.
 *
 * THREADS  The loop only, but for what struct pool says about itself.
 */

#define WORKER_READ_BYTES ((size_t)64 * 1024) /* of one recv() */
#define WORKER_TURN_PIECES 62                 /* iovecs of one sendmsg() */
#define WORKER_TURN_HEADS 24576               /* bytes of all their heads */

struct conn;
struct conn_peers;
struct recall;
struct compress;
struct packer;
struct whole;
struct tls_context;
struct forwarded;
struct stock;
struct trust;

/* The answers made for one connection in one turn, sent by one call. */
struct turn {
	struct iovec pieces[WORKER_TURN_PIECES];
	struct blob *blobs[WORKER_TURN_PIECES]; /* NULL: head or for ever */
	bool borrowed[WORKER_TURN_PIECES];      /* must be copied to be kept */
	int count;
	size_t heads_used;
	size_t bytes;
	char heads[WORKER_TURN_HEADS];
};

struct worker {
	const struct handoff *handoff;
	const struct worker_options *options;
	const struct cache_options *cache_options;
	struct event_base *base;
	struct toolkit kit; /* the loop's own connection; no data handle */
	struct app *app;
	struct site *site;
	struct pool *pool;
	struct park *park;
	struct recall *recall;
	struct access_log access_log;
	struct http_span extras[ACCESS_EXTRAS]; /* of the present request */
	struct stats stats;
	_Atomic int64_t inline_until_ms;

	int mail_fd; /* eventfd: the pool's mailbox */
	struct event mail_event;
	struct event wake_event; /* our slot's eventfd */
	struct event death_event;
	struct event orders_event; /* the master's orders */
	struct event net_event;    /* the safety net while somebody waits */
	struct event beat_event;   /* heartbeat and Date */
	struct event unsent_event; /* clients take too little */
	struct event uses_event;   /* while values are used for seconds only */
	struct event hurry_event;  /* callbacks that nobody was woken for */
	struct event end_event;    /* the last half second */
	int64_t end_us;            /* when that is over */
	int64_t end_max_us;        /* ... whoever else crashes */
	char last_words[300];      /* why it ends, for who gets no answer */
	struct event sig_events[4];
	struct event *accept_events; /* one per listener */
	struct event accept_pause;
	struct balance balance;

	struct conn *conns;          /* all, doubly linked, last used first */
	struct conn *conns_last;     /* used longest ago: conn_touch() */
	struct conn_peers *peers;    /* NULL: not limited */
	struct event sweep_event;    /* slow clients */
	int64_t sweep_us;            /* when they were looked at */
	bool sweep_late;             /* ... or left to the next time */
	struct compress *compress;   /* NULL: off */
	struct packer *packer;       /* NULL: off */
	struct whole *whole;         /* answers as files */
	struct tls_context *tls;     /* NULL: plain HTTP */
	struct forwarded *forwarded; /* what proxies may say */
	struct trust *proxy_peers;   /* who may send PROXY headers */
	unsigned proxy_versions;     /* that are taken; 0: it is off */
	uint64_t request_count;      /* handed over since the start */
	size_t conn_count;
	size_t unsent;        /* bytes that wait for clients: unsent.h */
	size_t share_used;    /* bytes sent in the present pass: share.h */
	unsigned cache_away;  /* looks in a row at which it was not usable */
	size_t refused_count; /* of them: told to go, see conn_turn_away() */
	bool accepting;
	int64_t looked_at; /* the parked keys, as cache_has_changed() says */
	unsigned net_ticks;
	bool look_again; /* some could not be seen to */
	bool reading;    /* a read transaction is open */
	bool draining;   /* SIGTERM: finish and go */
	bool shut;       /* ... and so does the whole server */
	bool ending;     /* a thread has crashed; see ending.c */
	bool end_told;   /* ... and the connections know */
	bool listening;  /* the listeners are still open here */
	bool crowded;    /* no room for everybody in the backlog */

	const struct timeval *head_timeout;
	const struct timeval *body_timeout;
	const struct timeval *send_timeout;
	const struct timeval *linger_timeout;
	const struct timeval *handshake_timeout;
	const struct timeval *request_timeout; /* NULL: none */
	struct http_limits limits;

	char date[30];
	struct turn turn;
	struct arena arena;  /* parsing on the loop; reset each time */
	struct buf scratch;  /* encoded arguments */
	struct buf found;    /* of the job that a page asks for */
	char allow[64];      /* methods of one of the app's own paths */
	struct buf jobs;     /* what the present update says of jobs */
	struct buf inflated; /* a gzip body */
	char read_buffer[WORKER_READ_BYTES];
};

/*
 * heartbeat.c: tell the master that we live, what we have done, which thread
 * is stuck, and that we should be replaced. About once a second.
 */
void heartbeat_send(struct worker *worker);

/* The numbers alone: also the last thing before the end. */
void heartbeat_numbers(struct worker *worker);

/* Of the admin process: for so long it may say nothing, for good reason. */
void heartbeat_excuse(const struct worker *worker, uint32_t seconds);

/*
 * Can the cache be used? While the keeper puts a new file in the place of a
 * lost one it may be away for two seconds, which nobody need know of; at the
 * start (`first`) and after that it cannot be used.
 */
void heartbeat_look_at_cache(struct worker *worker, bool first);
bool worker_is_uncached(const struct worker *worker);

/* Has this worker done enough? Then the master is asked now, once. */
void heartbeat_look(struct worker *worker);

/* orders.c: do what the master orders, from now on. 0 or -ENOMEM. */
int orders_start(struct worker *worker);

/* Obey those that have come already. False: none will come any more. */
bool orders_read(struct worker *worker);

/*
 * accept.c. accept_stop() takes who is in the backlog and closes the
 * listeners; when there is no room for all, accept_resume() goes on with it.
 */
int accept_start(struct worker *worker);
void accept_stop(struct worker *worker);
void accept_resume(struct worker *worker);

/* Take nobody any more: who is in the backlog is for others. */
void accept_halt(struct worker *worker);

/*
 * ending.c: has a thread crashed? Then answer who waits for it and begin to
 * end. The others: the loop's own app code has, and that is answered.
 */
struct crash_about;
void ending_look(struct worker *worker);
void ending_begin(struct worker *worker, const struct crash_about *about);
void ending_answer_layout(struct conn *conn, struct crash_about *about,
    struct reply *reply);

/*
 * worker.c: one read transaction for several look-ups. It is closed before
 * anything is sent and before the loop waits, whoever opened it; and before a
 * hint is looked at, so that what the hint is about can be seen.
 */
void worker_read_begin(struct worker *worker);
void worker_read_end(struct worker *worker);

/*
 * worker_check.c: the app that `spec` names, preloaded or loaded now. 0 or
 * negative with sentences in *why. The other frees it, if it may be freed.
 */
int worker_find_app(const char *spec, const struct stock *stock,
    struct app **app, struct buf *why);
void worker_leave_app(struct app **app);

/* worker_check.c: app_gather_ids(), before a store is there. */
void worker_gather_ids(struct app *app, const struct worker_options *options,
    const struct cache_options *cache_options);

/* worker.c: leave the loop when nothing is left to do. */
void worker_drain_check(struct worker *worker);

#endif
