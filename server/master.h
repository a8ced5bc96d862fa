/* SPDX-License-Identifier: MIT */
#ifndef SERVER_MASTER_H
#define SERVER_MASTER_H

#include <stdint.h>

#include "server/base/buf.h"
#include "server/base/hook.h"
#include "server/options.h"
#include "server/preflight.h"
#include "server/spawn.h"

/*
 * The master process: binds, forks, supervises, stops. It parses no client
 * byte, runs no app code, holds no database handle and starts no thread.
 *
 * What its children run comes from main.c as functions, so the master knows
 * neither worker/ nor cache/, and a test can give it children of its own.
 */

struct cJSON;
struct program;

/* Of a reload that has passed its check. */
enum master_turnover {
	MASTER_BEGINS, /* workers are forked with its settings from now on */
	MASTER_DONE,
	MASTER_UNDONE /* ... and with those from before again */
};

/* What a reload has read: settings for the next generation. */
struct master_settings {
	const struct server_options *options;
	const void *context; /* for the children of that generation */
	void *owned;         /* for release(), when they are not needed */
	int64_t threads;
	bool secure;      /* addresses speak TLS */
	const char *path; /* of the page there: "/", "/dash/" */
	const char *app;  /* path[:symbol], for `reload`; NULL: unknown */
	const char *file; /* config file, absolute; NULL or "": none */
};

struct master_children {
	/* Before any other fork: make the cache usable and the session key. In
	 * the master, or in a child when the files have to be another user's.
	 */
	int (*prepare)(const void *context, struct buf *why);
	/* Then in the master: take the key that the child has made. May be
	 * NULL. */
	int (*adopt)(const void *context, struct buf *why);
	preflight_check *check; /* in a short-lived child: does the app load */
	spawn_entry *worker;
	spawn_entry *keeper;
	spawn_entry *admin; /* serves metrics_bind; NULL: nobody does */
	/*
	 * Read the settings again, with those in use for comparison: 0, or
	 * negative with sentences in *why and nothing to release. NULL: a
	 * reload keeps the settings and renews the workers.
	 */
	int (*reload)(const void *context, struct master_settings *settings,
	    struct buf *why);
	void (*release)(void *owned);
	/* What changes with the workers and not before. NULL: nothing. */
	void (*turn_over)(enum master_turnover what, const void *context);
	/*
	 * No child is forked any more with the settings of the start, which
	 * stay the caller's: give up what only children need. NULL: nothing.
	 */
	void (*retire)(const void *context);
	/* Load the app into the master, where that is wanted. NULL: never. */
	int (*preload)(const void *context, struct buf *why);
	/* Run a hook of that app; what it returns. NULL: there are none. */
	int (*hook)(enum hook_event event, const struct hook_about *about);
	/* Every setting, for the control socket; NULL: none to show. */
	void (*settings)(const void *context, struct cJSON *list);
	/* About once a second and before each fork; NULL: nothing to do. */
	void (*turn)(void);
	const void *context; /* handed to all of the above */
	int64_t threads;     /* of each worker, for the log */
	bool secure;         /* addresses speak TLS, for the log */
	const char *path;    /* as in struct master_settings */
	const char *app;     /* as in struct master_settings */
	const char *file;
	const struct program *program; /* for SIGUSR2; NULL: it is refused */
};

/*
 * Start, serve until told to stop, and clean up. The caller has changed the
 * directory and set log_threshold. Returns the exit status: 0 after an
 * orderly stop, 1 when it could not start (reported in the log and on
 * stderr). Single-threaded process; may be called once in it.
 */
int master_run(const struct server_options *options,
    const struct master_children *children);

/*
 * Everything a start would find wrong: addresses, files, the app, its
 * databases and certificates. Leaves nothing behind, and nothing that a running
 * server of the same settings uses is touched. 0 or negative with sentences in
 * *why.
 */
int master_try(const struct server_options *options,
    const struct master_children *children, struct buf *why);

#endif
