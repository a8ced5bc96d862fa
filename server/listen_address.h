/* SPDX-License-Identifier: MIT */
#ifndef SERVER_LISTEN_ADDRESS_H
#define SERVER_LISTEN_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/base/buf.h"

/*
 * One item of the `bind` setting, taken apart. gunicorn's forms:
 *
 *   HOST:PORT  HOST (port 8000)  :PORT (0.0.0.0)  [IPv6]:PORT  [IPv6]
 *   tcp://HOST:PORT  unix:PATH  unix://PATH  fd://N
 *
 * Names are not looked up here; a numeric address is checked.
 */
#define LISTEN_DEFAULT_PORT 8000
#define LISTEN_HOST_MAX 253 /* longest DNS name */
#define LISTEN_PATH_MAX 107 /* sockaddr_un.sun_path without its NUL */

enum listen_kind { LISTEN_TCP, LISTEN_UNIX, LISTEN_FD };

struct listen_address {
	enum listen_kind kind;
	bool ipv6;     /* TCP: host is a numeric IPv6 address */
	uint16_t port; /* TCP: 0 lets the kernel choose; FD: the number */
	char host[LISTEN_HOST_MAX + 1]; /* TCP: lower case, no brackets */
	char path[LISTEN_PATH_MAX + 1]; /* UNIX: as given, maybe relative */
};

/*
 * Take `text` apart. On failure *why gets the reason alone, such as "port
 * 70000 is not 0..65535", without the text. 0, ERR_SYNTAX or ERR_RANGE.
 */
int listen_address_parse(const char *text, struct listen_address *address,
    struct buf *why);

/* Append the canonical text: 127.0.0.1:8000, [::1]:8000, unix:/run/x.sock. */
int listen_address_print(const struct listen_address *address, struct buf *out);

#endif
