/* SPDX-License-Identifier: MIT */

/*
 * One address to listen on, from the text an operator writes.
 *
 * FAILURE  Every refusal names its reason; the caller adds where the text
 *          comes from.
 */
#include "server/listen_address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "server/base/err.h"

static int
refuse(struct buf *why, int rc, const char *reason)
{
	(void)buf_puts(why, reason);
	return rc;
}

static int
parse_port(const char *text, size_t len, uint16_t *port, struct buf *why)
{
	unsigned value = 0;
	size_t i;

	if (len == 0)
		return refuse(why, ERR_SYNTAX, "the port is missing");
	for (i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i])) {
			(void)buf_printf(why, "port %.*s is not a number",
			    (int)(len < 40 ? len : 40), text);
			return ERR_SYNTAX;
		}
		value = value * 10 + (unsigned)(text[i] - '0');
		if (value > UINT16_MAX) {
			(void)buf_printf(why, "port %.*s is not 0..65535",
			    (int)(len < 40 ? len : 40), text);
			return ERR_RANGE;
		}
	}
	*port = (uint16_t)value;
	return 0;
}

static int
parse_path(const char *text, struct listen_address *address, struct buf *why)
{
	size_t len = strlen(text);
	size_t i;

	address->kind = LISTEN_UNIX;
	if (len == 0)
		return refuse(why, ERR_SYNTAX, "the path is missing");
	if (len > LISTEN_PATH_MAX) {
		(void)buf_printf(why,
		    "the path is %zu bytes long, a socket takes at most %d",
		    len, LISTEN_PATH_MAX);
		return ERR_RANGE;
	}
	for (i = 0; i < len; i++) {
		if (iscntrl((unsigned char)text[i]))
			return refuse(why, ERR_SYNTAX,
			    "the path holds a control character");
	}
	memcpy(address->path, text, len + 1);
	return 0;
}

static int
parse_ipv6(const char *text, struct listen_address *address, struct buf *why)
{
	const char *close = strchr(text, ']');
	struct in6_addr number;
	size_t len;

	if (close == NULL)
		return refuse(why, ERR_SYNTAX, "the bracket is not closed");
	len = (size_t)(close - text) - 1;
	if (len >= INET6_ADDRSTRLEN)
		return refuse(why, ERR_SYNTAX, "not an IPv6 address");
	memcpy(address->host, text + 1, len);
	if (inet_pton(AF_INET6, address->host, &number) != 1)
		return refuse(why, ERR_SYNTAX, "not an IPv6 address");
	if (inet_ntop(AF_INET6, &number, address->host,
		sizeof(address->host)) == NULL)
		return -errno;
	address->ipv6 = true;
	if (close[1] == '\0')
		return 0;
	if (close[1] != ':')
		return refuse(why, ERR_SYNTAX,
		    "after the bracket only :PORT may follow");
	return parse_port(close + 2, strlen(close + 2), &address->port, why);
}

/* Letters, digits, '-', '_' and single dots; a label has 1 to 63 of them. */
static bool
is_host_name(const char *text, size_t len)
{
	size_t label = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (!isalnum((unsigned char)text[i]) && text[i] != '-' &&
			   text[i] != '_') {
			return false;
		} else if (++label > 63) {
			return false;
		}
	}
	return len > 0;
}

static int
parse_host(const char *text, size_t len, struct listen_address *address,
    struct buf *why)
{
	struct in_addr number;
	bool numeric = true;
	bool dots = false;
	size_t i;

	if (len > LISTEN_HOST_MAX || !is_host_name(text, len))
		return refuse(why, ERR_SYNTAX,
		    "not a host name, an IPv4 address or [IPv6]");
	for (i = 0; i < len; i++) {
		address->host[i] = (char)tolower((unsigned char)text[i]);
		dots = dots || text[i] == '.';
		numeric = numeric &&
			  (text[i] == '.' || isdigit((unsigned char)text[i]));
	}
	if (numeric && !dots)
		return refuse(why, ERR_SYNTAX,
		    "a port alone is written :PORT, an address HOST:PORT");
	if (numeric && inet_pton(AF_INET, address->host, &number) != 1)
		return refuse(why, ERR_SYNTAX, "not an IPv4 address");
	return 0;
}

static int
parse_tcp(const char *text, struct listen_address *address, struct buf *why)
{
	const char *colon = strchr(text, ':');
	int rc;

	address->port = LISTEN_DEFAULT_PORT;
	if (text[0] == '[')
		return parse_ipv6(text, address, why);
	if (colon == NULL)
		return parse_host(text, strlen(text), address, why);
	if (strchr(colon + 1, ':') != NULL)
		return refuse(why, ERR_SYNTAX,
		    "an IPv6 address stands in brackets: [::1]:8000");
	rc = parse_port(colon + 1, strlen(colon + 1), &address->port, why);
	if (rc < 0)
		return rc;
	if (colon == text) {
		memcpy(address->host, "0.0.0.0", sizeof("0.0.0.0"));
		return 0;
	}
	return parse_host(text, (size_t)(colon - text), address, why);
}

static int
parse_fd(const char *text, struct listen_address *address, struct buf *why)
{
	int rc = parse_port(text, strlen(text), &address->port, why);

	address->kind = LISTEN_FD;
	if (rc < 0 || address->port >= 3)
		return rc;
	return refuse(why, ERR_RANGE,
	    "descriptors 0 to 2 are not for listening");
}

int
listen_address_parse(const char *text, struct listen_address *address,
    struct buf *why)
{
	memset(address, 0, sizeof(*address));
	address->kind = LISTEN_TCP;
	if (strncmp(text, "unix://", 7) == 0)
		return parse_path(text + 7, address, why);
	if (strncmp(text, "unix:", 5) == 0)
		return parse_path(text + 5, address, why);
	if (strncmp(text, "fd://", 5) == 0)
		return parse_fd(text + 5, address, why);
	if (strncmp(text, "tcp://", 6) == 0)
		text += 6;
	if (text[0] == '\0')
		return refuse(why, ERR_SYNTAX, "the address is empty");
	return parse_tcp(text, address, why);
}

int
listen_address_print(const struct listen_address *address, struct buf *out)
{
	if (address->kind == LISTEN_UNIX)
		return buf_printf(out, "unix:%s", address->path);
	if (address->kind == LISTEN_FD)
		return buf_printf(out, "fd://%u", (unsigned)address->port);
	return buf_printf(out, address->ipv6 ? "[%s]:%u" : "%s:%u",
	    address->host, (unsigned)address->port);
}
