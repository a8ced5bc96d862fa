/* SPDX-License-Identifier: MIT */

/*
 * Request heads: what the lines say.
 *
 * The method and the four forms of a target (RFC 9112 3.2), the fields that
 * decide where the message ends (RFC 9112 6), Host, Connection and Expect,
 * and spans for the fields that later code asks for. Where the RFC leaves a
 * choice the answer is the one that no other program on the way can read
 * differently: exactly one Content-Length, Transfer-Encoding only as
 * "chunked", only in HTTP/1.1 and never beside Content-Length, one Host,
 * equal to the authority of the target if that has one.
 *
 * INVARIANT  A field is judged when its line is whole, with nothing but the
 *            lines before it; http_meaning_end() is all that waits for the
 *            end. See http_parse.c for why.
 */

#include <arpa/inet.h>
#include <string.h>

#include "worker/http_class.h"
#include "worker/http_parse_int.h"

#define PORT_DIGITS_MAX 5
#define PORT_MAX 65535

typedef int known_fn(struct http_parse *parse, struct http_span value);

static known_fn on_connection;
static known_fn on_content_length;
static known_fn on_expect;
static known_fn on_host;
static known_fn on_transfer_encoding;

enum known {
	KNOWN_NONE,
	KNOWN_ACCEPT_ENCODING,
	KNOWN_CONNECTION,
	KNOWN_CONTENT_ENCODING,
	KNOWN_CONTENT_LENGTH,
	KNOWN_CONTENT_TYPE,
	KNOWN_COOKIE,
	KNOWN_EXPECT,
	KNOWN_HOST,
	KNOWN_IF_MODIFIED_SINCE,
	KNOWN_IF_NONE_MATCH,
	KNOWN_ORIGIN,
	KNOWN_RANGE,
	KNOWN_REFERER,
	KNOWN_SEC_FETCH_SITE,
	KNOWN_TRANSFER_ENCODING,
	KNOWN_UPGRADE,
	KNOWN_USER_AGENT,
	KNOWN_X_FORWARDED_FOR,
	KNOWN_COUNT,
};

/* What a second field of the same name does. */
enum repeat {
	REPEAT_REFUSE,
	REPEAT_FIRST,
	REPEAT_LAST,
};

#define SPAN(member) offsetof(struct http_head, member)
#define NO_SPAN SIZE_MAX

static const struct known_row {
	const char *name; /* lower case */
	size_t span;
	enum repeat repeat;
	known_fn *on_value;
} known_rows[KNOWN_COUNT] = {
	[KNOWN_ACCEPT_ENCODING] = { "accept-encoding", SPAN(accept_encoding),
	    REPEAT_FIRST, NULL },
	[KNOWN_CONNECTION] = { "connection", NO_SPAN, REPEAT_FIRST,
	    on_connection },
	[KNOWN_CONTENT_ENCODING] = { "content-encoding", SPAN(content_encoding),
	    REPEAT_REFUSE, NULL },
	[KNOWN_CONTENT_LENGTH] = { "content-length", NO_SPAN, REPEAT_REFUSE,
	    on_content_length },
	[KNOWN_CONTENT_TYPE] = { "content-type", SPAN(content_type),
	    REPEAT_REFUSE, NULL },
	[KNOWN_COOKIE] = { "cookie", SPAN(cookie), REPEAT_FIRST, NULL },
	[KNOWN_EXPECT] = { "expect", NO_SPAN, REPEAT_FIRST, on_expect },
	[KNOWN_HOST] = { "host", SPAN(host), REPEAT_REFUSE, on_host },
	[KNOWN_IF_MODIFIED_SINCE] = { "if-modified-since",
	    SPAN(if_modified_since), REPEAT_REFUSE, NULL },
	[KNOWN_IF_NONE_MATCH] = { "if-none-match", SPAN(if_none_match),
	    REPEAT_FIRST, NULL },
	[KNOWN_ORIGIN] = { "origin", SPAN(origin), REPEAT_REFUSE, NULL },
	[KNOWN_RANGE] = { "range", SPAN(range), REPEAT_REFUSE, NULL },
	[KNOWN_REFERER] = { "referer", SPAN(referer), REPEAT_FIRST, NULL },
	[KNOWN_SEC_FETCH_SITE] = { "sec-fetch-site", SPAN(sec_fetch_site),
	    REPEAT_REFUSE, NULL },
	[KNOWN_TRANSFER_ENCODING] = { "transfer-encoding", NO_SPAN,
	    REPEAT_REFUSE, on_transfer_encoding },
	[KNOWN_UPGRADE] = { "upgrade", SPAN(upgrade), REPEAT_FIRST, NULL },
	[KNOWN_USER_AGENT] = { "user-agent", SPAN(user_agent), REPEAT_FIRST,
	    NULL },
	[KNOWN_X_FORWARDED_FOR] = { "x-forwarded-for", SPAN(x_forwarded_for),
	    REPEAT_LAST, NULL },
};

