/* SPDX-License-Identifier: MIT */

/*
 * App databases: created once, read by every thread through its own handle.
 *
 * Somebody else may change one while the app runs, so all are opened plainly
 * read-only: SQLite prepares kept statements anew when the schema is another.
 * A file that another one was put in the place of, as who makes a new version
 * every night does it, is opened anew; that is one stat() for each query and
 * database. While there is none, or none that can be read, the old one serves.
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
#include "worker/data_functions.h"

#define STATEMENTS 32 /* prepared ones kept per thread */
#define BUSY_MS 5000  /* how long a query waits for who writes */

/* Which file a path led to. */
struct identity {
	dev_t device;
	ino_t inode;
	struct timespec changed;
};

struct source {
	char *path;
	struct identity opened;
	struct identity refused; /* could not be read */
};

struct data {
	struct toolkit *kit;
	sqlite3 *db;
	struct source *sources; /* one for each database of the app */
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
	status = call_run(&call, database->create);
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
put_uri(struct buf *uri, const char *path)
{
	const char *c;

	(void)buf_putl(uri, "file:");
	for (c = path; *c != '\0'; c++) {
		if (strchr("?#%", *c) != NULL)
			(void)buf_printf(uri, "%%%02x", (unsigned char)*c);
		else
			(void)buf_putc(uri, *c);
	}
	(void)buf_putl(uri, "?mode=ro");
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
	if (put_uri(&uri, database->path) == 0)
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

static bool
identify(const char *path, struct identity *identity)
{
	struct stat st;

	if (path == NULL || stat(path, &st) < 0)
		return false;
	identity->device = st.st_dev;
	identity->inode = st.st_ino;
	identity->changed = st.st_mtim;
	return true;
}

static bool
is_same_file(const struct identity *a, const struct identity *b)
{
	return a->device == b->device && a->inode == b->inode;
}

static bool
is_same_content(const struct identity *a, const struct identity *b)
{
	return is_same_file(a, b) && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

/* SQLite's code; reading its first page tells whether it is a database. */
static int
open_one(struct data *data, size_t which)
{
	const struct database *database = data->kit->app->databases[which];
	struct source *source = &data->sources[which];
	struct buf path = BUF_EMPTY;
	struct buf uri = BUF_EMPTY;
	char *sql = NULL;
	size_t len;
	int rc = SQLITE_NOMEM;

	(void)database_path(data->kit, database, &path);
	source->path = buf_cstr(&path) != NULL ? buf_detach(&path, &len) : NULL;
	/* Before it is opened: what comes in between is seen later. */
	(void)identify(source->path, &source->opened);
	if (source->path != NULL && put_uri(&uri, source->path) == 0)
		rc = which == 0 ? sqlite3_open_v2(uri.data, &data->db,
				      SQLITE_OPEN_READONLY |
					  SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI,
				      NULL)
				: SQLITE_OK;
	if (rc == SQLITE_OK && which == 0)
		rc = data_functions_add(data->db);
	if (rc == SQLITE_OK)
		sql = which == 0 ? sqlite3_mprintf("PRAGMA schema_version")
				 : sqlite3_mprintf("ATTACH %Q AS %Q", uri.data,
				       database->name);
	if (rc == SQLITE_OK)
		rc = sql != NULL ? sqlite3_exec(data->db, sql, NULL, NULL, NULL)
				 : SQLITE_NOMEM;
	sqlite3_free(sql);
	buf_free(&uri);
	buf_free(&path);
	return rc;
}

/* A read-only handle still makes files by ATTACH, of which VACUUM INTO has one
 * of its own; and who detaches takes a database from the app. */
static int
authorize(void *unused, int action, const char *a, const char *b, const char *c,
    const char *d)
{
	(void)unused;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return action == SQLITE_ATTACH || action == SQLITE_DETACH ? SQLITE_DENY
								  : SQLITE_OK;
}

const char *
data_reason(sqlite3 *db)
{
	return sqlite3_errcode(db) == SQLITE_AUTH
		   ? "a query only reads: ATTACH, DETACH and VACUUM INTO are "
		     "refused"
		   : sqlite3_errmsg(db);
}

/* SQLite's code; *at is the database it is about. */
static int
open_all(struct toolkit *kit, struct data **out, size_t *at)
{
	struct data *data = calloc(1, sizeof(*data));
	int rc = SQLITE_OK;

	*at = 0;
	*out = data;
	if (data == NULL)
		return SQLITE_NOMEM;
	data->kit = kit;
	data->sources =
	    calloc(kit->app->database_count, sizeof(*data->sources));
	if (data->sources == NULL)
		return SQLITE_NOMEM;
	while (*at < kit->app->database_count) {
		rc = open_one(data, *at);
		/* Somebody may be writing just now. */
		if (rc != SQLITE_OK && rc != SQLITE_BUSY)
			return rc;
		if (*at == 0)
			(void)sqlite3_busy_timeout(data->db, BUSY_MS);
		(*at)++;
	}
	return sqlite3_set_authorizer(data->db, authorize, NULL);
}

static void
log_failure(const struct data *data, size_t which)
{
	const char *path = data != NULL && data->sources != NULL &&
				   which < data->kit->app->database_count
			       ? data->sources[which].path
			       : NULL;

	log_error(ERR_STORE, "data.open", "path=%s sqlite=\"%s\"",
	    path != NULL ? path : "?",
	    data != NULL && data->db != NULL ? sqlite3_errmsg(data->db)
					     : "out of memory");
}

int
data_open(struct toolkit *kit, struct data **out)
{
	struct data *data = NULL;
	size_t at;

	*out = NULL;
	if (kit->app->database_count == 0)
		return 0;
	if (open_all(kit, &data, &at) != SQLITE_OK) {
		log_failure(data, at);
		data_close(&data);
		return ERR_STORE;
	}
	*out = data; /* ownership moves to the caller */
	return 0;
}

/* Free what it holds, not itself. */
static void
release(struct data *data)
{
	size_t i;

	for (i = 0; i < STATEMENTS; i++) {
		(void)sqlite3_finalize(data->kept[i].statement);
		free(data->kept[i].sql);
	}
	(void)sqlite3_close(data->db);
	for (i = 0; data->sources != NULL && i < data->kit->app->database_count;
	     i++)
		free(data->sources[i].path);
	free(data->sources);
}

void
data_close(struct data **data_in)
{
	struct data *data = *data_in;

	*data_in = NULL;
	if (data == NULL)
		return;
	release(data);
	free(data);
}

/* Is another file there now, which is not known to be none? */
static bool
is_replaced(const struct source *source, struct identity *now)
{
	return identify(source->path, now) &&
	       !is_same_file(now, &source->opened) &&
	       !is_same_content(now, &source->refused);
}

static bool
is_in_use(const struct data *data)
{
	unsigned i;

	for (i = 0; i < STATEMENTS && data->kept[i].sql != NULL; i++) {
		if (sqlite3_stmt_busy(data->kept[i].statement))
			return true;
	}
	return false;
}

/* Open all anew when one of the files is another. */
static void
refresh(struct data *data)
{
	size_t count = data->kit->app->database_count;
	struct data *fresh = NULL;
	struct identity now;
	size_t which = 0;
	size_t at;

	while (which < count && !is_replaced(&data->sources[which], &now))
		which++;
	if (which == count || is_in_use(data))
		return;
	if (open_all(data->kit, &fresh, &at) == SQLITE_OK) {
		log_info("data.replaced", "path=%s", data->sources[which].path);
		release(data);
		*data = *fresh;
		free(fresh);
		return;
	}
	log_failure(fresh, at);
	data_close(&fresh);
	data->sources[which].refused = now;
}

sqlite3_stmt *
data_statement(struct data *data, struct call *call, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	const char *tail = NULL;
	char *copy;
	unsigned i;

	refresh(data);
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
		    data_reason(data->db));
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
