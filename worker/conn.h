/* SPDX-License-Identifier: MIT */
#ifndef WORKER_CONN_H
#define WORKER_CONN_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/base/buf.h"
#include "worker/access_format.h"
#include "worker/http_chunk.h"
#include "worker/http_parse.h"
#include "worker/http_reply.h"
#include "worker/session_cookie.h"
#include "worker/spool.h"
#include "worker/static_select.h"

/*
 * One client connection: a socket, the bytes received but not used yet, the
 * bytes not sent yet, and at most one request that is being worked on.
 *
 *   OPEN     reading and answering requests
 *   BUSY     a request is with the pool or parked; reading only notices
 *            that the client goes away
 *   LINGER   the last answer is sent; what still comes is thrown away for a
 *            moment, so that the client can read the answer
 *
 * In any of them `out` may hold what the client was too slow to take; nothing
 * is read from it until that is sent, so memory stays bounded.
 *
 * OWNERSHIP  The worker owns its connections. A connection owns its request
 *            while it has one (dispatch.h).
 * THREADS    The loop only.
 */
enum conn_state { CONN_OPEN, CONN_BUSY, CONN_LINGER };

struct worker;
struct request;
struct conn_out;
struct tls;
struct h2;
struct h2_stream;
struct conn_chunked;
struct callback;

struct conn {
	struct worker *worker;
	struct conn *prev;
	struct conn *next;
	struct event event;
	int fd;
	uint8_t state;
	bool doomed;           /* close at the end of this event */
	bool served;           /* has had a request */
	bool close_after;      /* when everything is sent */
	bool linger_after;     /* ... and throw away what still comes */
	bool ended;            /* the client sends no more: conn_end.c */
	bool end_grace;        /* ... and its request may yet begin to run */
	bool continue_sent;    /* 100 Continue for the present request */
	bool handshake_writes; /* TLS waits for room in the socket */
	bool begun;            /* part of a TLS record came while it was idle */
	bool counted;          /* in worker->peers */
	bool refused;          /* in worker->refused_count */
	bool trusted;          /* its forwarding fields are believed */
	bool proxy_pending;    /* the PROXY header is not complete */
	bool proxied_tls;      /* the client came to the proxy by TLS */
	bool proxied_client;   /* it named a client who is no proxy himself */
	const struct timeval *timeout; /* running now; NULL: none */
	struct buf in;                 /* received, not used; empty when idle */
	struct http_progress head;     /* as far as it has come */
	size_t need;         /* bytes of head and body; 0: not known yet */
	int64_t phase_us;    /* when the present head, body, linger or time
				without a request began */
	struct spool *spool; /* the body of the present request, when it is
				large: in a file */
	size_t spool_left;   /* bytes of it to come; not for chunked ones */
	struct conn_chunked *chunked; /* a chunked body in progress */
	struct h2 *h2;                /* NULL: HTTP/1 */
	struct h2_stream *stream; /* this is one of HTTP/2, without a socket */
	struct tls *tls;          /* NULL: plain */
	struct conn_out *out;     /* not sent yet */
	int64_t out_since_us;     /* when it began to be */
	size_t out_sent;          /* bytes of it taken since */
	size_t unsent;            /* bytes in memory that wait: unsent.h */
	int64_t unsent_us;        /* when they began to */
	int64_t used_us;          /* last request; orders worker->conns */
	struct request *request;  /* BUSY */
	char peer[46];            /* client address; "" for unix */
};

/* What an answer needs to know of its request. Spans may point into the
 * input buffer (inline answers) or into a struct request. */
struct answer_to {
	struct http_span method;
	struct http_span target;
	struct http_span referer;
	struct http_span user_agent;
	int minor;
	bool keep_alive;
	bool head_only;
	bool gzip; /* the client takes it, and may have it for what is made */
	bool br;   /* the same of brotli */
	struct static_codings takes; /* what it takes, and has for files */
	bool secure;                 /* it came by https, as far as is known */
	bool contradicts;            /* a proxy says that it did and did not */
	struct http_span client;     /* as a proxy says; absent: the peer */
	const struct callback *callback; /* it asks for; NULL: none, yet */
	/* Fields that the access log wants, see access_format.h; NULL: none.
	 * The worker's, for this turn; of a struct request: its own. */
	const struct http_span *extras;
	int64_t start_us;
	struct session_ticket ticket; /* whose it is, where that counts */
	unsigned again; /* how often it was sent, see session_again.h */
};

/* The address of whose request it is; empty: came by a unix socket. Borrowed
 * from both. */
struct http_span conn_client(const struct conn *conn,
    const struct answer_to *to);

/* Take over an accepted, non-blocking socket. 0 or -ENOMEM (not closed). */
int conn_open(struct worker *worker, int fd, const char *peer);

/*
 * The same for one that is one too many of its address: it gets 503 and time
 * to read it; when many are being told so, it is closed at once. No TLS.
 */
int conn_open_refused(struct worker *worker, int fd, const char *peer);

/*
 * A request begins to wait, which is what makes the connection BUSY. Where the
 * client has ended its side, the time for a thread to begin counts from now.
 */
void conn_wait(struct conn *conn, struct request *request);

/* Close at once, whatever is going on. Not inside its own event. */
void conn_close(struct conn *conn);

/*
 * Queue an answer for the present turn; consumes the reply's blob. `borrowed`
 * bodies are sent or copied before the call returns.
 */
void conn_answer(struct conn *conn, const struct answer_to *to,
    struct reply *reply, bool borrowed);

/*
 * The request that made the connection BUSY is done: answer it and go on
 * with what the client has sent meanwhile. From the loop, outside any event
 * of this connection; the connection may be gone afterwards.
 */
void conn_finish(struct conn *conn, const struct answer_to *to,
    struct reply *reply);

/*
 * The same for a request that needs a second look instead of an answer:
 * `handle` runs inside a turn of the connection and may answer or make it
 * BUSY again.
 */
void conn_resume(struct conn *conn,
    void (*handle)(struct conn *conn, const struct answer_to *to,
	const void *arg),
    const struct answer_to *to, const void *arg);

/*
 * Inside a handler: take over the file that holds the body of the present
 * request, which then outlives the call, as do the bytes of the body. NULL
 * when the body is in memory.
 */
struct spool *conn_take_spool(struct conn *conn);

/* The folder of such files. */
const char *conn_spool_dir(const struct worker *worker);

/*
 * Has the client sent a part of a request, or is its first one probably on the
 * way, since the connection is younger than this? Not over HTTP/2, whose
 * streams are counted.
 */
bool conn_is_promised(const struct conn *conn, int64_t fresh_us);

/* The connection that has been idle longest, or whose client has probably gone;
 * NULL: there is none. */
struct conn *conn_oldest_idle(struct worker *worker);

/* Once a second: clients that send or read too slowly. */
void conn_sweep(struct worker *worker);

/*
 * SIGTERM: close idle connections. Those that have sent something that is
 * not read yet, and fresh ones, get their answer first.
 */
void conn_drain_all(struct worker *worker);

#endif
