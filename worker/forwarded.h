/* SPDX-License-Identifier: MIT */
#ifndef WORKER_FORWARDED_H
#define WORKER_FORWARDED_H

#include <stdbool.h>

#include "server/base/buf.h"
#include "worker/http_parse.h"
#include "worker/options.h"

/*
 * What proxies in front say about a request: whose it is (client_ip_header,
 * X-Forwarded-For) and whether it came by https (secure_scheme_headers).
 * Only those in forwarded_allow_ips are believed; from others the fields mean
 * nothing. The field Forwarded of RFC 7239 is not read: see
 * docs/decisions/0009-x-forwarded-for-only.md.
 *
 * OWNERSHIP  forwarded_open() makes, forwarded_close() frees.
 * THREADS    Made before the loop runs; then read only.
 */
struct forwarded;

struct forwarded_view {
	struct http_span client; /* into the head; absent: the peer itself */
	bool said;               /* a field said how the client came */
	bool secure;             /* ... by https */
};

/* Read the settings. 0, or negative with a sentence in *why. */
int forwarded_open(struct forwarded **forwarded,
    const struct worker_options *options, struct buf *why);
void forwarded_close(struct forwarded **forwarded); /* accepts NULL */

/* Is a peer with this address ("": unix) believed? */
bool forwarded_trusts(const struct forwarded *forwarded, const char *peer);

/*
 * Read the head of a request of a trusted peer. 0, or -400 when its fields
 * contradict each other about https.
 */
int forwarded_look(const struct forwarded *forwarded,
    const struct http_head *head, struct forwarded_view *view);

#endif
