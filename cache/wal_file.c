/* SPDX-License-Identifier: MIT */

/*
 * Writing the log with half the system calls. See wal_file.h.
 *
 * SQLite writes a page of the log as a header of 24 bytes and then the page.
 * The header is held back until the page comes; every other operation on the
 * file writes it first. SQLite tells other connections of a transaction only
 * after all its pages were written, so nobody misses what is held back.
 *
 * A header is also written alone: at the end of a transaction that changed
 * pages it had written to the log before, their checksums are made anew. So
 * only one that lies behind all we have written is held.
 *
 * INVARIANT  At most one header is held, and never after its page was written.
 * OWNERSHIP  SQLite owns the struct; `buffer` belongs to it and is freed when
 *            the file is closed.
 * THREADS    That of the connection.
 * FAILURE    That of the write is returned by the operation that caused it; the
 *            header is dropped, and SQLite rolls the transaction back.
 */
#include "cache/wal_file.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cache/schema.h"

#define HEADER SCHEMA_WAL_HEADER

struct wal_file {
	sqlite3_file file;
	sqlite3_file *real; /* behind this struct */
	unsigned char *buffer;
	sqlite3_int64 at;  /* where the last header belongs */
	sqlite3_int64 end; /* of the last page, or of the head of the log */
	bool held;
};

static sqlite3_vfs vfs;
static sqlite3_vfs *base;

static struct wal_file *
of(sqlite3_file *file)
{
	return (struct wal_file *)(void *)file;
}

/* Write the header that is held, if any. */
static int
flush(struct wal_file *wal)
{
	if (!wal->held)
		return SQLITE_OK;
	wal->held = false;
	return wal->real->pMethods->xWrite(wal->real, wal->buffer, HEADER,
	    wal->at);
}

static int
wal_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
	struct wal_file *wal = of(file);
	bool is_page = len == SCHEMA_PAGE_SIZE && at == wal->at + HEADER;
	int code;

	if (wal->held && is_page) {
		wal->held = false;
		memcpy(wal->buffer + HEADER, data, SCHEMA_PAGE_SIZE);
		code = wal->real->pMethods->xWrite(wal->real, wal->buffer,
		    HEADER + SCHEMA_PAGE_SIZE, wal->at);
	} else {
		code = flush(wal);
		if (code == SQLITE_OK && len == HEADER && at >= wal->end) {
			memcpy(wal->buffer, data, HEADER);
			wal->held = true;
		} else if (code == SQLITE_OK) {
			code = wal->real->pMethods->xWrite(wal->real, data, len,
			    at);
		}
	}
	if (len == HEADER)
		wal->at = at;
	else if (code == SQLITE_OK && (is_page || at == 0))
		wal->end = at + len;
	return code;
}

static int
wal_read(sqlite3_file *file, void *data, int len, sqlite3_int64 at)
{
	int code = flush(of(file));

	return code != SQLITE_OK ? code
				 : of(file)->real->pMethods->xRead(
				       of(file)->real, data, len, at);
}

static int
wal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	int code = flush(of(file));

	return code != SQLITE_OK
		   ? code
		   : of(file)->real->pMethods->xTruncate(of(file)->real, size);
}

static int
wal_sync(sqlite3_file *file, int flags)
{
	int code = flush(of(file));

	return code != SQLITE_OK
		   ? code
		   : of(file)->real->pMethods->xSync(of(file)->real, flags);
}

static int
wal_size(sqlite3_file *file, sqlite3_int64 *size)
{
	int code = flush(of(file));

	return code != SQLITE_OK
		   ? code
		   : of(file)->real->pMethods->xFileSize(of(file)->real, size);
}

static int
wal_close(sqlite3_file *file)
{
	int code = flush(of(file));
	int closed = of(file)->real->pMethods->xClose(of(file)->real);

	free(of(file)->buffer);
	return code != SQLITE_OK ? code : closed;
}

static int
wal_lock(sqlite3_file *file, int level)
{
	return of(file)->real->pMethods->xLock(of(file)->real, level);
}

static int
wal_unlock(sqlite3_file *file, int level)
{
	return of(file)->real->pMethods->xUnlock(of(file)->real, level);
}

static int
wal_reserved(sqlite3_file *file, int *out)
{
	return of(file)->real->pMethods->xCheckReservedLock(of(file)->real,
	    out);
}

static int
wal_control(sqlite3_file *file, int operation, void *argument)
{
	return of(file)->real->pMethods->xFileControl(of(file)->real, operation,
	    argument);
}

static int
wal_sector(sqlite3_file *file)
{
	return of(file)->real->pMethods->xSectorSize(of(file)->real);
}

static int
wal_device(sqlite3_file *file)
{
	return of(file)->real->pMethods->xDeviceCharacteristics(of(file)->real);
}

static const sqlite3_io_methods methods = { 1, wal_close, wal_read, wal_write,
	wal_truncate, wal_sync, wal_size, wal_lock, wal_unlock, wal_reserved,
	wal_control, wal_sector, wal_device, NULL, NULL, NULL, NULL, NULL,
	NULL };

/* All other files are opened as if we were not there. */
static int
open_file(sqlite3_vfs *self, sqlite3_filename name, sqlite3_file *file,
    int flags, int *out)
{
	struct wal_file *wal = of(file);
	int code;

	(void)self;
	if (!(flags & SQLITE_OPEN_WAL))
		return base->xOpen(base, name, file, flags, out);
	memset(wal, 0, sizeof(*wal));
	wal->buffer = malloc(HEADER + SCHEMA_PAGE_SIZE);
	if (wal->buffer == NULL)
		return SQLITE_NOMEM;
	wal->real = (sqlite3_file *)(void *)(wal + 1);
	code = base->xOpen(base, name, wal->real, flags, out);
	if (code == SQLITE_OK)
		file->pMethods = &methods;
	else
		free(wal->buffer);
	return code;
}

static void
set_up(void)
{
	base = sqlite3_vfs_find(NULL);
	if (base == NULL)
		return;
	vfs = *base;
	vfs.pNext = NULL;
	vfs.zName = "pronghorn";
	vfs.szOsFile += (int)sizeof(struct wal_file);
	vfs.xOpen = open_file;
	if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
		base = NULL;
}

const char *
wal_file_vfs(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, set_up);
	return base != NULL ? vfs.zName : NULL;
}
