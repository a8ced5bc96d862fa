/* SPDX-License-Identifier: MIT */

/*
 * Requests: whose they are.
 *
 * A page of another site can make a browser send requests here, with the
 * cookies of this site. What it cannot do is to send application/json without
 * asking first, to hide where it is (Sec-Fetch-Site, Origin), or to read our
 * cookies; each of the three is checked. A name that is not ours in Host
 * means that somebody points his own name at our address.
 *
 * THREADS  Any.
 */
#include "worker/guard.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "server/base/err.h"

/* The name in host[:port] or [v6]:port. */
static struct http_span
name_of(struct http_span host)
{
	const char *colon;

	if (host.len > 0 && host.data[0] == '[') {
		colon = memchr(host.data, ']', host.len);
		if (colon != NULL)
			host.len = (size_t)(colon - host.data) + 1;
		return host;
	}
	colon = memchr(host.data, ':', host.len);
	if (colon != NULL)
		host.len = (size_t)(colon - host.data);
	return host;
}

/* "a.example", ".example" (and all below it), either with a port. */
static bool
host_matches(struct http_span host, const char *item)
{
	struct http_span tail;
	bool with_port = item[0] == '[' ? strstr(item, "]:") != NULL
					: strchr(item, ':') != NULL;

	if (!with_port)
		host = name_of(host);
	if (item[0] != '.')
		return http_span_is(host, item);
	if (http_span_is(host, item + 1))
		return true;
	if (host.len <= strlen(item))
		return false;
	tail.data = host.data + host.len - strlen(item);
	tail.len = strlen(item);
	return http_span_is(tail, item);
}

bool
guard_host(const opt_LIST_t *allowed, struct http_span host)
{
	size_t i;

	for (i = 0; i < allowed->count; i++) {
		if (strcmp(allowed->items[i], "*") == 0)
			return true;
		if (host.data != NULL && host_matches(host, allowed->items[i]))
			return true;
	}
	return false;
}

int
guard_check_hosts(const opt_LIST_t *allowed, struct buf *why)
{
	const char *name;
	size_t i;

	for (i = 0; i < allowed->count; i++) {
		name = allowed->items[i];
		if (strcmp(name, "*") == 0)
			continue;
		name += name[0] == '.' ? 1 : 0;
		if (http_host_is_valid((struct http_span){ name, strlen(name) },
			false))
			continue;
		(void)buf_printf(why,
		    "allowed_hosts: \"%s\" is no host name: want a.example, "
		    ".example or *, with or without a port\n",
		    allowed->items[i]);
		return ERR_SYNTAX;
	}
	return 0;
}

static bool
is_trusted(const opt_LIST_t *trusted, struct http_span origin)
{
	size_t i;

	for (i = 0; i < trusted->count; i++) {
		if (http_span_is(origin, trusted->items[i]))
			return true;
	}
	return false;
}

/* Does the origin name the host that the request is for? A page that came by
 * https is not the origin of plain http; the other way round a proxy may end
 * TLS without saying so. */
static bool
origin_is_host(struct http_span origin, struct http_span host, bool secure)
{
	static const char *const schemes[] = { "https://", "http://" };
	struct http_span rest;
	size_t len;
	size_t i;

	for (i = 0; i < (secure ? 1 : 2); i++) {
		len = strlen(schemes[i]);
		if (origin.len <= len ||
		    strncasecmp(origin.data, schemes[i], len) != 0)
			continue;
		rest.data = origin.data + len;
		rest.len = origin.len - len;
		return host.data != NULL && rest.len == host.len &&
		       strncasecmp(rest.data, host.data, host.len) == 0;
	}
	return false;
}

bool
guard_origin(const struct worker_options *options, const struct http_head *head,
    bool secure)
{
	struct http_span site = head->sec_fetch_site;

	if (options->any_origin)
		return true;
	if (head->origin.data != NULL &&
	    is_trusted(&options->trusted_origins, head->origin))
		return true;
	if (site.data != NULL)
		return http_span_is(site, "same-origin") ||
		       http_span_is(site, "none");
	return head->origin.data == NULL ||
	       origin_is_host(head->origin, head->host, secure);
}

/* A browser that says same-origin has the public name in it, which a proxy may
 * have replaced in Host. */
