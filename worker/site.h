/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SITE_H
#define WORKER_SITE_H

#include <stddef.h>

#include "server/base/buf.h"
#include "worker/app.h"
#include "worker/options.h"
#include "worker/static.h"

/*
 * The pages and files every app has: the index page, the front end's bundles
 * from the manifest, our style sheet and icon, the dependency list.
 *
 * OWNERSHIP  struct site owns all of it; files are mapped read-only.
 * THREADS    Built before the loop runs; read by the loop only.
 */
struct site_file {
	const char *url;    /* below _dash-component-suites/, or a name */
	const char *mime;   /* with charset where it matters */
	char etag[24];      /* quoted, from the content */
	char etag_gzip[24]; /* the same of its compressed forms */
	char etag_br[24];
	const void *data;
	size_t len;
	const void *gzip_data; /* NULL: none */
	size_t gzip_len;
	const void *br_data; /* brotli; NULL: none */
	size_t br_len;
	unsigned load; /* number of its script tag, or that of a package's
			  style sheet, in the mode of the server; 0: none */
	bool own;      /* bytes and address go with the site, not with a map */
};

struct site {
	struct site_file *files; /* sorted by url */
	size_t file_count;
	struct site_file favicon;
	struct site_file index;  /* the page, made of the template */
	struct site_file *pages; /* the same for each of the app's pages */
	size_t page_count;
	struct static_folder *assets; /* NULL: none */
	struct buf page_fields; /* header lines of the page, from guard.h */
	struct buf dependencies;
	struct buf made_line; /* development: a header line with `made` */
	char made[17];        /* ... a hash over document and app */
	char *texts;          /* of the manifest, cut into strings */
	char **package_texts; /* the same of the app's packages */
	size_t package_count;
	struct buf nodes;  /* JSON members: which properties of the packages'
			      components hold components */
	char *requests;    /* path in front of all URLs, as browsers write it */
	char *routes;      /* ... and as it comes here; both with slashes */
	char document[17]; /* development: a hash over what pages are made of
			      but for the layout; see debug.h */
};

/* The path in front of all URLs, as browsers write it and as it comes here. */
struct site_prefix {
	const char *requests;
	const char *routes;
};

/* As the settings have it; whether it is a good one site_open() says. */
struct site_prefix site_prefix_of(const struct worker_options *options);

/*
 * Read the manifest below options->www_dir (empty: www beside the program,
 * then /usr/share/pronghorn/www) and build what depends on the app.
 * 0, or negative with a sentence in *why.
 */
int site_open(struct site **site, const struct worker_options *options,
    const struct app *app, struct buf *why);
void site_close(struct site **site);

/* The file whose URL path below _dash-component-suites/ is this, or NULL. */
const struct site_file *site_find(const struct site *site, const char *url,
    size_t len);

#endif
