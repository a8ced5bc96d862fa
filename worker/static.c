/* SPDX-License-Identifier: MIT */

/*
 * Serving the assets folder.
 *
 * Small files are kept for a second without another look at the disk, then
 * as long as they have not changed; large ones go out by sendfile(). Files of
 * text have compressed forms and no ranges, others have ranges and no other
 * form, so that a part can never be one of a compressed file. The forms of
 * large ones are made by another thread (static_pack.h).
 *
 * INVARIANT  Every path is resolved by openat2() beneath the folder, without
 *            links of any kind; only regular files are read.
 * THREADS    The loop only.
 */
#include "worker/static.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "worker/compress.h"
#include "worker/static_int.h"
#include "worker/static_select.h"

#define SETTLED_S 2 /* after a change */
#define PREFIX "/assets/"
#define MEMORY_MAX ((size_t)512 * 1024) /* above: sendfile */
#define LOOK_AGAIN_US 1000000

int
static_open_file(const struct static_folder *folder, const char *path,
    int flags)
{
	struct open_how how;
	long fd;

	memset(&how, 0, sizeof(how));
	/* O_NONBLOCK: a FIFO must not hold the loop. */
	how.flags = (unsigned)flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	how.resolve =
	    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
	fd = syscall(SYS_openat2, folder->fd, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

/* The folder to use when the setting is empty: beside the app. */
static void
default_folder(const char *app, char path[PATH_MAX])
{
	const char *slash = strrchr(app, '/');
	int len = slash != NULL ? (int)(slash - app) : 1;

	if (snprintf(path, PATH_MAX, "%.*s/assets", len,
		slash != NULL ? app : ".") >= PATH_MAX)
		path[0] = '\0';
}

int
static_open(struct static_folder **out, const struct worker_options *options,
    struct buf *why)
{
	struct static_folder *folder = calloc(1, sizeof(*folder));
	const char *path = options->assets_folder;
	char beside[PATH_MAX];
	int rc;

	*out = NULL;
	if (folder == NULL)
		return -ENOMEM;
	if (path[0] == '\0') {
		default_folder(options->app, beside);
		path = beside;
	}
	folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder->fd < 0 && errno == ENOENT && path == beside) {
		free(folder);
		return 0;
	}
	rc = folder->fd < 0 ? -errno : 0;
	if (rc == 0) {
		int probe =
		    static_open_file(folder, ".", O_RDONLY | O_DIRECTORY);

		rc = probe < 0 ? probe : 0;
		fd_close(&probe);
	}
	if (rc == 0)
		rc = static_walk(folder);
	if (rc < 0) {
		(void)buf_printf(why, "assets_folder %s: %s\n", path,
		    err_str(rc));
		static_close(&folder);
	}
	*out = folder;
	return rc;
}

static void
entry_clear(struct static_entry *entry)
{
	free(entry->path);
	blob_unref(entry->plain);
	blob_unref(entry->gzip);
	blob_unref(entry->br);
	memset(entry, 0, sizeof(*entry));
}

void
static_begin(struct static_folder *folder)
{
	struct stat st;
	size_t i;
	int fd;

	if (folder == NULL)
		return;
	folder->pack = static_pack_new();
	for (i = 0; i < folder->item_count; i++) {
		fd = static_open_file(folder, folder->items[i].path, O_RDONLY);
		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		    st.st_size > (off_t)STATIC_CACHED_MAX)
			(void)static_pack_get(folder->pack,
			    folder->items[i].path, fd, &st);
		fd_close(&fd);
	}
}

void
static_close(struct static_folder **folder_in)
{
	struct static_folder *folder = *folder_in;
	size_t i;

	*folder_in = NULL;
	if (folder == NULL)
		return;
	for (i = 0; i < STATIC_SLOTS; i++)
		entry_clear(&folder->slots[i]);
	for (i = 0; i < folder->item_count; i++)
		free(folder->items[i].path);
	free(folder->items);
	static_pack_free(&folder->pack);
	fd_close(&folder->fd);
	free(folder);
}

