/* SPDX-License-Identifier: MIT */

/*
 * Are the certificates valid today?
 *
 * Apart from loading them, as a server that has to come back after a reboot
 * serves with what it has: clients then say what is wrong with it.
 *
 * THREADS  Any, with a context of its own.
 */
#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "server/base/err.h"
#include "worker/tls_int.h"

/* "Nov 28 04:54:47 2026 GMT" behind what is said of it. */
static void
put_date(struct buf *why, const char *file, const char *what,
    const ASN1_TIME *date)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len = 0;

	if (bio != NULL && ASN1_TIME_print(bio, date) == 1)
		len = BIO_get_mem_data(bio, &text);
	(void)buf_printf(why, "%scertfile %s: the certificate %s %.*s",
	    why->len > 0 ? "\n" : "", file, what, (int)len,
	    text != NULL ? text : "");
	BIO_free(bio);
}

int
tls_dates_check(const struct worker_options *options, const struct stock *stock,
    struct buf *why)
{
	struct tls_context *context = NULL;
	const ASN1_TIME *from;
	const ASN1_TIME *until;
	const char *file = options->certfile;
	const X509 *certificate;
	size_t i;
	int rc = tls_context_open(&context, options, stock, why);
	int worst = rc;

	for (i = 0; context != NULL && i < context->count; i++) {
		if (i > 0)
			file = options->sni_certfiles.items[i - 1];
		certificate = SSL_CTX_get0_certificate(context->certs[i]);
		from = X509_get0_notBefore(certificate);
		until = X509_get0_notAfter(certificate);
		/* 0 is a date that cannot be read. */
		if (X509_cmp_current_time(until) <= 0)
			put_date(why, file, "has expired on", until);
		else if (X509_cmp_current_time(from) >= 0)
			put_date(why, file, "is valid only from", from);
		else
			continue;
		worst = ERR_RANGE;
	}
	tls_context_close(&context);
	return worst;
}
