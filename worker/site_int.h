/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SITE_INT_H
#define WORKER_SITE_INT_H

#include <stdbool.h>
#include <string.h>

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

/* Set site->document. */
void site_hash_document(struct site *site, const struct site_source *source);

/* A folder with front-end files and their list. */
struct site_folder {
	const char *path;
	const char *remedy; /* what to do when something is missing in it */
	unsigned load;      /* added to the numbers of its tags */
	bool debug;
	char **texts; /* receives its list, cut into strings */
};

/* A style sheet, not a script? */
static inline bool
site_is_css(const struct site_file *file)
{
	return strncmp(file->mime, "text/css", 8) == 0;
}

/* Add the files of `folder`/manifest.tsv, unsorted. 0, or negative with a
 * sentence in *why. */
int site_add_folder(struct site *site, struct site_folder *folder,
    struct buf *why);

/* site_package.c: the same for the packages of the app. */
int site_add_packages(struct site *site, const struct app *app,
    const struct worker_options *options, struct buf *why);

/* The tags of their style sheets. */
void site_put_package_css(const struct site *site, struct buf *out);

/* Append text with the characters escaped that mean something in HTML. */
void site_escape_html(const char *text, struct buf *out);

/* site_prefix.c: read the settings of the prefixes. 0, or negative with a
 * sentence in *why. */
int site_prefixes(struct site *site, const struct worker_options *options,
    struct buf *why);

#endif
