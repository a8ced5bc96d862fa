/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_SESSION_H
#define PRONGHORN_SESSION_H

/*
 * Browser sessions, values that stay on the server, headers of answers.
 * Included by <pronghorn/app.h>, which says what holds for all of this.
 *
 * A session is one browser: its tabs share it, other browsers have others.
 * The server knows it by a signed cookie that the page sets; the id in it is
 * random, never taken from outside, and unknown to scripts and to the app.
 *
 * Everything here is for callbacks that are not memoized and for handlers of
 * ph_route(), and ph_session_id(), ph_session_get(), ph_session_count(),
 * ph_session_limit() and ph_user() for the page function and for background
 * callbacks, too: the answer of a memoized one is
 * given to others, so there it is an error. A memoized function that is to
 * know the session is declared with .scope = PH_SCOPE_SESSION.
 *
 * A callback that returns PH_WAIT runs again from its start: ask for memoized
 * values first, and change the session afterwards.
 */
#include <pronghorn/app.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ph_set_cookie(call, "theme", "dark", .max_age = 86400 * 365) */
struct ph_cookie_options {
	double max_age;        /* seconds; 0: until the browser ends; below 0:
				  remove the cookie */
	const char *path;      /* NULL: "/" */
	const char *domain;    /* NULL: this host only */
	const char *same_site; /* "Lax" (NULL), "Strict" or "None" */
	bool for_scripts;      /* scripts of the page may read it */
	bool secure; /* TLS only; always set when the request has it */
	bool ph_end_;
};

struct ph_session_host {
	uint32_t size;
	void (*declare)(struct ph_app *app);
	const char *(*id)(struct ph_call *call);
	const char *(*user)(struct ph_call *call);
	bool (*set_user)(struct ph_call *call, const char *user);
	const struct ph_value *(*get)(struct ph_call *call, const char *name);
	bool (*set)(struct ph_call *call, const char *name,
	    const struct ph_value *value);
	bool (*remove)(struct ph_call *call, const char *name);
	bool (*rotate)(struct ph_call *call);
	bool (*end)(struct ph_call *call);
	const struct ph_value *(
	    *store)(struct ph_call *call, const struct ph_value *value);
	const char *(*lost)(struct ph_call *call, const char *what);
	void (*set_header)(struct ph_call *call, const char *name,
	    const char *value);
	void (*set_cookie)(struct ph_call *call, const char *name,
	    const char *value, const struct ph_cookie_options *options);
	int64_t (*count)(struct ph_call *call, int64_t *limit);
	bool (*forget)(struct ph_call *call);
};

/* In PH_APP(): this app has sessions, so its page sets the cookie. */
static inline void
ph_sessions(struct ph_app *app)
{
	ph_host_->session->declare(app);
}

/*
 * A name for the session, 32 hexadecimal digits, the same as long as it
 * lives, ph_session_rotate() or not. It is not what the cookie holds and
 * nobody can use it to get at the session; good as a key of the app's own
 * data. Lives as long as the call. "" when the call has failed.
 */
static inline const char *
ph_session_id(struct ph_call *call)
{
	return ph_host_->session->id(call);
}

/* What the session keeps under the name, or NULL. */
static inline const struct ph_value *
ph_session_get(struct ph_call *call, const char *name)
{
	return ph_host_->session->get(call, name);
}

/*
 * Keep a value in the session: only its own callbacks see it, in whichever
 * worker they run, until the session ends. Names have 255 bytes at most.
 * False: the store failed, or session_quota is used up (the log tells). When
 * all sessions together keep more than half of cache_max_bytes, the one used
 * longest ago ends.
 */
static inline bool
ph_session_set(struct ph_call *call, const char *name,
    const struct ph_value *value)
{
	return ph_host_->session->set(call, name, value);
}

/* Forget one. False: there was none. */
static inline bool
ph_session_delete(struct ph_call *call, const char *name)
{
	return ph_host_->session->remove(call, name);
}

/*
 * Give the session another id in its cookie; its data follow, the old id is
 * dead. To be done whenever somebody logs in, so that a cookie that somebody
 * else has planted is worth nothing. False: the store failed.
 */
