/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_APP_H
#define PRONGHORN_APP_H

/*
 * The Pronghorn SDK: everything an app author includes.
 *
 * An app is a shared object with one exported symbol, made by PH_APP(). It
 * has no undefined symbols: the server hands it a table of functions when it
 * loads it. This header is the whole contract; it needs nothing else of the
 * project and compiles as C11 and as C++17.
 *
 * THREADS   PH_APP() and create functions run once per process, alone.
 *           Callbacks and memoized functions run on pool threads, several at
 *           a time and in several processes: they must not change anything
 *           outside their own scope (no globals, no statics). Their stack
 *           has 8 MiB. A layout function runs on the loop thread and must
 *           not block.
 * MEMORY    Every struct ph_value belongs to the call that made it and is
 *           gone when the call returns. Nothing is ever freed by the app. A
 *           long loop gives back what it makes with ph_scratch_begin(). In a
 *           thread of the app's own all that is made is null, or "": no call
 *           runs there.
 * ERRORS    Functions that return a pointer never return NULL unless their
 *           comment says so: a mistake (unknown name, wrong type, no memory)
 *           is remembered in the call, which then ends as an error whatever
 *           the function returns. So no check is needed in between. In C++ an
 *           exception that leaves a function does the same (guard.h).
 *
 * ABI       1.0  first version.
 *           2.0  the marks of dependencies are control characters.
 *           2.1  ph_session_count(), ph_session_limit().
 *           2.2  ph_body_path(), ph_bytes_path(), ph_cache_pop(),
 *                ph_cache_cas().
 *           2.3  ph_session_forget(), ph_external_script(),
 *                ph_external_stylesheet(), .initial_duplicate of ph_callback().
 *           2.4  ph_scratch_begin(), ph_scratch_end(), ph_keep().
 *           2.5  ph_text_len_of(), ph_output_name(), ph_input_name().
 *           The major number changes when a published function or struct
 *           changes its meaning; then an app must be compiled again. The
 *           minor number grows when something is added at the end, of a
 *           struct of options, too: the server reads no more of it than
 *           the app's own version has.
 */

#include <pronghorn/list.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PH_ABI_MAJOR 2
#define PH_ABI_MINOR 5

struct ph_app;   /* the app while it is being defined */
struct ph_call;  /* one run of a callback, function, layout or create */
struct ph_value; /* a value: null, boolean, number, text, list, object, table,
		    component; read with ph_*_of(), never changed */

/* What a callback or a memoized function returns. */
enum ph_status {
	PH_OK = 0,
	PH_WAIT = 1,      /* a memoized value is not there yet; run me again
			     from my start when it is. Holds no thread. */
	PH_NO_UPDATE = 2, /* nothing changes on the page */
	PH_ERROR = -1     /* failed; see ph_fail() */
};

typedef enum ph_status ph_function(struct ph_call *call);
typedef const struct ph_value *ph_layout_function(struct ph_call *call);

#define PH_FOREVER (-1.0) /* a memoized value that never expires */

/* Tri-state property: 0 is "not given", so `= false` would mean nothing. */
enum ph_bool { PH_UNSET = 0, PH_TRUE = 1, PH_FALSE = 2 };

/* ---- generated component headers describe themselves with these -------- */

enum ph_prop_kind { PH_PROP_TEXT, PH_PROP_BOOL, PH_PROP_VALUE };

#define PH_PROP_REQUIRED 1 /* flags: must be given */
#define PH_PROP_CHILDREN 2 /* flags: may contain components */

struct ph_prop {
	const char *name;      /* as in the browser */
	unsigned short offset; /* of the member in the struct of properties */
	unsigned char kind;    /* enum ph_prop_kind */
	unsigned char flags;
};

struct ph_component_type {
	const char *name_space;
	const char *name;
	const struct ph_prop *props;
	unsigned prop_count;
};

/* ---- options ----------------------------------------------------------- */

/* Whose a memoized value is. Values of one session or user are never given
 * to another. A function of scope session or user can only be asked for on
 * behalf of one: in a callback, or in another function of the same scope. */
enum ph_scope {
	PH_SCOPE_GLOBAL = 0, /* everybody's */
	PH_SCOPE_SESSION,    /* of one browser session */
	PH_SCOPE_USER        /* of one user, whom the app has named */
};

typedef const struct ph_value *ph_key_function(struct ph_call *call);
typedef bool ph_condition_function(struct ph_call *call);

/* .ignore = PH_IGNORE(1) | PH_IGNORE(2): the second and third argument */
#define PH_IGNORE(index) (UINT32_C(1) << (index))

