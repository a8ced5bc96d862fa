/* SPDX-License-Identifier: MIT */
#ifndef WORKER_HTTP_CLASS_H
#define WORKER_HTTP_CLASS_H

#include <stdbool.h>

/*
 * Which byte may stand where in an HTTP/1 message (RFC 9110 section 5.6,
 * RFC 9112): one table for the head and for the trailers, so that both are
 * equally strict.
 */

enum http_class {
	HTTP_TOKEN = 1,   /* tchar: method, field name, list tokens */
	HTTP_TARGET = 2,  /* visible ASCII without '#' */
	HTTP_VALUE = 4,   /* HTAB, SP, visible ASCII, obs-text (0x80..0xFF) */
	HTTP_REGNAME = 8, /* host name: see http_parse.c */
	HTTP_DIGIT = 16,
	HTTP_HEX = 32,
	HTTP_UNDERSCORE = 64,
};

extern const unsigned char http_class_table[256];

/* Is byte `c` in any class of the set `classes`? */
static inline bool
http_class_has(char c, unsigned classes)
{
	return (http_class_table[(unsigned char)c] & classes) != 0;
}

#endif
