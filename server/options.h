/* SPDX-License-Identifier: MIT */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include "server/base/opt.h"

/* Settings of the master, one member per row of options.def. Immutable. */
struct server_options {
#define OPT(field, type, ...) opt_##type##_t field;
#include "server/options.def"
#undef OPT
};

#endif
