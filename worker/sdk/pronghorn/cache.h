/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_CACHE_H
#define PRONGHORN_CACHE_H

/*
 * More about memoized values, and the cache for an app's own entries.
 * Included by <pronghorn/app.h>, which says what holds for all of this.
 *
 * A callback that returns PH_WAIT runs again from its start: what it wrote
 * before is then written twice. So ask for memoized values first and write
 * afterwards.
 */
#include <pronghorn/app.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ph_cache_set(call, "key", value, .timeout = 60, .tag = "sensors") */
struct ph_cache_options {
	double timeout;  /* seconds; 0: cache_default_timeout; PH_FOREVER */
	const char *tag; /* see ph_forget_tag() */
	bool ph_end_;
};

/* ph_memo_with(call, function, argument, ..., .timeout = 5) */
struct ph_memo_options {
	ph_function *function;
	const struct ph_value *a0, *a1, *a2, *a3, *a4, *a5, *a6, *a7, *a8, *a9,
	    *a10, *a11, *a12, *a13, *a14, *a15;
	double timeout;  /* life of the value, if this call has it computed; 0:
			    as ph_memoize() says; PH_FOREVER */
	double stale;    /* the same for the time after it */
	double max_age;  /* a value made more seconds ago does not count; 0: any
			    does */
	bool fresh;      /* as ph_memo_new() */
	bool unless;     /* true: neither read from the cache nor stored, but
			    computed here for this call alone */
	const char *key; /* the key in place of the arguments */
	bool ph_end_;
};

struct ph_cache_host {
	uint32_t size;
	void (*no_store)(struct ph_call *call);
	void (*tag)(struct ph_call *call, const char *tag);
	void (*progress)(struct ph_call *call, double part);
	const struct ph_value *(*memo_new)(struct ph_call *call,
	    ph_function *function, const struct ph_value *const *arguments,
	    size_t count);
	bool (*forget)(struct ph_call *call, ph_function *function);
	bool (*forget_args)(struct ph_call *call, ph_function *function,
	    const struct ph_value *const *arguments, size_t count);
	bool (*forget_tag)(struct ph_call *call, const char *tag);
	bool (*forget_all)(struct ph_call *call);
	const struct ph_value *(*get)(struct ph_call *call, const char *key);
	const struct ph_value *(*get_many)(struct ph_call *call,
	    const char *const *keys, size_t count);
	bool (*set)(struct ph_call *call, const char *key,
	    const struct ph_value *value,
	    const struct ph_cache_options *options);
	bool (*add)(struct ph_call *call, const char *key,
	    const struct ph_value *value,
	    const struct ph_cache_options *options);
	bool (*set_many)(struct ph_call *call, const struct ph_value *members,
	    const struct ph_cache_options *options);
	bool (*remove)(struct ph_call *call, const char *key);
	bool (*touch)(struct ph_call *call, const char *key,
	    const struct ph_cache_options *options);
	bool (*increment)(struct ph_call *call, const char *key, int64_t by,
	    int64_t *result);
	const struct ph_value *(*memo_with)(struct ph_call *call,
	    const struct ph_memo_options *options);
	bool (*cancelled)(struct ph_call *call);
	const struct ph_value *(*memo_state)(struct ph_call *call,
	    ph_function *function, const struct ph_value *const *arguments,
	    size_t count);
	const struct ph_value *(*pop)(struct ph_call *call, const char *key);
	bool (*swap)(struct ph_call *call, const char *key,
	    const struct ph_value *expected, const struct ph_value *value,
	    const struct ph_cache_options *options);
};

/* ---- in memoized functions and memoized callbacks ---------------------- */

/*
 * Do not keep this result: those who wait for it get it. Whoever asks in the
 * 20 seconds after has it computed for himself alone, beside all others.
 */
static inline void
ph_no_store(struct ph_call *call)
{
	ph_host_->cache->no_store(call);
}

/* Give the result a tag, of three at most; see ph_forget_tag(). */
static inline void
ph_tag(struct ph_call *call, const char *tag)
{
	ph_host_->cache->tag(call, tag);
}

/* Say how far the computation is, from 0 to 1: `pronghorn ctl signals` and the
 * status page show it. */
static inline void
ph_progress(struct ph_call *call, double part)
{
	ph_host_->cache->progress(call, part);
}

