/* SPDX-License-Identifier: MIT */
#ifndef WORKER_OPTIONS_H
#define WORKER_OPTIONS_H

#include "server/base/opt.h"

/* Settings of a worker, one member per row of options.def. Immutable. */
struct worker_options {
#define OPT(field, type, ...) opt_##type##_t field;
#include "worker/options.def"
#undef OPT
};

#endif
