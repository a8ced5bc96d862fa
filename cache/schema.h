/* SPDX-License-Identifier: MIT */
#ifndef CACHE_SCHEMA_H
#define CACHE_SCHEMA_H

/*
 * All SQL of the cache, in one place: the tables, and the statements in
 * statements.def. A different schema is a different file name, never a
 * migration: during a rolling restart both versions may be running.
 */
#define SCHEMA_VERSION 1
#define SCHEMA_APPLICATION_ID 0x5072686e /* "Prhn" */
#define SCHEMA_FILE "cache-v1.db"

/* Pages of this many bytes; results are 5 to 100 KB. */
#define SCHEMA_PAGE_SIZE 16384

/* A page in the log has this many bytes in front (sqlite.org/walformat.html);
 * and so much room takes a log of so many pages. */
#define SCHEMA_WAL_HEADER 24
#define SCHEMA_WAL_BYTES(pages) \
	((int64_t)(pages) * (SCHEMA_PAGE_SIZE + SCHEMA_WAL_HEADER))

enum statement {
#define STATEMENT(name, sql) STATEMENT_##name,
#include "cache/statements.def"
#undef STATEMENT
	STATEMENT_COUNT
};

/* The text of a statement, and its name in lower case for messages. */
extern const char *const schema_statements[STATEMENT_COUNT];
extern const char *const schema_statement_names[STATEMENT_COUNT];

/*
 * The tables and indexes, as they must stand in sqlite_schema, byte for
 * byte: prepare creates them and refuses a file that has others.
 */
struct schema_object {
	const char *name;
	const char *sql;
};

extern const struct schema_object schema_objects[];
extern const unsigned schema_object_count;

/* Names of the rows of `meta`. */
#define SCHEMA_META_BOOT_ID "boot_id"
#define SCHEMA_META_CLEAN "clean"
#define SCHEMA_META_OFFSET "clock"  /* see now.c; of that boot */
#define SCHEMA_META_NEWEST "newest" /* no time that is stored is later */
#define SCHEMA_META_PACE "pace"     /* see pace.h: the step */

#endif
