/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_HOOKS_H
#define PRONGHORN_HOOKS_H

/*
 * Hooks: functions of the app that run at turning points of the server, under
 * gunicorn's names. Included by <pronghorn/app.h>.
 *
 *   static int open_device(const struct ph_server *server) { ... }
 *
 *   PH_APP(app)
 *   {
 *           ph_hooks(app, .post_fork = open_device,
 *               .worker_exit = close_device);
 *   }
 *
 * None of them may block: nothing is served meanwhile. What they set up in
 * static variables is the worker's own, and callbacks may read it.
 *
 *   hook              process  thread  when
 *   post_fork         worker   main    first of all, before threads start
 *   post_worker_init  worker   main    all is set up, before it serves
 *   worker_int        worker   main    told to end at once (INT, QUIT)
 *   worker_exit       worker   main    orderly end, all threads have ended
 *   pre_request       worker   main    a request has come with its body
 *   post_request      worker   main    its answer is on its way
 *   on_starting       master   main    the app is good, no worker yet
 *   when_ready        master   main    all workers serve
 *   pre_fork          master   main    before each fork of a worker
 *   child_exit        master   main    a worker has ended
 *   nworkers_changed  master   main    more or fewer workers are wanted
 *   on_reload         master   main    SIGHUP; before anything is changed
 *   pre_exec          master   main    SIGUSR2; before the new program
 *   on_exit           master   main    last of all
 *
 * The master runs no app code, so its hooks need `preload_app = True`, which
 * loads the app into the master; the server does not start without it. What
 * a hook of the master makes, every worker forked later has a copy of:
 * memory may be shared that way, threads and open databases may not.
 *
 * There is no worker_abort: a worker that hangs leaves a report with stacks
 * (pronghorn ctl last-crash), which a hook in its place could not write.
 */
#include <pronghorn/app.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a hook is told. */
struct ph_server {
	const char *hook; /* its name */
	int slot;         /* of the worker it is about; -1: none */
	long pid;         /* of that worker; in the master else its own */
	unsigned workers; /* wanted now */
	unsigned before;  /* nworkers_changed: wanted so far */
	int status;       /* child_exit: as waitpid() tells it */
};

/*
 * 0, or something else: then post_fork and post_worker_init end the worker
 * (at the start, the server), and on_reload stops the reload. The others'
 * result means nothing.
 */
typedef int ph_server_hook(const struct ph_server *server);

/* A request, in pre_request and post_request. */
struct ph_request {
	const char *method;
	const char *path;   /* with the query, as the client wrote it */
	const char *client; /* address; "" for a unix socket */
	int status;         /* post_request: of the answer */
	double seconds;     /* post_request: from request to answer */
	const void *host_;
};

/*
 * pre_request: 0 lets the request pass, 400 to 599 refuses it with that
 * status. post_request: the result means nothing.
 */
typedef int ph_request_hook(const struct ph_request *request);

struct ph_hooks {
	ph_server_hook *post_fork;
	ph_server_hook *post_worker_init;
	ph_server_hook *worker_int;
	ph_server_hook *worker_exit;
	ph_request_hook *pre_request;
	ph_request_hook *post_request;
	ph_server_hook *on_starting;
	ph_server_hook *when_ready;
	ph_server_hook *pre_fork;
	ph_server_hook *child_exit;
	ph_server_hook *nworkers_changed;
	ph_server_hook *on_reload;
	ph_server_hook *pre_exec;
	ph_server_hook *on_exit;
	bool ph_end_;
};

struct ph_hooks_host {
	uint32_t size;
	void (*define)(struct ph_app *app, const struct ph_hooks *hooks);
	const char *(
	    *header)(const struct ph_request *request, const char *name);
	void (*log)(const char *format, ...)
	    __attribute__((format(printf, 1, 2)));
};

/* Only inside PH_APP(), once. */
#define ph_hooks(app, ...)                                       \
	do {                                                     \
		const struct ph_hooks ph_hooks_ = { __VA_ARGS__, \
			.ph_end_ = false };                      \
		ph_host_->hooks->define(app, &ph_hooks_);        \
	} while (0)

/*
 * A header field of the request, any case; NULL when there is none. Only in
 * pre_request, and good until the next call.
 */
static inline const char *
ph_request_header(const struct ph_request *request, const char *name)
{
	return ph_host_->hooks->header(request, name);
}

/* A line for the server's error log. */
#define ph_server_log(...) ph_host_->hooks->log(__VA_ARGS__)

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
