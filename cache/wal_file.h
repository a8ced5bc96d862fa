/* SPDX-License-Identifier: MIT */
#ifndef CACHE_WAL_FILE_H
#define CACHE_WAL_FILE_H

/*
 * The name of a VFS that is SQLite's default one but for the log: there a page
 * is written together with the few bytes that go before it, in one system call
 * instead of two. Registered on the first call; NULL: it cannot be, use the
 * default. Any thread.
 */
const char *wal_file_vfs(void);

#endif