/* ph_memoize(app, function, .timeout = 60, ...) */
struct ph_memoize_options {
	const char *name; /* default: the function's own name */
	double timeout;   /* seconds a value lives; 0: cache_default_timeout;
			     PH_FOREVER: it does not expire */
	uint32_t version; /* part of the key: raise it when the function
			     computes something else than before */
	double stale;     /* seconds after `timeout` in which the old value is
			     given at once while one thread makes a new one;
			     PH_FOREVER: always */
	double null_timeout;  /* life of a null result; 0: as any other */
	double error_timeout; /* how long an error is given before it is tried
				 again; 0: compute_error_timeout */
	enum ph_scope scope;  /* whose the values are */
	uint32_t ignore;      /* PH_IGNORE(n): arguments that make no
				 difference to the value, so not to the key */
	ph_key_function *key; /* makes the key, in place of the arguments,
				 which it reads with ph_arg() */
	ph_condition_function *unless; /* true for these arguments: neither
			     read from the cache nor stored, but computed for
			     this one call, on its own thread */
	bool cancel; /* may end early when nobody waits for it any more: in
			ph_sleep(), or where it asks ph_cancelled() */
};

/* PH_OBJECT({ "name", value }, ...) */
struct ph_member {
	const char *name;
	const struct ph_value *value;
};

/* Most outputs, inputs and states of one callback together. */
#define PH_DEPENDENCIES_MAX 32

/*
 * ph_callback(app, function, PH_OUTPUT("id.prop"), ..., PH_INPUT("id.prop"),
 *     ..., PH_STATE("id.prop"), ..., .memoize = true)
 * The dependencies are plain texts with a mark in front, so that they fill
 * the first members in the order they are written.
 */
struct ph_callback_options {
	const char *d0, *d1, *d2, *d3, *d4, *d5, *d6, *d7, *d8, *d9, *d10, *d11,
	    *d12, *d13, *d14, *d15, *d16, *d17, *d18, *d19, *d20, *d21, *d22,
	    *d23, *d24, *d25, *d26, *d27, *d28, *d29, *d30, *d31;
	const char *ph_too_many_; /* a 33rd one lands here and is refused */
	bool memoize;     /* a pure function of its inputs and states: finished
			     answers are kept and given without running it */
	double timeout;   /* of memoized answers, as in ph_memoize_options; in
			     the background: how long the result waits */
	uint32_t version; /* of memoized answers */
	bool prevent_initial_call; /* do not run when the page appears */
	double stale; /* of memoized answers, as in ph_memoize_options */
	const struct ph_while *running; /* PH_RUNNING(...): what the page
					   shows while this one runs */
	ph_function *on_error; /* runs when this one fails; see ph_on_error() */
	bool background;       /* it may run for long: see background.h */
	double interval; /* of a background one: seconds between two looks of
			    the page; 0: 1 */
	const struct ph_member *progress; /* PH_PROGRESS(...): what it may set
					     while it runs */
	const char *const *cancel; /* PH_TEXTS("id.property", ...): inputs that
				      end it */
	bool initial_duplicate; /* with PH_OUTPUT_DUPLICATE(): it runs when the
				   page appears, too; which of those that
				   have the output comes last is open */
	bool ph_end_;
};

/* A list of texts for an option. */
#define PH_TEXTS(...) PH_ARRAY_(const char *, __VA_ARGS__, NULL)

/* What no id starts with: a dependency says by it what it is. */
#define PH_MARK_OUTPUT_ "\001"
#define PH_MARK_INPUT_ "\002"
#define PH_MARK_STATE_ "\003"
#define PH_MARK_DUPLICATE_ "\004"
#define PH_MARK_INPUT_OPTIONAL_ "\005"
#define PH_MARK_STATE_OPTIONAL_ "\006"

/*
 * "id.property". An id is a text without dots and braces, or an object (the
 * dict ids of Dash), written with PH_ID() or PH_MATCH() and the like. A text
 * without one of the marks is refused at start. In a loop: loop.h.
 */
#define PH_OUTPUT(what) (PH_MARK_OUTPUT_ what)
#define PH_INPUT(what) (PH_MARK_INPUT_ what)
#define PH_STATE(what) (PH_MARK_STATE_ what)

/* An output that other callbacks have, too; the last answer stays. Needs
 * .prevent_initial_call or .initial_duplicate. In ph_output() it is called
 * "id.property" as well. */
#define PH_OUTPUT_DUPLICATE(what) (PH_MARK_DUPLICATE_ what)

/* An input or state that may be absent from the page: it is null then. The
 * front end of Dash 3 still writes "ID not found in layout" to the browser's
 * console for an absent state, not for an input. */
#define PH_INPUT_OPTIONAL(what) (PH_MARK_INPUT_OPTIONAL_ what)
#define PH_STATE_OPTIONAL(what) (PH_MARK_STATE_OPTIONAL_ what)

/*
 * Pattern-matching ids: PH_INPUT(PH_ID({ "type": "btn", "index": ALL })
 * ".n_clicks"). MATCH, ALL and ALLSMALLER stand for values:
 *   MATCH       one component at a time; the same value in all of them
 *   ALL         every component of this form: the input is a list
 *   ALLSMALLER  those with a smaller value than that of MATCH: a list
 * PH_MATCH("btn") and so on are short for { "type": "btn", "index": MATCH };
 * ph_id("btn", index) is the id of one such component.
 */
