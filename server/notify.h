/* SPDX-License-Identifier: MIT */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Tell the service manager how it goes: sd_notify's datagrams, when
 * NOTIFY_SOCKET is set, else nothing.
 *
 * THREADS  Master only.
 */

/*
 * Send `state`, lines such as "READY=1". 0 (also without NOTIFY_SOCKET) or
 * -errno. Never waits.
 */
int notify_send(const char *state);

/* Say nothing until further notice: somebody else speaks for the service. */
void notify_hold(bool hold);

/* How often the service manager wants a WATCHDOG=1; 0: it does not. */
int64_t notify_watchdog_us(void);

/* READY=1 with the master's pid and a status line; RELOADING=1 with the time.
 */
void notify_ready(const char *status);
void notify_reloading(void);

#endif
