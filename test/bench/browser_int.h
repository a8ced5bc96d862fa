/* SPDX-License-Identifier: MIT */
#ifndef BENCH_BROWSER_INT_H
#define BENCH_BROWSER_INT_H

#include "test/bench/browser.h"
#include "test/bench/meter.h"

/*
 * Between the two files of the browser.
 * Layer: test, this folder only. Threads: the loop only.
 */

/* A request to fill; counts as under way. NULL: no memory. */
struct client_request *browser_ask(struct browser *browser,
    enum meter_step step, int64_t start_us, client_done *done);

/* Send a request that browser_ask gave. */
void browser_send(struct browser *browser, struct client_request *request);

/*
 * Note how a request ended and take it back. True when there is a good
 * answer with status 200 or 204; else the failure has been counted.
 */
bool browser_take(struct browser *browser, struct client_request *request,
    enum client_error error, const struct answer *answer);

/* Set off the callbacks of a page just loaded. */
void browser_first(struct browser *browser);

/* Take over the app's first values. 0 or -ENOMEM. */
int browser_set_model(struct browser *browser, const struct app_model *model);

#endif