#define PH_ID(...) #__VA_ARGS__
#define PH_MATCH(type) "{\"index\":MATCH,\"type\":\"" type "\"}"
#define PH_ALL(type) "{\"index\":ALL,\"type\":\"" type "\"}"
#define PH_ALLSMALLER(type) "{\"index\":ALLSMALLER,\"type\":\"" type "\"}"

/* .running = PH_RUNNING(PH_WHILE("go.disabled", ph_bool(true),
 * ph_bool(false))): the value while the callback runs and the one after. */
struct ph_while {
	const char *what;
	const struct ph_value *on;
	const struct ph_value *off;
};
#define PH_WHILE(what, on, off) \
	{                       \
		what, on, off   \
	}
#define PH_RUNNING(...) \
	PH_ARRAY_(struct ph_while, __VA_ARGS__, { NULL, NULL, NULL })

/*
 * ph_database(app, "points", .create = fill, .version = 1)
 * An SQLite database for queries, read-only while the app runs.
 */
struct ph_database_options {
	ph_function *create; /* makes the content with ph_exec(), once; the
				file is <data_dir>/<name>-v<version>.db */
	uint32_t version;    /* raise it to have the content made again */
	const char *path;    /* or: an existing file instead of create, which
				has to be there at the start */
};

/* ph_options(app, .update_title = "Working...") */
struct ph_page_options {
	bool suppress_callback_exceptions; /* callbacks may use ids that the
					      first page does not have */
	bool show_undo_redo;      /* undo and redo buttons in the page */
	bool keep_title;          /* the title stays while callbacks run */
	const char *update_title; /* title while callbacks run; default
				     "Updating..." */
	bool ph_end_;
};

/* ph_layout(app, layout, .blocking = true) */
struct ph_layout_options {
	bool blocking; /* it may take long: run it on a pool thread */
	bool ph_end_;
};

/* PH_COLUMN("data[0].x", table, "x"): put a table's column into a figure. */
struct ph_column {
	const char *path;
	const struct ph_value *table;
	const char *column;
};

/* What one step of a patch does; see ph_patch(). */
enum ph_patch_operation {
	PH_PATCH_ASSIGN,
	PH_PATCH_MERGE,
	PH_PATCH_DELETE,
	PH_PATCH_APPEND,
	PH_PATCH_PREPEND,
	PH_PATCH_INSERT,
	PH_PATCH_EXTEND,
	PH_PATCH_REMOVE,
	PH_PATCH_CLEAR,
	PH_PATCH_REVERSE,
	PH_PATCH_ADD,
	PH_PATCH_SUB,
	PH_PATCH_MUL,
	PH_PATCH_DIV
};

struct ph_patch; /* changes of a property: see patch.h */

/* ---- the table of functions that the server hands over ----------------- */

struct ph_cache_host;
struct ph_data_host;
struct ph_figure_host;
struct ph_hooks_host;
struct ph_package_host;
struct ph_background_host;
struct ph_page_host;
struct ph_route_host;

struct ph_host {
	uint32_t size; /* of this struct as the server knows it */
	uint16_t abi_major;
	uint16_t abi_minor;

	/* define */
	void (*title)(struct ph_app *app, const char *title);
	void (*layout)(struct ph_app *app, ph_layout_function *function,
	    const struct ph_layout_options *options);
	void (*memoize)(struct ph_app *app, ph_function *function,
	    const char *name, const struct ph_memoize_options *options);
	void (*callback)(struct ph_app *app, ph_function *function,
	    const char *name, const struct ph_callback_options *options);
	void (*database)(struct ph_app *app, const char *name,
	    const struct ph_database_options *options);

