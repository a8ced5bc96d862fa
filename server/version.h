/* SPDX-License-Identifier: MIT */
#ifndef SERVER_VERSION_H
#define SERVER_VERSION_H

#include "server/base/buf.h"

#define PRONGHORN_VERSION "0.1.0"

/*
 * Append "pronghorn <version>" and one line per library: the version this
 * program was compiled with and the one that is loaded now. 0 or -ENOMEM.
 */
int version_print(struct buf *out);

#endif
