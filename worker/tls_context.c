/* SPDX-License-Identifier: MIT */

/*
 * Certificates, keys, protocol versions.
 *
 * INVARIANT  Nothing here is changed after the worker's start; a reload makes
 *            new workers, which read the files anew.
 * FAILURE    A file that cannot be used is an error at start, or at the check
 *            before a reload, that names it.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"
#include "worker/tls_int.h"

#define DEFAULT_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

/* OpenSSL would also take finite fields of up to 8192 bits, which cost a
 * client nothing to ask for and a server some milliseconds each. */
#define GROUPS "X25519:P-256:P-384"

static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char h2[] = "\x02h2\x08http/1.1";
	const struct tls_context *context = arg;
	const unsigned char *ours = context->h2 ? h2 : h2 + 3;
	unsigned char *picked;

	(void)ssl;
	if (SSL_select_next_proto(&picked, out_len, ours,
		context->h2 ? sizeof(h2) - 1 : sizeof(h2) - 4, in,
		in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = picked;
	return SSL_TLSEXT_ERR_OK;
}

/* The certificate for the name the client asks for; the first by default. */
static int
on_name(SSL *ssl, int *alert, void *arg)
{
	struct tls_context *context = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	X509 *certificate;
	size_t i;

	(void)alert;
	for (i = 0; name != NULL && i < context->count; i++) {
		certificate = SSL_CTX_get0_certificate(context->certs[i]);
		if (X509_check_host(certificate, name, 0, 0, NULL) == 1) {
			(void)SSL_set_SSL_CTX(ssl, context->certs[i]);
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_OK;
}

static int
fail(struct buf *why, const char *what, const char *file)
{
	unsigned long last = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(last);
	unsigned long error;

	/* Errors lie one upon the other; the system's is the deepest. */
	while ((error = ERR_get_error()) != 0) {
		if (ERR_SYSTEM_ERROR(error))
			reason = err_str(-ERR_GET_REASON(error));
	}
	(void)buf_printf(why, "%s %s: %s", what, file,
	    reason != NULL ? reason : "cannot be used");
	return ERR_SYNTAX;
}

static int
load_pair(SSL_CTX *ctx, const char *cert, const char *key, struct buf *why)
{
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
		return fail(why, "certfile", cert);
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return fail(why, "keyfile", key);
	if (SSL_CTX_check_private_key(ctx) != 1)
		return fail(why, "keyfile", key);
	return 0;
}

static int
set_versions(SSL_CTX *ctx, const struct worker_options *options,
    struct buf *why)
{
	static char groups[] = GROUPS; /* the macros of OpenSSL are not const */
	const char *text = options->tls_min_version;
	int version;

	if (strcmp(text, "1.2") == 0)
		version = TLS1_2_VERSION;
	else if (strcmp(text, "1.3") == 0)
		version = TLS1_3_VERSION;
	else {
		(void)buf_printf(why,
		    "tls_min_version %s: must be 1.2 or 1.3\n", text);
		return ERR_SYNTAX;
	}
	(void)SSL_CTX_set_min_proto_version(ctx, version);
	/* An OpenSSL for FIPS has no X25519. */
	if (SSL_CTX_set1_groups_list(ctx, groups) != 1 &&
	    SSL_CTX_set1_groups_list(ctx, strchr(groups, 'P')) != 1)
		return fail(why, "groups", GROUPS);
	if (SSL_CTX_set_cipher_list(ctx, options->ciphers[0] != '\0'
					     ? options->ciphers
					     : DEFAULT_CIPHERS) != 1)
		return fail(why, "ciphers", options->ciphers);
	return 0;
}

static int
set_clients(SSL_CTX *ctx, const struct worker_options *options, struct buf *why)
{
	static const unsigned char id[] = "pronghorn";
	int mode = SSL_VERIFY_PEER;

	/* Sessions of verified clients belong to this server only. */
	(void)SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1);
	if (options->cert_reqs == 0)
		return 0;
	if (options->ca_certs[0] == '\0') {
		(void)buf_puts(why, "cert_reqs asks for client certificates: "
				    "ca_certs must say who signs them\n");
		return ERR_SYNTAX;
	}
	if (SSL_CTX_load_verify_file(ctx, options->ca_certs) != 1)
		return fail(why, "ca_certs", options->ca_certs);
	SSL_CTX_set_client_CA_list(ctx,
	    SSL_load_client_CA_file(options->ca_certs));
	if (options->cert_reqs == 2)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(ctx, mode, NULL);
	return 0;
}

static int
add_pair(struct tls_context *context, const struct worker_options *options,
    const char *cert, const char *key, struct buf *why)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int rc;

	if (ctx == NULL)
		return -ENOMEM;
	context->certs[context->count++] = ctx;
	(void)SSL_CTX_set_options(ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					SSL_MODE_RELEASE_BUFFERS);
	/* One read for all that is there, not one for each record's head. */
	SSL_CTX_set_read_ahead(ctx, 1);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(ctx, 1);
	(void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, tls_on_ticket);
	(void)SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	(void)SSL_CTX_set_tlsext_servername_arg(ctx, context);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, context);
	rc = set_versions(ctx, options, why);
	if (rc == 0)
		rc = set_clients(ctx, options, why);
	return rc == 0 ? load_pair(ctx, cert, key, why) : rc;
}

