/* SPDX-License-Identifier: MIT */

/*
 * The files of the front end, by the manifest that `make deps` wrote.
 *
 * Only what the manifest lists is ever served, so no request path reaches
 * the file system. Files are mapped read-only and shared by all workers
 * through the page cache: they cost a worker no memory of its own.
 *
 * FAILURE  A missing or shortened file is an error at start that names it.
 */
#include "worker/site.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"
#include "worker/compress.h"
#include "worker/debug.h"
#include "worker/guard.h"
#include "worker/site_int.h"

#define MANIFEST_MAX ((size_t)1024 * 1024)
#define SMALL_FILE_MAX ((size_t)1024 * 1024)
#define MANIFEST_COLUMNS 8

/* Map a file of exactly `len` bytes. 0, -errno, ERR_CORRUPT (other size). */
static int
map_file(const char *path, size_t len, const void **data)
{
	struct stat st;
	void *at;
	int fd;
	int rc = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		rc = -errno;
	else if (!S_ISREG(st.st_mode) || (size_t)st.st_size != len || len == 0)
		rc = ERR_CORRUPT;
	if (rc == 0) {
		at = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
		if (at == MAP_FAILED)
			rc = -errno;
		else
			*data = at;
	}
	fd_close(&fd);
	return rc;
}

/* A brotli form is a gain where it is, and not missed where it is not. */
static void
map_if_there(const char *path, const void **data, size_t *len)
{
	struct stat st;

	if (stat(path, &st) == 0 &&
	    map_file(path, (size_t)st.st_size, data) == 0)
		*len = (size_t)st.st_size;
}

/* `dir`/`name``suffix`; a path that does not fit becomes empty, which no
 * file has, so opening it fails with a clear reason. */
static void
join_path(char path[PATH_MAX], const char *dir, const char *name,
    const char *suffix)
{
	int len = snprintf(path, PATH_MAX, "%s/%s%s", dir, name, suffix);

	if (len < 0 || len >= PATH_MAX)
		path[0] = '\0';
}

/* Take the next tab-separated text off *at; NULL at the end. */
static char *
next_column(char **at)
{
	char *column = *at;
	char *tab;

	if (column == NULL)
		return NULL;
	tab = strchr(column, '\t');
	if (tab != NULL)
		*tab++ = '\0';
	*at = tab;
	return column;
}

/* A strong tag is of the bytes that are sent, so each form has its own. */
static void
mark_etags(struct site_file *file)
{
	(void)snprintf(file->etag_gzip, sizeof(file->etag_gzip), "%.17s-gz\"",
	    file->etag);
	(void)snprintf(file->etag_br, sizeof(file->etag_br), "%.17s-br\"",
	    file->etag);
}

/* One line of a list: url, file, mime, size, gzip size, sha256, number of the
 * tag, and that in development mode. */
static int
add_file(struct site *site, const struct site_folder *folder, char *line,
    struct buf *why)
{
	struct site_file *file = &site->files[site->file_count];
	char *columns[MANIFEST_COLUMNS];
	char path[PATH_MAX];
	int rc;
	int i;

	for (i = 0; i < MANIFEST_COLUMNS; i++) {
		columns[i] = next_column(&line);
		if (columns[i] == NULL) {
			(void)buf_printf(why,
			    "%s/manifest.tsv: a line has too few columns: %s\n",
			    folder->path, folder->remedy);
			return ERR_SYNTAX;
		}
	}
	memset(file, 0, sizeof(*file));
	file->url = columns[0];
	file->mime = columns[2];
	file->len = strtoul(columns[3], NULL, 10);
	file->gzip_len = strtoul(columns[4], NULL, 10);
	file->load =
	    (unsigned)strtoul(columns[folder->debug ? 7 : 6], NULL, 10);
	if (file->load > 0)
		file->load += folder->load;
	(void)snprintf(file->etag, sizeof(file->etag), "\"%.16s\"", columns[5]);
	mark_etags(file);
	join_path(path, folder->path, columns[1], "");
	rc = map_file(path, file->len, &file->data);
	if (rc == 0 && file->gzip_len > 0) {
		join_path(path, folder->path, columns[1], ".gz");
		rc = map_file(path, file->gzip_len, &file->gzip_data);
	}
	if (rc == 0) {
		join_path(path, folder->path, columns[1], ".br");
		map_if_there(path, &file->br_data, &file->br_len);
	}
	if (rc < 0) {
		(void)buf_printf(why, "front-end file %s: %s: %s\n", path,
		    err_str(rc), folder->remedy);
		return rc;
	}
	site->file_count++;
	return 0;
}

/* A copy in the form of a quoted tag, from the bytes themselves. */
static void
make_etag(struct site_file *file)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	int i;

	(void)SHA256(file->data, file->len, digest);
	file->etag[0] = '"';
	for (i = 0; i < 8; i++)
		(void)snprintf(file->etag + 1 + 2 * i, 3, "%02x", digest[i]);
	file->etag[17] = '"';
	file->etag[18] = '\0';
	mark_etags(file);
}

