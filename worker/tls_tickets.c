/* SPDX-License-Identifier: MIT */

/*
 * The keys of session tickets, the same in all workers at any time.
 *
 * The master draws a secret before it forks. Every `period` the secret is
 * replaced by a hash of itself and the keys are derived anew; each process
 * does that by the clock, so no key is ever sent. A secret cannot be turned
 * back: who takes it from memory opens no ticket of the periods before. A
 * reload draws a fresh one, which helps against who took it before, and puts
 * the old one back should it be undone.
 *
 * INVARIANT  keys[0] seals, keys[1] is the one before it and only opens: a
 *            ticket is good for one period at least, for two at most.
 * INVARIANT  A ticket resumes only under the name that it was given for (RFC
 *            6066 section 3): OpenSSL looks at that in TLS 1.3, if at all.
 * THREADS    The master's one; a worker's loop. Copied by fork.
 */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "server/base/clock.h"
#include "worker/tls_int.h"

#define NAME_LEN 16
#define KEY_LEN 32
#define SECRET_LEN 32
#define STEPS_MAX 1000 /* periods caught up one by one */

struct ticket_key {
	bool there;
	unsigned char name[NAME_LEN];
	unsigned char aes[KEY_LEN];
	unsigned char mac[KEY_LEN];
};

static struct tickets {
	int64_t period_us; /* 0: for ever */
	int64_t since_us;  /* when keys[0] began to seal */
	unsigned char secret[SECRET_LEN];
	struct ticket_key keys[2];
} tickets, before; /* `before` while tls_tickets_renew() may be undone */
static bool renewed;

/* 32 bytes of the secret for one purpose. */
static void
derive(const char *purpose, unsigned char out[KEY_LEN])
{
	unsigned len;

	(void)HMAC(EVP_sha256(), tickets.secret, SECRET_LEN,
	    (const unsigned char *)purpose, strlen(purpose), out, &len);
}

/* The keys of the present secret take the first place. */
static void
use_secret(void)
{
	struct ticket_key *key = &tickets.keys[0];
	unsigned char name[KEY_LEN];

	tickets.keys[1] = *key;
	derive("name", name);
	memcpy(key->name, name, NAME_LEN);
	derive("aes", key->aes);
	derive("mac", key->mac);
	key->there = true;
}

int
tls_tickets_renew(double period)
{
	unsigned char fresh[SECRET_LEN];
	ssize_t got = getrandom(fresh, sizeof(fresh), 0);

	if (got != (ssize_t)sizeof(fresh))
		return got < 0 ? -errno : -EIO;
	before = tickets;
	renewed = true;
	memcpy(tickets.secret, fresh, sizeof(fresh));
	explicit_bzero(fresh, sizeof(fresh));
	tickets.period_us = (int64_t)(period * 1e6);
	tickets.since_us = clock_mono_us();
	use_secret();
	return 0;
}

void
tls_tickets_settle(bool keep)
{
	if (renewed && !keep)
		tickets = before;
	renewed = false;
	explicit_bzero(&before, sizeof(before));
}

void
tls_tickets_advance(void)
{
	unsigned char next[KEY_LEN];
	int64_t now = clock_mono_us();
	int steps;

	if (tickets.period_us <= 0 || !tickets.keys[0].there)
		return;
	for (steps = 0;
	     now - tickets.since_us >= tickets.period_us && steps < STEPS_MAX;
	     steps++) {
		derive("next", next);
		memcpy(tickets.secret, next, SECRET_LEN);
		use_secret();
		tickets.since_us += tickets.period_us;
	}
	explicit_bzero(next, sizeof(next));
}

/* Fetched once: OpenSSL looks EVP_aes_256_cbc() up anew in each use. */
static const EVP_CIPHER *
ticket_cipher(void)
{
	static EVP_CIPHER *fetched;

	if (fetched == NULL)
		fetched = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	return fetched != NULL ? fetched : EVP_aes_256_cbc();
}

static int
use_key(const struct ticket_key *key, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int seal)
{
	OSSL_PARAM params[3];
	char digest[] = "sha256";
	unsigned char mac_key[KEY_LEN];
	int rc = 1;

	memcpy(mac_key, key->mac, KEY_LEN);
	params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
	    mac_key, KEY_LEN);
	params[1] =
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
	params[2] = OSSL_PARAM_construct_end();
	if (EVP_CipherInit_ex(cipher, ticket_cipher(), NULL, key->aes, iv,
		seal) != 1 ||
	    EVP_MAC_CTX_set_params(mac, params) != 1)
		rc = -1;
	explicit_bzero(mac_key, sizeof(mac_key));
	return rc;
}

int
tls_on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal)
{
	int i;

	tls_tickets_advance();
	if (seal) {
		if (!tickets.keys[0].there)
			return 0; /* no tickets */
		if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1)
			return -1;
		memcpy(name, tickets.keys[0].name, NAME_LEN);
		return use_key(&tickets.keys[0], iv, cipher, mac, 1);
	}
	for (i = 0; i < 2; i++) {
		if (!tickets.keys[i].there ||
		    memcmp(name, tickets.keys[i].name, NAME_LEN) != 0)
			continue;
		if (use_key(&tickets.keys[i], iv, cipher, mac, 0) < 0)
			return -1;
		/* 2: and give it a new one, also because a client of TLS 1.3
		 * uses each ticket once. */
		return i == 0 && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
	}
	return 0; /* unknown: a full handshake */
}

/*
 * The name that the client asks for now; {NULL, 0}: none. The extension is a
 * list with one entry (RFC 6066): length of the list, kind 0, length, name.
 */
static const char *
asked_name(SSL *ssl, size_t *len)
{
	const unsigned char *bytes;
	size_t size;

	*len = 0;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes,
		&size) != 1 ||
	    size < 5 || bytes[2] != TLSEXT_NAMETYPE_host_name)
		return NULL;
	*len = (size_t)bytes[3] << 8 | bytes[4];
	if (*len != size - 5)
		*len = 0;
	return (const char *)bytes + 5;
}

SSL_TICKET_RETURN
tls_on_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *key_name,
    size_t key_name_len, SSL_TICKET_STATUS status, void *arg)
{
	const char *given;
	const char *asked;
	size_t len;

	(void)key_name;
	(void)key_name_len;
	(void)arg;
	if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	given = SSL_SESSION_get0_hostname(session);
	asked = asked_name(ssl, &len);
	if (len != (given != NULL ? strlen(given) : 0) ||
	    (len > 0 && strncasecmp(asked, given, len) != 0))
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE
					    : SSL_TICKET_RETURN_USE_RENEW;
}
