/* SPDX-License-Identifier: MIT */

/*
 * Versions of this program and of the libraries it stands on. A library may
 * be newer at run time than the header it was compiled with, so both show.
 */
#include "server/version.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#include <sqlite3.h>
#include <zlib.h>

#include "cache/library.h"

#define QUOTE(x) #x
#define NUMBER(x) QUOTE(x)
#define CJSON_COMPILED              \
	NUMBER(CJSON_VERSION_MAJOR) \
	"." NUMBER(CJSON_VERSION_MINOR) "." NUMBER(CJSON_VERSION_PATCH)

static void
put_library(struct buf *out, const char *name, const char *compiled,
    const char *running)
{
	(void)buf_printf(out, "  %-9s compiled with %s, running with %s\n",
	    name, compiled, running);
}

int
version_print(struct buf *out)
{
	(void)buf_putl(out, "pronghorn " PRONGHORN_VERSION "\n");
	put_library(out, "libevent", LIBEVENT_VERSION, event_get_version());
	put_library(out, "SQLite", SQLITE_VERSION, sqlite3_libversion());
	put_library(out, "OpenSSL", OPENSSL_FULL_VERSION_STR,
	    OpenSSL_version(OPENSSL_FULL_VERSION_STRING));
	put_library(out, "cJSON", CJSON_COMPILED, cJSON_Version());
	put_library(out, "zlib", ZLIB_VERSION, zlibVersion());
	if (library_has_wal_reset_bug(sqlite3_libversion_number()))
		(void)buf_printf(out,
		    "warning: SQLite %s has the WAL-reset bug (fixed in "
		    "3.51.3, 3.50.7 and 3.44.6);\n"
		    "         checkpoints are guarded: they never overlap a "
		    "commit.\n",
		    sqlite3_libversion());
	return buf_ok(out) ? 0 : -ENOMEM;
}