	/* run */
	const struct ph_value *(*input)(struct ph_call *call, const char *what);
	const struct ph_value *(*arg)(struct ph_call *call, unsigned index);
	enum ph_status (*output)(struct ph_call *call, const char *what,
	    const struct ph_value *value);
	enum ph_status (*output_figure)(struct ph_call *call, const char *what,
	    const struct ph_value *figure, const struct ph_column *columns,
	    size_t count);
	const struct ph_value *(*memo)(struct ph_call *call,
	    ph_function *function, const struct ph_value *const *arguments,
	    size_t count);
	enum ph_status (
	    *give)(struct ph_call *call, const struct ph_value *value);
	const struct ph_value *(*query)(struct ph_call *call, const char *sql,
	    const struct ph_value *const *arguments, size_t count);
	enum ph_status (*exec)(struct ph_call *call, const char *sql,
	    const struct ph_value *const *arguments, size_t count);
	void (*sleep)(struct ph_call *call, double seconds);
	void (*log)(struct ph_call *call, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));
	enum ph_status (*fail)(struct ph_call *call, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

	/* make values */
	const struct ph_value *(*make_null)(void);
	const struct ph_value *(*make_bool)(bool flag);
	const struct ph_value *(*make_int)(int64_t integer);
	const struct ph_value *(*make_number)(double number);
	const struct ph_value *(*make_text)(const char *text, size_t len);
	const struct ph_value *(*make_textf)(const char *format, ...)
	    __attribute__((format(printf, 1, 2)));
	const struct ph_value *(*make_json)(const char *json);
	const struct ph_value *(
	    *make_list)(const struct ph_value *const *items, size_t count);
	const struct ph_value *(*make_object)(const char *const *names,
	    const struct ph_value *const *values, size_t count);
	const struct ph_value *(*make_component)(
	    const struct ph_component_type *type, const void *props);

	/* read values */
	bool (*is_null)(const struct ph_value *value);
	const char *(*text_of)(const struct ph_value *value);
	double (*number_of)(const struct ph_value *value);
	int64_t (*int_of)(const struct ph_value *value);
	bool (*bool_of)(const struct ph_value *value);
	size_t (*count_of)(const struct ph_value *value);
	const struct ph_value *(
	    *at)(const struct ph_value *value, size_t index);
	const struct ph_value *(
	    *member)(const struct ph_value *value, const char *name);

	const struct ph_cache_host *cache;     /* see cache.h */
	const struct ph_data_host *data;       /* see data.h */
	const struct ph_figure_host *figure;   /* see figure.h */
	const struct ph_hooks_host *hooks;     /* see hooks.h */
	const struct ph_session_host *session; /* see session.h */

	/* define */
	void (*clientside)(struct ph_app *app, const char *source,
	    const struct ph_callback_options *options);
	void (*options)(struct ph_app *app,
	    const struct ph_page_options *options);
	void (*on_error)(struct ph_app *app, ph_function *function);

	/* run */
	const struct ph_value *(*triggered)(struct ph_call *call);
	bool (*triggered_by)(struct ph_call *call, const char *what);
	const struct ph_value *(*id_of)(struct ph_call *call, const char *what);
	const char *(*header)(struct ph_call *call, const char *name);
	const char *(*cookie)(struct ph_call *call, const char *name);
	const char *(*client)(struct ph_call *call);
	const char *(*error_of)(struct ph_call *call);
	enum ph_status (*output_each)(struct ph_call *call, const char *what,
	    size_t index, const struct ph_value *value);
	enum ph_status (*set_props)(struct ph_call *call, const char *id,
	    const char *property, const struct ph_value *value);

	/* make and read values */
	const char *(*make_id)(const char *type, const struct ph_value *index);
	const struct ph_value *(
	    *make_members)(const struct ph_member *members, size_t count);
	const char *(*name_at)(const struct ph_value *value, size_t index);
	struct ph_patch *(*patch_new)(void);
	void (*patch_step)(struct ph_patch *patch,
	    enum ph_patch_operation operation, const char *path,
	    const struct ph_value *value, int64_t index);
	const struct ph_value *(*patch_value)(struct ph_patch *patch);

	const struct ph_background_host *background; /* see background.h */
	const struct ph_page_host *pages;            /* see pages.h */
	const struct ph_route_host *routes;          /* see route.h */
	const struct ph_package_host *packages;      /* see package.h */

	/* run: see scratch.h */
	void (*scratch_begin)(struct ph_call *call);
	void (*scratch_end)(struct ph_call *call);
	const struct ph_value *(
	    *keep)(struct ph_call *call, const struct ph_value *value);
	size_t (*text_len_of)(const struct ph_value *value); /* see text.h */
	const char *(*dependency_name)(struct ph_call *call, bool output,
	    unsigned index); /* see loop.h */
};

/* What PH_APP() exports. */
struct ph_app_info {
	uint32_t size;
	uint16_t abi_major;
	uint16_t abi_minor;
	const char *name;
	void (*define)(struct ph_app *app);
	const struct ph_host **host; /* where the server puts its table */
};

/* One per shared object, however many files include this header. */
__attribute__((weak, visibility("hidden"))) const struct ph_host *ph_host_;

/*
 * Define the app: PH_APP(app) { ph_layout(app, layout); ... }
 * The name is the symbol after the colon in `pronghorn path/app.so:name`;
 * `app` is the default. Runs once in each process, before it serves.
 */
#ifdef __cplusplus
#define PH_EXPORT_ extern "C" __attribute__((visibility("default")))
#else
#define PH_EXPORT_ extern __attribute__((visibility("default")))
#endif
#define PH_APP(name)                                                           \
	static void ph_define_##name(struct ph_app *name);                     \
	PH_EXPORT_ const struct ph_app_info ph_app_##name;                     \
	const struct ph_app_info ph_app_##name = { sizeof(struct ph_app_info), \
		PH_ABI_MAJOR, PH_ABI_MINOR, #name, ph_define_##name,           \
		&ph_host_ };                                                   \
	static void ph_define_##name(struct ph_app *name)

