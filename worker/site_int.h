/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SITE_INT_H
#define WORKER_SITE_INT_H

#include "worker/site.h"

/* Append the index page of `app`. 0, or negative with *why. */
int site_page(const struct site *site, const char *template_path,
    const struct app *app, const struct worker_options *options,
    struct buf *out, struct buf *why);

/* Append text with the characters escaped that mean something in HTML. */
void site_escape_html(const char *text, struct buf *out);

/* site_prefix.c: read the settings of the prefixes. 0, or negative with a
 * sentence in *why. */
int site_prefixes(struct site *site, const struct worker_options *options,
    struct buf *why);

#endif
