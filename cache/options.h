/* SPDX-License-Identifier: MIT */
#ifndef CACHE_OPTIONS_H
#define CACHE_OPTIONS_H

#include "server/base/opt.h"

/* Settings of the cache, one member per row of options.def. Immutable. */
struct cache_options {
#define OPT(field, type, ...) opt_##type##_t field;
#include "cache/options.def"
#undef OPT
};

#endif
