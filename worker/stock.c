/* SPDX-License-Identifier: MIT */

/*
 * What a generation is made from. See stock.h.
 *
 * INVARIANT  A text is in memory once: it is read into memory of its size and
 *            never copied. All stocks of a process are in one list, as a child
 *            inherits those of other generations, too.
 * FAILURE    A certificate or key that cannot be read is an error that names
 *            it; the app is not, as app_load() says more about it.
 */
#include "worker/stock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"
#include "server/base/fd.h"

#define TEXT_MAX ((size_t)16 * 1024 * 1024)
#define TEXTS_FEW 3 /* certfile, keyfile, ca_certs */

static struct stock *all;

/* The object's path: "path/app.so:name" without the name. */
static int
open_app(const char *spec)
{
	const char *colon = strrchr(spec, ':');
	char *path;
	int fd;

	if (spec[0] == '\0')
		return -1;
	path = colon == NULL || strchr(colon, '/') != NULL
		   ? strdup(spec)
		   : strndup(spec, (size_t)(colon - spec));
	if (path == NULL)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	free(path);
	return fd;
}

static int
add(struct stock *stock, const char *what, const char *path, size_t path_len,
    struct buf *why)
{
	struct stock_file *file = &stock->files[stock->count];
	int rc;

	file->path = strndup(path, path_len);
	if (file->path == NULL)
		return -ENOMEM;
	stock->count++;
	rc = fd_read_file(file->path, TEXT_MAX, &file->data, &file->len);
	if (rc < 0)
		(void)buf_printf(why, "%s %s: %s", what, file->path,
		    err_str(rc));
	return rc;
}

/* One item of sni_certfiles: "cert.pem:key.pem". */
static int
add_pair(struct stock *stock, const char *item, struct buf *why)
{
	const char *colon = strchr(item, ':');
	size_t len = colon != NULL ? (size_t)(colon - item) : strlen(item);
	int rc = add(stock, "certfile", item, len, why);

	if (rc == 0 && colon != NULL)
		rc = add(stock, "keyfile", colon + 1, strlen(colon + 1), why);
	return rc;
}

static int
add_texts(struct stock *stock, const struct worker_options *options,
    struct buf *why)
{
	const opt_LIST_t *more = &options->sni_certfiles;
	size_t i;
	int rc;

	if (options->certfile[0] == '\0')
		return 0;
	stock->files =
	    calloc(TEXTS_FEW + 2 * more->count, sizeof(*stock->files));
	if (stock->files == NULL)
		return -ENOMEM;
	rc = add(stock, "certfile", options->certfile,
	    strlen(options->certfile), why);
	if (rc == 0 && options->keyfile[0] != '\0')
		rc = add(stock, "keyfile", options->keyfile,
		    strlen(options->keyfile), why);
	if (rc == 0 && options->cert_reqs != 0 && options->ca_certs[0] != '\0')
		rc = add(stock, "ca_certs", options->ca_certs,
		    strlen(options->ca_certs), why);
	for (i = 0; rc == 0 && i < more->count; i++)
		rc = add_pair(stock, more->items[i], why);
	return rc;
}

int
stock_take(struct stock **out, const struct worker_options *options,
    struct buf *why)
{
	struct stock *stock = calloc(1, sizeof(*stock));
	int rc;

	*out = NULL;
	if (stock == NULL)
		return -ENOMEM;
	stock->next = all;
	all = stock;
	stock->app_fd = open_app(options->app);
	rc = add_texts(stock, options, why);
	if (rc == 0)
		*out = stock;
	else
		stock_free(&stock);
	return rc;
}

static void
wipe(struct stock *stock)
{
	struct stock_file *file;
	size_t i;

	for (i = 0; i < stock->count; i++) {
		file = &stock->files[i];
		if (file->data != NULL)
			explicit_bzero(file->data, file->len);
		free(file->data);
		file->data = NULL;
		file->len = 0;
	}
}

void
stock_empty(struct stock *stock)
{
	wipe(stock);
	fd_close(&stock->app_fd);
}

void
stock_free(struct stock **stock_in)
{
	struct stock *stock = *stock_in;
	struct stock **at = &all;
	size_t i;

	*stock_in = NULL;
	if (stock == NULL)
		return;
	while (*at != stock)
		at = &(*at)->next;
	*at = stock->next;
	stock_empty(stock);
	for (i = 0; i < stock->count; i++)
		free(stock->files[i].path);
	free(stock->files);
	free(stock);
}

const struct stock_file *
stock_find(const struct stock *stock, const char *path)
{
	size_t i;

	for (i = 0; stock != NULL && i < stock->count; i++) {
		if (stock->files[i].data != NULL &&
		    strcmp(stock->files[i].path, path) == 0)
			return &stock->files[i];
	}
	return NULL;
}

void
stock_wipe(void)
{
	struct stock *stock;

	for (stock = all; stock != NULL; stock = stock->next)
		wipe(stock);
}
