/* SPDX-License-Identifier: MIT */

/*
 * Addresses and networks. All are kept as 16 bytes; an IPv4 address as the
 * mapped one (::ffff:a.b.c.d), so that a socket for both families compares
 * equal to what was written in the setting.
 *
 * THREADS  See trust.h.
 */
#include "worker/trust.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"

#define BITS 128
#define V4_BITS 96 /* of the prefix that marks a mapped address */

struct network {
	uint8_t address[16];
	unsigned bits;
};

struct trust {
	bool all;
	size_t count;
	struct network networks[];
};

/* Read an address; `v4` says which family it was. */
static bool
parse_address(const char *text, uint8_t out[16], bool *v4)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
		0xff };

	*v4 = inet_pton(AF_INET, text, out + 12) == 1;
	if (*v4) {
		memcpy(out, mapped, sizeof(mapped));
		return true;
	}
	return inet_pton(AF_INET6, text, out) == 1;
}

/* Number of bits behind the slash; negative: none that fits. */
static int
parse_bits(const char *text, unsigned most)
{
	unsigned bits = 0;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 3; i++)
		bits = bits * 10 + (unsigned)(text[i] - '0');
	return i == 0 || text[i] != '\0' || bits > most ? -1 : (int)bits;
}

/* Are all bits behind the first `bits` zero? */
static bool
is_bare(const struct network *network)
{
	unsigned bit;

	for (bit = network->bits; bit < BITS; bit++) {
		if (network->address[bit / 8] & (0x80 >> bit % 8))
			return false;
	}
	return true;
}

/* NULL, or what is wrong with the item. */
static const char *
parse_network(const char *item, struct network *network)
{
	char text[TRUST_TEXT];
	const char *slash = strchr(item, '/');
	size_t len = slash != NULL ? (size_t)(slash - item) : strlen(item);
	bool v4;
	int bits;

	if (len >= sizeof(text))
		return "is no address";
	memcpy(text, item, len);
	text[len] = '\0';
	if (!parse_address(text, network->address, &v4))
		return "is no address";
	network->bits = BITS;
	if (slash == NULL)
		return NULL;
	bits = parse_bits(slash + 1, v4 ? BITS - V4_BITS : BITS);
	if (bits < 0)
		return "has no number of bits behind the slash that fits";
	network->bits = (unsigned)bits + (v4 ? V4_BITS : 0);
	return is_bare(network) ? NULL
				: "is no network: bits behind the prefix are "
				  "set";
}

int
trust_open(struct trust **out, const opt_LIST_t *list, const char *setting,
    struct buf *why)
{
	struct trust *trust = calloc(1,
	    sizeof(*trust) + list->count * sizeof(trust->networks[0]));
	const char *wrong;
	size_t i;

	*out = NULL;
	if (trust == NULL)
		return -ENOMEM;
	for (i = 0; i < list->count; i++) {
		if (strcmp(list->items[i], "*") == 0) {
			trust->all = true;
			continue;
		}
		wrong = parse_network(list->items[i],
		    &trust->networks[trust->count++]);
		if (wrong == NULL)
			continue;
		(void)buf_printf(why,
		    "%s: \"%s\" %s; write an address such as 10.0.0.7, a "
		    "network such as 10.0.0.0/8, or * for everybody\n",
		    setting, list->items[i], wrong);
		free(trust);
		return ERR_SYNTAX;
	}
	*out = trust;
	return 0;
}

void
trust_close(struct trust **trust)
{
	free(*trust);
	*trust = NULL;
}

static bool
is_inside(const struct network *network, const uint8_t address[16])
{
	size_t whole = network->bits / 8;
	unsigned rest = network->bits % 8;

	if (memcmp(network->address, address, whole) != 0)
		return false;
	return rest == 0 ||
	       ((network->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

bool
trust_has(const struct trust *trust, const char *address)
{
	uint8_t bytes[16];
	bool v4;
	size_t i;

	if (trust->all || address[0] == '\0')
		return true;
	if (trust->count == 0 || !parse_address(address, bytes, &v4))
		return false;
	for (i = 0; i < trust->count; i++) {
		if (is_inside(&trust->networks[i], bytes))
			return true;
	}
	return false;
}

bool
trust_is_address(struct http_span text)
{
	char copy[TRUST_TEXT];
	uint8_t bytes[16];
	bool v4;

	if (text.data == NULL || text.len == 0 || text.len >= sizeof(copy) ||
	    memchr(text.data, '\0', text.len) != NULL)
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	return parse_address(copy, bytes, &v4);
}
