/* SPDX-License-Identifier: MIT */
#ifndef WORKER_TLS_INT_H
#define WORKER_TLS_INT_H

#include <openssl/ssl.h>

#include "worker/tls.h"

/* Between the two files of TLS: certificates, and connections. */
struct tls_context {
	bool h2; /* offer HTTP/2 */
	size_t count;
	SSL_CTX *certs[]; /* the first is for clients that name no host */
};

#endif
