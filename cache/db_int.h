/* SPDX-License-Identifier: MIT */
#ifndef CACHE_DB_INT_H
#define CACHE_DB_INT_H

#include "cache/db.h"

/* What db.c and db_write.c share. */

/* Between two transactions: open the file again when it was replaced. */
void db_follow(struct db *db);

/* SQLite says that a row was written: what others are told (news.h). */
void db_on_row(void *context, int operation, const char *base,
    const char *table, sqlite3_int64 id);

/* How long the log may be on this disk. */
void db_bound_wal(struct db *db);

/* Finalize the statements and close the handle. */
void db_close_handle(struct db *db);

/* The connection was not carried over a fork. */
void db_assert_ours(const struct db *db);

#endif
