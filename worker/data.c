/* SPDX-License-Identifier: MIT */

/*
 * App databases: created once, read by every thread through its own handle.
 *
 * A created database never changes afterwards, so it is opened `immutable`:
 * no locks and no change checks on any read. A given file (.path) may be
 * written by somebody else and is opened plainly read-only.
 *
 * OWNERSHIP  struct data owns the handle and its prepared statements.
 * THREADS    One thread per struct data, the one that opened it.
 * FAILURE    A sentence with file and reason; the app goes on without data.
 */
#include "worker/data.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"

#define STATEMENTS 32 /* prepared ones kept per thread */

struct data {
	sqlite3 *db;
	struct {
		char *sql;
		sqlite3_stmt *statement;
	} kept[STATEMENTS];
	unsigned next; /* place to reuse when all are taken */
};

const char *
data_folder(const struct toolkit *kit)
{
	return kit->options->data_dir[0] != '\0'
		   ? kit->options->data_dir
		   : kit->cache_options->cache_dir;
}

static int
database_path(const struct toolkit *kit, const struct database *database,
    struct buf *path)
{
	if (database->path != NULL)
		return buf_puts(path, database->path);
	return buf_printf(path, "%s/%s-v%u.db", data_folder(kit),
	    database->name, database->version);
}

static int
run_create(struct toolkit *kit, const struct database *database, sqlite3 *db,
    struct buf *why)
{
	struct arena arena;
	struct call call;
	enum ph_status status;
	int rc = 0;

	arena_init(&arena, (size_t)kit->options->limit_request_memory);
	call_init(&call, kit, &arena, CALL_CREATE, database->name, NULL);
	call.create_db = db;
	call_enter(&call);
	status = database->create((struct ph_call *)(void *)&call);
	call_leave(&call);
	if (call.failed || status != PH_OK) {
		(void)buf_printf(why, "database %s: create failed: %s\n",
		    database->name,
		    call.failed ? call.error : "it did not return PH_OK");
		rc = ERR_PLUGIN;
	}
	call_fini(&call);
	arena_free(&arena);
	return rc;
}

/* To the disk, so that a rename never makes an empty file the database. */
static int
flush_file(const char *path, const char *name, struct buf *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int rc = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (rc < 0)
		(void)buf_printf(why, "database %s: %s: %s\n", name, path,
		    err_str(rc));
	fd_close(&fd);
	return rc;
}

