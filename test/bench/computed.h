/* SPDX-License-Identifier: MIT */
#ifndef BENCH_COMPUTED_H
#define BENCH_COMPUTED_H

#include <sys/types.h>

/*
 * How often the server computed, as it writes into a file: a line for each
 * computation, whatever the server is.
 * Layer: test. Threads: one owner at a time.
 */
struct computed {
	char path[1024];
	char word[256]; /* what such a line holds */
	off_t start;    /* where in the file the run began */
};

/*
 * Parse FILE[:WORD] (the chapter's "Computing value with" without one) and
 * note where the file ends now. A file that is not there is -ENOENT.
 * 0, -EINVAL or -errno.
 */
int computed_start(struct computed *computed, const char *text);

/* Lines with the word since then; negative: -errno. */
long computed_count(const struct computed *computed);

#endif