/*
 * What the macros below end their lists with: an address that is no value and
 * no text, as both may be NULL. Counting at run time means that the arguments
 * stand in the text of the program once: twice at each level of a page would
 * be 2^14 times at a depth of 14.
 */
#define PH_END_TEXT_ ((const char *)(const void *)&ph_host_)
#define PH_END_ ((const struct ph_value *)(const void *)&ph_host_)
#define PH_END_MEMBER_             \
	{                          \
		PH_END_TEXT_, NULL \
	}
#define PH_END_COLUMN_                   \
	{                                \
		PH_END_TEXT_, NULL, NULL \
	}
static inline size_t
ph_count_values_(const struct ph_value *const *values)
{
	size_t count = 0;

	while (values[count] != PH_END_)
		count++;
	return count;
}
static inline size_t
ph_count_members_(const struct ph_member *members)
{
	size_t count = 0;

	while (members[count].name != PH_END_TEXT_)
		count++;
	return count;
}

/* ---- define: only inside PH_APP() -------------------------------------- */

/* The title of the browser tab. Borrowed: give a literal. */
static inline void
ph_title(struct ph_app *app, const char *title)
{
	ph_host_->title(app, title);
}

/*
 * The page: `function` is called for every load of the page and returns its
 * component tree. On the loop thread, so it must be quick, unless .blocking.
 * The start tries it once, to check the ids of callbacks; what fails then is
 * warned of. A crash of it is answered like that of a callback.
 */
#define ph_layout(app, ...) ph_layout_(app, __VA_ARGS__, .ph_end_ = false)
#define ph_layout_(app, function, ...) \
	ph_layout_add(app, function, PH_WITH_(ph_layout_options, __VA_ARGS__))
static inline void
ph_layout_add(struct ph_app *app, ph_layout_function *function,
    struct ph_layout_options options)
{
	ph_host_->layout(app, function, &options);
}

/*
 * Make `function` memoized: a value is computed once on the whole server,
 * however many calls ask for it, and shared by all workers. It must depend
 * on nothing but its arguments. See ph_memo().
 */
#define ph_memoize(app, function, ...)           \
	ph_memoize_add(app, function, #function, \
	    PH_WITH_(ph_memoize_options, __VA_ARGS__))
static inline void
ph_memoize_add(struct ph_app *app, ph_function *function, const char *name,
    struct ph_memoize_options options)
{
	ph_host_->memoize(app, function, name, &options);
}

/*
 * Run `function` in the server when one of its inputs changes in the browser
 * and put what it hands to ph_output() into the page.
 */
#ifdef __cplusplus /* which does not mix lists with names; see define.hpp */
#define ph_callback(app, ...) ph_callback_(app, __VA_ARGS__)
#else
#define ph_callback(app, ...) ph_callback_(app, __VA_ARGS__, .ph_end_ = false)
#endif
#define ph_callback_(app, function, ...)          \
	ph_callback_add(app, function, #function, \
	    PH_WITH_(ph_callback_options, __VA_ARGS__))
static inline void
ph_callback_add(struct ph_app *app, ph_function *function, const char *name,
    struct ph_callback_options options)
{
	ph_host_->callback(app, function, name, &options);
}

/*
 * A callback that runs in the browser and never asks the server. `source` is
 * a JavaScript function, "function(value) { return value * 2; }", or the
 * name "namespace.function" of one that a script has put into
 * window.dash_clientside. Its arguments are the inputs, then the states.
 */
#define ph_clientside(app, ...) \
	ph_clientside_(app, __VA_ARGS__, .ph_end_ = false)
#define ph_clientside_(app, source, ...) \
	ph_clientside_add(app, source,   \
	    PH_WITH_(ph_callback_options, __VA_ARGS__))
static inline void
ph_clientside_add(struct ph_app *app, const char *source,
    struct ph_callback_options options)
{
	ph_host_->clientside(app, source, &options);
}

/* How the page behaves: see struct ph_page_options. */
#define ph_options(app, ...) \
	ph_options_set(app,  \
	    PH_WITH_(ph_page_options, __VA_ARGS__, .ph_end_ = false))
static inline void
ph_options_set(struct ph_app *app, struct ph_page_options options)
{
	ph_host_->options(app, &options);
}

/*
 * Run `function` when a callback fails that has no .on_error of its own: when
 * it returns an error, or what it has set cannot be sent. Not for a crash or
 * exit(), which end the process, nor for one that is too late
 * (request_timeout): those are answered 500 and 504 by the server. It
 * sees the same inputs and ph_error(), and what it sets is the answer, as if
 * the callback had set it; when it fails too, the answer is the error. The
 * failure is logged in any case. For a memoized callback it answers everybody
 * who asks for the same while the error lasts (compute_error_timeout); an
 * older answer that still serves (.stale) comes first.
 */