/* Compress once, at start; a file that does not shrink stays as it is. */
static void
make_small(struct site_file *file)
{
	file->gzip_data =
	    compress_gzip(file->data, file->len, 9, &file->gzip_len);
	file->br_data =
	    compress_brotli(file->data, file->len, 9, &file->br_len);
}

/* The bytes of a file that are not mapped. */
static void
free_forms(const struct site_file *file)
{
	free((void *)(uintptr_t)file->data);
	free((void *)(uintptr_t)file->gzip_data);
	free((void *)(uintptr_t)file->br_data);
}

/* A small file of our own, read into memory for the life of the site. */
static int
read_own(const char *www_dir, const char *name, const char *mime,
    struct site_file *file, struct buf *why)
{
	char path[PATH_MAX];
	char *data;
	int rc;

	memset(file, 0, sizeof(*file));
	join_path(path, www_dir, name, "");
	rc = fd_read_file(path, SMALL_FILE_MAX, &data, &file->len);
	if (rc < 0) {
		(void)buf_printf(why, "front-end file %s: %s\n", path,
		    err_str(rc));
		return rc;
	}
	file->data = data;
	file->url = name;
	file->mime = mime;
	make_etag(file);
	make_small(file);
	return 0;
}

/* It gets a fingerprint in its directory, as bundles have. */
static int
add_own(struct site *site, const char *www_dir, const char *name,
    const char *mime, struct buf *why)
{
	struct site_file *file = &site->files[site->file_count];
	struct buf url = BUF_EMPTY;
	size_t len;
	int rc;

	rc = read_own(www_dir, name, mime, file, why);
	if (rc < 0)
		return rc;
	(void)buf_printf(&url, "pronghorn/v%.12s/%s", file->etag + 1, name);
	if (buf_cstr(&url) == NULL) {
		free_forms(file);
		return -ENOMEM;
	}
	file->url = buf_detach(&url, &len);
	file->own = true;
	site->file_count++;
	return 0;
}

static int
compare_files(const void *a, const void *b)
{
	return strcmp(((const struct site_file *)a)->url,
	    ((const struct site_file *)b)->url);
}

/* Room for as many files as the text has lines, and for three more: the style
 * sheet, the script, and a last line without LF. */
static int
make_room(struct site *site, const char *text)
{
	size_t lines = site->file_count + 3;
	struct site_file *files;

	for (; *text != '\0'; text++)
		lines += *text == '\n';
	files = realloc(site->files, lines * sizeof(*files));
	if (files == NULL)
		return -ENOMEM;
	site->files = files;
	return 0;
}

int
site_add_folder(struct site *site, struct site_folder *folder, struct buf *why)
{
	char path[PATH_MAX];
	char *line;
	char *end;
	size_t len;
	int rc;

	join_path(path, folder->path, "manifest.tsv", "");
	rc = fd_read_file(path, MANIFEST_MAX, folder->texts, &len);
	if (rc < 0) {
		(void)buf_printf(why, "front end missing: %s: %s: %s\n", path,
		    err_str(rc), folder->remedy);
		return rc;
	}
	rc = make_room(site, *folder->texts);
	for (line = *folder->texts; rc == 0 && *line != '\0'; line = end) {
		end = line + strcspn(line, "\n");
		if (*end == '\n')
			*end++ = '\0';
		if (*line != '\0')
			rc = add_file(site, folder, line, why);
	}
	return rc;
}

/* The server's own files, and those of the app's packages. */
static int
read_manifests(struct site *site, const char *www_dir,
    const struct worker_options *options, const struct app *app,
    struct buf *why)
{
	struct site_folder folder = { .path = www_dir,
		.remedy = "run make deps, or set www_dir",
		.debug = options->debug,
		.texts = &site->texts };
	int rc;

	rc = site_add_folder(site, &folder, why);
	if (rc == 0)
		rc = add_own(site, www_dir, "pronghorn.css",
		    "text/css; charset=utf-8", why);
	if (rc == 0)
		rc = add_own(site, www_dir, "pronghorn.js",
		    "text/javascript; charset=utf-8", why);
	if (rc == 0)
		rc = site_add_packages(site, app, options, why);
	if (rc == 0)
		qsort(site->files, site->file_count, sizeof(*site->files),
		    compare_files);
	return rc;
}

