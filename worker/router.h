/* SPDX-License-Identifier: MIT */
#ifndef WORKER_ROUTER_H
#define WORKER_ROUTER_H

#include <stddef.h>
#include <stdint.h>

#include "worker/conn.h"

/*
 * Path and method to handler. Answers the request or hands it on; either way
 * it is dealt with when the call returns. The head and the body are borrowed
 * for the call. Loop thread.
 */
void router_handle(struct conn *conn, const struct http_head *head,
    const struct answer_to *to, const char *body, size_t len);

/*
 * Answer a request whose body has not come yet when it is refused whatever
 * the body says. Returns whether it was answered. Loop thread.
 */
bool router_refuses(struct conn *conn, const struct http_head *head,
    const struct answer_to *to);

/* The longest body this request may have: limit_upload or
 * limit_request_body. Loop thread. */
uint64_t router_body_limit(struct worker *worker, const struct http_head *head);

#endif
