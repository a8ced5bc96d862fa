/* SPDX-License-Identifier: MIT */
#ifndef WORKER_JSON_READ_H
#define WORKER_JSON_READ_H

#include <stddef.h>

#include "cache/value.h"
#include "server/base/arena.h"
#include "worker/json_scan.h"

#define JSON_UNHELD '\xff'

/*
 * JSON text to a value in the arena: bounded and validated by json_scan()
 * first. Nothing of the value points into the text.
 *
 * Whole numbers up to 2^53 become integers, so that 1 and 1.0, which a
 * browser cannot tell apart, give one key. Beyond that a number is a double, as
 * it is for the browser that wrote it; with limits->whole_integers one that is
 * written without point and exponent and fits an int64_t stays that integer,
 * which is what a program means. Objects with a name twice are
 * refused.
 *
 * With limits->any_text the byte JSON_UNHELD stands in texts and names for
 * what they cannot hold; nothing else has it, as it is no UTF-8. Such a value
 * is for finding out where it was, and for nothing else.
 *
 * On failure *why is a static sentence. Returns 0; ERR_SYNTAX (too deep
 * included); ERR_TOO_BIG (too many values); -ENOMEM.
 */
int json_read(const char *text, size_t len, const struct json_limits *limits,
    struct arena *arena, struct value **out, const char **why);

#endif
