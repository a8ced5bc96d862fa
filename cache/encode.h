/* SPDX-License-Identifier: MIT */
#ifndef CACHE_ENCODE_H
#define CACHE_ENCODE_H

#include <stddef.h>

#include "cache/value.h"
#include "server/base/arena.h"
#include "server/base/buf.h"

/*
 * The bytes of a value: typed and canonical, so that equal values have equal
 * bytes and different ones (1, 1.0, "1", true, null) never do. They are what
 * a key is hashed from and what the cache stores.
 *
 *   tag 1           content; numbers are little endian, counts are u32
 *   0x01 null       -
 *   0x02 false, 0x03 true
 *   0x04 integer    8 bytes, two's complement
 *   0x05 number     8 bytes, IEEE 754; -0.0 is written as 0.0
 *   0x06 text       count, bytes, NUL
 *   0x07 JSON       count, bytes, NUL
 *   0x08 array      count, values
 *   0x09 object     count, members by name: count, bytes, NUL, value
 *   0x0a table      columns, rows, columns
 *   0x0b column     rows, one column
 *
 *   column          type (enum value_column_type), name as a text without
 *                   tag, then F64, I64 and F32: zero bytes up to a multiple
 *                   of 8 from the start of the encoding, 8 bytes per row (F32:
 *                   4); TEXT: a length per row (0xffffffff: missing), then
 *                   the bytes
 *
 * Names are in ascending order of bytes, a prefix first, none twice. The
 * numbers of a column are kept bit by bit, NaN (missing) among them.
 *
 * Any thread.
 */

/* Deepest nesting of arrays and objects. */
#define ENCODE_DEPTH_MAX 128

/*
 * Append the encoding of `value`. It starts at the next multiple of 8 of
 * out->len; zero bytes are put in between. On failure `out` is as before.
 * 0; -EDOM a number that is NaN or infinite; -EINVAL a component, a name
 * used twice, columns of different length; ERR_TOO_BIG nested too deeply or
 * beyond the buffer's bound; -ENOMEM.
 */
int encode_value(const struct value *value, struct buf *out);

/*
 * The same for a value that is kept and not hashed: a number that is NaN or
 * infinite is written as null, which is what a browser gets of it. On failure
 * `*why` says the reason, as a clause.
 */
int encode_stored(const struct value *value, struct buf *out, const char **why);

/*
 * Read an encoding back. `data` must be aligned to 8 bytes and must outlive
 * the value, whose texts and numbers point into it; only the nodes are taken
 * from `arena`. Strict: exactly one value in canonical form and nothing
 * behind it. 0; ERR_CORRUPT; -EINVAL `data` is not aligned; -ENOMEM: the
 * arena is full.
 */
int encode_decode(const void *data, size_t len, struct arena *arena,
    struct value **out);

#endif