static inline void
ph_on_error(struct ph_app *app, ph_function *function)
{
	ph_host_->on_error(app, function);
}

/*
 * Declare a database for ph_query(). The first one is the default; further
 * ones are reached as name.table. Somebody else may change it meanwhile: a
 * query sees what was committed before it began, and a file that is renamed to
 * the place of the old one is opened anew. What then is no table or column any
 * more is an error that names it, for as long as that is so.
 */
#define ph_database(app, name, ...) \
	ph_database_add(app, name, PH_WITH_(ph_database_options, __VA_ARGS__))
static inline void
ph_database_add(struct ph_app *app, const char *name,
    struct ph_database_options options)
{
	ph_host_->database(app, name, &options);
}

/* ---- run: in callbacks ------------------------------------------------- */

/* The value of an input or state of this callback, by "id.prop". */
static inline const struct ph_value *
ph_input(struct ph_call *call, const char *what)
{
	return ph_host_->input(call, what);
}

/* Set an output of this callback, by "id.prop". One not set stays as it is. */
static inline enum ph_status
ph_output(struct ph_call *call, const char *what, const struct ph_value *value)
{
	return ph_host_->output(call, what, value);
}

/* One item of an output whose id has ALL: the n-th component, from 0. The
 * others stay as they are. ph_output() with a list sets all of them. */
static inline enum ph_status
ph_output_each(struct ph_call *call, const char *what, size_t index,
    const struct ph_value *value)
{
	return ph_host_->output_each(call, what, index, value);
}

/* Set a property of any component of the page, be it an output or not. `id`
 * is a text, or ph_id() and the like. Sent with PH_OK; of a background callback
 * as it runs, many in a row 50 ms later. */
static inline enum ph_status
ph_set_props(struct ph_call *call, const char *id, const char *property,
    const struct ph_value *value)
{
	return ph_host_->set_props(call, id, property, value);
}

/*
 * The ids of an input, state or output with a pattern: for MATCH the object,
 * such as { "index": 3, "type": "btn" }; for ALL and ALLSMALLER a list of
 * them, in the order of the values.
 */
static inline const struct ph_value *
ph_id_of(struct ph_call *call, const char *what)
{
	return ph_host_->id_of(call, what);
}

/*
 * Why this callback runs: a list of { "id", "property", "value" }, one for
 * each input that changed; empty when the page has just appeared. `id` is an
 * object for dict ids. Not in a memoized callback, whose answer must not
 * depend on it: that is an error. The same goes for all down to ph_client().
 */
static inline const struct ph_value *
ph_triggered(struct ph_call *call)
{
	return ph_host_->triggered(call);
}

/* Does it run because the page, or its output, has just appeared? */
static inline bool
ph_is_initial(struct ph_call *call)
{
	return ph_host_->count_of(ph_host_->triggered(call)) == 0;
}

/* Did this input, or any of this pattern, change? By "id.property". */
static inline bool
ph_triggered_by(struct ph_call *call, const char *what)
{
	return ph_host_->triggered_by(call, what);
}

/* A header of the request by name in any case; "" when absent. One that came
 * in several lines is the list that they make, with ", " between them. This
 * and the next two also in layout functions, those of pages among them, and in
 * routes. When the start tries a layout, nobody asks: all are "" then. */
static inline const char *
ph_header(struct ph_call *call, const char *name)
{
	return ph_host_->header(call, name);
}

/* A cookie of the request by its exact name; "" when absent. */
static inline const char *
ph_cookie(struct ph_call *call, const char *name)
{
	return ph_host_->cookie(call, name);
}

/* The client's address, as a trusted proxy names it (forwarded_allow_ips), else
 * that of the connection; "" for a unix socket. */
static inline const char *
ph_client(struct ph_call *call)
{
	return ph_host_->client(call);
}

/* Why the callback failed; only in an on_error function, else "". */
static inline const char *
ph_error(struct ph_call *call)
{
	return ph_host_->error_of(call);
}

/*
 * Set a figure: `figure` (often PH_JSON({...})) with columns of tables put in
 * at paths such as "data[0].x". Numbers travel as typed arrays.
 */
#define ph_output_figure(call, what, ...) \
	ph_output_figure_(call, what, __VA_ARGS__, PH_END_COLUMN_)
#define ph_output_figure_(call, what, figure, ...) \
	ph_output_columns_(call, what, figure,     \
	    PH_ARRAY_(struct ph_column, __VA_ARGS__))
static inline enum ph_status
ph_output_columns_(struct ph_call *call, const char *what,
    const struct ph_value *figure, const struct ph_column *columns)
{
	size_t count = 0;

	while (columns[count].path != PH_END_TEXT_)
		count++;
	return ph_host_->output_figure(call, what, figure, columns, count);
}
#define PH_COLUMN(path, table, column) \
	{                              \
		path, table, column    \
	}