/*
 * Has everybody gone who waited for this computation? Then return, whatever:
 * the result is dropped. Only for functions with .cancel; a long loop asks
 * now and then, ph_sleep() returns by itself.
 */
static inline bool
ph_cancelled(struct ph_call *call)
{
	return ph_host_->cache->cancelled(call);
}

/* ---- in both: ask with conditions --------------------------------------- */

/*
 * As ph_memo(), with conditions for this call: see struct ph_memo_options.
 * At most 16 arguments, none of them NULL.
 */
#define ph_memo_with(call, ...) \
	ph_memo_with_(call,     \
	    PH_WITH_(ph_memo_options, __VA_ARGS__, .ph_end_ = false))
static inline const struct ph_value *
ph_memo_with_(struct ph_call *call, struct ph_memo_options options)
{
	return ph_host_->cache->memo_with(call, &options);
}

/*
 * How it stands with the value that ph_memo() with these arguments would give,
 * without asking for it: an object with
 *	"state"     "absent", "wanted", "computing", "ready", "failed",
 *		    "quarantined" or "pass"
 *	"worker"    process id of the worker that computes it, or did
 *	"seconds"   since the state changed
 *	"took"      ready: seconds that computing it took
 *	"progress"  computing: 0 to 1, see ph_progress()
 *	"waiting"   workers in which somebody waits for it
 *	"requests"  callbacks of browsers that wait for it in all of them, as
 *		    they were a second ago; -1: not known
 * For a page that shows what the server does; it reads one row, and what the
 * workers tell of themselves.
 */
#define ph_memo_state(call, ...) ph_memo_state_(call, __VA_ARGS__, PH_END_)
#define ph_memo_state_(call, function, ...) \
	ph_memo_state_of_(call, function,   \
	    PH_ARRAY_(const struct ph_value *, __VA_ARGS__))
static inline const struct ph_value *
ph_memo_state_of_(struct ph_call *call, ph_function *function,
    const struct ph_value *const *arguments)
{
	return ph_host_->cache->memo_state(call, function, arguments,
	    ph_count_values_(arguments));
}

/* ---- in callbacks: make anew and forget -------------------------------- */

/* As ph_memo(), but a value that was made before this request came, or was in
 * the making then, does not count: for a "Refresh" button. */
#define ph_memo_new(call, ...) ph_memo_new_(call, __VA_ARGS__, PH_END_)
#define ph_memo_new_(call, function, ...) \
	ph_memo_new_of_(call, function,   \
	    PH_ARRAY_(const struct ph_value *, __VA_ARGS__))
static inline const struct ph_value *
ph_memo_new_of_(struct ph_call *call, ph_function *function,
    const struct ph_value *const *arguments)
{
	return ph_host_->cache->memo_new(call, function, arguments,
	    ph_count_values_(arguments));
}

/*
 * Forget all values of a memoized function, in all workers, at once and in
 * the same time however many they are. What is being computed meanwhile is
 * computed again. This and the next three: false when the store fails, which
 * the log tells; then nothing is forgotten.
 */
static inline bool
ph_forget(struct ph_call *call, ph_function *function)
{
	return ph_host_->cache->forget(call, function);
}

/* Forget the one value that ph_memo() with these arguments would give. */
#define ph_forget_args(call, ...) ph_forget_args_(call, __VA_ARGS__, PH_END_)
#define ph_forget_args_(call, function, ...) \
	ph_forget_args_of_(call, function,   \
	    PH_ARRAY_(const struct ph_value *, __VA_ARGS__))
static inline bool
ph_forget_args_of_(struct ph_call *call, ph_function *function,
    const struct ph_value *const *arguments)
{
	return ph_host_->cache->forget_args(call, function, arguments,
	    ph_count_values_(arguments));
}

/* Forget everything that carries the tag, memoized or an own entry. */
static inline bool
ph_forget_tag(struct ph_call *call, const char *tag)
{
	return ph_host_->cache->forget_tag(call, tag);
}

/* Forget everything in the cache, finished answers and own entries, too. */
static inline bool
ph_forget_all(struct ph_call *call)
{
	return ph_host_->cache->forget_all(call);
}

/* ---- an app's own entries ---------------------------------------------- */

