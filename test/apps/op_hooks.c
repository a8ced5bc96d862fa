/* SPDX-License-Identifier: MIT */

/*
 * An app with every hook: each writes a line, by which a test knows in which
 * process it ran and what it was told. HOOKS=worker leaves out the master's;
 * while the file HOOKS_SLOW is there, a worker takes two seconds to start.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pronghorn/app.h>
#include <pronghorn/html.h>

static int opened; /* by post_fork, read by the layout */

static int
tell(const struct ph_server *server)
{
	ph_server_log("%s in=%ld slot=%d pid=%ld workers=%u before=%u "
		      "status=%d",
	    server->hook, (long)getpid(), server->slot, server->pid,
	    server->workers, server->before, server->status);
	return 0;
}

static int
post_fork(const struct ph_server *server)
{
	opened = 42;
	return tell(server);
}

static int
post_worker_init(const struct ph_server *server)
{
	const char *refuse = getenv("HOOKS_REFUSE");
	const char *slow = getenv("HOOKS_SLOW");

	(void)tell(server);
	if (slow != NULL && access(slow, F_OK) == 0)
		(void)sleep(2);
	return refuse != NULL && access(refuse, F_OK) == 0 ? 7 : 0;
}

static int
on_reload(const struct ph_server *server)
{
	const char *veto = getenv("HOOKS_VETO");

	(void)tell(server);
	return veto != NULL && access(veto, F_OK) == 0;
}

static int
pre_request(const struct ph_request *request)
{
	const char *key = ph_request_header(request, "X-Key");

	if (strcmp(request->path, "/secret") != 0)
		return 0;
	return key != NULL && strcmp(key, "open") == 0 ? 0 : 401;
}

static int
post_request(const struct ph_request *request)
{
	ph_server_log("post_request %s %s %d %s", request->method,
	    request->path, request->status, request->client);
	return 0;
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(.id = "opened", .children = ph_textf("%d", opened));
}

/* Slow enough to wait in the pool. */
static enum ph_status
nap(struct ph_call *call)
{
	ph_sleep(call, 0.3);
	return ph_output(call, "opened.children", ph_text("rested"));
}

PH_APP(app)
{
	const char *which = getenv("HOOKS");

	ph_layout(app, layout);
	ph_callback(app, nap, PH_OUTPUT("opened.children"),
	    PH_INPUT("opened.n_clicks"), .prevent_initial_call = true);
	if (which != NULL && strcmp(which, "worker") == 0) {
		ph_hooks(app, .post_fork = post_fork,
		    .post_worker_init = post_worker_init, .worker_int = tell,
		    .worker_exit = tell, .pre_request = pre_request,
		    .post_request = post_request);
		return;
	}
	ph_hooks(app, .post_fork = post_fork,
	    .post_worker_init = post_worker_init, .worker_int = tell,
	    .worker_exit = tell, .pre_request = pre_request,
	    .post_request = post_request, .on_starting = tell,
	    .when_ready = tell, .pre_fork = tell, .child_exit = tell,
	    .nworkers_changed = tell, .on_reload = on_reload, .pre_exec = tell,
	    .on_exit = tell);
}
