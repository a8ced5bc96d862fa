/* SPDX-License-Identifier: MIT */
#ifndef SERVER_VERSION_H
#define SERVER_VERSION_H

#include <stdbool.h>

#include "server/base/buf.h"

#define PRONGHORN_VERSION "0.1.0"

/*
 * Append "pronghorn <version>" and one line per library: the version this
 * program was compiled with and the one that is loaded now. 0 or -ENOMEM.
 */
int version_print(struct buf *out);

/*
 * True for SQLite releases whose WAL can lose committed pages when a commit
 * overlaps the second of two checkpoints (3.7.0 to 3.51.2 without 3.44.6+ and
 * 3.50.7+). `number` as sqlite3_libversion_number(): 3051002 is 3.51.2.
 */
bool version_sqlite_wal_reset(int number);

#endif
