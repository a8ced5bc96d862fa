/* SPDX-License-Identifier: MIT */

/*
 * Rows of `meta`. See meta.h.
 *
 * THREADS  As struct db.
 */
#include "cache/meta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/now.h"
#include "server/base/clock.h"
#include "server/base/log.h"

int
meta_get(struct db *db, const char *name, char *text, size_t cap)
{
	sqlite3_stmt *stmt;
	const char *value;
	int rc;

	text[0] = '\0';
	stmt = db_use(db, STATEMENT_META_GET, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_text(stmt, 1, name);
	rc = db_step(db, STATEMENT_META_GET);
	if (rc <= 0)
		return rc;
	value = (const char *)sqlite3_column_text(stmt, 0);
	(void)snprintf(text, cap, "%s", value != NULL ? value : "");
	db_reset(db, STATEMENT_META_GET);
	return 0;
}

int
meta_put(struct db *db, const char *name, const char *value)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(db, STATEMENT_META_PUT, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_text(stmt, 1, name);
	db_bind_text(stmt, 2, value);
	return db_run(db, STATEMENT_META_PUT);
}

void
meta_boot(char text[CLOCK_BOOT_ID_LEN + 1])
{
	if (clock_boot_id(text) < 0)
		(void)snprintf(text, CLOCK_BOOT_ID_LEN + 1, META_NO_BOOT_ID);
}

int
meta_get_number(struct db *db, const char *name, int64_t *number)
{
	char text[24];
	char *end;
	long long read;
	int rc = meta_get(db, name, text, sizeof(text));

	if (rc < 0 || text[0] == '\0')
		return rc;
	read = strtoll(text, &end, 10);
	if (*end == '\0')
		*number = read;
	return 0;
}

int
meta_put_number(struct db *db, const char *name, int64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", (long long)number);
	return meta_put(db, name, text);
}

/* A time less `from`, as it was where there is none that can be. */
static int
get_time(struct db *db, const char *name, int64_t from, int64_t *number)
{
	int64_t read = *number;
	int rc = meta_get_number(db, name, &read);

	if (read == *number)
		return rc;
	if (read < -from || read > NOW_LATEST_MS - from)
		log_warn(0, "cache.clock",
		    "%s=%lld is no time and not taken for one", name,
		    (long long)read);
	else
		*number = read;
	return rc;
}

int
meta_set_clock(struct db *db, const char *boot)
{
	char before[CLOCK_BOOT_ID_LEN + 1];
	int64_t offset = now_offset();
	int64_t boot_ms = clock_boot_ms();
	int64_t newest = INT64_MIN;
	int rc = meta_get(db, SCHEMA_META_BOOT_ID, before, sizeof(before));

	if (rc < 0)
		return rc;
	if (strcmp(before, boot) == 0 && strcmp(boot, META_NO_BOOT_ID) != 0)
		rc = get_time(db, SCHEMA_META_OFFSET, boot_ms, &offset);
	else
		rc = get_time(db, SCHEMA_META_NEWEST, 0, &newest);
	if (newest > boot_ms + offset)
		offset = newest - boot_ms;
	return rc < 0 ? rc : meta_put_number(db, SCHEMA_META_OFFSET, offset);
}

int
meta_follow_clock(struct db *db)
{
	int64_t offset = now_offset();
	int rc = get_time(db, SCHEMA_META_OFFSET, clock_boot_ms(), &offset);

	if (rc == 0)
		now_adopt(offset);
	return rc;
}
