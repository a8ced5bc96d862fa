/* SPDX-License-Identifier: MIT */

/*
 * Heads of answers, put together with memcpy: no printf on the hot path. And
 * their bodies; that of a file is found again while anybody sends it.
 *
 * INVARIANT  Nothing in a head comes from a client or an app unchecked: all
 *            texts are constants, file tags or our own numbers.
 * INVARIANT  `shared` holds no references: the last to let go of a body takes
 *            it out. `file_count` is how many blobs own a file.
 * THREADS    Any, each with its own; what is shared, and all bodies that own
 *            a file, are the loop's.
 * Source     RFC 9110, RFC 9112.
 */
#include "worker/http_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "server/base/fd.h"
#include "worker/spool.h"

#define SHARED_BUCKETS 64
#define FILES_PART 4 /* of the descriptors, files have one in four */

static rlim_t file_count;                   /* blobs that own a file */
static struct blob *shared[SHARED_BUCKETS]; /* no references: see unshare() */

static const struct status {
	int status;
	const char *reason;
	const char *page;
} statuses[] = {
#define PAGE(title)                                                           \
	"<!DOCTYPE html><html lang=\"en\"><title>" title "</title><h1>" title \
	"</h1></html>\n"
	{ 200, "OK", "" },
	{ 201, "Created", "" },
	{ 202, "Accepted", "" },
	{ 204, "No Content", "" },
	{ 206, "Partial Content", "" },
	{ 301, "Moved Permanently", PAGE("Moved Permanently") },
	{ 302, "Found", PAGE("Found") },
	{ 303, "See Other", PAGE("See Other") },
	{ 304, "Not Modified", "" },
	{ 307, "Temporary Redirect", PAGE("Temporary Redirect") },
	{ 308, "Permanent Redirect", PAGE("Permanent Redirect") },
	{ 400, "Bad Request", PAGE("Bad Request") },
	{ 401, "Unauthorized", PAGE("Unauthorized") },
	{ 403, "Forbidden", PAGE("Forbidden") },
	{ 404, "Not Found", PAGE("Not Found") },
	{ 405, "Method Not Allowed", PAGE("Method Not Allowed") },
	{ 408, "Request Timeout", PAGE("Request Timeout") },
	{ 409, "Conflict", PAGE("Conflict") },
	{ 410, "Gone", PAGE("Gone") },
	{ 411, "Length Required", PAGE("Length Required") },
	{ 412, "Precondition Failed", PAGE("Precondition Failed") },
	{ 413, "Content Too Large", PAGE("Content Too Large") },
	{ 414, "URI Too Long", PAGE("URI Too Long") },
	{ 415, "Unsupported Media Type", PAGE("Unsupported Media Type") },
	{ 416, "Range Not Satisfiable", PAGE("Range Not Satisfiable") },
	{ 417, "Expectation Failed", PAGE("Expectation Failed") },
	{ 421, "Misdirected Request", PAGE("Misdirected Request") },
	{ 422, "Unprocessable Content", PAGE("Unprocessable Content") },
	{ 429, "Too Many Requests", PAGE("Too Many Requests") },
	{ 431, "Request Header Fields Too Large",
	    PAGE("Request Header Fields Too Large") },
	{ 500, "Internal Server Error", PAGE("Internal Server Error") },
	{ 501, "Not Implemented", PAGE("Not Implemented") },
	{ 502, "Bad Gateway", PAGE("Bad Gateway") },
	{ 503, "Service Unavailable", PAGE("Service Unavailable") },
	{ 504, "Gateway Timeout", PAGE("Gateway Timeout") },
	{ 505, "HTTP Version Not Supported",
	    PAGE("HTTP Version Not Supported") },
	{ 507, "Insufficient Storage", PAGE("Insufficient Storage") },
};

/* Those that have no row above, as an app may answer any, by their class. */
static const struct status classes[] = {
	{ 2, "Success", "" },
	{ 3, "Redirection", "" },
	{ 4, "Client Error", PAGE("Client Error") },
	{ 5, "Server Error", PAGE("Server Error") },
#undef PAGE
};

static const struct status *
find_status(int status)
{
	size_t i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (statuses[i].status == status)
			return &statuses[i];
	}
	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (classes[i].status == status / 100)
			return &classes[i];
	}
	return find_status(500);
}

struct blob *
blob_new(char *data, size_t len)
{
	struct blob *blob = malloc(sizeof(*blob));

	if (blob == NULL) {
		free(data);
		return NULL;
	}
	blob->refs = 1;
	blob->waiting = 0;
	blob->len = len;
	blob->data = data;
	blob->fd = -1;
	blob->counted = false;
	blob->spool = NULL;
	blob->shared = false;
	return blob;
}

struct blob *
blob_new_file(int fd, size_t len)
{
	struct rlimit limit;
	struct blob *blob = NULL;

	/* Connections need descriptors, too. */
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		limit.rlim_cur = 1024; /* cannot be */
	if (file_count < limit.rlim_cur / FILES_PART)
		blob = blob_new(NULL, len);
	if (blob == NULL) {
		fd_close(&fd);
		return NULL;
	}
	blob->fd = fd;
	blob->counted = true;
	file_count++;
	return blob;
}

struct blob *
blob_new_spool(struct spool *spool)
{
	struct blob *blob = blob_new(NULL, spool_len(spool));

	if (blob == NULL) {
		spool_unref(&spool);
		return NULL;
	}
	blob->fd = spool_fd(spool);
	blob->spool = spool;
	return blob;
}

