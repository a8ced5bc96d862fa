/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_ROUTE_H
#define PRONGHORN_ROUTE_H

/*
 * Plain HTTP beside the pages: REST endpoints, exports, webhooks; and files
 * that travel through the page, up and down. Included by <pronghorn/app.h>,
 * which says what holds for all of this.
 *
 *     static enum ph_status
 *     get_thing(struct ph_call *call)
 *     {
 *         const struct ph_value *rows = ph_query(call,
 *             "SELECT * FROM things WHERE id = ?1",
 *             ph_text(ph_path_arg(call, "id")));
 *
 *         if (ph_count_of(rows) == 0)
 *             return ph_respond_text(call, 404, "no such thing\n");
 *         return ph_respond_json(call, 200, rows);
 *     }
 *     ...
 *     ph_route(app, "GET", "/api/things/<id>", get_thing);
 *
 * A handler runs on a pool thread and may query, ask ph_memo(), use the
 * session (session.h) and return PH_WAIT. Without a response it is answered
 * 204; when it fails, 500.
 *
 * A GET route answers HEAD, too; OPTIONS and 405 tell what a path has. A
 * path of the app's own comes before its pages; the server's own paths come
 * before both.
 *
 * CSRF: what changes something (POST, PUT, PATCH, DELETE) is refused with 403
 * when a browser sends it for a page of another site. A client that is no
 * browser says neither Origin nor Sec-Fetch-Site and is let through: who it
 * is, is for the handler to check. `.any_origin = true` takes both from
 * everybody, for webhooks that check a signature.
 */
#include <pronghorn/app.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ph_route(app, "POST", "/hook", handler, .any_origin = true) */
struct ph_route_options {
	bool any_origin; /* see CSRF above */
	size_t max_body; /* bytes of the body, 413 above; 0: the setting
			    limit_upload, or limit_request_body for JSON, which
			    bound it anyway */
	bool ph_end_;
};

/* One field or file of a form. Lives as long as the call. */
struct ph_part {
	const char *name;
	const char *file_name; /* as the client calls it, without folders; NULL:
				  a field, no file */
	const char *type;      /* as the client says; "" when it does not */
	const void *bytes; /* of a large body: of a file, so not in memory */
	size_t len;
};

struct ph_route_host {
	uint32_t size;
	void (*route)(struct ph_app *app, const char *method, const char *path,
	    ph_function *handler, const char *name,
	    const struct ph_route_options *options);
	const char *(*method)(struct ph_call *call);
	const char *(*path)(struct ph_call *call);
	const void *(*body)(struct ph_call *call, size_t *len);
	const struct ph_value *(*body_json)(struct ph_call *call);
	const char *(*form_arg)(struct ph_call *call, const char *name);
	enum ph_status (*respond)(struct ph_call *call, int status,
	    const char *type, const void *bytes, size_t len);
	enum ph_status (*respond_json)(struct ph_call *call, int status,
	    const struct ph_value *value);
	enum ph_status (*respond_file)(struct ph_call *call, const char *path,
	    const char *type, const char *save_as);
	bool (*respond_header)(struct ph_call *call, const char *name,
	    const char *value);
	const void *(*upload)(struct ph_call *call,
	    const struct ph_value *contents, size_t *len);
	enum ph_status (*download)(struct ph_call *call, const char *what,
	    const char *name, const char *type, const void *bytes, size_t len);
	size_t (*form_count)(struct ph_call *call);
	bool (*form_part)(struct ph_call *call, size_t index,
	    struct ph_part *part);
	bool (*form_file)(struct ph_call *call, const char *name,
	    struct ph_part *part);
	enum ph_status (*save)(struct ph_call *call, const void *bytes,
	    size_t len, const char *path);
	enum ph_status (
	    *respond_more)(struct ph_call *call, const void *bytes, size_t len);
	enum ph_status (*respond_csv)(struct ph_call *call, const char *sql,
	    const struct ph_value *const *arguments, size_t count);
	const char *(
	    *bytes_path)(struct ph_call *call, const void *bytes, size_t len);
};

/* ---- define: only inside PH_APP() -------------------------------------- */

/* Answer `method` on `path`, which may have <variables> as in ph_page(). */
#define ph_route(app, method, path, ...) \
	ph_route_(app, method, path, __VA_ARGS__, .ph_end_ = false)