/* ---- run: in memoized functions ---------------------------------------- */

/* The n-th argument, counted from 0. */
static inline const struct ph_value *
ph_arg(struct ph_call *call, unsigned index)
{
	return ph_host_->arg(call, index);
}

/* The result of this function. */
static inline enum ph_status
ph_return(struct ph_call *call, const struct ph_value *value)
{
	return ph_host_->give(call, value);
}

/* The result of this function is the table that an SQL query gives. */
#define ph_return_query(call, ...) \
	ph_host_->give(call, ph_query(call, __VA_ARGS__))

/* ---- run: in both ------------------------------------------------------ */

/*
 * The memoized value of `function` for these arguments, or NULL when it is
 * not there yet: then return PH_WAIT at once. The value is computed by some
 * thread of some worker, and this call runs again from its start.
 */
#define ph_memo(call, ...) ph_memo_(call, __VA_ARGS__, PH_END_)
#define ph_memo_(call, function, ...) \
	ph_memo_of_(call, function,   \
	    PH_ARRAY_(const struct ph_value *, __VA_ARGS__))
static inline const struct ph_value *
ph_memo_of_(struct ph_call *call, ph_function *function,
    const struct ph_value *const *arguments)
{
	return ph_host_->memo(call, function, arguments,
	    ph_count_values_(arguments));
}

/*
 * Run an SQL query; `?1`, `?2` ... are the arguments. The result is a table.
 * Each thread has its own read-only handle and keeps prepared statements.
 */
#define ph_query(call, ...) ph_query_(call, __VA_ARGS__, PH_END_)
#define ph_query_(call, sql, ...) \
	ph_query_of_(call, sql, PH_ARRAY_(const struct ph_value *, __VA_ARGS__))
static inline const struct ph_value *
ph_query_of_(struct ph_call *call, const char *sql,
    const struct ph_value *const *arguments)
{
	return ph_host_->query(call, sql, arguments,
	    ph_count_values_(arguments));
}

/* Run an SQL statement that writes; only in a create function. */
#define ph_exec(call, ...) ph_exec_(call, __VA_ARGS__, PH_END_)
#define ph_exec_(call, sql, ...) \
	ph_exec_of_(call, sql, PH_ARRAY_(const struct ph_value *, __VA_ARGS__))
static inline enum ph_status
ph_exec_of_(struct ph_call *call, const char *sql,
    const struct ph_value *const *arguments)
{
	return ph_host_->exec(call, sql, arguments,
	    ph_count_values_(arguments));
}

/* Block this thread; an orderly stop of the worker waits for it. */
static inline void
ph_sleep(struct ph_call *call, double seconds)
{
	ph_host_->sleep(call, seconds);
}

/* Write a line to the error log, with the worker's pid. */
#define ph_log(call, ...) ph_host_->log(call, __VA_ARGS__)

/* End as an error: return ph_fail(call, "why %s", what); */
#define ph_fail(call, ...) ph_host_->fail(call, __VA_ARGS__)

/* ---- make values: inside any function that has a call ------------------- */

/* The value null. */
static inline const struct ph_value *
ph_null(void)
{
	return ph_host_->make_null();
}

/* true or false. */
static inline const struct ph_value *
ph_bool(bool flag)
{
	return ph_host_->make_bool(flag);
}

/* An integer. JavaScript keeps those up to 2^53 exactly; what is beyond goes
 * into a page as a text of its digits, in tables, too. */
static inline const struct ph_value *
ph_int(int64_t integer)
{
	return ph_host_->make_int(integer);
}

/* The same of an unsigned one; beyond 2^63 - 1 the call fails: what is so
 * large, a hash for one, is to go as a text. */
static inline const struct ph_value *
ph_uint(uint64_t integer)
{
	char digits[21];
	char *at = digits + sizeof(digits) - 1;

	if (integer <= INT64_MAX)
		return ph_host_->make_int((int64_t)integer);
	for (*at = '\0'; integer > 0; integer /= 10)
		*--at = (char)('0' + integer % 10);
	return ph_host_->make_json(at); /* which says why not */
}

/* A number; NaN and infinities become null in the browser, and where a value
 * is kept: by ph_memo(), ph_cache_set(), ph_session_set(). */
static inline const struct ph_value *
ph_number(double number)
{
	return ph_host_->make_number(number);
}

/* A copy of a NUL-terminated UTF-8 text; NULL gives null. */
static inline const struct ph_value *
ph_text(const char *text)
{
	return ph_host_->make_text(text, text ? __builtin_strlen(text) : 0);
}

/* printf into a text. */
#define ph_textf(...) ph_host_->make_textf(__VA_ARGS__)

/* The same as a C string that lives as long as the call: for an id. */
#define ph_format(...) ph_host_->text_of(ph_host_->make_textf(__VA_ARGS__))

