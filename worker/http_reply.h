/* SPDX-License-Identifier: MIT */
#ifndef WORKER_HTTP_REPLY_H
#define WORKER_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * An answer, and the bytes of its head.
 */

/*
 * Bytes that several answers share, counted. Loop thread only; the last
 * holder frees. A body that lives for ever (a mapped file) needs none.
 */
struct blob {
	unsigned refs;
	unsigned waiting; /* connections and streams: unsent.h */
	size_t len;
	char *data;          /* malloc'ed, owned; NULL: a file */
	int fd;              /* open file, owned; -1: memory */
	bool counted;        /* it is one of the files that are bounded */
	struct spool *spool; /* or the file is that of this one, a reference */
	bool shared;         /* found again as what `st` was */
	struct stat st;      /* while shared */
	struct blob *next;   /* shared, too, with the same hash */
};

/* Take over malloc'ed bytes, with one reference. NULL: no memory, and the
 * bytes are freed. */
struct blob *blob_new(char *data, size_t len);

/*
 * Take over an open file of `len` bytes. NULL: no memory, or they are a quarter
 * of all descriptors that the process may have already; it is closed then.
 */
struct blob *blob_new_file(int fd, size_t len);

/* The same for the file of a spool, by a reference that is taken over; spools
 * have a bound of their own. */
struct spool;
struct blob *blob_new_spool(struct spool *spool);

/*
 * The bytes of a file, for as long as anybody sends them: found again, so
 * that any number of slow clients takes one descriptor or one piece of
 * memory. `st` is what the file is now. A new reference, or NULL.
 */
struct blob *blob_of_file(const struct stat *st);
void blob_share(struct blob *blob, const struct stat *st); /* NULL: nothing */

/* Is it the file that it was, unchanged? */
bool blob_same_file(const struct stat *a, const struct stat *b);

struct blob *blob_ref(struct blob *blob);
void blob_unref(struct blob *blob); /* accepts NULL */

struct reply {
	int status;
	const char *type;     /* Content-Type; NULL: none */
	const char *cache;    /* Cache-Control; NULL: no-store */
	const char *etag;     /* NULL: none */
	const char *allow;    /* for 405 and OPTIONS; NULL: none */
	bool gzip;            /* the body is gzip */
	bool br;              /* the body is brotli */
	bool vary;            /* it depends on Accept-Encoding */
	bool as_is;           /* not to be compressed on its way out */
	bool vary_cookie;     /* it depends on the cookies */
	bool ranges;          /* byte ranges of it can be asked for */
	bool close;           /* last answer on this connection */
	bool announce;        /* say keep-alive to a client of HTTP/1.0 */
	const char *modified; /* Last-Modified; NULL: none */
	const char *range;    /* Content-Range; NULL: none */
	const char *cookie;   /* Set-Cookie; NULL: none */
	const char *session;  /* Set-Cookie of the session; NULL: none */
	const char *fields;   /* whole lines with CRLF; NULL: none */
	size_t fields_len;
	const void *body; /* NULL: none, or in the blob's file */
	size_t len;
	size_t offset;     /* where the body starts in the blob's file */
	struct blob *blob; /* holds the body; the reply owns a reference */
};

/* Bytes any head takes at most, without reply->fields. */
#define HTTP_REPLY_HEAD_MAX 2048

/* And bytes of reply->fields, whatever an app and the settings give. */
#define HTTP_REPLY_FIELDS_MAX 8192

/* The reason phrase of a status. */
const char *http_reply_reason(int status);

/*
 * Write the head into `out`, which has HTTP_REPLY_HEAD_MAX bytes and
 * reply->fields_len more.
 * `date` is the value of the Date field. Returns the number of bytes.
 */
size_t http_reply_head(const struct reply *reply, bool keep_alive,
    const char *date, char *out);

/* A small HTML page for an error status; static text. */
void http_reply_error(struct reply *reply, int status);

/* Format now as a Date field into 30 bytes. */
void http_reply_date(int64_t wall_ms, char out[30]);

#endif