#define ph_route_(app, method, path, handler, ...)         \
	ph_route_add(app, method, path, handler, #handler, \
	    PH_WITH_(ph_route_options, __VA_ARGS__))
static inline void
ph_route_add(struct ph_app *app, const char *method, const char *path,
    ph_function *handler, const char *name, struct ph_route_options options)
{
	ph_host_->routes->route(app, method, path, handler, name, &options);
}

/* ---- in handlers: the request ------------------------------------------- */

/* ph_path_arg(), ph_query_arg(): pages.h; ph_header(), ph_cookie(),
 * ph_client(): app.h. */

/* "GET" and so on; HEAD comes as "GET". */
static inline const char *
ph_method(struct ph_call *call)
{
	return ph_host_->routes->method(call);
}

/* The decoded path, below the prefix of the server. Also in the layout
 * functions of pages, that of ph_not_found() among them. */
static inline const char *
ph_path(struct ph_call *call)
{
	return ph_host_->routes->path(call);
}

/*
 * The body's bytes, *len of them (`len` may be NULL) and a NUL behind; ""
 * without one. Lives as long as the call. A body above the setting
 * upload_buffer is in a file that is mapped here: read from front to back, it
 * takes no memory, however large it is.
 */
static inline const void *
ph_body(struct ph_call *call, size_t *len)
{
	return ph_host_->routes->body(call, len);
}

/* The body as JSON, with integers as ph_json() reads them. The call ends as an
 * error (400) when it is none, or not announced as application/json. */
static inline const struct ph_value *
ph_body_json(struct ph_call *call)
{
	return ph_host_->routes->body_json(call);
}

/* A field of a form, urlencoded or multipart/form-data, decoded; "" when
 * absent. A malformed form ends the call as an error (400), here and below; so
 * does a field with a NUL here, which ph_form_part() gives with its length. */
static inline const char *
ph_form_arg(struct ph_call *call, const char *name)
{
	return ph_host_->routes->form_arg(call, name);
}

/* The first file of that name in the form. False: none. */
static inline bool
ph_form_file(struct ph_call *call, const char *name, struct ph_part *part)
{
	return ph_host_->routes->form_file(call, name, part);
}

/* Fields and files of the form, in their order: how many there are, and the
 * n-th; false beyond the end. */
static inline size_t
ph_form_count(struct ph_call *call)
{
	return ph_host_->routes->form_count(call);
}
static inline bool
ph_form_part(struct ph_call *call, size_t index, struct ph_part *part)
{
	return ph_host_->routes->form_part(call, index, part);
}

/*
 * Write `len` bytes into a new file; one that is there is not touched and ends
 * the call as an error, as does a full disk. On the disk when it returns. The
 * path is the app's to choose: never make it of what a client sent.
 */
static inline enum ph_status
ph_save(struct ph_call *call, const void *bytes, size_t len, const char *path)
{
	return ph_host_->routes->save(call, bytes, len, path);
}

/*
 * The path of a file with these bytes, for what can only read files: those of
 * ph_body(), of a part of a form, of ph_upload(), or any. It is the server's,
 * readable and writable by nobody else (0600), in tmp_upload_dir, and gone
 * when the request is answered: rename() it away to keep it, as the last thing
 * that is done, or link() it. The path itself lives as long as the call.
 *
 * A body that is in a file already (see ph_body()) is not copied: the file is
 * what ph_body() maps, so it must not be changed. Other bytes are written when
 * this is called, and count for limit_upload_total. "", and the call ends as
 * an error: no room. Not in page functions.
 */
static inline const char *
ph_bytes_path(struct ph_call *call, const void *bytes, size_t len)
{
	return ph_host_->routes->bytes_path(call, bytes, len);
}

/* The same for the body of the request. */
static inline const char *
ph_body_path(struct ph_call *call)
{
	size_t len;
	const void *bytes = ph_body(call, &len);

	return ph_bytes_path(call, bytes, len);
}

/* ---- in handlers: the response ------------------------------------------ */

/* Answer with `len` bytes, which are copied. The last response counts. */
static inline enum ph_status
ph_respond(struct ph_call *call, int status, const char *type,
    const void *bytes, size_t len)
{
	return ph_host_->routes->respond(call, status, type, bytes, len);
}

