/* SPDX-License-Identifier: MIT */
#ifndef WORKER_APP_H
#define WORKER_APP_H

#include <pronghorn/app.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/value.h"
#include "server/base/arena.h"
#include "server/base/buf.h"

/*
 * The app as it defined itself: page, callbacks, memoized functions,
 * databases. Made once per process by app_load(), constant afterwards.
 *
 * OWNERSHIP  struct app owns copies of all texts; the functions live in the
 *            shared object, which stays loaded until the process ends.
 * THREADS    Written by the thread that loads it, before any other starts;
 *            read by all afterwards.
 */

struct dependency {
	char *what;     /* "id.property" as the author wrote it */
	char *id;       /* in front of the last dot; dict ids: as the browser
			   writes them, wildcards as ["MATCH"] */
	char *property; /* behind it */
	char *mark;     /* of an output that others have, too: "@..." */
	const struct value *pattern; /* a dict id; NULL: a text */
	bool is_list;                /* the pattern has ALL or ALLSMALLER */
	bool optional;               /* it may be absent from the page */
	bool duplicate;              /* PH_OUTPUT_DUPLICATE() */
};

/* A property while a callback runs, and afterwards. */
struct running {
	const char *given; /* as the author wrote it */
	const char *what;  /* "id.property", id as the browser writes it */
	const struct value *on;
	const struct value *off;
};

/* What can be computed under a key: a memoized function or callback. */
struct computation {
	char *name;
	ph_function *run;
	double timeout;       /* seconds; 0: the default; negative: for ever */
	double stale;         /* further seconds; negative: for ever */
	double null_timeout;  /* of a null result; 0: as any other */
	double error_timeout; /* of an error; 0: compute_error_timeout */
	uint32_t version;
	uint32_t ignore; /* a bit for each argument not in the key */
	enum ph_scope scope;
	bool may_stop; /* when nobody waits any more */
	ph_key_function *key_of;
	ph_condition_function *unless;
};

struct callback {
	struct computation computation; /* name is "callback:<output>" */
	char *function;                 /* the C function's name, for logs */
	char *output;                   /* dispatch key, as in dependencies */
	size_t output_len;
	bool several;   /* `output` has the list form */
	bool patterned; /* some dependency is a pattern */
	bool memoize;
	bool prevent_initial_call;
	bool initial_duplicate;
	struct dependency *outputs;
	uint32_t output_count;
	struct dependency *inputs; /* inputs, then states */
	uint32_t input_count;      /* inputs only */
	uint32_t arg_count;        /* inputs and states */
	struct running *running;   /* in the app's arena */
	uint32_t running_count;
	ph_function *on_error; /* NULL: the app's */
	bool background;
	bool cancels; /* hidden: it ends the jobs that its request names */
	double interval;
	struct running *progress; /* `off` is the default; in the arena */
	uint32_t progress_count;
	struct dependency *cancel; /* in the arena, its texts are not */
	uint32_t cancel_count;
	/* In the browser only; `computation` has no function then. */
	const char *client_space;
	const char *client_name;
	const char *client_source; /* NULL: the name is one of a script's */
};

struct page;      /* pages.h */
struct app_route; /* routes.h */

/* A meta tag of every page. */
struct app_meta {
	struct app_meta *next;
	const char *name;
	const char *content;
};

struct database {
	char *name;
	char *path; /* an existing file, or NULL */
	ph_function *create;
	uint32_t version;
};

struct app {
	void *handle;                  /* of dlopen */
	const struct ph_guard_ *guard; /* in it; NULL: it is not in C++ */
	char *spec; /* as it was named: path, perhaps with a symbol */
	char *path;
	char fingerprint[65]; /* SHA-256 of the file in hex: part of the key
				 of memoized answers, which code decides */
	char *title;
	ph_layout_function *layout;
	bool layout_blocking;
	bool sessions;               /* its page sets the cookie */
	struct callback **callbacks; /* in the order they were defined */
	size_t callback_count;
	bool has_background; /* some callback runs in the background */
	struct computation **functions;
	size_t function_count;
	struct database **databases;
	size_t database_count;
	struct ph_page_options page; /* its text is in the arena */
	bool page_given;             /* ph_options() was called */
	ph_function *on_error;
	struct ph_hooks hooks; /* NULL: no such hook */
	struct page **pages;   /* in the order of menus; in the arena each */
	size_t page_count;
	struct app_route *routes;
	size_t route_count;
	const char **packages; /* of ph_package(), in their order */
	size_t package_count;
	ph_layout_function *not_found;  /* NULL: a heading */
	ph_layout_function *validation; /* see app_ids.c; NULL: the layout */
	const char *index;              /* NULL: the file */
	struct app_meta *metas;
	struct buf scripts;     /* elements for those of other servers */
	struct buf stylesheets; /* the same */
	struct buf known_ids;   /* JSON for the front end; see app_ids.c */
	bool more_ids;          /* not all could be found: it must not check */
	unsigned abi_minor;     /* of the SDK that it was compiled with */
	struct arena arena;     /* what is not freed one by one */
	struct buf problems;    /* one line per mistake in the definition */
};

