/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/base/buf.h"
#include "test/bench/answer.h"
#include "test/bench/target.h"

/*
 * The connections of one browser: up to a number of them, kept alive, one
 * request at a time on each, the others waiting in line; or, where TLS has
 * agreed on HTTP/2, one connection with all requests side by side.
 * Layer: test. Threads: the loop only.
 */
enum client_error {
	CLIENT_OK,
	CLIENT_CONNECT,   /* no connection */
	CLIENT_OWN_LIMIT, /* none could be opened here: descriptors, ports */
	CLIENT_RESET,     /* broken while asking or answering */
	CLIENT_CLOSED,    /* closed before the answer was complete */
	CLIENT_TIMEOUT,   /* no complete answer in time */
	CLIENT_MALFORMED, /* not HTTP, or too big */
	CLIENT_ERRORS
};

struct client_request;

/*
 * Called once per request. The answer lives until the call returns; it is
 * NULL unless error is CLIENT_OK. The request may be used again.
 */
typedef void client_done(struct client_request *request,
    enum client_error error, const struct answer *answer);

struct client_request {
	struct client_request *next; /* the line, or the owner's free list */
	struct buf bytes;            /* what is sent, head and body */
	size_t body_at;              /* where in bytes the body starts */
	int64_t start_us;            /* when the browser wanted it */
	bool discard;                /* count the answer, do not keep it */
	unsigned retries;            /* kept connections that had gone */
	client_done *done;
	void *owner;
	int step;
	unsigned callback;
};

/* What is spoken; over TLS only there is a choice. */
enum client_http {
	CLIENT_HTTP_AUTO, /* as ALPN chooses */
	CLIENT_HTTP_1,
	CLIENT_HTTP_2
};

struct h2_link;
struct h2_stream;

/* What all clients share. */
struct client_common {
	struct event_base *base;
	const struct target *target;
	int64_t timeout_us;
	char *scratch; /* CLIENT_SCRATCH bytes, for what is being read */
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t connects;
	uint64_t retries; /* sent again as a kept connection had gone */
	long open;
	SSL_CTX *tls;          /* made with the first connection; NULL: plain */
	enum client_http http; /* AUTO: 1 as soon as it was chosen */
	bool spoke_http_2;     /* on some connection */
	bool refused;          /* HTTP/2 was wanted, but not given */
	int own_limit;         /* errno of the last CLIENT_OWN_LIMIT; 0: none */
	struct h2_stream *spare_streams; /* to use again */
};

#define CLIENT_SCRATCH (512u << 10)

struct connection {
	struct client *client;
	struct client_request *request; /* NULL: idle, or HTTP/2 */
	struct h2_link *h2;             /* NULL: HTTP/1 */
	bool negotiating;               /* nobody knows yet which */
	struct event read_event;
	struct event write_event;
	SSL *ssl; /* NULL: plain */
	int fd;   /* -1: none */
	unsigned served;
	size_t sent;
	int64_t deadline_us;
	struct answer answer;
};

struct client {
	struct client_common *common;
	struct connection *connections;
	unsigned max;
	struct client_request *first; /* waiting for a connection */
	struct client_request *last;
};

/* Up to `max` connections, none opened yet. 0 or -ENOMEM. */
int client_init(struct client *client, struct client_common *common,
    unsigned max);

/* Close all; requests under way are forgotten without a call. */
void client_free(struct client *client);

/* Send when a connection is free; request->done is called later. */
void client_send(struct client *client, struct client_request *request);

/* One of the requests in line or under way, without a call; NULL: none. */
struct client_request *client_take_back(struct client *client);

/* Free what clients have left in common. */
void client_common_free(struct client_common *common);

/* Give up requests whose time is over. */
void client_expire(struct client *client, int64_t now_us);

/* A short word for tables: "connect", "reset", ... */
const char *client_error_name(enum client_error error);

#endif
