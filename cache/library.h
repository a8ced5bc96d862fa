/* SPDX-License-Identifier: MIT */
#ifndef CACHE_LIBRARY_H
#define CACHE_LIBRARY_H

#include <stdbool.h>

/*
 * What is known of the SQLite that is loaded.
 *
 * THREADS  Any.
 */

/*
 * True for SQLite releases whose WAL can lose committed pages when a commit
 * overlaps the second of two checkpoints (3.7.0 to 3.51.2 without 3.44.6+ and
 * 3.50.7+). `number` as sqlite3_libversion_number(): 3051002 is 3.51.2.
 */
bool library_has_wal_reset_bug(int number);

/* Name it in the log when the loaded one is one of them. */
void library_warn(void);

#endif