/* JSON text into a value. PH_JSON({ "a": [1, 2] }) needs no quoting. Integers
 * keep their 64 bits in it; what is beyond becomes the nearest double. */
static inline const struct ph_value *
ph_json(const char *json)
{
	return ph_host_->make_json(json);
}
#define PH_JSON(...) ph_json(#__VA_ARGS__)

/* A list: PH_LIST(a, b, c), PH_LIST(). For components: PH_CHILDREN(a, b). */
#define PH_LIST(...) \
	ph_list_of_(PH_ENDED_(const struct ph_value *, PH_END_, __VA_ARGS__))
static inline const struct ph_value *
ph_list_of_(const struct ph_value *const *items)
{
	return ph_host_->make_list(items, ph_count_values_(items));
}
#define PH_CHILDREN(...) PH_LIST(__VA_ARGS__)

/* An object from `count` names and values. */
static inline const struct ph_value *
ph_object(const char *const *names, const struct ph_value *const *values,
    size_t count)
{
	return ph_host_->make_object(names, values, count);
}

/* An object: PH_OBJECT({ "name", ph_text("x") }, { "age", ph_int(3) }) */
#define PH_OBJECT(...) \
	ph_object_of_(PH_ENDED_(struct ph_member, PH_END_MEMBER_, __VA_ARGS__))
static inline const struct ph_value *
ph_object_of_(const struct ph_member *members)
{
	return ph_host_->make_members(members, ph_count_members_(members));
}

/*
 * The id { "index": index, "type": type } as text, for `.id` of a component
 * and ph_set_props(). Any other dict id: .id = PH_ID({ "a": 1, "b": "x" }).
 */
static inline const char *
ph_id(const char *type, const struct ph_value *index)
{
	return ph_host_->make_id(type, index);
}

/* A component of the page; the generated headers call it. */
static inline const struct ph_value *
ph_component_new(const struct ph_component_type *type, const void *props)
{
	return ph_host_->make_component(type, props);
}

/* ---- read values ------------------------------------------------------- */

/* True for null and for NULL. */
static inline bool
ph_is_null(const struct ph_value *value)
{
	return ph_host_->is_null(value);
}

/* The text, "" when it is none; lives as long as the call. NUL: see text.h. */
static inline const char *
ph_text_of(const struct ph_value *value)
{
	return ph_host_->text_of(value);
}

/* The number as a double; NaN when it is not a number. */
static inline double
ph_number_of(const struct ph_value *value)
{
	return ph_host_->number_of(value);
}

/* The number cut to an integer, or the integer that is a text of digits, as
 * large ones are in a page; else 0. */
static inline int64_t
ph_int_of(const struct ph_value *value)
{
	return ph_host_->int_of(value);
}

/* True only for the boolean true. */
static inline bool
ph_bool_of(const struct ph_value *value)
{
	return ph_host_->bool_of(value);
}

/* Items of a list or column, members of an object, rows of a table, else 0. */
static inline size_t
ph_count_of(const struct ph_value *value)
{
	return ph_host_->count_of(value);
}

/* The n-th item of a list or column, member of an object, or row of a table (an
 * object); null beyond its end. */
static inline const struct ph_value *
ph_at(const struct ph_value *value, size_t index)
{
	return ph_host_->at(value, index);
}

/* A member of an object, or a column of a table, by name; null when absent. */
PH_TWO_NAMES_
static inline const struct ph_value *
ph_member(const struct ph_value *value, const char *name)
{
	return ph_host_->member(value, name);
}
PH_TWO_NAMES_END_

/* The name of an object's n-th member; "" beyond its end. Its value is
 * ph_at(object, n). In which order they stand is not promised: as the browser
 * sent them, or sorted, which is how they are stored. */
static inline const char *
ph_name_at(const struct ph_value *value, size_t index)
{
	return ph_host_->name_at(value, index);
}

#ifdef __cplusplus
} /* extern "C" */

/* C++ has no array literals: a list that lives to the end of the statement. */
#include <initializer_list>
template <typename T>
static inline const T *
ph_list_begin_(const std::initializer_list<T> &list)
{
	return list.begin();
}
#define PH_ARRAY_(type, ...) \
	ph_list_begin_<type>(std::initializer_list<type>{ __VA_ARGS__ })
#else
#define PH_ARRAY_(type, ...) ((type[]){ __VA_ARGS__ })
#endif

#include <pronghorn/background.h>
#include <pronghorn/cache.h>
#include <pronghorn/data.h>
#include <pronghorn/figure.h>
#include <pronghorn/guard.h>
#include <pronghorn/hooks.h>
#include <pronghorn/loop.h>
#include <pronghorn/package.h>
#include <pronghorn/pages.h>
#include <pronghorn/patch.h>
#include <pronghorn/route.h>
#include <pronghorn/scratch.h>
#include <pronghorn/session.h>
#include <pronghorn/text.h>

#endif
