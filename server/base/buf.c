/* SPDX-License-Identifier: MIT */

/*
 * Growable bytes: doubling growth from 256, one failure flag.
 *
 * INVARIANT  len <= cap; max == 0 or len <= max.
 */
#include "server/base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"

void
buf_init(struct buf *buf, size_t max)
{
	memset(buf, 0, sizeof(*buf));
	buf->max = max;
}

void
buf_free(struct buf *buf)
{
	free(buf->data);
	buf_init(buf, buf->max);
}

void
buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->failed = false;
}

/* Room for `more` bytes, whatever the bound says. 0 or -ENOMEM. */
static int
grow(struct buf *buf, size_t more)
{
	size_t need = buf->len + more;
	size_t cap = buf->cap < 256 ? 256 : buf->cap;
	char *data;

	if (more <= buf->cap - buf->len)
		return 0;
	while (cap < need)
		cap *= 2;
	data = realloc(buf->data, cap);
	if (data == NULL) {
		buf->failed = true;
		return -ENOMEM;
	}
	buf->data = data;
	buf->cap = cap;
	return 0;
}

int
buf_reserve(struct buf *buf, size_t more)
{
	if (more > SIZE_MAX / 2 - buf->len ||
	    (buf->max > 0 && buf->len + more > buf->max)) {
		buf->failed = true;
		return ERR_TOO_BIG;
	}
	return grow(buf, more);
}

int
buf_put(struct buf *buf, const void *data, size_t len)
{
	int rc;

	if (buf->max > 0 && len > buf->max - buf->len) {
		buf->failed = true;
		return ERR_TOO_BIG;
	}
	rc = buf_reserve(buf, len);
	if (rc < 0)
		return rc;
	if (len > 0)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	return 0;
}

int
buf_puts(struct buf *buf, const char *text)
{
	return buf_put(buf, text, strlen(text));
}

int
buf_putc(struct buf *buf, char c)
{
	return buf_put(buf, &c, 1);
}

int
buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	int len;
	int rc;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0) {
		buf->failed = true;
		return -EINVAL;
	}
	if (buf->max > 0 && (size_t)len > buf->max - buf->len) {
		buf->failed = true;
		return ERR_TOO_BIG;
	}
	rc = grow(buf, (size_t)len + 1); /* the NUL is not counted */
	if (rc < 0)
		return rc;
	va_start(args, format);
	(void)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
	va_end(args);
	buf->len += (size_t)len;
	return 0;
}

void
buf_consume(struct buf *buf, size_t len)
{
	if (len >= buf->len) {
		buf->len = 0;
		return;
	}
	memmove(buf->data, buf->data + len, buf->len - len);
	buf->len -= len;
}

const char *
buf_cstr(struct buf *buf)
{
	if (grow(buf, 1) < 0) /* the NUL is not counted */
		return NULL;
	buf->data[buf->len] = '\0';
	return buf->data;
}

char *
buf_detach(struct buf *buf, size_t *len)
{
	char *data = buf->data;

	*len = buf->len;
	buf_init(buf, buf->max);
	return data;
}