/* The well-known names by their length; zeros (KNOWN_NONE) end a row. */
#define KNOWN_LEN_MAX 17
#define KNOWN_PER_LEN 4

static const unsigned char known_by_len[KNOWN_LEN_MAX + 1][KNOWN_PER_LEN] = {
	[4] = { KNOWN_HOST },
	[5] = { KNOWN_RANGE },
	[6] = { KNOWN_COOKIE, KNOWN_ORIGIN, KNOWN_EXPECT },
	[7] = { KNOWN_REFERER, KNOWN_UPGRADE },
	[10] = { KNOWN_CONNECTION, KNOWN_USER_AGENT },
	[12] = { KNOWN_CONTENT_TYPE },
	[13] = { KNOWN_IF_NONE_MATCH },
	[14] = { KNOWN_CONTENT_LENGTH, KNOWN_SEC_FETCH_SITE },
	[15] = { KNOWN_ACCEPT_ENCODING, KNOWN_X_FORWARDED_FOR },
	[16] = { KNOWN_CONTENT_ENCODING },
	[17] = { KNOWN_TRANSFER_ENCODING, KNOWN_IF_MODIFIED_SINCE },
};

/*
 * Compare a token with a lower-case name of the same length. Setting bit 5
 * makes letters lower and leaves '-' alone; no other byte of a token turns
 * into a letter or '-' by it.
 */
static bool
name_is(struct http_span name, const char *lower)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if ((name.data[i] | 0x20) != lower[i])
			return false;
	return true;
}

static enum known
known_find(struct http_span name)
{
	const unsigned char *row;
	int i;

	if (name.len > KNOWN_LEN_MAX)
		return KNOWN_NONE;
	row = known_by_len[name.len];
	for (i = 0; row[i] != KNOWN_NONE; i++)
		if (name_is(name, known_rows[row[i]].name))
			return (enum known)row[i];
	return KNOWN_NONE;
}

static bool
has_seen(const struct http_parse *parse, enum known known)
{
	return (parse->seen >> known & 1) != 0;
}

int
http_meaning_field(struct http_parse *parse, const struct http_field *field)
{
	enum known known = known_find(field->name);
	const struct known_row *row = &known_rows[known];
	bool again;

	if (known == KNOWN_NONE)
		return 0;
	again = has_seen(parse, known);
	if (again && row->repeat == REPEAT_REFUSE)
		return -400;
	parse->head->repeats |= again;
	parse->seen |= 1u << known;
	if (row->span != NO_SPAN && (!again || row->repeat == REPEAT_LAST))
		memcpy((char *)parse->head + row->span, &field->value,
		    sizeof(field->value));
	return row->on_value == NULL ? 0 : row->on_value(parse, field->value);
}

/*
 * Take the next member off a comma-separated list, without the white space
 * around it; it may be empty. False when there is none left.
 */