/* Answer with a text in UTF-8, copied, as text/plain. */
static inline enum ph_status
ph_respond_text(struct ph_call *call, int status, const char *text)
{
	return ph_host_->routes->respond(call, status,
	    "text/plain; charset=utf-8", text, __builtin_strlen(text));
}

/*
 * Go on with the response that ph_respond() has begun. A long one goes to a
 * file (above upload_buffer, in tmp_upload_dir) and is sent when the handler
 * returns, so it may have any size and no slow client holds the thread. When
 * the disk is full, or those that wait for slow clients have
 * limit_upload_total, PH_ERROR: nothing is sent of it, the client gets 503 and
 * may try again.
 */
static inline enum ph_status
ph_respond_more(struct ph_call *call, const void *bytes, size_t len)
{
	return ph_host_->routes->respond_more(call, bytes, len);
}

/*
 * Go on with the rows of a query as CSV, names of the columns first; arguments
 * as in ph_query(). The rows are never in memory together:
 *	ph_respond(call, 200, "text/csv", "", 0);
 *	return ph_respond_csv(call, "SELECT * FROM orders");
 */
#define ph_respond_csv(call, ...) ph_respond_csv_(call, __VA_ARGS__, PH_END_)
#define ph_respond_csv_(call, sql, ...) \
	ph_respond_csv_of_(call, sql,   \
	    PH_ARRAY_(const struct ph_value *, __VA_ARGS__))
static inline enum ph_status
ph_respond_csv_of_(struct ph_call *call, const char *sql,
    const struct ph_value *const *arguments)
{
	return ph_host_->routes->respond_csv(call, sql, arguments,
	    ph_count_values_(arguments));
}

/* Answer with a value as JSON; a table is a list of records there. */
static inline enum ph_status
ph_respond_json(struct ph_call *call, int status, const struct ph_value *value)
{
	return ph_host_->routes->respond_json(call, status, value);
}

/*
 * Answer with a file, of any size: it is sent from the disk. `save_as` is the
 * name a browser saves it under; NULL: it shows it. A file that is not there
 * ends the call as an error. The path is the app's to choose: never make it
 * of what a client sent without checking.
 *
 * In a GET route it has an ETag and Last-Modified of the file, or what the
 * handler sets with ph_respond_header(), and the server answers Range (206,
 * 416), If-Range, If-None-Match and the like (304, 412) out of it: a download
 * goes on where it was cut, a video may be wound.
 */
static inline enum ph_status
ph_respond_file(struct ph_call *call, const char *path, const char *type,
    const char *save_as)
{
	return ph_host_->routes->respond_file(call, path, type, save_as);
}

/* Add a header line to the response. False, and the call ends as an error:
 * it is none, or the server's own to set, as Content-Length. Without a
 * Cache-Control of the handler it is "no-store"; a response that used the
 * session stays "private, no-store". */
static inline bool
ph_respond_header(struct ph_call *call, const char *name, const char *value)
{
	return ph_host_->routes->respond_header(call, name, value);
}

/* ---- files through the page ---------------------------------------------- */

/*
 * The bytes of a file that a visitor gave to dcc.Upload: `contents` is the
 * value of its property, or one of its list with .multiple. *len bytes and a
 * NUL behind; NULL when nothing was uploaded.
 */
static inline const void *
ph_upload(struct ph_call *call, const struct ph_value *contents, size_t *len)
{
	return ph_host_->routes->upload(call, contents, len);
}

/*
 * Have the browser save `len` bytes as file `name`: sets `what`, an output
 * of the callback that is the "data" of a dcc.Download.
 */
static inline enum ph_status
ph_download(struct ph_call *call, const char *what, const char *name,
    const char *type, const void *bytes, size_t len)
{
	return ph_host_->routes->download(call, what, name, type, bytes, len);
}

/* The same for a text, such as ph_csv(table) gives. */
static inline enum ph_status
ph_download_text(struct ph_call *call, const char *what, const char *name,
    const struct ph_value *text)
{
	return ph_host_->routes->download(call, what, name,
	    "text/plain; charset=utf-8", ph_host_->text_of(text),
	    ph_host_->text_len_of(text));
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
