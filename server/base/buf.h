/* SPDX-License-Identifier: MIT */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Growable bytes. Every put either appends everything or fails and leaves
 * the buffer as it was; the failure is also remembered in `failed`, so that
 * a long run of puts may be checked once at its end (buf_ok).
 *
 * OWNERSHIP  The owner of the struct owns `data`; buf_detach() hands it over.
 * THREADS    None of its own: one owner at a time.
 */
struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max;  /* 0: no bound of its own */
	bool failed; /* a put did not fit or memory ran out */
};

#define BUF_EMPTY            \
	{                    \
		.data = NULL \
	}

/* Start empty with an upper bound in bytes (0: none). Allocates nothing. */
void buf_init(struct buf *buf, size_t max);

/* Release the memory; the buffer is empty afterwards and can be used again. */
void buf_free(struct buf *buf);

/* Forget the content and the failure, keep the memory. */
void buf_clear(struct buf *buf);

/* Make room for `more` bytes. 0, -ENOMEM or ERR_TOO_BIG. */
int buf_reserve(struct buf *buf, size_t more);

/* Append. 0, -ENOMEM or ERR_TOO_BIG. */
int buf_put(struct buf *buf, const void *data, size_t len);
int buf_puts(struct buf *buf, const char *text);
int buf_putc(struct buf *buf, char c);
int buf_printf(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Drop `len` bytes from the front (moves the rest down). */
void buf_consume(struct buf *buf, size_t len);

/* The content as a C string: appends an uncounted NUL. NULL without memory. */
const char *buf_cstr(struct buf *buf);

/* Hand the bytes over: the caller frees them with free(). Buffer is empty. */
char *buf_detach(struct buf *buf, size_t *len);

/* True when no put failed since the last init, clear or free. */
static inline bool
buf_ok(const struct buf *buf)
{
	return !buf->failed;
}

/* Append a string literal without counting it at run time. */
#define buf_putl(buf, literal) buf_put((buf), "" literal, sizeof(literal) - 1)

#endif
