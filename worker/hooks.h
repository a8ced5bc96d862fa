/* SPDX-License-Identifier: MIT */
#ifndef WORKER_HOOKS_H
#define WORKER_HOOKS_H

#include <stdbool.h>

#include "server/base/hook.h"
#include "worker/app.h"
#include "worker/conn.h"
#include "worker/http_parse.h"

/*
 * The app's hooks (pronghorn/hooks.h): defined while it is loaded, run by the
 * loop thread, and by the master when the app is loaded there, too.
 *
 * THREADS  The main thread of the process.
 */

/* The table of functions an app gets for this. */
extern const struct ph_hooks_host hooks_host_table;

/* Run a hook: what it returns, 0 when there is none. */
int hooks_run(const struct app *app, enum hook_event event,
    const struct hook_about *about);

/* Has the app a hook that runs in the master? Its name, or NULL. */
const char *hooks_of_master(const struct app *app);

/* May the request pass? 0, or the status to refuse it with. */
int hooks_before(const struct app *app, const struct conn *conn,
    const struct http_head *head);

/* A request has been answered. */
void hooks_after(const struct app *app, const struct conn *conn,
    const struct answer_to *to, int status, int64_t duration_us);

#endif
