/* SPDX-License-Identifier: MIT */
#ifndef WORKER_STOCK_H
#define WORKER_STOCK_H

#include <stddef.h>

#include "server/base/buf.h"
#include "worker/options.h"

/*
 * The files that the workers of one generation are made from: the app's
 * object, held open, and the certificates and keys, held in memory. The master
 * takes them before the check of a start or of a reload, and workers that are
 * forked later inherit them. So what was checked is what serves, and a worker
 * that is replaced comes up like its generation, whatever has become of the
 * files.
 *
 * OWNERSHIP  The texts live until stock_empty() or stock_free(), which
 * overwrite them; a child owns copies, which it gives up with stock_wipe().
 * THREADS    Single-threaded: the master; a child before its first thread.
 */

struct stock_file {
	char *path;
	char *data; /* NULL: wiped */
	size_t len;
};

struct stock {
	int app_fd; /* -1: the app cannot be opened; loading it says why */
	size_t count;
	struct stock_file *files;
	struct stock *next; /* all of this process */
};

/*
 * Read what `options` name. The certificates count only with a certfile. 0, or
 * negative with a sentence in *why.
 */
int stock_take(struct stock **stock, const struct worker_options *options,
    struct buf *why);

/* Give up what it holds, before it is freed. */
void stock_empty(struct stock *stock);

/* Overwrite and free; accepts NULL and leaves NULL. */
void stock_free(struct stock **stock);

/* The bytes of that path; NULL: not taken, or wiped. `stock` may be NULL. */
const struct stock_file *stock_find(const struct stock *stock,
    const char *path);

/*
 * Overwrite the texts of every stock in this process: for a child that has
 * made of them what it needs, or needs none.
 */
void stock_wipe(void);

#endif
