/* SPDX-License-Identifier: MIT */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <stddef.h>

#include "cache/options.h"
#include "server/base/arena.h"
#include "server/base/buf.h"
#include "server/options.h"
#include "worker/options.h"
#include "worker/session_cookie.h"
#include "worker/stock.h"

/*
 * Everything the operator can set, from where he set it. Each layer owns a
 * table of settings (server/options.def, worker/options.def,
 * cache/options.def); a setting is one row there and nothing else.
 *
 * Order, later wins: default, variables of the environment that change one
 * (PORT, WEB_CONCURRENCY, ...), config file, PRONGHORN_CMD_ARGS, command line.
 *
 * OWNERSHIP  A struct config owns every text and list it points to. It is
 *            immutable once config_load() or config_reload() returned it.
 * THREADS    Loading is for the single-threaded master; reading is free.
 */
struct config {
	struct server_options server;
	struct worker_options worker;
	struct cache_options cache;
	const char *file;      /* config file as it was named; "": none read */
	const char *file_path; /* the same, absolute; "": none */
	const char *start_dir; /* absolute; where config_load() was called */
	struct buf warnings;   /* lines ending in '\n', for the log, once */
	struct stock *stock; /* taken by main for the workers; NULL: not yet */
	struct session_keys *session_keys; /* likewise */

	/* Private from here on. */
	const char **origins; /* one per row */
	const char *const *args;
	size_t arg_count;
	struct arena arena;
};

/* Its value is the default of cache_dir. */
#define CONFIG_CACHE_DIR_VARIABLE "PRONGHORN_CACHE_DIR"

enum config_action {
	CONFIG_RUN,
	CONFIG_CHECK,          /* --check-config: all but serving */
	CONFIG_PRINT,          /* --print-config */
	CONFIG_VERSION,        /* -v, --version */
	CONFIG_HELP,           /* -h, --help */
	CONFIG_OPTIONS_CONF,   /* --print-options=conf: conf/pronghorn.conf */
	CONFIG_OPTIONS_MD,     /* --print-options=md: table for the docs */
	CONFIG_OPTIONS_BASH,   /* --print-options=bash: completion */
	CONFIG_OPTIONS_MAN8,   /* --print-options=man8: pronghorn(8) */
	CONFIG_OPTIONS_MAN5,   /* --print-options=man5: pronghorn.conf(5) */
	CONFIG_OPTIONS_METRICS /* --print-options=metrics: table for the docs */
};

/*
 * Read the environment, the config file and the command line (argv[0] is
 * skipped). *action says what was asked for; *out is a config for RUN, CHECK
 * and PRINT and NULL for the rest. Changes nothing in the process: no chdir,
 * nothing opened, nothing logged. On failure *why holds one sentence without
 * a newline that names file and line (or flag), setting, value and bound.
 * 0, -errno, ERR_SYNTAX, ERR_RANGE, ERR_UNKNOWN or ERR_TOO_BIG.
 */
int config_load(int argc, char **argv, struct config **out,
    enum config_action *action, struct buf *why);

/*
 * The same sources again, for SIGHUP: the file is looked for from the
 * directory the program was started in, whatever the current one is. Rows
 * that only a restart can change keep the value of `old`, with a warning.
 * On failure `old` is untouched and stays good. Codes as config_load().
 */
int config_reload(const struct config *old, struct config **out,
    struct buf *why);

/* Release everything; accepts NULL and leaves *config NULL. */
void config_free(struct config **config);

/*
 * Change to the `chdir` setting, taken from start_dir. To be called by main
 * once, after config_load() and before any other path of the config is used:
 * app, cache_dir, data_dir, www_dir, logs, pidfile and unix: addresses are
 * relative to it; only the config file is relative to start_dir.
 * 0 or -errno with a sentence in *why.
 */
int config_apply_chdir(const struct config *config, struct buf *why);

/* Where the value of setting `name` comes from; NULL: no such setting. */
const char *config_origin(const struct config *config, const char *name);

/*
 * Append {"name", "value", "from"} of every setting to the JSON array, sorted
 * by name; the value of a text as a text, everything else as it is written.
 */
struct cJSON;
void config_list(const struct config *config, struct cJSON *list);

/*
 * The text that answers `action`, for stdout: PRINT needs `config`, VERSION,
 * HELP and the OPTIONS do not. 0, -ENOMEM or -EINVAL (RUN and CHECK).
 */
int config_print(enum config_action action, const struct config *config,
    struct buf *out);

/* Edit distance with transpositions; texts up to CONFIG_NAME_MAX, greater than
 * it for longer ones. */
#define CONFIG_NAME_MAX 64
unsigned config_distance(const char *a, const char *b);

#endif
