/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SITE_INT_H
#define WORKER_SITE_INT_H

#include "worker/site.h"

/* Between the two files of the site: the files, and the index page. */

struct page;

/* What the pages are made of. */
struct site_source {
	const char *name; /* of the template, for messages */
	const char *template;
	const struct app *app;
	const struct worker_options *options;
};

/*
 * Append the index page of `app`, with title and meta tags of `page` (NULL:
 * none of its pages). 0, or negative with *why.
 */
int site_page(const struct site *site, const struct site_source *source,
    const struct page *page, struct buf *out, struct buf *why);

/* Append text with the characters escaped that mean something in HTML. */
void site_escape_html(const char *text, struct buf *out);

/* site_prefix.c: read the settings of the prefixes. 0, or negative with a
 * sentence in *why. */
int site_prefixes(struct site *site, const struct worker_options *options,
    struct buf *why);

#endif
