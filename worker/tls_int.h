/* SPDX-License-Identifier: MIT */
#ifndef WORKER_TLS_INT_H
#define WORKER_TLS_INT_H

#include <openssl/ssl.h>

#include "worker/tls.h"

/* Between the files of TLS: certificates, tickets, and connections. */
struct tls_context {
	bool h2; /* offer HTTP/2 */
	size_t count;
	SSL_CTX *certs[]; /* the first is for clients that name no host */
};

/* tls_tickets.c: OpenSSL asks which key seals or opens a ticket. */
int tls_on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal);

/* And, once one is open, whether it is good for this client. */
SSL_TICKET_RETURN tls_on_opened(SSL *ssl, SSL_SESSION *session,
    const unsigned char *key_name, size_t key_name_len,
    SSL_TICKET_STATUS status, void *arg);

#endif
