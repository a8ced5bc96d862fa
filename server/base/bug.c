/* SPDX-License-Identifier: MIT */

/*
 * The last words of a process whose own code broke a contract: one line on
 * stderr, written with nothing but write(2), then abort().
 */
#include "server/base/bug.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void
bug_abort(const char *file, int line, const char *what)
{
	char text[512];
	int len;

	len = snprintf(text, sizeof(text),
	    "level=bug pid=%ld at=%s:%d why=\"%s\"\n", (long)getpid(), file,
	    line, what);
	if (len > 0) {
		if ((size_t)len >= sizeof(text))
			len = (int)sizeof(text) - 1;
		if (write(STDERR_FILENO, text, (size_t)len) < 0)
			abort();
	}
	abort();
}