bool
blob_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static struct blob **
bucket_of(const struct stat *st)
{
	return &shared[(size_t)st->st_ino % SHARED_BUCKETS];
}

struct blob *
blob_of_file(const struct stat *st)
{
	struct blob *blob = *bucket_of(st);

	while (blob != NULL && !blob_same_file(&blob->st, st))
		blob = blob->next;
	return blob != NULL ? blob_ref(blob) : NULL;
}

void
blob_share(struct blob *blob, const struct stat *st)
{
	struct blob **bucket = bucket_of(st);

	if (blob == NULL || blob->shared)
		return;
	blob->shared = true;
	blob->st = *st;
	blob->next = *bucket;
	*bucket = blob;
}

static void
unshare(struct blob *blob)
{
	struct blob **at = bucket_of(&blob->st);

	while (*at != blob)
		at = &(*at)->next;
	*at = blob->next;
}

struct blob *
blob_ref(struct blob *blob)
{
	blob->refs++;
	return blob;
}

void
blob_unref(struct blob *blob)
{
	if (blob == NULL || --blob->refs > 0)
		return;
	if (blob->shared)
		unshare(blob);
	free(blob->data);
	if (blob->spool == NULL)
		fd_close(&blob->fd);
	if (blob->counted)
		file_count--;
	spool_unref(&blob->spool);
	free(blob);
}

const char *
http_reply_reason(int status)
{
	return find_status(status)->reason;
}

void
http_reply_error(struct reply *reply, int status)
{
	const struct status *row = find_status(status);

	memset(reply, 0, sizeof(*reply));
	reply->status = status;
	if (row->page[0] == '\0')
		return; /* 204: nothing that could have a type */
	reply->type = "text/html; charset=utf-8";
	reply->body = row->page;
	reply->len = strlen(row->page);
}

/* Inline, so that the lengths of literals are constants. */
static inline __attribute__((always_inline)) char *
put(char *out, const char *text)
{
	size_t len = strlen(text);

	memcpy(out, text, len);
	return out + len;
}

static inline __attribute__((always_inline)) char *
put_field(char *out, const char *name, const char *value)
{
	out = put(out, name);
	out = put(out, value);
	return put(out, "\r\n");
}

static char *
put_number(char *out, size_t number)
{
	char digits[24];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	memcpy(out, digits + i, sizeof(digits) - i);
	return out + sizeof(digits) - i;
}

size_t
http_reply_head(const struct reply *reply, bool keep_alive, const char *date,
    char *out)
{
	const struct status *row = find_status(reply->status);
	char *at = put(out, "HTTP/1.1 ");

	at = put_number(at, (size_t)reply->status);
	*at++ = ' ';
	at = put_field(at, row->reason, "");
	at = put_field(at, "Date: ", date);
	if (reply->type != NULL)
		at = put_field(at, "Content-Type: ", reply->type);
	at = put_field(at, "Cache-Control: ",
	    reply->cache != NULL ? reply->cache : "no-store");
	if (reply->etag != NULL)
		at = put_field(at, "ETag: ", reply->etag);
	if (reply->allow != NULL)
		at = put_field(at, "Allow: ", reply->allow);
	if (reply->modified != NULL)
		at = put_field(at, "Last-Modified: ", reply->modified);
	if (reply->gzip)
		at = put(at, "Content-Encoding: gzip\r\n");
	else if (reply->br)
		at = put(at, "Content-Encoding: br\r\n");
	if (reply->ranges)
		at = put(at, "Accept-Ranges: bytes\r\n");
	if (reply->range != NULL)
		at = put_field(at, "Content-Range: ", reply->range);
	if (reply->cookie != NULL)
		at = put_field(at, "Set-Cookie: ", reply->cookie);
	if (reply->session != NULL)
		at = put_field(at, "Set-Cookie: ", reply->session);
	if (reply->vary || reply->vary_cookie)
		at = put_field(at, "Vary: ",
		    !reply->vary_cookie ? "Accept-Encoding"
		    : reply->vary       ? "Accept-Encoding, Cookie"
					: "Cookie");
	if (reply->status == 503)
		at = put(at, "Retry-After: 1\r\n");
	at = put(at, "X-Content-Type-Options: nosniff\r\n");
	if (reply->fields != NULL) {
		memcpy(at, reply->fields, reply->fields_len);
		at += reply->fields_len;
	}
	if (reply->status != 204 && reply->status != 304) {
		at = put(at, "Content-Length: ");
		at = put_number(at, reply->len);
		at = put(at, "\r\n");
	}
	if (keep_alive && reply->announce)
		at = put(at, "Connection: keep-alive\r\n");
	at = put(at, keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
	return (size_t)(at - out);
}

void
http_reply_date(int64_t wall_ms, char out[30])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	(void)gmtime_r(&seconds, &tm);
	/* Not strftime: a locale set by an app must not show here. */
	(void)snprintf(out, 30, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
	    days + 3 * tm.tm_wday, (unsigned)tm.tm_mday % 100U,
	    months + 3 * tm.tm_mon, (unsigned)(tm.tm_year + 1900) % 10000U,
	    (unsigned)tm.tm_hour % 100U, (unsigned)tm.tm_min % 100U,
	    (unsigned)tm.tm_sec % 100U);
}
