/* SPDX-License-Identifier: MIT */

/*
 * Numbers as text, independent of the locale. See decimal.h.
 *
 * OWNERSHIP  One locale object for the life of the process.
 * THREADS    Any: it is made once and only read afterwards.
 * FAILURE    Without memory for it the process's own locale decides.
 */
#include "worker/decimal.h"

#include <locale.h>
#include <pthread.h>
#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t plain;

static void
make_plain(void)
{
	plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

double
decimal_read(const char *text, char **end)
{
	(void)pthread_once(&once, make_plain);
	return plain != (locale_t)0 ? strtod_l(text, end, plain)
				    : strtod(text, end);
}