struct http_span
guard_page_query(const struct http_head *head, const char *prefix, bool secure)
{
	static const struct http_span none = { NULL, 0 };
	struct http_span origin = head->referer;
	struct http_span path;
	struct http_span query;
	const char *host;

	host = origin.data != NULL ? memmem(origin.data, origin.len, "://", 3)
				   : NULL;
	if (host == NULL)
		return none;
	host += 3;
	path.data =
	    memchr(host, '/', origin.len - (size_t)(host - origin.data));
	if (path.data == NULL)
		return none;
	path.len = origin.len - (size_t)(path.data - origin.data);
	origin.len -= path.len;
	if (!origin_is_host(origin, head->host, secure) &&
	    !http_span_is(head->sec_fetch_site, "same-origin"))
		return none;
	if (path.len < strlen(prefix) ||
	    memcmp(path.data, prefix, strlen(prefix)) != 0)
		return none;
	query.data = memchr(path.data, '?', path.len);
	if (query.data == NULL)
		return none;
	query.data++;
	query.len = path.len - (size_t)(query.data - path.data);
	path.data = memchr(query.data, '#', query.len);
	if (path.data != NULL)
		query.len = (size_t)(path.data - query.data);
	return query;
}

/* Take the next `name=value` off a cookie list. */
static bool
next_pair(struct http_span *list, struct http_span *name,
    struct http_span *value)
{
	const char *end = list->data + list->len;
	const char *at = list->data;
	const char *semi;
	const char *equals;

	while (at < end && (*at == ' ' || *at == ';' || *at == '\t'))
		at++;
	if (at == end)
		return false;
	semi = memchr(at, ';', (size_t)(end - at));
	if (semi == NULL)
		semi = end;
	equals = memchr(at, '=', (size_t)(semi - at));
	/* A pair without `=` has no name; nothing is made of it. */
	name->data = at;
	name->len = equals != NULL ? (size_t)(equals - at) : 0;
	value->data = equals != NULL ? equals + 1 : semi;
	value->len = (size_t)(semi - value->data);
	while (value->len > 0 && (value->data[value->len - 1] == ' ' ||
				     value->data[value->len - 1] == '\t'))
		value->len--;
	list->data = semi;
	list->len = (size_t)(end - semi);
	return true;
}

struct http_span
guard_cookie(const struct http_head *head, const char *name)
{
	struct http_span found = { NULL, 0 };
	struct http_span list;
	struct http_span key;
	struct http_span value;
	size_t len = strlen(name);
	size_t from = 0;

	/* A pair without a name, `=x` or `x`, is none that is looked for. */
	if (len == 0)
		return found;
	while (http_head_line(head, head->cookie, "cookie", &from, &list)) {
		while (next_pair(&list, &key, &value)) {
			/* Names of cookies are compared with their case. */
			if (key.len == len && memcmp(key.data, name, len) == 0)
				return value;
		}
	}
	return found;
}

bool
guard_token(const struct worker_options *options, const struct http_head *head)
{
	const struct http_span *sent;
	struct http_span cookie;

	if (!options->csrf_token)
		return true;
	cookie = guard_cookie(head, options->csrf_token_name);
	sent = http_head_find(head, options->csrf_header_name);
	return cookie.data != NULL && sent != NULL &&
	       cookie.len == GUARD_TOKEN_LEN && sent->len == cookie.len &&
	       CRYPTO_memcmp(cookie.data, sent->data, cookie.len) == 0;
}

int
guard_new_cookie(const struct worker_options *options, const char *path,
    bool secure, char out[GUARD_COOKIE_MAX])
{
	unsigned char random[GUARD_TOKEN_LEN / 2];
	char token[GUARD_TOKEN_LEN + 1];
	size_t i;
	int len;

	if (RAND_bytes(random, sizeof(random)) != 1)
		return ERR_UNKNOWN;
	for (i = 0; i < sizeof(random); i++)
		(void)snprintf(token + 2 * i, 3, "%02x", random[i]);
	len = snprintf(out, GUARD_COOKIE_MAX,
	    "%s=%s; Path=%s; SameSite=Strict%s", options->csrf_token_name,
	    token, path, secure ? "; Secure" : "");
	return len > 0 && len < GUARD_COOKIE_MAX ? 0 : ERR_TOO_BIG;
}
