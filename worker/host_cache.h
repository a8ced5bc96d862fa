/* SPDX-License-Identifier: MIT */
#ifndef WORKER_HOST_CACHE_H
#define WORKER_HOST_CACHE_H

#include <pronghorn/app.h>

/* The other side of <pronghorn/cache.h>. */
extern const struct ph_cache_host host_cache_table;

/* memo.c: ph_memo_with() and ph_memo_new(). */
const struct ph_value *host_memo_with(struct ph_call *call,
    const struct ph_memo_options *options);
const struct ph_value *host_memo_new(struct ph_call *call,
    ph_function *function, const struct ph_value *const *arguments,
    size_t count);

#endif
