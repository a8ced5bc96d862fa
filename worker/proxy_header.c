/* SPDX-License-Identifier: MIT */

/*
 * The PROXY protocol. See proxy_header.h.
 *
 *   v1  PROXY TCP4 192.0.2.1 198.51.100.7 51234 443\r\n      at most 107 bytes
 *       PROXY UNKNOWN ...\r\n                                the peer itself
 *   v2  twelve fixed bytes, version and command, family, length (16 bits);
 *       addresses, then TLVs, of which the one about TLS is looked at
 *
 * THREADS  Any; pure functions.
 */
#include "worker/proxy_header.h"

#include <arpa/inet.h>
#include <string.h>

#define V1_START "PROXY "
#define V2_HEAD 16
#define TLV_SSL 0x20
#define TLV_SSL_CLIENT 0x01

static const uint8_t v2_start[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a,
	0x51, 0x55, 0x49, 0x54, 0x0a };

/* Do the first bytes agree, as far as there are any? */
static bool
starts_like(const uint8_t *data, size_t len, const void *start, size_t size)
{
	return memcmp(data, start, len < size ? len : size) == 0;
}

/* The next word of a v1 line, behind exactly one blank; false: none. */
static bool
next_word(const char **at, const char *end, char *word, size_t cap)
{
	const char *stop = *at;

	while (stop < end && *stop != ' ')
		stop++;
	if (stop == *at || (size_t)(stop - *at) >= cap ||
	    memchr(*at, '\0', (size_t)(stop - *at)) != NULL)
		return false;
	memcpy(word, *at, (size_t)(stop - *at));
	word[stop - *at] = '\0';
	*at = stop < end ? stop + 1 : stop;
	return stop == end || stop + 1 < end;
}

/* 0 .. 65535 in decimal, without leading zeros. */
static bool
is_port(const char *text)
{
	unsigned long port = 0;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 5; i++)
		port = port * 10 + (unsigned long)(text[i] - '0');
	return i > 0 && text[i] == '\0' && port <= 65535 &&
	       (text[0] != '0' || i == 1);
}

/* "TCP4 from to port port", without PROXY and the line's end. */
static bool
parse_v1_line(const char *at, const char *end, struct proxy_header *header)
{
	char word[PROXY_HEADER_V1_MAX];
	uint8_t bytes[16];
	int family;
	int i;

	if (!next_word(&at, end, word, sizeof(word)))
		return false;
	if (strcmp(word, "UNKNOWN") == 0)
		return true; /* whatever follows */
	if (strcmp(word, "TCP4") == 0)
		family = AF_INET;
	else if (strcmp(word, "TCP6") == 0)
		family = AF_INET6;
	else
		return false;
	for (i = 0; i < 4; i++) {
		if (at == end || !next_word(&at, end, word, sizeof(word)))
			return false;
		if (i < 2 ? inet_pton(family, word, bytes) != 1
			  : !is_port(word))
			return false;
		if (i == 0 && inet_ntop(family, bytes, header->client,
				  sizeof(header->client)) == NULL)
			return false;
	}
	return at == end;
}

static int
parse_v1(const uint8_t *data, size_t len, struct proxy_header *header)
{
	size_t most = len < PROXY_HEADER_V1_MAX ? len : PROXY_HEADER_V1_MAX;
	const char *text = (const char *)data;
	const char *end = memchr(text, '\n', most);
	const char *cr = memchr(text, '\r', most);

	if (end == NULL && len < PROXY_HEADER_V1_MAX)
		/* A CR that is not the last byte has no LF behind it. */
		return cr == NULL || cr == text + len - 1 ? 0 : -1;
	if (end == NULL || cr != end - 1)
		return -1;
	if (!parse_v1_line(text + sizeof(V1_START) - 1, cr, header))
		return -1;
	return (int)(end + 1 - text);
}

static size_t
read_u16(const uint8_t *data)
{
	return (size_t)data[0] << 8 | data[1];
}

/* Everything behind the addresses; false: a TLV that does not fit. */
static bool
parse_tlvs(const uint8_t *data, size_t len, struct proxy_header *header)
{
	size_t size;

	while (len > 0) {
		if (len < 3)
			return false;
		size = read_u16(data + 1);
		if (size > len - 3)
			return false;
		if (data[0] == TLV_SSL && size < 5)
			return false;
		if (data[0] == TLV_SSL && data[3] & TLV_SSL_CLIENT)
			header->tls = true;
		data += 3 + size;
		len -= 3 + size;
	}
	return true;
}

/* Addresses by family; what was sent by other means has none for us. */
static bool
parse_v2_body(uint8_t family, const uint8_t *body, size_t len,
    struct proxy_header *header)
{
	static const size_t sizes[] = { 0, 12, 36, 216 };
	size_t size;

	if (family >> 4 > 3 || (family & 15) > 2)
		return false;
	size = sizes[family >> 4];
	if (len < size)
		return false;
	if (family == 0x11 || family == 0x21) {
		if (inet_ntop(family == 0x11 ? AF_INET : AF_INET6, body,
			header->client, sizeof(header->client)) == NULL)
			return false;
	}
	/* Of an unspecified family nobody knows where TLVs would begin. */
	return family >> 4 == 0 || parse_tlvs(body + size, len - size, header);
}

static int
parse_v2(const uint8_t *data, size_t len, struct proxy_header *header)
{
	size_t size;

	if (len > 12 && data[12] != 0x20 && data[12] != 0x21)
		return -1;
	if (len < V2_HEAD)
		return 0;
	size = read_u16(data + 14);
	if (size > PROXY_HEADER_MAX - V2_HEAD)
		return -1;
	if (len < V2_HEAD + size)
		return 0;
	/* LOCAL: the proxy itself asks, a health check for one. */
	if (data[12] == 0x21 &&
	    !parse_v2_body(data[13], data + V2_HEAD, size, header))
		return -1;
	return (int)(V2_HEAD + size);
}

int
proxy_header_parse(const uint8_t *data, size_t len, unsigned versions,
    struct proxy_header *header)
{
	int rc = -1;

	memset(header, 0, sizeof(*header));
	if (len == 0)
		return 0;
	if ((versions & PROXY_HEADER_V1) != 0 &&
	    starts_like(data, len, V1_START, sizeof(V1_START) - 1))
		rc = len < sizeof(V1_START) - 1 ? 0
						: parse_v1(data, len, header);
	else if ((versions & PROXY_HEADER_V2) != 0 &&
		 starts_like(data, len, v2_start, sizeof(v2_start)))
		rc = parse_v2(data, len, header);
	if (rc < 0)
		memset(header, 0, sizeof(*header));
	return rc;
}
