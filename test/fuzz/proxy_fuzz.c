/* SPDX-License-Identifier: MIT */

/*
 * Fuzz target: PROXY protocol headers.
 *
 * Properties: the verdict on every prefix is 0 or the verdict on the whole;
 * a header is no longer than its bound; an address that is given is one; a
 * version that is not taken is never found.
 */

#include "test/fuzz/fuzz.h"

#include <string.h>

#include "worker/proxy_header.h"
#include "worker/trust.h"

static void
check_client(const struct proxy_header *header)
{
	struct http_span client = { header->client, strlen(header->client) };

	FUZZ_CHECK(memchr(header->client, '\0', sizeof(header->client)));
	FUZZ_CHECK(client.len == 0 || trust_is_address(client));
}

static void
check(const uint8_t *data, size_t size, unsigned versions)
{
	struct proxy_header whole;
	struct proxy_header part;
	uint8_t *copy;
	size_t len;
	int verdict;
	int rc;

	verdict = proxy_header_parse(data, size, versions, &whole);
	FUZZ_CHECK(verdict >= -1 && verdict <= PROXY_HEADER_MAX);
	FUZZ_CHECK(verdict <= 0 || (size_t)verdict <= size);
	check_client(&whole);
	if (verdict <= 0)
		FUZZ_CHECK(whole.client[0] == '\0' && !whole.tls);
	for (len = 0; len <= size && len < 300; len++) {
		/* In a block of its own, so that reading on is noticed. */
		copy = malloc(len + 1);
		FUZZ_CHECK(copy != NULL);
		memcpy(copy, data, len);
		copy = realloc(copy, len > 0 ? len : 1);
		FUZZ_CHECK(copy != NULL);
		rc = proxy_header_parse(copy, len, versions, &part);
		free(copy);
		FUZZ_CHECK(rc == 0 || rc == verdict);
		if (rc > 0) {
			FUZZ_CHECK((size_t)rc <= len);
			FUZZ_CHECK(strcmp(part.client, whole.client) == 0);
			FUZZ_CHECK(part.tls == whole.tls);
		}
		if (verdict > 0 && len < (size_t)verdict)
			FUZZ_CHECK(rc == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header header;

	check(data, size, PROXY_HEADER_V1 | PROXY_HEADER_V2);
	check(data, size, PROXY_HEADER_V1);
	check(data, size, PROXY_HEADER_V2);
	FUZZ_CHECK(proxy_header_parse(data, size, 0, &header) <= 0);
	return 0;
}
