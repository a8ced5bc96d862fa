/* SPDX-License-Identifier: MIT */
#ifndef WORKER_PROXY_HEADER_H
#define WORKER_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The PROXY protocol, versions 1 and 2: what a proxy writes in front of a
 * connection's own bytes. Parsed strictly and from the beginning each time;
 * the verdict is a function of the bytes alone. Needs libc only.
 *
 * As long as a header is not complete, all bytes there are belong to it.
 */
#define PROXY_HEADER_V1 1u
#define PROXY_HEADER_V2 2u
#define PROXY_HEADER_MAX 4096 /* bytes of the longest one that is taken */
#define PROXY_HEADER_V1_MAX 107

struct proxy_header {
	char client[46]; /* its address; "": not said, the peer itself */
	bool tls;        /* the client came by TLS, says the proxy */
};

/*
 * Parse the header at the start of `data`; `versions` says which ones are
 * taken. > 0: its length; 0: more bytes are needed; -1: this is none, or one
 * of another version, or too long.
 */
int proxy_header_parse(const uint8_t *data, size_t len, unsigned versions,
    struct proxy_header *header);

#endif
