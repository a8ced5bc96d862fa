/* SPDX-License-Identifier: MIT */
#ifndef WORKER_CALL_H
#define WORKER_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"
#include "cache/value.h"
#include "server/base/arena.h"
#include "worker/app.h"
#include "worker/options.h"

/*
 * One run of app code: what it may read, what it has set, why it failed.
 *
 * OWNERSHIP  The caller of call_init() owns the struct and the arena; the
 *            call owns the blobs that decoded values point into.
 * THREADS    One thread runs a call from call_enter() to call_leave().
 */

struct bell;
struct data;
struct handoff;
struct held;
struct sqlite3;
struct call_field;
struct session_visit;
struct update_slot;
struct update_side;

/* What a thread needs to run calls; one per thread, outlives its calls. */
struct toolkit {
	const struct app *app;
	const struct worker_options *options;
	const struct cache_options *cache_options;
	const struct handoff *handoff; /* NULL: not in a worker */
	struct cache *cache; /* this thread's connection; NULL: none */
	struct data *data;   /* this thread's database handles; NULL: none */
	struct bell *bell;   /* wakes sleeping calls; NULL: none */
	int mail_fd;         /* wakes the loop, where there is a bell */
	bool on_loop;        /* the loop's: must not wait, so neither asks for
				values nor queries */
	_Atomic int64_t *inline_until_ms; /* boot clock: compute without the
					     cache until then; may be NULL */
	uint64_t nonce;     /* of the latest run; 0: not drawn yet */
	struct arena arena; /* what a task's run makes; its memory is kept */
};

enum call_kind {
	CALL_CALLBACK,
	CALL_FUNCTION,
	CALL_LAYOUT,
	CALL_CREATE,
	CALL_ROUTE
};

struct call_blob;
struct scratch;
struct route_call;

struct call {
	struct toolkit *kit;
	struct arena *arena; /* for what is made now, see scratch.h */
	enum call_kind kind;
	const char *name;                      /* for messages */
	const struct callback *callback;       /* CALLBACK */
	const struct computation *computation; /* FUNCTION */
	const struct value *args;              /* array, or NULL */
	const struct value *about;             /* CALLBACK: see update.h */
	const struct update_slot *slots;       /* CALLBACK: what it may set */
	uint32_t slot_count;
	const struct value **outputs; /* CALLBACK: per slot, NULL = not set */
	struct update_side *sides;  /* CALLBACK: of ph_set_props(), in order */
	const struct value *result; /* FUNCTION */
	struct sqlite3 *create_db;  /* CREATE */

	struct call_blob *blobs;
	struct scratch *scratch; /* the innermost one that is open, scratch.h */
	unsigned scratches_lost; /* that could not be begun */
	struct call_file *files; /* of ph_bytes_path(), host_path.c */
	unsigned depth;          /* of calls computed inside calls */
	struct call *outer;

