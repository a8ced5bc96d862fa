/* SPDX-License-Identifier: MIT */
#ifndef BENCH_REQUESTS_H
#define BENCH_REQUESTS_H

#include <stddef.h>

#include "server/base/buf.h"
#include "test/bench/bench_options.h"
#include "test/bench/target.h"

/*
 * The parts of requests that stay the same over a run.
 * Layer: test. Threads: any; pure but for reading --body's file.
 */

/*
 * Of a browser's GET the fields after the request line, of its POST of a
 * callback the head from the beginning; both without cookies, length and the
 * empty line.
 */
void requests_put_get(struct buf *out, const struct target *target,
    const struct bench_options *options);
void requests_put_post(struct buf *out, const struct target *target,
    const struct bench_options *options);

/*
 * The whole request of --path, with few fields, as load generators send it.
 * *body_at: where the body starts. 0, or what reading the file gave.
 */
int requests_put_plain(struct buf *out, size_t *body_at,
    const struct target *target, const struct bench_options *options);

#endif
