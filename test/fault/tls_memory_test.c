/* SPDX-License-Identifier: MIT */

/*
 * [23] The n-th allocation of OpenSSL fails while we serve a connection, once
 * and from then on, for n = 1, 2, ... until a handshake, a request and an
 * answer pass without it. A connection may be lost, never the process, and
 * the next one is served. The client's allocations do not fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/tls.h"

#define TURNS 40 /* of a connection; a handshake takes four */

static long countdown; /* 0: nothing fails */
static bool for_ever;
static bool armed;
static bool fired;

static struct worker_options options;
static struct stock *stock;
static char folder[64];
static char cert_path[96];
static char key_path[96];
static SSL_CTX *client_context;

static bool
fails(void)
{
	if (!armed || (fired && !for_ever))
		return false;
	if (!fired && (countdown <= 0 || --countdown > 0))
		return false;
	fired = true;
	return true;
}

static void *
failing_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : malloc(size);
}

static void *
failing_realloc(void *memory, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : realloc(memory, size);
}

static void
plain_free(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	free(memory);
}

/* A key and a certificate that it has signed itself. */
static void
write_pair(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	FILE *file;

	assert_non_null(key);
	assert_int_equal(X509_set_version(cert, 2), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 86400));
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	file = fopen(cert_path, "w");
	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, cert), 1);
	assert_int_equal(fclose(file), 0);
	file = fopen(key_path, "w");
	assert_non_null(file);
	assert_int_equal(
	    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(file), 0);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static int
set_up(void **state)
{
	static const char *protocols[] = { "h2", "h1" };
	struct buf why = BUF_EMPTY;

	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/tls_memory_test.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(cert_path, sizeof(cert_path), "%s/cert", folder);
	(void)snprintf(key_path, sizeof(key_path), "%s/key", folder);
	write_pair();
	options.certfile = cert_path;
	options.keyfile = key_path;
	options.app = options.ca_certs = options.ciphers = "";
	options.tls_min_version = "1.2";
	options.http_protocols.items = protocols;
	options.http_protocols.count = 2;
	client_context = SSL_CTX_new(TLS_client_method());
	if (stock_take(&stock, &options, &why) < 0)
		return -1;
	return client_context != NULL && tls_tickets_renew(0) == 0 ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	SSL_CTX_free(client_context);
	stock_free(&stock);
	(void)unlink(cert_path);
	(void)unlink(key_path);
	return rmdir(folder);
}

/* Our side: one step of the handshake, or the answer to what was asked. */
static bool
serve(struct tls *tls)
{
	struct iovec piece = { (char[]){ "answer" }, 6 };
	char request[100];
	ssize_t got;

	if (!tls_is_ready(tls))
		return tls_handshake(tls) != TLS_FAILED;
	got = tls_recv(tls, request, sizeof(request));
	if (got > 0)
		return tls_sendv(tls, &piece, 1) == 6;
	return got < 0 && errno == EAGAIN;
}

/* The client's side: has it got the answer? */
static bool
ask(SSL *client, bool *sent)
{
	char answer[100];

	if (SSL_do_handshake(client) != 1)
		return false;
	if (!*sent)
		*sent = SSL_write(client, "request", 7) == 7;
	return SSL_read(client, answer, sizeof(answer)) == 6;
}

/* A whole connection, ours with memory that fails; was it answered? */
static bool
one_connection(struct tls_context *context, int version)
{
	SSL *client = SSL_new(client_context);
	struct tls *tls;
	bool answered = false;
	bool good = true;
	bool sent = false;
	int fds[2];
	int turn;

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(SSL_set_fd(client, fds[1]), 1);
	(void)SSL_set_max_proto_version(client, version);
	SSL_set_connect_state(client);
	armed = true;
	tls = tls_new(context, fds[0]);
	for (turn = 0; tls != NULL && good && !answered && turn < TURNS;
	     turn++) {
		armed = false;
		answered = ask(client, &sent);
		armed = true;
		good = serve(tls);
	}
	tls_free(&tls);
	armed = false;
	SSL_free(client);
	ERR_clear_error();
	(void)close(fds[0]);
	(void)close(fds[1]);
	return answered;
}

/* With all the memory it wants, every connection is answered. */
static void
serves(struct tls_context *context, int version)
{
	bool was_fired = fired;
	bool was_for_ever = for_ever;

	countdown = 0;
	fired = for_ever = false;
	assert_true(one_connection(context, version));
	fired = was_fired;
	for_ever = was_for_ever;
}

static void
run(int version, bool until_the_end)
{
	struct tls_context *context;
	struct buf why = BUF_EMPTY;
	long lost = 0;
	long n;

	assert_int_equal(tls_context_open(&context, &options, stock, &why), 0);
	serves(context, version);
	for_ever = until_the_end;
	fired = true;
	for (n = 1; fired; n++) {
		fired = false;
		countdown = n;
		lost += !one_connection(context, version);
		serves(context, version);
	}
	print_message("%ld rounds, %ld connections lost\n", n, lost);
	assert_true(n > 50); /* fewer: nothing was made to fail */
	assert_true(lost > 0);
	tls_context_close(&context);
	buf_free(&why);
}

static void
tls_1_2_without_memory(void **state)
{
	(void)state;
	run(TLS1_2_VERSION, false);
	run(TLS1_2_VERSION, true);
}

static void
tls_1_3_without_memory(void **state)
{
	(void)state;
	run(TLS1_3_VERSION, false);
	run(TLS1_3_VERSION, true);
}

/*
 * A reload reads certificates: it fails, or is done. To OpenSSL an algorithm
 * for which there is no memory is one that it does not have, so a context may
 * come out poorer; it is used all the same, and a fresh one serves.
 */
static void
certificates_without_memory(void **state)
{
	struct tls_context *context;
	struct buf why = BUF_EMPTY;
	long failed = 0;
	long rounds = 0;
	long n;
	int rc;

	(void)state;
	for_ever = false;
	fired = true;
	for (n = 1; fired; n += n < 600 ? 1 : 41, rounds++) {
		fired = false;
		countdown = n;
		armed = true;
		rc = tls_context_open(&context, &options, stock, &why);
		armed = false;
		assert_true((rc == 0) == (context != NULL));
		failed += rc < 0;
		countdown = 0;
		if (rc == 0)
			(void)one_connection(context, TLS1_3_VERSION);
		tls_context_close(&context);
	}
	print_message("%ld rounds, %ld refused\n", rounds, failed);
	assert_true(failed > 50);
	assert_int_equal(tls_context_open(&context, &options, stock, &why), 0);
	serves(context, TLS1_3_VERSION);
	tls_context_close(&context);
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_1_2_without_memory),
		cmocka_unit_test(tls_1_3_without_memory),
		cmocka_unit_test(certificates_without_memory),
	};

	if (CRYPTO_set_mem_functions(failing_malloc, failing_realloc,
		plain_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