/* The entry under the key, or NULL when there is none. */
static inline const struct ph_value *
ph_cache_get(struct ph_call *call, const char *key)
{
	return ph_host_->cache->get(call, key);
}

/* Several entries as of one moment: a list, with null where there is none. */
#define ph_cache_get_many(call, ...) \
	ph_cache_get_many_(call,     \
	    PH_ARRAY_(const char *, __VA_ARGS__, PH_END_TEXT_))
static inline const struct ph_value *
ph_cache_get_many_(struct ph_call *call, const char *const *keys)
{
	size_t count = 0;

	while (keys[count] != PH_END_TEXT_)
		count++;
	return ph_host_->cache->get_many(call, keys, count);
}

/* Put an entry, in all workers at once. False: the store does not take it. */
#define ph_cache_set(call, key, ...) ph_cache_set_(call, key, __VA_ARGS__)
#define ph_cache_set_(call, key, ...)                  \
	ph_cache_put_(call, ph_host_->cache->set, key, \
	    PH_CACHE_REST_(__VA_ARGS__))
#define PH_CACHE_REST_(...) PH_CACHE_SPLIT_(__VA_ARGS__, .ph_end_ = false)
#define PH_CACHE_SPLIT_(value, ...)      \
	value, (struct ph_cache_options) \
	{                                \
		__VA_ARGS__              \
	}
/* The same when there is none yet; false when there is. */
#define ph_cache_add(call, key, ...)                   \
	ph_cache_put_(call, ph_host_->cache->add, key, \
	    PH_CACHE_REST_(__VA_ARGS__))
static inline bool
ph_cache_put_(struct ph_call *call,
    bool (*put)(struct ph_call *call, const char *key,
	const struct ph_value *value, const struct ph_cache_options *options),
    const char *key, const struct ph_value *value,
    struct ph_cache_options options)
{
	return put(call, key, value, &options);
}

/* Put every member of an object, all or none. */
#define ph_cache_set_many(call, ...) \
	ph_cache_put_many_(call, PH_CACHE_REST_(__VA_ARGS__))
static inline bool
ph_cache_put_many_(struct ph_call *call, const struct ph_value *members,
    struct ph_cache_options options)
{
	return ph_host_->cache->set_many(call, members, &options);
}

/* Remove an entry. False: there was none. */
static inline bool
ph_cache_delete(struct ph_call *call, const char *key)
{
	return ph_host_->cache->remove(call, key);
}

/* Take an entry out: what it was, or NULL when there is none. Of several who
 * do so at once one gets it. */
static inline const struct ph_value *
ph_cache_pop(struct ph_call *call, const char *key)
{
	return ph_host_->cache->pop(call, key);
}

/*
 * Put an entry in the place of `expected`, which must be what is there (NULL:
 * nothing), as ph_cache_get() gave it: compare and set. False: something else
 * is there by now, so get it and try again; or the store does not take it.
 */
#define ph_cache_cas(call, key, expected, ...) \
	ph_cache_cas_(call, key, expected, PH_CACHE_REST_(__VA_ARGS__))
static inline bool
ph_cache_cas_(struct ph_call *call, const char *key,
    const struct ph_value *expected, const struct ph_value *value,
    struct ph_cache_options options)
{
	return ph_host_->cache->swap(call, key, expected, value, &options);
}

/* Give an entry a new life from now on. False: there is none. */
#define ph_cache_touch(call, ...) \
	ph_cache_touch_(call, PH_CACHE_REST_(__VA_ARGS__))
static inline bool
ph_cache_touch_(struct ph_call *call, const char *key,
    struct ph_cache_options options)
{
	return ph_host_->cache->touch(call, key, &options);
}

/*
 * Add to an integer, which begins at 0 and has no end of its own; exact
 * whichever workers do it at once. *result (may be NULL) receives the sum.
 * False: the store does not take it, the entry is no integer, or the sum
 * overflows; then nothing has changed. Above cache_threshold or
 * cache_max_bytes entries that are integers go after all other values: only
 * where they are three quarters of all, which the log tells. A folder of the
 * cache that is lost takes them with it.
 */
static inline bool
ph_cache_incr(struct ph_call *call, const char *key, int64_t by,
    int64_t *result)
{
	return ph_host_->cache->increment(call, key, by, result);
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
