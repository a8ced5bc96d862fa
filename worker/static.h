/* SPDX-License-Identifier: MIT */
#ifndef WORKER_STATIC_H
#define WORKER_STATIC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "server/base/buf.h"
#include "worker/http_parse.h"
#include "worker/http_reply.h"
#include "worker/options.h"
#include "worker/static_select.h"

/*
 * The app's assets folder, served below /assets/.
 *
 * No path leaves the folder: the kernel resolves it beneath the open folder
 * and follows no link, and only regular files are read. Names that begin
 * with a dot are not served.
 *
 * OWNERSHIP  The folder owns its cache of small files; replies hold a
 *            reference each.
 * THREADS    Opened before the loop runs; then the loop only.
 */
struct static_folder;

/*
 * Open options->assets_folder; empty: `assets` beside the app, where it may
 * be absent (*folder is NULL then). 0, or negative with a sentence in *why.
 */
int static_open(struct static_folder **folder,
    const struct worker_options *options, struct buf *why);
void static_close(struct static_folder **folder);

/*
 * In a worker: begin to compress the large files that the page loads, in a
 * thread of its own. Others are begun when they are asked for. Accepts NULL.
 */
void static_begin(struct static_folder *folder);

/* A GET or HEAD of `url` ("/assets/...", percent-encoded). */
struct static_request {
	struct http_span url;
	const struct http_head *head;
	struct static_codings takes; /* as static_codings() reads it there */
	int64_t now_us;              /* clock_mono_us() */
};

/*
 * The answer to it. `folder` may be NULL. `texts` holds what the reply points
 * to until it is sent.
 */
struct static_texts {
	char etag[48];
	char modified[30];
	char range[72];
};

/* Tag and time of a file as it is. Any thread, as the next one. */
void static_texts(const struct stat *st, struct static_texts *texts);

/*
 * The part of `len` bytes that is asked for: 200 for all of them, 206 or 416,
 * with texts->range then. texts->etag and `mtime` (0: unknown) are what
 * If-Range is about.
 */
int static_part(const struct http_head *head, int64_t mtime, size_t len,
    struct static_texts *texts, size_t *first, size_t *count);

void static_answer(struct static_folder *folder,
    const struct static_request *request, struct static_texts *texts,
    struct reply *reply);

/* Append the tags of all style sheets, or of all scripts, in order; `prefix`
 * ("/") stands in front of their URLs. */
void static_put_css(const struct static_folder *folder, const char *prefix,
    struct buf *out);
void static_put_scripts(const struct static_folder *folder, const char *prefix,
    struct buf *out);

/* Append what changes when a file that the page loads does: paths and times,
 * as they are on disk now, or as they were when the folder was opened.
 * `folder` may be NULL. */
void static_put_state(const struct static_folder *folder, struct buf *out);
void static_put_opened(const struct static_folder *folder, struct buf *out);

/* The folder's own favicon: its URL, appended. 0, or -ENOENT. */
int static_put_favicon(const struct static_folder *folder, const char *prefix,
    struct buf *out);

#endif
