/* SPDX-License-Identifier: MIT */
#ifndef WORKER_UTF8_H
#define WORKER_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Well-formed UTF-8 as in RFC 3629: no overlong forms, no surrogates, nothing
 * above U+10FFFF.
 */

/*
 * Length in bytes (1 to 4) of the character that starts at `text`, or 0 when
 * the bytes from `text` up to `end` do not start with a whole well-formed
 * character. Reads no byte at or after `end`; `text` == `end` gives 0.
 * Threads: any; pure.
 */
size_t utf8_char_len(const char *text, const char *end);

/* Write a character, of 1 to 4 bytes; where it ends. */
char *utf8_put(char *to, uint32_t code);

/* Is all of a text of C well-formed? */
bool utf8_is_text(const char *text);

#endif
