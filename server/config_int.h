/* SPDX-License-Identifier: MIT */
#ifndef SERVER_CONFIG_INT_H
#define SERVER_CONFIG_INT_H

#include <stddef.h>

#include "server/base/opt.h"
#include "server/config.h"
#include "server/config_literal.h"

/*
 * Between the config*.c files only: the tables and the steps of a load.
 */
#define CONFIG_FILE_MAX (1u << 20)    /* bytes of a config file */
#define CONFIG_MEMORY_MAX (64u << 20) /* bytes of texts and lists */
#define CONFIG_SHOWN_MAX 60           /* bytes of a value in a message */
#define CONFIG_DEFAULT_FILE "pronghorn.conf"
#define CONFIG_ARGS_VARIABLE "PRONGHORN_CMD_ARGS"

enum config_layer { CONFIG_SERVER, CONFIG_WORKER, CONFIG_CACHE };

/* One setting: a row of an options.def and where it lies in struct config. */
struct config_row {
	const char *name;
	enum config_layer layer;
	enum opt_type type;
	const char *default_text;
	double min;
	double max;
	enum opt_applies applies;
	const char *flags; /* separated by spaces */
	const char *help;
	size_t offset;
};

extern const struct config_row config_rows[];
extern const size_t config_row_count;

/* A setting of gunicorn or Flask-Caching without a row of its own here. */
enum config_compat_kind {
	COMPAT_IGNORED, /* has no meaning here: warned about */
	COMPAT_NOT_YET, /* would have one: warned about */
	COMPAT_RENAMED, /* the value goes to the row named by advice */
	COMPAT_UNSAFE,  /* leaving it out would be less safe: refused */
	COMPAT_ROOT     /* the same when run as root, else warned about */
};
enum config_compat_arity { COMPAT_FILE, COMPAT_SWITCH, COMPAT_VALUE };

struct config_compat {
	const char *name;
	enum config_compat_kind kind;
	const char *flags; /* separated by spaces; "": file only */
	enum config_compat_arity arity;
	const char *advice;
};

extern const struct config_compat config_compats[];
extern const size_t config_compat_count;

/* config_name.c */

/* The row or compat row of that name or of that flag; NULL: none. */
const struct config_row *config_row_find(const char *name);
const struct config_row *config_row_find_flag(const char *flag);
const struct config_compat *config_compat_find(const char *name);
const struct config_compat *config_compat_find_flag(const char *flag);

/* Next word of a list separated by spaces; *len 0 at the end. */
const char *config_next_flag(const char *flags, size_t *len);

/* Is `word` one of a list separated by spaces? */
bool config_has_word(const char *words, const char *word);

/*
 * Append "; did you mean X?" with the known name (or flag, when `name` starts
 * with '-') at the smallest edit distance; nothing when none is near.
 */
void config_put_nearest(const char *name, struct buf *out);

/*
 * What a compat row does when it is met: warn, refuse, or pass the value on.
 * `value` NULL: a switch or a text from the command line, in `text`.
 * *target is set to the row that is to take the value, else NULL.
 */
int config_compat_apply(struct config *config,
    const struct config_compat *compat, const char *origin,
    const struct literal *value, const char *text,
    const struct config_row **target, struct buf *why);

/* config.c */

/* The member of `config` that row is about. */
void *config_field(struct config *config, const struct config_row *row);
const void *config_field_const(const struct config *config,
    const struct config_row *row);

/*
 * Set a row from a text (environment, command line) or a literal (file).
 * `origin` is copied. On failure: "<origin>: name = value: reason".
 */
int config_set_text(struct config *config, const struct config_row *row,
    const char *const *texts, size_t count, const char *origin,
    struct buf *why);
int config_set_literal(struct config *config, const struct config_row *row,
    const struct literal *value, const char *origin, struct buf *why);

/* Add a line to the warnings. */
void config_warn(struct config *config, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* config_check.c: what one row alone cannot tell, a function per layer. */
int config_check_server(const struct config *config, struct buf *why);
int config_check_worker(const struct config *config, struct buf *why);
int config_check_cache(const struct config *config, struct buf *why);

/*
 * gunicorn's 0 for "no limit" becomes the greatest there is, with a warning;
 * a base path gets its last "/".
 */
int config_fix_values(struct config *config, struct buf *why);

/* Flask-Caching's names of cache types become ours, with a warning. */
int config_fix_cache_type(struct config *config, struct buf *why);

/* "<origin>: name = value: " for a row that was read well but is wrong. */
void config_put_place(const struct config *config, const char *name,
    struct buf *out);

/* config_file.c */

/* Read `path`, named `shown` in messages; -ENOENT says nothing in *why. */
int config_file_read(struct config *config, const char *path, const char *shown,
    struct buf *why);

/* The same from memory. */
int config_file_parse(struct config *config, const char *shown,
    const char *text, size_t len, struct buf *why);

/* config_cli.c */

/* One flag or positional argument as it was met. */
struct config_arg {
	struct config_arg *next;
	const struct config_row *row;       /* or NULL and */
	const struct config_compat *compat; /* this */
	const char *flag;                   /* as written; "APP": positional */
	const char *value;                  /* NULL: a switch */
};

struct config_cli {
	const char *origin; /* "command line" or CONFIG_ARGS_VARIABLE */
	struct config_arg *first;
	const char *file; /* -c; NULL: none */
	enum config_action action;
};

/* Take words apart; values are not looked at. Lives in `arena`. */
int config_cli_parse(struct config_cli *cli, const char *const *words,
    size_t count, struct arena *arena, struct buf *why);

/* Set what was parsed. */
int config_cli_apply(struct config *config, const struct config_cli *cli,
    struct buf *why);

/*
 * Split a line into words as a shell does: blanks, quotes and backslashes,
 * nothing else. 0, ERR_SYNTAX (an open quote) or -ENOMEM.
 */
int config_split_words(const char *line, struct arena *arena,
    const char *const **words, size_t *count, struct buf *why);

/* config_docs.c */
int config_docs_conf(struct buf *out);
int config_docs_md(struct buf *out);
int config_docs_bash(struct buf *out);
int config_man_server(struct buf *out);
int config_man_conf(struct buf *out);

/* config_print.c */

/*
 * Append `text` broken at blanks so that no line is longer than `width`;
 * `column` bytes stand in the current line, further lines start with
 * `indent`. Ends with a newline.
 */
void config_put_wrapped(struct buf *out, size_t column, const char *indent,
    size_t width, const char *text);

/* Heading of a layer: "Server", "Worker", "Cache". */
const char *config_layer_name(enum config_layer layer);

#endif
