/* SPDX-License-Identifier: MIT */
#ifndef WORKER_DATA_H
#define WORKER_DATA_H

#include "server/base/buf.h"
#include "worker/app.h"
#include "worker/call.h"

/*
 * The databases an app declares with ph_database(), apart from the cache.
 */
struct data;

/*
 * Make the databases that the app creates itself, where they are missing:
 * under a lock, into a temporary file that is renamed when complete, so that
 * nobody ever sees half of one. In the check child, before any worker.
 * 0, -errno, ERR_STORE, ERR_PLUGIN with the reason in *why.
 */
int data_prepare(struct toolkit *kit, struct buf *why);

/*
 * Could the databases be opened that the app gives as files (.path)? Needs no
 * folder. 0, ERR_STORE with the reason in *why.
 */
int data_check_given(const struct app *app, struct buf *why);

/*
 * Open this thread's read-only handle: the first database is main, further
 * ones are attached under their names. An app without one gives NULL.
 * 0, ERR_STORE, -ENOMEM.
 */
int data_open(struct toolkit *kit, struct data **data);
void data_close(struct data **data);

/* The folder for created databases: data_dir, or the cache's. */
const char *data_folder(const struct toolkit *kit);

/*
 * Run a query and hand its rows over some thousands at a time, so that memory
 * does not grow with them: `take` gets each part, the first also when there is
 * no row; it says false to end. PH_OK, or PH_ERROR and call_error set.
 */
typedef bool data_take(struct call *call, const struct value_table *rows,
    bool first);
enum ph_status data_query_parts(struct call *call, const char *sql,
    const struct ph_value *const *arguments, size_t count, data_take *take);

/* What SQLite says of the last failure, in our words where a query wants what
 * is refused. */
struct sqlite3;
const char *data_reason(struct sqlite3 *db);

/* The handle and its prepared statement for `sql`; NULL: call_error set. */
struct sqlite3_stmt;
struct sqlite3_stmt *data_statement(struct data *data, struct call *call,
    const char *sql);

#endif
