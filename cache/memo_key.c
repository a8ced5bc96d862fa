/* SPDX-License-Identifier: MIT */

/*
 * Keys by SHA-256.
 *
 * Looking the algorithm up is slow in OpenSSL 3, so it is fetched once per
 * process, or as often as that fails, which may be for want of memory; a
 * context is kept per thread and freed when the thread ends.
 *
 * INVARIANT  The hashed bytes are a constant tag, then each part as eight
 *            bytes of length (little endian) and content. The tag changes
 *            when this layout or encode.h does.
 */
#include "cache/memo_key.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "server/base/err.h"

static const char layout_tag[] = "pronghorn memo 1";

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic(EVP_MD *) sha256;
static pthread_key_t context_key;
static bool context_key_made;

static void
free_context(void *context)
{
	EVP_MD_CTX_free(context);
}

static void
set_up(void)
{
	context_key_made = pthread_key_create(&context_key, free_context) == 0;
}

static EVP_MD *
get_digest(void)
{
	EVP_MD *fetched = atomic_load(&sha256);
	EVP_MD *first = NULL;

	if (fetched != NULL)
		return fetched;
	fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (fetched == NULL ||
	    atomic_compare_exchange_strong(&sha256, &first, fetched))
		return fetched;
	EVP_MD_free(fetched);
	return first;
}

/* The calling thread's context; NULL without memory. */
static EVP_MD_CTX *
get_context(void)
{
	EVP_MD_CTX *context = pthread_getspecific(context_key);

	if (context != NULL)
		return context;
	context = EVP_MD_CTX_new();
	if (context != NULL && pthread_setspecific(context_key, context) != 0) {
		EVP_MD_CTX_free(context);
		context = NULL;
	}
	return context;
}

static int
put_part(EVP_MD_CTX *context, const void *data, size_t len)
{
	uint8_t count[8];
	unsigned i;

	for (i = 0; i < 8; i++)
		count[i] = (uint8_t)((uint64_t)len >> 8 * i);
	return EVP_DigestUpdate(context, count, sizeof(count)) == 1 &&
	       (len == 0 || EVP_DigestUpdate(context, data, len) == 1);
}

int
memo_key(const char *prefix, const char *function, uint32_t version,
    const char *scope, const void *arguments, size_t len,
    uint8_t key[CACHE_KEY_LEN])
{
	EVP_MD_CTX *context;
	EVP_MD *digest;
	uint8_t number[4];
	unsigned key_len = 0;
	unsigned i;

	(void)pthread_once(&once, set_up);
	digest = get_digest();
	if (digest == NULL || !context_key_made)
		return ERR_STORE;
	context = get_context();
	if (context == NULL)
		return -ENOMEM;
	for (i = 0; i < 4; i++)
		number[i] = (uint8_t)(version >> 8 * i);
	if (EVP_DigestInit_ex2(context, digest, NULL) != 1 ||
	    !put_part(context, layout_tag, sizeof(layout_tag) - 1) ||
	    !put_part(context, prefix, strlen(prefix)) ||
	    !put_part(context, function, strlen(function)) ||
	    !put_part(context, number, sizeof(number)) ||
	    !put_part(context, scope, strlen(scope)) ||
	    !put_part(context, arguments, len) ||
	    EVP_DigestFinal_ex(context, key, &key_len) != 1 ||
	    key_len != CACHE_KEY_LEN)
		return ERR_STORE;
	return 0;
}