/* The folder to use when the setting is empty: in the tree, or installed. */
static const char *
default_folder(char path[PATH_MAX])
{
	static const char *const places[] = { "www", "../share/pronghorn/www" };
	char program[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
	char *slash;
	size_t i;

	program[len > 0 ? len : 0] = '\0';
	slash = strrchr(program, '/');
	for (i = 0; slash != NULL && i < 2; i++) {
		*slash = '\0';
		join_path(path, program, places[i], "/manifest.tsv");
		if (access(path, R_OK) == 0) {
			join_path(path, program, places[i], "");
			return path;
		}
	}
	return "/usr/share/pronghorn/www";
}

/* One index page in its forms. */
static int
build_index(struct site *site, const struct site_source *source,
    const struct page *page, struct site_file *file, struct buf *why)
{
	struct buf html = BUF_EMPTY;
	int rc;

	rc = site_page(site, source, page, &html, why);
	/* Equal for all: they have the same inline scripts. */
	if (rc == 0 && site->page_fields.len == 0)
		rc = guard_page_fields(source->options, html.data, html.len,
		    &site->page_fields, why);
	if (rc < 0) {
		buf_free(&html);
		return rc;
	}
	file->url = "index.html";
	file->mime = "text/html; charset=utf-8";
	file->data = buf_detach(&html, &file->len);
	make_etag(file);
	make_small(file);
	return 0;
}

static int
build_pages(struct site *site, const struct site_source *source,
    struct buf *why)
{
	const struct app *app = source->app;
	size_t i;
	int rc;

	if (source->options->debug) {
		site_hash_document(site, source);
		debug_made(site, app);
	}
	rc = build_index(site, source, NULL, &site->index, why);
	site->pages = calloc(app->page_count + 1, sizeof(*site->pages));
	if (rc == 0 && site->pages == NULL)
		rc = -ENOMEM;
	for (i = 0; rc == 0 && i < app->page_count; i++) {
		rc = build_index(site, source, app->pages[i], &site->pages[i],
		    why);
		site->page_count += rc == 0;
	}
	return rc;
}

static int
build_page(struct site *site, const char *www_dir,
    const struct worker_options *options, const struct app *app,
    struct buf *why)
{
	struct site_source source = { .name = "ph_index()",
		.template = app->index,
		.app = app,
		.options = options };
	char *text = NULL;
	char path[PATH_MAX];
	size_t len;
	int rc = 0;

	if (app->index == NULL) {
		join_path(path, www_dir, "index.html", "");
		rc = fd_read_file(path, SMALL_FILE_MAX, &text, &len);
		source.name = path;
		source.template = text;
	}
	if (rc < 0)
		(void)buf_printf(why, "cannot read %s: %s\n", path,
		    err_str(rc));
	else
		rc = build_pages(site, &source, why);
	free(text);
	if (rc == 0)
		rc = app_dependencies_json(app, &site->dependencies);
	return rc;
}

int
site_open(struct site **out, const struct worker_options *options,
    const struct app *app, struct buf *why)
{
	const char *www_dir = options->www_dir;
	char path[PATH_MAX];
	struct site *site = calloc(1, sizeof(*site));
	int rc;

	*out = NULL;
	if (site == NULL)
		return -ENOMEM;
	if (www_dir[0] == '\0')
		www_dir = default_folder(path);
	rc = site_prefixes(site, options, why);
	if (rc == 0)
		rc = read_manifests(site, www_dir, options, app, why);
	if (rc == 0)
		rc = read_own(www_dir, "favicon.ico", "image/x-icon",
		    &site->favicon, why);
	if (rc == 0)
		rc = static_open(&site->assets, options, why);
	if (rc == 0)
		rc = build_page(site, www_dir, options, app, why);
	if (rc == 0)
		*out = site;
	else
		site_close(&site);
	return rc;
}

void
site_close(struct site **site_in)
{
	struct site *site = *site_in;
	size_t i;

	*site_in = NULL;
	if (site == NULL)
		return;
	/* Maps go with the process; tests open few sites. */
	for (i = 0; i < site->file_count; i++) {
		if (!site->files[i].own)
			continue;
		free((void *)(uintptr_t)site->files[i].url);
		free_forms(&site->files[i]);
	}
	free_forms(&site->index);
	for (i = 0; i < site->page_count; i++)
		free_forms(&site->pages[i]);
	free(site->pages);
	free_forms(&site->favicon);
	static_close(&site->assets);
	buf_free(&site->page_fields);
	buf_free(&site->made_line);
	buf_free(&site->dependencies);
	buf_free(&site->nodes);
	free(site->texts);
	for (i = 0; i < site->package_count; i++)
		free(site->package_texts[i]);
	free(site->package_texts);
	free(site->requests);
	free(site->routes);
	free(site->files);
	free(site);
}

const struct site_file *
site_find(const struct site *site, const char *url, size_t len)
{
	size_t low = 0;
	size_t high = site->file_count;
	size_t middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order = strncmp(url, site->files[middle].url, len);
		if (order == 0 && site->files[middle].url[len] != '\0')
			order = -1;
		if (order == 0)
			return &site->files[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