static int
create_file(struct toolkit *kit, const struct database *database,
    const char *path, struct buf *why)
{
	struct buf temporary = BUF_EMPTY;
	sqlite3 *db = NULL;
	int rc = 0;

	(void)buf_printf(&temporary, "%s.new", path);
	if (buf_cstr(&temporary) == NULL)
		return -ENOMEM;
	(void)unlink(temporary.data);
	if (sqlite3_open_v2(temporary.data, &db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
		    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
		NULL) != SQLITE_OK ||
	    sqlite3_exec(db,
		"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN", NULL,
		NULL, NULL) != SQLITE_OK) {
		rc = ERR_STORE;
		goto out;
	}
	rc = run_create(kit, database, db, why);
	if (rc == 0 &&
	    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		rc = ERR_STORE;
out:
	if (rc == ERR_STORE)
		(void)buf_printf(why, "database %s: %s: %s\n", database->name,
		    temporary.data, sqlite3_errmsg(db));
	(void)sqlite3_close(db);
	if (rc == 0)
		rc = flush_file(temporary.data, database->name, why);
	if (rc == 0 && rename(temporary.data, path) < 0) {
		rc = -errno;
		(void)buf_printf(why, "database %s: cannot rename to %s: %s\n",
		    database->name, path, err_str(rc));
	}
	if (rc < 0)
		(void)unlink(temporary.data);
	buf_free(&temporary);
	return rc;
}

static int
prepare_one(struct toolkit *kit, const struct database *database,
    struct buf *why)
{
	struct buf path = BUF_EMPTY;
	int rc = 0;

	(void)database_path(kit, database, &path);
	if (buf_cstr(&path) == NULL)
		return -ENOMEM;
	if (access(path.data, R_OK) < 0) {
		if (errno == ENOENT && database->create != NULL) {
			rc = create_file(kit, database, path.data, why);
			if (rc == 0)
				log_info("data.created", "path=%s", path.data);
		} else {
			rc = -errno;
			(void)buf_printf(why, "database %s: %s: %s\n",
			    database->name, path.data, err_str(rc));
		}
	}
	buf_free(&path);
	return rc;
}

int
data_prepare(struct toolkit *kit, struct buf *why)
{
	struct buf lock = BUF_EMPTY;
	int fd = -1;
	int rc = 0;
	size_t i;

	if (kit->app->database_count == 0)
		return 0;
	(void)buf_printf(&lock, "%s/data.lock", data_folder(kit));
	if (buf_cstr(&lock) == NULL)
		return -ENOMEM;
	if (mkdir(data_folder(kit), 0700) < 0 && errno != EEXIST)
		rc = -errno;
	if (rc == 0) {
		fd = open(lock.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		    0600);
		if (fd < 0 || flock(fd, LOCK_EX) < 0)
			rc = -errno;
	}
	if (rc < 0)
		(void)buf_printf(why, "data_dir %s: %s: %s\n", data_folder(kit),
		    lock.data, err_str(rc));
	for (i = 0; i < kit->app->database_count && rc == 0; i++)
		rc = prepare_one(kit, kit->app->databases[i], why);
	fd_close(&fd); /* releases the lock */
	buf_free(&lock);
	return rc;
}

/* A file: URI with the characters escaped that mean something in one. */
static int
put_uri(struct buf *uri, const char *path, bool immutable)
{
	const char *c;

	(void)buf_putl(uri, "file:");
	for (c = path; *c != '\0'; c++) {
		if (strchr("?#%", *c) != NULL)
			(void)buf_printf(uri, "%%%02x", (unsigned char)*c);
		else
			(void)buf_putc(uri, *c);
	}
	(void)buf_puts(uri, immutable ? "?mode=ro&immutable=1" : "?mode=ro");
	return buf_cstr(uri) != NULL && buf_ok(uri) ? 0 : -ENOMEM;
}

/* Reading its first page tells whether it is a database. */
static int
check_one(const struct database *database, struct buf *why)
{
	struct buf uri = BUF_EMPTY;
	sqlite3 *db = NULL;
	int rc = SQLITE_NOMEM;

	if (access(database->path, R_OK) < 0) {
		(void)buf_printf(why, "database %s: %s: %s\n", database->name,
		    database->path, err_str(-errno));
		return ERR_STORE;
	}
	if (put_uri(&uri, database->path, false) == 0)
		rc = sqlite3_open_v2(uri.data, &db,
		    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX |
			SQLITE_OPEN_URI,
		    NULL);
	if (rc == SQLITE_OK)
		rc =
		    sqlite3_exec(db, "PRAGMA schema_version", NULL, NULL, NULL);
	/* Somebody may be writing just now. */
	if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		rc = SQLITE_OK;
	if (rc != SQLITE_OK)
		(void)buf_printf(why, "database %s: %s: %s\n", database->name,
		    database->path,
		    db != NULL ? sqlite3_errmsg(db) : "out of memory");
	(void)sqlite3_close(db);
	buf_free(&uri);
	return rc == SQLITE_OK ? 0 : ERR_STORE;
}

int
data_check_given(const struct app *app, struct buf *why)
{
	int rc = 0;
	size_t i;

	for (i = 0; i < app->database_count; i++) {
		if (app->databases[i]->path != NULL &&
		    check_one(app->databases[i], why) < 0)
			rc = ERR_STORE; /* one start shows all of them */
	}
	return rc;
}

static int
open_one(struct toolkit *kit, struct data *data, size_t which)
{
	const struct database *database = kit->app->databases[which];
	struct buf path = BUF_EMPTY;
	struct buf uri = BUF_EMPTY;
	char *attach = NULL;
	int rc;

	(void)database_path(kit, database, &path);
	if (buf_cstr(&path) == NULL ||
	    put_uri(&uri, path.data, database->path == NULL) < 0) {
		rc = SQLITE_NOMEM;
	} else if (which == 0) {
		rc = sqlite3_open_v2(uri.data, &data->db,
		    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX |
			SQLITE_OPEN_URI,
		    NULL);
	} else {
		attach = sqlite3_mprintf("ATTACH %Q AS %Q", uri.data,
		    database->name);
		rc = attach != NULL
			 ? sqlite3_exec(data->db, attach, NULL, NULL, NULL)
			 : SQLITE_NOMEM;
	}
	if (rc != SQLITE_OK)
		log_error(ERR_STORE, "data.open", "path=%s sqlite=\"%s\"",
		    path.data != NULL ? path.data : "?",
		    data->db != NULL ? sqlite3_errmsg(data->db)
				     : "out of memory");
	sqlite3_free(attach);
	buf_free(&uri);
	buf_free(&path);
	return rc == SQLITE_OK ? 0 : ERR_STORE;
}

int
data_open(struct toolkit *kit, struct data **out)
{
	struct data *data;
	size_t i;
	int rc = 0;

	*out = NULL;
	if (kit->app->database_count == 0)
		return 0;
	data = calloc(1, sizeof(*data));
	if (data == NULL)
		return -ENOMEM;
	for (i = 0; i < kit->app->database_count && rc == 0; i++)
		rc = open_one(kit, data, i);
	if (rc == 0) {
		(void)sqlite3_busy_timeout(data->db, 5000);
		*out = data; /* ownership moves to the caller */
		data = NULL;
	}
	data_close(&data);
	return rc;
}

void
data_close(struct data **data_in)
{
	struct data *data = *data_in;
	unsigned i;

	*data_in = NULL;
	if (data == NULL)
		return;
	for (i = 0; i < STATEMENTS; i++) {
		(void)sqlite3_finalize(data->kept[i].statement);
		free(data->kept[i].sql);
	}
	(void)sqlite3_close(data->db);
	free(data);
}

sqlite3_stmt *
data_statement(struct data *data, struct call *call, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	const char *tail = NULL;
	char *copy;
	unsigned i;

	for (i = 0; i < STATEMENTS && data->kept[i].sql != NULL; i++) {
		if (strcmp(data->kept[i].sql, sql) == 0)
			return data->kept[i].statement;
	}
	copy = strdup(sql);
	if (copy == NULL) {
		call_error(call, "%s: out of memory", call->name);
		return NULL;
	}
	if (sqlite3_prepare_v3(data->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
		&statement, &tail) != SQLITE_OK) {
		call_error(call, "%s: SQL \"%.200s\": %s", call->name, sql,
		    sqlite3_errmsg(data->db));
		free(copy);
		return NULL;
	}
	if (statement == NULL || tail[strspn(tail, " \t\r\n;")] != '\0') {
		call_error(call, "%s: SQL \"%.200s\": %s", call->name, sql,
		    statement == NULL ? "there is no statement"
				      : "a query is one statement");
		(void)sqlite3_finalize(statement);
		free(copy);
		return NULL;
	}
	if (i == STATEMENTS) {
		i = data->next++ % STATEMENTS;
		(void)sqlite3_finalize(data->kept[i].statement);
		free(data->kept[i].sql);
	}
	data->kept[i].sql = copy;
	data->kept[i].statement = statement;
	return statement;
}
