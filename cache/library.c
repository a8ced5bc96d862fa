/* SPDX-License-Identifier: MIT */

/*
 * The SQLite that is loaded; it may be another one than the program was
 * compiled with. See library.h.
 *
 * THREADS  Any; nothing is kept.
 */
#include "cache/library.h"

#include <sqlite3.h>

#include "server/base/log.h"

bool
library_has_wal_reset_bug(int number)
{
	if (number < 3007000 || number > 3051002)
		return false;
	if (number / 1000 == 3044)
		return number < 3044006;
	if (number / 1000 == 3050)
		return number < 3050007;
	return true;
}

void
library_warn(void)
{
	if (library_has_wal_reset_bug(sqlite3_libversion_number()))
		log_warn(0, "cache.sqlite",
		    "version=%s note=\"it has the WAL-reset bug (fixed in "
		    "3.51.3, 3.50.7 and 3.44.6); checkpoints never overlap a "
		    "commit here\"",
		    sqlite3_libversion());
}
