/* SPDX-License-Identifier: MIT */
#ifndef CACHE_DB_INT_H
#define CACHE_DB_INT_H

#include "cache/db.h"

/* What db.c and db_write.c share. */

/* Between two transactions: open the file again when it was replaced. */
void db_follow(struct db *db);

/* Finalize the statements and close the handle. */
void db_close_handle(struct db *db);

/* The connection was not carried over a fork. */
void db_assert_ours(const struct db *db);

#endif
