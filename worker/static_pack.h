/* SPDX-License-Identifier: MIT */
#ifndef WORKER_STATIC_PACK_H
#define WORKER_STATIC_PACK_H

#include <sys/stat.h>

#include "worker/http_reply.h"

/*
 * gzip and brotli forms of large files of text, made once, by a thread of
 * their own, and kept in memory as long as the file does not change.
 *
 * Bounded: STATIC_PACK_FILES files, each of at most STATIC_PACK_MAX bytes, and
 * STATIC_PACK_TOTAL bytes of forms.
 *
 * OWNERSHIP  The table owns the forms; who takes one takes a reference.
 * THREADS    The loop only; the thread is the table's own affair.
 */
#define STATIC_PACK_FILES 32
#define STATIC_PACK_MAX ((size_t)16 << 20)
#define STATIC_PACK_TOTAL ((size_t)32 << 20)

struct static_pack;

struct static_forms {
	struct blob *gzip; /* NULL: none; borrowed until the next call */
	struct blob *br;
};

/* NULL: no memory. */
struct static_pack *static_pack_new(void);

/* Waits for the file that is being compressed. */
void static_pack_free(struct static_pack **pack);

/*
 * What there is of a file: nothing, at first; it is begun then. `fd` is the
 * file, open for reading; `st` what fstat() says of it.
 */
struct static_forms static_pack_get(struct static_pack *pack, const char *path,
    int fd, const struct stat *st);

#endif
