/* SPDX-License-Identifier: MIT */

/*
 * Certificates, keys, protocol versions.
 *
 * Texts come from the stock that the master has taken (stock.h), so no file is
 * opened here.
 *
 * INVARIANT  Nothing here is changed after the worker's start; a reload makes
 *            new workers.
 * FAILURE    A text that cannot be used is an error at start, or at the check
 *            before a reload, that names its file.
 */
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
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
	if (context->count < 2)
		return SSL_TLSEXT_ERR_OK;
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
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	(void)buf_printf(why, "%s %s: %s", what, file,
	    reason != NULL ? reason : "cannot be used");
	return ERR_SYNTAX;
}

/* The text that the master has read from `path`; NULL: none, or no memory. */
static BIO *
open_text(const struct stock *stock, const char *path)
{
	const struct stock_file *file = stock_find(stock, path);

	if (file == NULL || file->len > INT_MAX)
		return NULL;
	return BIO_new_mem_buf(file->data, (int)file->len);
}

/* Nobody is there to type one. */
static int
no_password(char *text, int size, int writing, void *arg)
{
	(void)text;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

/* The first certificate is ours, those behind it lead to its root. */
static bool
use_chain(SSL_CTX *ctx, BIO *text)
{
	X509 *cert = PEM_read_bio_X509_AUX(text, NULL, no_password, NULL);
	bool good = cert != NULL && SSL_CTX_use_certificate(ctx, cert) == 1;
	unsigned long end;

	X509_free(cert);
	while (good && (cert = PEM_read_bio_X509(text, NULL, no_password,
			    NULL)) != NULL) {
		good = SSL_CTX_add0_chain_cert(ctx, cert) == 1;
		if (!good)
			X509_free(cert);
	}
	end = ERR_peek_last_error();
	if (good && ERR_GET_LIB(end) == ERR_LIB_PEM &&
	    ERR_GET_REASON(end) == PEM_R_NO_START_LINE)
		ERR_clear_error(); /* there are no more */
	else
		good = false;
	return good;
}

static bool
use_key(SSL_CTX *ctx, BIO *text)
{
	EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, no_password, NULL);
	bool good = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1;

	EVP_PKEY_free(key);
	return good && SSL_CTX_check_private_key(ctx) == 1;
}

static int
load_pair(SSL_CTX *ctx, const struct stock *stock, const char *cert,
    const char *key, struct buf *why)
{
	BIO *text = open_text(stock, cert);
	int rc = 0;

	if (text == NULL || !use_chain(ctx, text))
		rc = fail(why, "certfile", cert);
	BIO_free(text);
	if (rc < 0)
		return rc;
	text = open_text(stock, key);
	if (text != NULL && use_key(ctx, text)) {
		rc = 0;
	} else if (strcmp(key, cert) == 0) {
		ERR_clear_error();
		(void)buf_printf(why,
		    "certfile %s: there is no private key in it that can be "
		    "read, and keyfile names none",
		    cert);
		rc = ERR_SYNTAX;
	} else {
		rc = fail(why, "keyfile", key);
	}
	BIO_free(text);
	return rc;
}

/* Those who sign clients' certificates, and what they have revoked. */
static bool
trust_signers(SSL_CTX *ctx, BIO *text)
{
	STACK_OF(X509_INFO) *all =
	    PEM_X509_INFO_read_bio(text, NULL, no_password, NULL);
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	const X509_INFO *info;
	bool good = all != NULL;
	int found = 0;
	int i;

	for (i = 0; good && i < sk_X509_INFO_num(all); i++) {
		info = sk_X509_INFO_value(all, i);
		if (info->x509 != NULL) {
			good = X509_STORE_add_cert(store, info->x509) == 1 &&
			       SSL_CTX_add_client_CA(ctx, info->x509) == 1;
			found++;
		}
		if (good && info->crl != NULL)
			good = X509_STORE_add_crl(store, info->crl) == 1;
	}
	sk_X509_INFO_pop_free(all, X509_INFO_free);
	return good && found > 0;
}

static int
set_versions(SSL_CTX *ctx, const struct worker_options *options,
    struct buf *why)
{
	static char groups[] = GROUPS; /* the macros of OpenSSL are not const */
	/* One of two words: config_words_of(). */
	int version = strcmp(options->tls_min_version, "1.3") == 0
			  ? TLS1_3_VERSION
			  : TLS1_2_VERSION;

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
set_clients(SSL_CTX *ctx, const struct worker_options *options,
    const struct stock *stock, struct buf *why)
{
	static const unsigned char id[] = "pronghorn";
	int mode = SSL_VERIFY_PEER;
	bool good;
	BIO *text;

	/* Sessions of verified clients belong to this server only. */
	(void)SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1);
	if (options->cert_reqs == 0)
		return 0;
	if (options->ca_certs[0] == '\0') {
		(void)buf_puts(why, "cert_reqs asks for client certificates: "
				    "ca_certs must say who signs them\n");
		return ERR_SYNTAX;
	}
	text = open_text(stock, options->ca_certs);
	good = text != NULL && trust_signers(ctx, text);
	BIO_free(text);
	if (!good)
		return fail(why, "ca_certs", options->ca_certs);
	if (options->cert_reqs == 2)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(ctx, mode, NULL);
	return 0;
}

static int
add_pair(struct tls_context *context, const struct worker_options *options,
    const struct stock *stock, const char *cert, const char *key,
    struct buf *why)
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
	(void)SSL_CTX_set_session_ticket_cb(ctx, NULL, tls_on_opened, NULL);
	(void)SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	(void)SSL_CTX_set_tlsext_servername_arg(ctx, context);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, context);
	rc = set_versions(ctx, options, why);
	if (rc == 0)
		rc = set_clients(ctx, options, stock, why);
	return rc == 0 ? load_pair(ctx, stock, cert, key, why) : rc;
}

/* One item of sni_certfiles: "cert.pem:key.pem". */
static int
add_item(struct tls_context *context, const struct worker_options *options,
    const struct stock *stock, const char *item, struct buf *why)
{
	const char *colon = strchr(item, ':');
	char *cert;
	int rc;

	if (colon == NULL)
		return add_pair(context, options, stock, item, item, why);
	cert = strndup(item, (size_t)(colon - item));
	if (cert == NULL)
		return -ENOMEM;
	rc = add_pair(context, options, stock, cert, colon + 1, why);
	free(cert);
	return rc;
}

/* http_protocols: h1 must be there, h2 may be. */
static int
read_protocols(const struct worker_options *options, bool *h2, struct buf *why)
{
	const opt_LIST_t *list = &options->http_protocols;
	bool known = true;
	bool h1 = false;
	size_t i;

	*h2 = false;
	for (i = 0; i < list->count; i++) {
		if (strcmp(list->items[i], "h2") == 0)
			*h2 = true;
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
    const struct stock *stock, struct buf *why)
{
	const opt_LIST_t *more = &options->sni_certfiles;
	struct tls_context *context;
	bool h2;
	size_t i;
	int rc;

	*out = NULL;
	rc = read_protocols(options, &h2, why);
	if (rc < 0)
		return rc;
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
	context->h2 = h2;
	rc = add_pair(context, options, stock, options->certfile,
	    options->keyfile[0] != '\0' ? options->keyfile : options->certfile,
	    why);
	for (i = 0; rc == 0 && i < more->count; i++)
		rc = add_item(context, options, stock, more->items[i], why);
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
