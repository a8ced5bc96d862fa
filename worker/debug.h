/* SPDX-License-Identifier: MIT */
#ifndef WORKER_DEBUG_H
#define WORKER_DEBUG_H

#include "server/base/buf.h"
#include "worker/app.h"
#include "worker/options.h"
#include "worker/site.h"

/*
 * Development mode (setting `debug`): what went wrong, for the page's own
 * error panel, and what the page polls to learn that it is out of date.
 * Without `debug` none of this is ever sent.
 *
 * THREADS  Any; nothing is kept between calls.
 */

/*
 * Append a page about a failure, in the structure that the front end's error
 * panel styles. `what` failed ("update_graph"), `why` is the reason, `more`
 * further lines or NULL. All are escaped.
 */
void debug_error_page(const char *what, const char *why, const char *more,
    struct buf *out);

/* The head of an answer and of that page up to its message, for a writer
 * that may not allocate: a crashing thread. */
extern const char debug_crash_head[];

/*
 * Append the answer of _reload-hash: a hash over the app's file and the files
 * of its assets folder. When it changes the front end asks for layout and
 * callbacks anew. What takes more, another document or assets, is also the name
 * of a package: when the packages change, the page loads itself again as a
 * whole. `made` is for our own script, as is the hash of the notice; `full`
 * (?notice): what the panel is to show of it, too.
 */
void debug_reload_json(const struct app *app,
    const struct worker_options *options, const struct site *site, bool full,
    struct buf *out);

/* Room for a hash, and the hash of a text. */
#define DEBUG_HASH_MAX 17
void debug_hash(const struct buf *text, char out[DEBUG_HASH_MAX]);

/* Fill site->made and its header line: what each answer that a page is put
 * together from was made of. */
void debug_made(struct site *site, const struct app *app);

/*
 * Append the line of a notice that says most: of a compiler's output the first
 * error, with the place in the source where the macro that it is in was used;
 * of a linker's the first name that is missing; else its beginning.
 */
void debug_headline(const char *notice, struct buf *out);

/*
 * Append the script of /_ph/debug.js, which every page has in this mode with
 * the document's hash behind a question mark. It puts what stands in the file
 * of the setting `debug_notice` (compile errors, while the app that runs is an
 * older one) into the page's error panel, in the page as it stands, and takes
 * it out again; it has the page load itself again when that is out of date.
 * While workers of the old and the new app answer beside each other, the front
 * end hears of a change only once several answers in a row say the same; and
 * what the page was put together from is compared with that, after each change,
 * however it came about.
 */
void debug_script(const struct app *app, const struct worker_options *options,
    const struct site *site, struct buf *out);

#endif