	bool trial;   /* the start looks whether it can run: nobody asks */
	bool pooled;  /* ... and it will run in the pool, so it may do more */
	bool untried; /* ... and has come to what only a visit has */
	bool asked;   /* ... and asked who it is that asks */
	bool failed;
	bool misbuilt; /* ... as it made a value that there cannot be */
	bool placed;   /* ... and the error says for which output */
	char error[512];
	const char *handled; /* the error that on_error is there for */
	bool waits;          /* asked for a value that is not there */
	bool wanted_new;     /* ... and nobody had asked before */
	uint8_t wait_key[CACHE_KEY_LEN];
	struct session_visit *visit; /* whose request it is, visit.h; NULL:
					the result is given to others */
	struct call_field *fields;   /* of ph_set_header() and the like */
	bool secure;                 /* the request came by https */
	const char *session;    /* see call_session(); borrowed for the run */
	const char *user;       /* see call_user() */
	const uint8_t *own_key; /* of the value being computed, or NULL */
	int64_t own_epoch;      /* of that computation */
	int64_t since_ms;       /* cache_now_ms when the request began */
	int64_t asked_us;       /* clock_mono_us when it came into the queue */
	uint64_t nonce;         /* of the request; the same in all its runs */
	int64_t client;         /* who asks, for fairness; 0: nobody */
	bool no_memo;           /* a function that may not ask for values */
	bool wait_may_stop;     /* what it waits for may stop without it */
	const uint8_t *waited_key; /* the value the last run waited for */
	void *waited_bytes;        /* its bytes, if it was found; kept */
	size_t waited_len;
	const struct held *held; /* values of former runs; of the task */
	bool may_stop;           /* this computation may be cancelled */
	bool cancelled;          /* nobody waits for it any more */
	int64_t checked_us;      /* when that was looked up last */
	bool no_store;           /* the result is not to be kept */
	const char *tags[CACHE_TAGS_MAX]; /* of the result; in the arena */
	unsigned tag_count;
	int64_t progress_us;      /* clock_mono_us of the last ph_progress() */
	struct route_call *route; /* ROUTE: see routes_int.h */
	const char *page_path;   /* decoded, of the page to be shown, or NULL */
	struct value *path_args; /* variables of the address, or NULL */
	struct value *query_args; /* ... and of its query */
	const char *job;          /* id of the background job, or NULL */
	int64_t job_asked_us;     /* clock_mono_us of the last look for it */
	bool job_cancelled;
	int64_t sides_us; /* clock_mono_us when the page was told of `sides` */
	size_t sides_bytes;      /* written since then */
	bool sides_wait;         /* some are set since; see sides.c */
	struct call *sides_next; /* ... and of whom that is true, too */
	bool sides_told;         /* some are just being written */
};

/* Prepare a call; `args` is an array value or NULL. Allocates nothing. */
void call_init(struct call *call, struct toolkit *kit, struct arena *arena,
    enum call_kind kind, const char *name, const struct value *args);

/* Release blobs, and files that have no other holder. Values made by the call
 * must not be used afterwards. */
void call_fini(struct call *call);

/* Make `call` the one that ph_text() and friends build in. */
void call_enter(struct call *call);
void call_leave(struct call *call);

/* Run a function of the app between the two. An exception of C++ that leaves it
 * is why the call has failed. */
enum ph_status call_run(struct call *call, ph_function *function);
const struct ph_value *call_make(struct call *call,
    ph_layout_function *function);
bool call_ask(struct call *call, ph_condition_function *function);

/* The call this thread is running, or NULL. */
struct call *call_current(void);

/* Remember why the call fails; the first reason stays. */
void call_error(struct call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for a mistake in the app's code, whatever the circumstances. */
void call_mistake(struct call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Why it has failed, for where its name is said anyhow. */
const char *call_reason(const struct call *call);

/*
 * At the start, and only then: what this call asks for next only a visit has.
 * True: it ends here, and that is no mistake.
 */
bool call_is_early(struct call *call);

/*
 * Whose call it is: the id of the browser session that asked, and the name
 * that the app gave to it. NULL: there is none, or the call must not know:
 * what is computed for everybody (scope global) sees neither, what is
 * computed for one session sees that session. Borrowed for the run.
 */
const char *call_session(struct call *call);
const char *call_user(struct call *call);

/* Keep malloc'ed bytes until call_fini(), which frees them. 0 or -ENOMEM;
 * on failure they are freed at once. */
int call_keep(struct call *call, void *bytes);

/* Free what was kept since `until` was the newest, but for what the last run
 * waited for. */
void call_drop(struct call *call, struct call_blob *until);

/* sides.c: values that are the memory of what was set of the page. */
void call_sides_free(struct call *call);

/* The folder of files that are too large for memory, or have no name. */
const char *call_folder(const struct call *call);

/* host_path.c: the files that the call has written, and their names. */
void call_files_free(struct call *call);

/* The same bytes out of its hands again, for who keeps them longer. False:
 * it does not have them. */
bool call_unkeep(struct call *call, const void *bytes);

/*
 * Is the computation of this call in vain, because nobody waits for it? Only
 * for one that may stop; once true it stays so, and the result is dropped.
 * Looks into the store, at most every few milliseconds unless `now`.
 */
bool call_is_cancelled(struct call *call, bool now);

/* A constant null value, for when there is nothing better to give. */
extern const struct value call_null_value;

/* ... and for what could not be made: a null with its flag set, also where it
 * was copied into something else, so that the output can be named. */
extern const struct value call_bad_value;

#endif
