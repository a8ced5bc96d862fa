/* SPDX-License-Identifier: MIT */
#ifndef BASE_SYSLOG_OUT_H
#define BASE_SYSLOG_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "server/base/buf.h"

/*
 * Lines to a syslog daemon:
 *
 *   unix://PATH[#dgram|#stream]  the form that local daemons read
 *   udp://HOST:PORT              RFC 5424, one datagram per line
 *   tcp://HOST:PORT              RFC 5424, each with its length (RFC 6587)
 *
 * One destination for the whole process and its children. Sending never
 * waits: what does not fit is dropped and counted (sink.h).
 *
 * THREADS  syslog_out_open() and _close(): one. syslog_out(): any.
 */

/* Severities of a line, as RFC 5424 numbers them. */
enum syslog_severity {
	SYSLOG_CRITICAL = 2,
	SYSLOG_ERROR = 3,
	SYSLOG_WARNING = 4,
	SYSLOG_INFO = 6,
	SYSLOG_DEBUG = 7
};

/*
 * Send to `address` from now on. `facility` is a name such as "user" or
 * "local0", `name` that of the program. Names of hosts are looked up here. 0,
 * or negative with a sentence in *why, and nothing has changed.
 */
int syslog_out_open(const char *address, const char *facility, const char *name,
    struct buf *why);
void syslog_out_close(void);

bool syslog_out_is_on(void);

/* Send one line, without its newline. */
void syslog_out(enum syslog_severity severity, const char *line, size_t len);

/*
 * Would syslog_out_open() succeed? Looks the host up, unless it is the one in
 * use; opens nothing.
 */
int syslog_out_check(const char *address, const char *facility,
    struct buf *why);

#endif
