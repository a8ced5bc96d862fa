/* SPDX-License-Identifier: MIT */
#ifndef WORKER_TRUST_H
#define WORKER_TRUST_H

#include <stdbool.h>
#include <stddef.h>

#include "server/base/buf.h"
#include "server/base/opt.h"
#include "worker/http_parse.h"

/*
 * Lists of addresses that are believed: "10.0.0.7", "10.0.0.0/8", "fd00::/8",
 * or "*" for everybody. Who comes over a unix socket is in every list: only
 * the permissions of the file decide who can open it.
 *
 * OWNERSHIP  trust_open() makes, trust_close() frees.
 * THREADS    Made before the loop runs; read by any thread.
 */
#define TRUST_TEXT 46 /* bytes of an address as text, with NUL */

struct trust;

/* Read a setting. 0, or negative with a sentence in *why that names it. */
int trust_open(struct trust **trust, const opt_LIST_t *list,
    const char *setting, struct buf *why);
void trust_close(struct trust **trust); /* accepts NULL */

/* Is this address in the list? "": a unix socket. What is no address is not. */
bool trust_has(const struct trust *trust, const char *address);

/* Is the text an address of either family? */
bool trust_is_address(struct http_span text);

#endif