static const struct static_type {
	const char *ending;
	const char *mime;
	bool text; /* worth compressing */
} types[] = {
	{ ".css", "text/css; charset=utf-8", true },
	{ ".js", "text/javascript; charset=utf-8", true },
	{ ".mjs", "text/javascript; charset=utf-8", true },
	{ ".json", "application/json", true },
	{ ".geojson", "application/json", true },
	{ ".map", "application/json", true },
	{ ".html", "text/html; charset=utf-8", true },
	{ ".txt", "text/plain; charset=utf-8", true },
	{ ".md", "text/markdown; charset=utf-8", true },
	{ ".csv", "text/csv; charset=utf-8", true },
	{ ".xml", "application/xml", true },
	{ ".svg", "image/svg+xml", true },
	{ ".wasm", "application/wasm", true },
	{ ".png", "image/png", false },
	{ ".jpg", "image/jpeg", false },
	{ ".jpeg", "image/jpeg", false },
	{ ".gif", "image/gif", false },
	{ ".webp", "image/webp", false },
	{ ".avif", "image/avif", false },
	{ ".ico", "image/x-icon", false },
	{ ".woff", "font/woff", false },
	{ ".woff2", "font/woff2", false },
	{ ".ttf", "font/ttf", false },
	{ ".otf", "font/otf", false },
	{ ".mp3", "audio/mpeg", false },
	{ ".mp4", "video/mp4", false },
	{ ".webm", "video/webm", false },
	{ ".pdf", "application/pdf", false },
	{ "", "application/octet-stream", false },
};

static const struct static_type *
type_of(const char *path)
{
	const struct static_type *type = types;
	const char *dot = strrchr(path, '.');

	if (dot == NULL || strchr(dot, '/') != NULL)
		dot = "";
	while (type->ending[0] != '\0' && strcasecmp(type->ending, dot) != 0)
		type++;
	return type;
}

/* Read a whole file into a blob. NULL: it cannot be read, or was cut. */
struct blob *
static_read_blob(int fd, size_t len)
{
	char *data = malloc(len + 1);
	size_t have = 0;
	ssize_t got;

	while (data != NULL && have < len) {
		got = pread(fd, data + have, len - have, (off_t)have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			free(data);
			data = NULL;
			break;
		}
		have += (size_t)got;
	}
	return data != NULL ? blob_new(data, len) : NULL;
}

