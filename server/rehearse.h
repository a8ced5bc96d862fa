/* SPDX-License-Identifier: MIT */
#ifndef SERVER_REHEARSE_H
#define SERVER_REHEARSE_H

#include "server/base/buf.h"
#include "server/options.h"

/*
 * For --check-config: what the master itself would need at a start. Every
 * address of `bind` is opened and closed again, every file is looked at.
 * An address that another process has is no fault, but a warning, unless it is
 * the server of these settings, which its pid file or its control socket
 * tells; two of these settings that exclude each other are one.
 *
 * THREADS  Master only (it changes the umask for a moment).
 *
 * 0, or negative with one sentence per fault in *why.
 */
int rehearse(const struct server_options *options, struct buf *why);

#endif
