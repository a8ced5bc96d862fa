/* SPDX-License-Identifier: MIT */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The types a setting can have, shared by every options.def.
 *
 * A row is OPT(field, type, default, min, max, applies, flags, help):
 *   field    name in the file, in --print-config and of the struct member
 *   type     one of the types below, without OPT_
 *   default  as a user would type it; goes through the same parser
 *   min max  bounds: of the number, of the length of a text, of list items
 *   applies  RESTART or RELOAD (when SIGHUP may change it)
 *   flags    command line spellings, separated by spaces: "-b --bind"
 *   help     one or two sentences
 *
 * OWNERSHIP  Texts and lists belong to the struct config they are read into.
 */
typedef const char *opt_TEXT_t; /* never NULL; "" when unset */
typedef const char *opt_PATH_t; /* as TEXT; None in the file gives "" */
typedef int64_t opt_INT_t;
typedef bool opt_BOOL_t;
typedef double opt_SECONDS_t; /* 1.5, or "90s", "15m", "2h" */
typedef int64_t opt_BYTES_t;  /* 4096, or "8KiB", "2MiB", "1GiB" */
typedef int opt_LEVEL_t;      /* enum log_level, by gunicorn's names */
typedef int opt_WORKERS_t;    /* a number, or "auto": CPUs we may use */
typedef int64_t opt_MODE_t;   /* permission bits: 0o600, "600" */
typedef struct opt_list {
	const char *const *items;
	size_t count;
} opt_LIST_t; /* one text or a list of texts */

enum opt_type {
	OPT_TEXT,
	OPT_PATH,
	OPT_INT,
	OPT_BOOL,
	OPT_SECONDS,
	OPT_BYTES,
	OPT_LEVEL,
	OPT_WORKERS,
	OPT_MODE,
	OPT_LIST
};

enum opt_applies { OPT_RESTART, OPT_RELOAD };

#endif
