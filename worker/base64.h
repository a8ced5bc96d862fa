/* SPDX-License-Identifier: MIT */
#ifndef WORKER_BASE64_H
#define WORKER_BASE64_H

#include <stddef.h>

#include "server/base/buf.h"

/*
 * Base64 (RFC 4648 section 4, with padding), the transport of typed arrays.
 * Pure; any thread.
 */

/* Append the encoding of `len` bytes. 0, -ENOMEM or ERR_TOO_BIG. */
int base64_encode(const void *data, size_t len, struct buf *out);

/*
 * Append the decoding of a padded text. Strict: no white space, no missing
 * padding, unused bits zero. 0, ERR_SYNTAX, -ENOMEM or ERR_TOO_BIG.
 */
int base64_decode(const char *text, size_t len, struct buf *out);

#endif
