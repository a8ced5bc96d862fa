/* SPDX-License-Identifier: MIT */

/*
 * Is it the same file as before, and has anybody committed anything? Told by
 * inodes and by SQLite's wal-index, without a lock.
 *
 * OWNERSHIP  The mapping is SQLite's and lives as long as the connection.
 * THREADS    That of the connection.
 */
#include <limits.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/db.h"
#include "cache/schema.h"

#define INDEX_REGION 32768 /* SQLite maps the wal-index in such parts */

/*
 * The wal-index begins with two copies of a header: the number of commits,
 * the end of the log, salts, a checksum. Every commit writes both, and so
 * does whoever starts the log again; readers decide by them what they see.
 * SQLite's file format describes it (walformat.html); we only compare.
 */
static bool
map_index(struct db *db)
{
	volatile void *region = NULL;
	sqlite3_file *file = NULL;

	if (db->probing ||
	    sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_FILE_POINTER,
		&file) != SQLITE_OK ||
	    file == NULL || file->pMethods == NULL ||
	    file->pMethods->iVersion < 2 || file->pMethods->xShmMap == NULL ||
	    file->pMethods->xShmMap(file, 0, INDEX_REGION, 0, &region) !=
		SQLITE_OK)
		return false;
	db->index = region;
	return db->index != NULL;
}

/*
 * A commit that ended before somebody asked us is in the header when we look.
 * One that is just being written differs from what was there before and from
 * what will be, so it is seen twice.
 */
bool
db_index(struct db *db, uint64_t header[DB_INDEX_WORDS])
{
	unsigned i;

	if (db->handle == NULL || (db->index == NULL && !map_index(db)))
		return false;
	atomic_thread_fence(memory_order_seq_cst);
	for (i = 0; i < DB_INDEX_WORDS; i++)
		header[i] = db->index[i];
	atomic_thread_fence(memory_order_seq_cst);
	return true;
}

bool
db_index_commits(const uint64_t header[DB_INDEX_WORDS], uint32_t *commits)
{
	size_t half = DB_INDEX_WORDS / 2 * sizeof(header[0]);

	/* The third word of 32 bits, see walformat.html. */
	memcpy(commits, &header[1], sizeof(*commits));
	return memcmp(header, header + DB_INDEX_WORDS / 2, half) == 0;
}

bool
db_log_pages(struct db *db, uint32_t *pages)
{
	uint64_t header[DB_INDEX_WORDS];
	uint32_t commits;

	if (!db_index(db, header) || !db_index_commits(header, &commits))
		return false;
	memcpy(pages, &header[2], sizeof(*pages)); /* mxFrame, the fifth word */
	return true;
}

uint64_t
db_version(struct db *db)
{
	uint64_t now[DB_INDEX_WORDS];

	if (!db_index(db, now))
		return 0;
	if (memcmp(now, db->seen_index, sizeof(now)) != 0 || db->version == 0) {
		memcpy(db->seen_index, now, sizeof(now));
		db->version++;
	}
	return db->version;
}

static uint64_t
inode_of(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	if (db_path(path, sizeof(path), dir, name) < 0 || stat(path, &st) < 0)
		return 0;
	return (uint64_t)st.st_ino;
}

uint64_t
db_inode(const char *dir)
{
	return inode_of(dir, SCHEMA_FILE);
}

struct db_log_inodes
db_log_inodes(const char *dir)
{
	return (struct db_log_inodes){ inode_of(dir, SCHEMA_FILE "-wal"),
		inode_of(dir, SCHEMA_FILE "-shm") };
}