static inline bool
ph_session_rotate(struct ph_call *call)
{
	return ph_host_->session->rotate(call);
}

/*
 * How many sessions the server has now, of all visitors; -1: the store did
 * not answer. Costs the reading of one row, so it can be shown.
 */
static inline int64_t
ph_session_count(struct ph_call *call)
{
	int64_t limit;

	return ph_host_->session->count(call, &limit);
}

/*
 * How many it keeps, by the setting session_limit or else cache_threshold: with
 * one more the one used longest ago ends, with its data; before all others one
 * that nothing was put into. 0: no bound; -1: the store did not answer.
 */
static inline int64_t
ph_session_limit(struct ph_call *call)
{
	int64_t limit;

	return ph_host_->session->count(call, &limit) < 0 ? -1 : limit;
}

/*
 * Forget what memoized functions of PH_SCOPE_SESSION have made for this
 * session, at once in all workers: a "Refresh" for one visitor. What the
 * session keeps by name stays, and so does what was made for others. What is
 * being computed for it meanwhile is computed again. False: the store failed.
 */
static inline bool
ph_session_forget(struct ph_call *call)
{
	return ph_host_->session->forget(call);
}

/* End the session with all its data; the browser gets a new one when it needs
 * one. False: the store failed. */
static inline bool
ph_session_end(struct ph_call *call)
{
	return ph_host_->session->end(call);
}

/*
 * Say who uses this session, 255 bytes at most; NULL: nobody any more. The
 * session gets another id by this. What has .scope = PH_SCOPE_USER is shared
 * by the sessions of one user. What was put into the session stays in it, as
 * what a visitor chose before he logged in: where another user may follow on
 * the same browser, call ph_session_end() first. False: the store failed.
 */
static inline bool
ph_set_user(struct ph_call *call, const char *user)
{
	return ph_host_->session->set_user(call, user);
}

/* Who uses this session; "": nobody has been named. */
static inline const char *
ph_user(struct ph_call *call)
{
	return ph_host_->session->user(call);
}

/*
 * Keep a value on the server and send the page a small handle instead:
 *     ph_output(call, "store.data", ph_store_on_server(call, table))
 * A callback with PH_INPUT("store.data") or PH_STATE("store.data") gets the
 * value itself from ph_input(). The handle is signed and good for this
 * session only. The value lives for session_store_timeout; when the session
 * has used up session_quota, or all sessions together half of cache_max_bytes,
 * the oldest of such values make room. NULL when the call has failed.
 */
static inline const struct ph_value *
ph_store_on_server(struct ph_call *call, const struct ph_value *value)
{
	return ph_host_->session->store(call, value);
}

/*
 * Why ph_input() gave null for a value on the server: it has expired, or the
 * handle is forged or another session's. "" when nothing was lost.
 */
static inline const char *
ph_lost(struct ph_call *call, const char *what)
{
	return ph_host_->session->lost(call, what);
}

/*
 * A header of this answer; the same name again replaces it. An error: a name
 * that is none, a value that is not printable ASCII, and the headers that the
 * server writes itself (framing, type, caching, cookies).
 */
static inline void
ph_set_header(struct ph_call *call, const char *name, const char *value)
{
	ph_host_->session->set_header(call, name, value);
}

/* A cookie of this answer: for this host, hidden from scripts, SameSite=Lax,
 * unless the options say otherwise. */
#define ph_set_cookie(call, name, ...) \
	ph_set_cookie_(call, name, PH_COOKIE_REST_(__VA_ARGS__))
#define PH_COOKIE_REST_(...) PH_COOKIE_SPLIT_(__VA_ARGS__, .ph_end_ = false)
#define PH_COOKIE_SPLIT_(value, ...)      \
	value, (struct ph_cookie_options) \
	{                                 \
		__VA_ARGS__               \
	}
static inline void
ph_set_cookie_(struct ph_call *call, const char *name, const char *value,
    struct ph_cookie_options options)
{
	ph_host_->session->set_cookie(call, name, value, &options);
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
