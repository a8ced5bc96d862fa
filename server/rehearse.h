/* SPDX-License-Identifier: MIT */
#ifndef SERVER_REHEARSE_H
#define SERVER_REHEARSE_H

#include "server/base/buf.h"
#include "server/options.h"

/*
 * For --check-config: what the master itself would need at a start. Every
 * address of `bind` is opened and closed again, every file is looked at.
 * An address that is taken is no fault when the server of these settings runs,
 * which its pid file or its control socket tells.
 *
 * THREADS  Master only (it changes the umask for a moment).
 *
 * 0, or negative with one sentence per fault in *why.
 */
int rehearse(const struct server_options *options, struct buf *why);

#endif