static struct static_entry *
slot_of(struct static_folder *folder, const char *path)
{
	uint32_t hash = 2166136261U;
	const char *p;

	for (p = path; *p != '\0'; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619U;
	return &folder->slots[hash % STATIC_SLOTS];
}

static void
fill_texts(const struct stat *st, enum static_form form,
    struct static_texts *texts)
{
	static const char *const marks[] = { "", "-gz", "-br" };

	(void)snprintf(texts->etag, sizeof(texts->etag), "\"%llx-%llx%s\"",
	    (unsigned long long)st->st_mtim.tv_sec * 1000000000ULL +
		(unsigned long long)st->st_mtim.tv_nsec,
	    (unsigned long long)st->st_size, marks[form]);
	http_reply_date((int64_t)st->st_mtim.tv_sec * 1000, texts->modified);
}

void
static_texts(const struct stat *st, struct static_texts *texts)
{
	fill_texts(st, STATIC_FORM_PLAIN, texts);
}

int
static_part(const struct http_head *head, int64_t mtime, size_t len,
    struct static_texts *texts, size_t *first, size_t *count)
{
	*first = 0;
	*count = len;
	if (head->method != HTTP_GET || head->range.data == NULL ||
	    !static_if_range(head, texts->etag, mtime))
		return 200;
	switch (static_parse_range(head->range, len, first, count)) {
	case STATIC_PART:
		(void)snprintf(texts->range, sizeof(texts->range),
		    "bytes %zu-%zu/%zu", *first, *first + *count - 1, len);
		return 206;
	case STATIC_UNSATISFIABLE:
		(void)snprintf(texts->range, sizeof(texts->range),
		    "bytes */%zu", len);
		return 416;
	case STATIC_WHOLE:
		break;
	}
	return 200;
}

/* Keep a small file. Takes no ownership of `plain`. */
static void
entry_fill(struct static_entry *entry, const char *path, const struct stat *st,
    struct blob *plain, const struct static_type *type)
{
	enum static_form form;
	size_t len;
	char *small;

	entry_clear(entry);
	entry->path = strdup(path);
	if (entry->path == NULL)
		return;
	entry->st = *st;
	entry->looked_us = clock_mono_us();
	entry->type = type;
	for (form = STATIC_FORM_PLAIN; form <= STATIC_FORM_BR; form++)
		fill_texts(st, form, &entry->texts[form]);
	entry->plain = blob_ref(plain);
	small =
	    type->text ? compress_gzip(plain->data, plain->len, 6, &len) : NULL;
	if (small != NULL)
		entry->gzip = blob_new(small, len);
	small = type->text ? compress_brotli(plain->data, plain->len, 5, &len)
			   : NULL;
	if (small != NULL)
		entry->br = blob_new(small, len);
}

/*
 * Is it asked for as the page does, by the version that it has, and will have
 * until it has another? A change of this moment may not be the last one.
 */
static bool
is_by_version(const struct http_head *head, const struct stat *st)
{
	char query[32];
	int len;

	if (head->query.data == NULL ||
	    time(NULL) - st->st_mtim.tv_sec < SETTLED_S)
		return false;
	len = snprintf(query, sizeof(query), "m=%llu",
	    (unsigned long long)static_version(st));
	return head->query.len == (size_t)len &&
	       memcmp(head->query.data, query, (size_t)len) == 0;
}

/* Everything but the body, from what is known of the file. */
static void
fill_head(const struct http_head *head, const struct stat *st,
    const struct static_type *type, enum static_form form,
    struct static_texts *texts, struct reply *reply)
{
	memset(reply, 0, sizeof(*reply));
	reply->type = type->mime;
	reply->cache = is_by_version(head, st)
			   ? "public, max-age=31536000, immutable"
			   : "no-cache";
	reply->etag = texts->etag;
	reply->modified = texts->modified;
	reply->vary = type->text;
	reply->ranges = !type->text;
	reply->gzip = form == STATIC_FORM_GZIP;
	reply->br = form == STATIC_FORM_BR;
	reply->status =
	    static_condition(head, texts->etag, (int64_t)st->st_mtim.tv_sec);
	if (reply->status == 412) {
		http_reply_error(reply, 412);
	} else if (reply->status == 304) {
		reply->type = NULL;
		reply->gzip = false;
		reply->br = false;
		reply->ranges = false;
	}
}

/* Cut the reply to the range that is asked for. */
static void
apply_range(const struct http_head *head, const struct stat *st,
    struct static_texts *texts, struct reply *reply)
{
	size_t first;
	size_t count;

	if (!reply->ranges || reply->status != 200)
		return;
	reply->status = static_part(head, (int64_t)st->st_mtim.tv_sec,
	    reply->len, texts, &first, &count);
	if (reply->status == 206) {
		reply->range = texts->range;
		if (reply->body != NULL)
			reply->body = (const char *)reply->body + first;
		reply->offset = first;
		reply->len = count;
	} else if (reply->status == 416) {
		blob_unref(reply->blob);
		http_reply_error(reply, 416);
		reply->range = texts->range;
	}
}

/* The form that the client gets, of those that there are. */
static enum static_form
choose(struct static_codings takes, const struct blob *gzip,
    const struct blob *br)
{
	if (br != NULL && takes.br)
		return STATIC_FORM_BR;
	if (gzip != NULL && takes.gzip)
		return STATIC_FORM_GZIP;
	return STATIC_FORM_PLAIN;
}

static void
answer_entry(const struct static_entry *entry,
    const struct static_request *request, struct static_texts *texts,
    struct reply *reply)
{
	enum static_form form = choose(request->takes, entry->gzip, entry->br);
	struct blob *blob = form == STATIC_FORM_BR     ? entry->br
			    : form == STATIC_FORM_GZIP ? entry->gzip
						       : entry->plain;

	*texts = entry->texts[form];
	fill_head(request->head, &entry->st, entry->type, form, texts, reply);
	if (reply->status != 200)
		return;
	reply->blob = blob_ref(blob);
	reply->body = blob->data;
	reply->len = blob->len;
	apply_range(request->head, &entry->st, texts, reply);
}

/* A large file of text in a form that there is already; false: there is none
 * that the client takes. */
static bool
answer_packed(const struct static_folder *folder, int fd, const struct stat *st,
    const char *path, const struct static_request *request,
    struct static_texts *texts, struct reply *reply)
{
	struct static_forms forms = static_pack_get(folder->pack, path, fd, st);
	enum static_form form = choose(request->takes, forms.gzip, forms.br);
	struct blob *blob = form == STATIC_FORM_BR ? forms.br : forms.gzip;

	if (form == STATIC_FORM_PLAIN)
		return false;
	fill_texts(st, form, texts);
	fill_head(request->head, st, type_of(path), form, texts, reply);
	if (reply->status != 200)
		return true;
	reply->blob = blob_ref(blob);
	reply->body = blob->data;
	reply->len = blob->len;
	return true;
}

/* A file that is not kept: read it, or send it from where it is. */
static int
answer_open(int *fd, const struct stat *st, const char *path,
    const struct static_request *request, struct static_texts *texts,
    struct static_entry *entry, struct reply *reply)
{
	const struct static_type *type = type_of(path);
	size_t len = (size_t)st->st_size;
	struct blob *blob;

	fill_texts(st, STATIC_FORM_PLAIN, texts);
	fill_head(request->head, st, type, STATIC_FORM_PLAIN, texts, reply);
	if (reply->status != 200)
		return 0;
	blob = blob_of_file(st);
	/* An app may send the same file from where it is. */
	if (blob != NULL && blob->data == NULL && len <= MEMORY_MAX) {
		blob_unref(blob);
		blob = NULL;
	}
	if (blob == NULL) {
		if (len > MEMORY_MAX) {
			blob = blob_new_file(*fd, len);
			*fd = -1;
		} else {
			blob = static_read_blob(*fd, len);
		}
		blob_share(blob, st);
	}
	if (blob == NULL)
		return 503;
	if (len <= STATIC_CACHED_MAX) {
		entry_fill(entry, path, st, blob, type);
		if (entry->path != NULL) {
			blob_unref(blob);
			answer_entry(entry, request, texts, reply);
			return 0;
		}
	}
	reply->blob = blob;
	reply->body = blob->data;
	reply->len = len;
	apply_range(request->head, st, texts, reply);
	return 0;
}

/* 0 when answered, else a status. */
static int
answer_path(struct static_folder *folder, const char *path,
    const struct static_request *request, struct static_texts *texts,
    struct reply *reply)
{
	struct static_entry *entry = slot_of(folder, path);
	bool kept = entry->path != NULL && strcmp(entry->path, path) == 0;
	int64_t now = request->now_us;
	struct stat st;
	int status = 0;
	int fd;

	if (kept && now - entry->looked_us < LOOK_AGAIN_US) {
		answer_entry(entry, request, texts, reply);
		return 0;
	}
	fd = static_open_file(folder, path, O_RDONLY);
	if (fd < 0)
		return fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM ? 503
								       : 404;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		status = 404;
	} else if (kept && blob_same_file(&st, &entry->st)) {
		entry->looked_us = now;
		answer_entry(entry, request, texts, reply);
	} else if (st.st_size <= (off_t)STATIC_CACHED_MAX ||
		   !type_of(path)->text ||
		   !answer_packed(folder, fd, &st, path, request, texts,
		       reply)) {
		status =
		    answer_open(&fd, &st, path, request, texts, entry, reply);
	}
	fd_close(&fd);
	return status;
}

/* No name is empty or hidden; the last one may be empty. */
static bool
are_plain(const char *names)
{
	const char *name = names;

	while (*name != '.' && *name != '/') {
		name = strchr(name, '/');
		if (name == NULL)
			return true;
		name++;
	}
	return false;
}

void
static_answer(struct static_folder *folder,
    const struct static_request *request, struct static_texts *texts,
    struct reply *reply)
{
	char path[PATH_MAX];
	const char *below = path + sizeof(PREFIX) - 1;
	int status = 404;
	int rc;

	rc = http_path_decode(request->url, path, sizeof(path));
	if (rc < 0)
		status = -rc == 414 ? 404 : -rc;
	else if (folder != NULL &&
		 strncmp(path, PREFIX, sizeof(PREFIX) - 1) == 0 &&
		 below[0] != '\0' && are_plain(below))
		status = answer_path(folder, below, request, texts, reply);
	if (status != 0)
		http_reply_error(reply, status);
}