/*
 * Load `spec` ("path/app.so" or "path/app.so:symbol"), run its definition
 * and validate it. `fd` is the object held open (it counts, not what has come
 * to stand at the path), or -1. On failure *why says what is wrong, one line
 * per mistake. 0, -errno, ERR_PLUGIN, -ENOMEM.
 */
int app_load(const char *spec, int fd, struct app **app, struct buf *why);

/* Free the definition; the shared object stays loaded. Accepts NULL. */
void app_free(struct app **app);

/* Free one callback with its texts; app_free() does it for all. */
void app_callback_free(struct callback *callback);

/* The callback whose dispatch key is `output`, or NULL. */
const struct callback *app_find_callback(const struct app *app,
    const char *output);

/* The memoized function that `run` is, or NULL. */
const struct computation *app_find_function(const struct app *app,
    ph_function *run);

/* By name, as a signal row has it; *callback is set for a callback's. */
const struct computation *app_find_computation(const struct app *app,
    const char *name, const struct callback **callback);

/* Append the JSON of _dash-dependencies. 0 or -ENOMEM. */
int app_dependencies_json(const struct app *app, struct buf *out);

/*
 * Append the inline functions of clientside callbacks, a script element each.
 * They have no text in them that ends the element. `debug`: one that does not
 * compile says so when it is to run.
 */
void app_inline_script(const struct app *app, bool debug, struct buf *out);

/*
 * Read "id.property" into a zeroed dependency; dict ids live in the app's
 * arena. NULL, or a sentence that says what is wrong.
 */
const char *app_parse_dependency(struct app *app, const char *what,
    struct dependency *dependency);

/* Free its texts, and zero it. */
void app_dependency_clear(struct dependency *dependency);

/* The functions behind the `define` part of struct ph_host. */
void app_define_title(struct ph_app *app, const char *title);
void app_define_layout(struct ph_app *app, ph_layout_function *function,
    const struct ph_layout_options *options);
void app_define_memoize(struct ph_app *app, ph_function *function,
    const char *name, const struct ph_memoize_options *options);
void app_define_callback(struct ph_app *app, ph_function *function,
    const char *name, const struct ph_callback_options *options);
void app_define_clientside(struct ph_app *app, const char *source,
    const struct ph_callback_options *options);
void app_define_options(struct ph_app *app,
    const struct ph_page_options *options);
void app_define_external(struct ph_app *app, enum ph_external_kind kind,
    const char *url, const struct ph_external_options *options);
void app_define_on_error(struct ph_app *app, ph_function *function);
void app_define_database(struct ph_app *app, const char *name,
    const struct ph_database_options *options);

/* app_options.c: options that have no meaning, alone or together. What
 * app_check_whole() looks at is known when all has been defined. */
void app_check_callback(struct app *app, const char *name,
    const struct ph_callback_options *options);
void app_check_clientside(struct app *app, const char *source,
    const struct ph_callback_options *options);
void app_check_memoize(struct app *app, const char *name,
    const struct ph_memoize_options *options);
void app_check_database(struct app *app, const char *name,
    const struct ph_database_options *options);
void app_check_page_options(struct app *app,
    const struct ph_page_options *options);
void app_check_whole(struct app *app);

/* Hidden callbacks for the .cancel inputs. After PH_APP(). */
void app_define_cancels(struct app *app);

/*
 * app_ids.c: run the layouts once and check that the ids and properties of
 * callbacks are in them; mistakes go to app->problems. The layout functions
 * have no store then, `kit` has only settings. After app_load(). `strictly`:
 * one that may take long runs, too, and one that fails is a mistake. False: no
 * browser could show a page, be it as it may with the ids of callbacks.
 */
struct toolkit;
bool app_validate_ids(struct app *app, struct toolkit *kit, bool strictly);

/*
 * Set app->known_ids, which is empty unless the front end is to check ids
 * against more than its layout. In each worker, as above; says nothing of
 * mistakes.
 */
void app_gather_ids(struct app *app, struct toolkit *kit);

/* May callbacks name ids that are not in the first layout? */
static inline bool
app_shows_more(const struct app *app)
{
	return app->page.suppress_callback_exceptions || app->page_count > 0;
}

/* Check the whole definition; mistakes go to app->problems. */
void app_validate(struct app *app);

/* app_circles.c: callbacks that run in a circle. */
void app_check_circles(struct app *app);

#endif