static bool
list_pop(struct http_span *list, struct http_span *member)
{
	const char *p = list->data;
	const char *comma;
	const char *end;

	if (p == NULL)
		return false;
	end = p + list->len;
	comma = memchr(p, ',', list->len);
	if (comma != NULL) {
		list->len = (size_t)(end - comma) - 1;
		list->data = comma + 1;
		end = comma;
	} else {
		*list = (struct http_span){ NULL, 0 };
	}
	while (p != end && (*p == ' ' || *p == '\t'))
		p++;
	while (p != end && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*member = (struct http_span){ p, (size_t)(end - p) };
	return true;
}

static int
on_connection(struct http_parse *parse, struct http_span value)
{
	struct http_span member;

	while (list_pop(&value, &member)) {
		if (http_span_is(member, "close"))
			parse->close_asked = true;
		else if (http_span_is(member, "keep-alive"))
			parse->keep_alive_asked = true;
		else if (http_span_is(member, "upgrade"))
			parse->head->connection_upgrade = true;
	}
	return 0;
}

static int
on_expect(struct http_parse *parse, struct http_span value)
{
	struct http_span member;

	/* RFC 9110 10.1.1: to be ignored in HTTP/1.0. */
	while (parse->head->minor >= 1 && list_pop(&value, &member)) {
		if (http_span_is(member, "100-continue"))
			parse->head->expect_continue = true;
	}
	return 0;
}

/*
 * White space may follow a value, but there are parsers that then read it
 * differently if it is a TAB (llhttp takes "chunked\t" for another coding), so
 * where the end of the message depends on it there must be none. The line is
 * whole, so there is a byte to look at.
 */
static bool
is_before_tab(struct http_span value)
{
	const char *p = value.data + value.len;

	while (*p == ' ')
		p++;
	return *p == '\t';
}

static int
on_content_length(struct http_parse *parse, struct http_span value)
{
	int64_t length = 0;
	int digit;
	size_t i;

	if (value.len == 0 || is_before_tab(value) ||
	    has_seen(parse, KNOWN_TRANSFER_ENCODING))
		return -400;
	for (i = 0; i < value.len; i++) {
		if (!http_class_has(value.data[i], HTTP_DIGIT))
			return -400;
		digit = value.data[i] - '0';
		if (length > (INT64_MAX - digit) / 10)
			return -400;
		length = length * 10 + digit;
	}
	parse->head->content_length = length;
	return 0;
}

/*
 * "chunked" is the only coding we know. A list of other codings is answered
 * with 501 as the RFC wants it; what is no list of tokens, or names "chunked"
 * where it must not stand (not last, or twice), is an attack and gets 400.
 */
static int
on_transfer_encoding(struct http_parse *parse, struct http_span value)
{
	struct http_span member;
	bool chunked = false;
	int members = 0;
	size_t i;

	if (parse->head->minor < 1 || is_before_tab(value) ||
	    has_seen(parse, KNOWN_CONTENT_LENGTH))
		return -400;
	while (list_pop(&value, &member)) {
		if (chunked || member.len == 0)
			return -400;
		for (i = 0; i < member.len; i++)
			if (!http_class_has(member.data[i], HTTP_TOKEN))
				return -400;
		chunked = http_span_is(member, "chunked");
		members++;
	}
	if (!chunked || members != 1)
		return -501;
	parse->head->chunked = true;
	return 0;
}

/* "[" IPv6 "]" at the start of `host`; its length, or 0. */
static size_t
bracket_len(struct http_span host)
{
	const char *close = memchr(host.data, ']', host.len);
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	size_t len;

	if (close == NULL)
		return 0;
	len = (size_t)(close - host.data) - 1;
	if (len >= sizeof(text))
		return 0;
	memcpy(text, host.data + 1, len);
	text[len] = '\0';
	return inet_pton(AF_INET6, text, &address) == 1 ? len + 2 : 0;
}

bool
http_host_is_valid(struct http_span host, bool needs_port)
{
	size_t len = 0;
	int port = 0;
	size_t i;

	if (host.len != 0 && host.data[0] == '[') {
		len = bracket_len(host);
	} else {
		while (len < host.len &&
		       http_class_has(host.data[len], HTTP_REGNAME))
			len++;
	}
	if (len == 0)
		return false;
	if (len == host.len)
		return !needs_port;
	if (host.data[len] != ':' || len + 1 == host.len ||
	    host.len - len - 1 > PORT_DIGITS_MAX)
		return false;
	for (i = len + 1; i < host.len; i++) {
		if (!http_class_has(host.data[i], HTTP_DIGIT))
			return false;
		port = port * 10 + (host.data[i] - '0');
	}
	return port <= PORT_MAX;
}

static int
on_host(struct http_parse *parse, struct http_span value)
{
	(void)parse;
	return http_host_is_valid(value, false) ? 0 : -400;
}

static enum http_method
method_find(struct http_span name)
{
	static const struct {
		const char *name;
		enum http_method method;
	} rows[] = {
		{ "GET", HTTP_GET },
		{ "POST", HTTP_POST },
		{ "HEAD", HTTP_HEAD },
		{ "OPTIONS", HTTP_OPTIONS },
		{ "PUT", HTTP_PUT },
		{ "DELETE", HTTP_DELETE },
		{ "PATCH", HTTP_PATCH },
		{ "CONNECT", HTTP_CONNECT },
		{ "TRACE", HTTP_TRACE },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strlen(rows[i].name) == name.len &&
		    memcmp(rows[i].name, name.data, name.len) == 0)
			return rows[i].method;
	return HTTP_OTHER;
}

static void
split_query(struct http_head *head, const char *path, const char *end)
{
	const char *mark = memchr(path, '?', (size_t)(end - path));

	if (mark == NULL) {
		head->path = (struct http_span){ path, (size_t)(end - path) };
		return;
	}
	head->path = (struct http_span){ path, (size_t)(mark - path) };
	head->query = (struct http_span){ mark + 1, (size_t)(end - mark) - 1 };
}

/* http://authority/path?query, also with https. */
static int
absolute_form(struct http_parse *parse)
{
	struct http_head *head = parse->head;
	const char *end = head->target.data + head->target.len;
	const char *start = head->target.data;
	struct http_span scheme;
	const char *p;

	p = memchr(start, ':', head->target.len);
	if (p == NULL || end - p < 3 || p[1] != '/' || p[2] != '/')
		return -400;
	scheme = (struct http_span){ start, (size_t)(p - start) };
	if (!http_span_is(scheme, "http") && !http_span_is(scheme, "https"))
		return -400;
	start = p + 3;
	for (p = start; p != end && *p != '/' && *p != '?'; p++)
		;
	parse->authority = (struct http_span){ start, (size_t)(p - start) };
	if (!http_host_is_valid(parse->authority, false))
		return -400;
	split_query(head, p, end);
	/* Without a path it is "/"; there is one right before the authority. */
	if (head->path.len == 0)
		head->path = (struct http_span){ start - 1, 1 };
	return 0;
}

int
http_meaning_line(struct http_parse *parse)
{
	struct http_head *head = parse->head;
	struct http_span target = head->target;

	head->method = method_find(head->method_name);
	if (head->method == HTTP_CONNECT) {
		parse->authority = target;
		return http_host_is_valid(target, true) ? 0 : -400;
	}
	if (target.data[0] == '/') {
		split_query(head, target.data, target.data + target.len);
		return 0;
	}
	if (target.len == 1 && target.data[0] == '*') {
		head->path = target;
		return head->method == HTTP_OPTIONS ? 0 : -400;
	}
	return absolute_form(parse);
}

static bool
same_authority(struct http_span a, struct http_span b)
{
	size_t i;

	if (a.len != b.len)
		return false;
	for (i = 0; i < a.len; i++) {
		if (a.data[i] == b.data[i])
			continue;
		if ((a.data[i] | 0x20) != (b.data[i] | 0x20) ||
		    (a.data[i] | 0x20) < 'a' || (a.data[i] | 0x20) > 'z')
			return false;
	}
	return true;
}

int
http_meaning_end(struct http_parse *parse)
{
	struct http_head *head = parse->head;

	if (head->host.data == NULL && head->minor >= 1)
		return -400;
	if (parse->authority.data != NULL) {
		if (head->host.data == NULL)
			head->host = parse->authority;
		else if (!same_authority(head->host, parse->authority))
			return -400;
	}
	head->keep_alive = !parse->close_asked &&
			   (head->minor >= 1 || parse->keep_alive_asked);
	return 0;
}