/* One item of sni_certfiles: "cert.pem:key.pem". */
static int
add_item(struct tls_context *context, const struct worker_options *options,
    const char *item, struct buf *why)
{
	const char *colon = strchr(item, ':');
	char *cert;
	int rc;

	if (colon == NULL)
		return add_pair(context, options, item, item, why);
	cert = strndup(item, (size_t)(colon - item));
	if (cert == NULL)
		return -ENOMEM;
	rc = add_pair(context, options, cert, colon + 1, why);
	free(cert);
	return rc;
}

/* http_protocols: h1 must be there, h2 may be. */
static int
set_protocols(struct tls_context *context, const struct worker_options *options,
    struct buf *why)
{
	const opt_LIST_t *list = &options->http_protocols;
	bool known = true;
	bool h1 = false;
	size_t i;

	for (i = 0; i < list->count; i++) {
		if (strcmp(list->items[i], "h2") == 0)
			context->h2 = true;
		else if (strcmp(list->items[i], "h1") == 0)
			h1 = true;
		else
			known = false;
	}
	if (h1 && known)
		return 0;
	(void)buf_puts(why, "http_protocols must be h1, or h2 and h1\n");
	return ERR_SYNTAX;
}

int
tls_context_open(struct tls_context **out, const struct worker_options *options,
    struct buf *why)
{
	const opt_LIST_t *more = &options->sni_certfiles;
	struct tls_context *context;
	size_t i;
	int rc;

	*out = NULL;
	if (options->certfile[0] == '\0') {
		if (options->keyfile[0] == '\0' && options->cert_reqs == 0 &&
		    more->count == 0)
			return 0;
		(void)buf_puts(why, "keyfile, cert_reqs and sni_certfiles go "
				    "with certfile, which is not set\n");
		return ERR_SYNTAX;
	}
	context =
	    calloc(1, sizeof(*context) + (more->count + 1) * sizeof(SSL_CTX *));
	if (context == NULL)
		return -ENOMEM;
	rc = set_protocols(context, options, why);
	if (rc == 0)
		rc = add_pair(context, options, options->certfile,
		    options->keyfile[0] != '\0' ? options->keyfile
						: options->certfile,
		    why);
	for (i = 0; rc == 0 && i < more->count; i++)
		rc = add_item(context, options, more->items[i], why);
	if (rc < 0)
		tls_context_close(&context);
	*out = context;
	return rc;
}

void
tls_context_close(struct tls_context **context_in)
{
	struct tls_context *context = *context_in;
	size_t i;

	*context_in = NULL;
	for (i = 0; context != NULL && i < context->count; i++)
		SSL_CTX_free(context->certs[i]);
	free(context);
}
