/* SPDX-License-Identifier: MIT */

/*
 * The request head parser: verdicts for every way to cut the input, limits,
 * and what a head means.
 *
 * Inputs are copied to blocks of exactly their size, so that a sanitizer sees
 * a read beyond the end.
 */

#include "worker/http_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/unit/worker/http_cases.h"
#include "worker/http_class.h"

static const struct http_limits limits = {
	.request_line = 4094,
	.fields = 100,
	.field_size = 8190,
	.head_size = 65536,
};

static int
parse_exact(const char *bytes, size_t len, const struct http_limits *with)
{
	struct http_head head;
	char *copy = malloc(len + 1);
	int rc;

	assert_non_null(copy);
	/* At the end of the block, so that it ends where the input does. */
	memcpy(copy + 1, bytes, len);
	rc = http_parse_head(copy + 1, len, with, &head);
	free(copy);
	return rc;
}

/* As a connection does it: what has come, once more with each read. */
static int
parse_as_read(const char *bytes, size_t len, size_t step)
{
	struct http_progress at = { 0 };
	struct http_head head;
	size_t have = 0;
	int rc = 0;

	while (rc == 0 && have < len) {
		have += step < len - have ? step : len - have;
		rc = http_parse_more(bytes, have, &limits, &at, &head);
		if (rc != parse_exact(bytes, have, &limits))
			fail_msg("reads of %zu, %zu bytes so far: %d", step,
			    have, rc);
	}
	return rc;
}

static void
check_cuts(const char *name, const char *bytes, size_t len, int want)
{
	size_t cut;
	int rc;

	rc = parse_exact(bytes, len, &limits);
	if (rc != want)
		fail_msg("%s: whole: got %d, want %d", name, rc, want);
	for (cut = 0; cut < len; cut++) {
		rc = parse_exact(bytes, cut, &limits);
		if (rc != 0 && rc != want)
			fail_msg("%s: cut at %zu: got %d, want %d", name, cut,
			    rc, want);
		/* A head is accepted at its last byte and not before. */
		if (rc > 0 && cut < (size_t)want)
			fail_msg("%s: accepted at %zu of %d", name, cut, want);
	}
}

/* However it is cut, the same byte decides. */
static void
check_as_read(const char *name, const char *bytes, size_t len, int want)
{
	size_t step;
	int rc;

	for (step = 1; step <= len; step++) {
		rc = parse_as_read(bytes, len, step);
		if (rc != want)
			fail_msg("%s: reads of %zu: got %d, want %d", name,
			    step, rc, want);
	}
}

static void
verdicts_follow_the_table(void **state)
{
	const struct http_case *row;
	size_t i;
	int want;

	(void)state;
	for (i = 0; i < HTTP_CASES; i++) {
		row = &http_cases[i];
		want = -row->status;
		if (row->status == 0)
			want = (int)(row->len - row->rest);
		else if (row->status == HTTP_CASE_MORE)
			want = 0;
		check_cuts(row->name, row->bytes, row->len, want);
		check_as_read(row->name, row->bytes, row->len, want);
	}
}

/* A bad byte is reported when it is the last one that has come. */
static void
faults_are_seen_at_once(void **state)
{
	static const char *const starts[] = {
		"\x16",
		"\r\r",
		"\r\n\r",
		"GET\t",
		"GET  ",
		"GET /\x80",
		"GET /\n",
		"GET / X",
		"GET / HTTP/1.1 ",
		"GET / HTTP/1.1\n",
		"GET / HTTP/1.1\r\r",
		"GET / HTTP/2.0\r\n",
		"GET * HTTP/1.1\r\n",
		GET11 " ",
		GET11 ":",
		GET11 "A ",
		GET11 "A\r",
		GET11 "A: \x01",
		GET11 "A: b\n",
		GET11 "A: b\rc",
		GET11 HOST "Host: b\r\n",
		GET11 "Content-Length: x\r\n",
		GET11 "Transfer-Encoding: x\r\n",
	};
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		len = strlen(starts[i]);
		assert_int_equal(parse_exact(starts[i], len - 1, &limits), 0);
		if (parse_exact(starts[i], len, &limits) >= 0)
			fail_msg("start %zu is not refused at once", i);
	}
}

/*
 * prefix, then `fill` times 'x', then suffix: `status` for just more than
 * `most`, accepted at `most`; and refused as soon as the excess is seen.
 */
static void
check_limit(const char *prefix, const char *suffix, size_t most, int status,
    const struct http_limits *with)
{
	size_t before = strlen(prefix);
	size_t after = strlen(suffix);
	char *text = malloc(before + most + 1 + after);
	size_t len, cut;

	assert_non_null(text);
	memcpy(text, prefix, before);
	memset(text + before, 'x', most + 1);
	memcpy(text + before + most, suffix, after);
	len = before + most + after;
	assert_int_equal(parse_exact(text, len, with), (int)len);
	for (cut = 0; cut < len; cut++)
		assert_int_equal(parse_exact(text, cut, with), 0);
	text[before + most] = 'x';
	memcpy(text + before + most + 1, suffix, after);
	assert_int_equal(parse_exact(text, len + 1, with), -status);
	for (cut = 0; cut <= len; cut++)
		if (parse_exact(text, cut, with) != 0)
			assert_int_equal(parse_exact(text, cut, with), -status);
	free(text);
}

static void
limits_hold_at_their_edge(void **state)
{
	struct http_limits with = limits;

	(void)state;
	with.request_line = 100; /* "GET /" + 86 + " HTTP/1.1" */
	check_limit("GET /", " HTTP/1.1\r\nHost: a\r\n\r\n", 86, 414, &with);
	with.field_size = 50; /* "Host: " + 44 */
	check_limit("GET / HTTP/1.1\r\nHost: ", "\r\n\r\n", 44, 431, &with);
	check_limit("GET / HTTP/1.1\r\nHost: a\r\n", ": a\r\n\r\n", 47, 431,
	    &with);
	with = limits;
	with.head_size = 60; /* 16 + 9 + "X: " 3 + 28 + 4 */
	check_limit("GET / HTTP/1.1\r\nHost: a\r\nX: ", "\r\n\r\n", 28, 431,
	    &with);
}

static void
too_long_lines_are_refused_before_they_end(void **state)
{
	struct http_limits with = limits;
	char text[200];

	(void)state;
	memset(text, 'x', sizeof(text));
	with.request_line = 100;
	assert_int_equal(parse_exact(text, 100, &with), 0);
	assert_int_equal(parse_exact(text, 101, &with), -414);
	memcpy(text, "GET /", 5);
	assert_int_equal(parse_exact(text, 100, &with), 0);
	assert_int_equal(parse_exact(text, 101, &with), -414);
	memcpy(text, GET11 "X", 17);
	with.field_size = 100;
	assert_int_equal(parse_exact(text, 116, &with), 0);
	assert_int_equal(parse_exact(text, 117, &with), -431);
	memcpy(text, GET11 "X: ", 19);
	assert_int_equal(parse_exact(text, 116, &with), 0);
	assert_int_equal(parse_exact(text, 117, &with), -431);
	with.head_size = 80;
	assert_int_equal(parse_exact(text, 79, &with), 0);
	assert_int_equal(parse_exact(text, 80, &with), -431);
	/* The byte beyond the limit is not looked at, whatever it is. */
	text[80] = '\0';
	assert_int_equal(parse_exact(text, 81, &with), -431);
}

static void
fields_are_counted(void **state)
{
	struct http_limits with = limits;
	char text[16384] = GET11;
	size_t i, len;

	(void)state;
	for (i = 0; i < HTTP_FIELDS_MAX - 1; i++)
		strcat(text, "X: y\r\n");
	strcat(text, HOST);
	len = strlen(text);
	memcpy(text + len, "\r\n", 3);
	with.fields = HTTP_FIELDS_MAX;
	assert_int_equal(parse_exact(text, len + 2, &with), (int)len + 2);
	with.fields = HTTP_FIELDS_MAX - 1;
	assert_int_equal(parse_exact(text, len + 2, &with), -431);
	/* More than the array holds cannot be allowed. */
	with.fields = 100000;
	memcpy(text + len, "X: y\r\n\r\n", 9);
	assert_int_equal(parse_exact(text, len + 8, &with), -431);
	assert_int_equal(parse_exact(text, len + 1, &with), -431);
	assert_int_equal(parse_exact(text, len, &with), 0);
}

static void
assert_span(struct http_span span, const char *want)
{
	if (want == NULL) {
		assert_null(span.data);
		return;
	}
	assert_non_null(span.data);
	if (span.len != strlen(want) || memcmp(span.data, want, span.len) != 0)
		fail_msg("got \"%.*s\", want \"%s\"", (int)span.len, span.data,
		    want);
}

static void
parse_good(const char *text, struct http_head *head)
{
	assert_int_equal(http_parse_head(text, strlen(text), &limits, head),
	    (int)strlen(text));
}

static void
known_fields_have_spans(void **state)
{
	struct http_head head;
	struct http_span line;
	size_t from = 0;

	(void)state;
	parse_good("POST /a%20b/c?d=e?f HTTP/1.1\r\nHOST: h:1\r\n"
		   "content-type: t\r\nContent-Encoding: e\r\n"
		   "Accept-Encoding: ae\r\nIf-None-Match: inm\r\n"
		   "If-Modified-Since: ims\r\nRange: r\r\nCookie: c=1\r\n"
		   "Cookie: c=2\r\nOrigin: o\r\nSec-Fetch-Site: s\r\n"
		   "User-Agent: ua\r\nReferer: ref\r\nUpgrade: u\r\n"
		   "X-Forwarded-For: f1\r\nX-Forwarded-For: f2\r\n"
		   "Content-Length: 7\r\nExpect: 100-Continue\r\n"
		   "Connection: Upgrade , foo\r\n\r\n",
	    &head);
	assert_int_equal(head.method, HTTP_POST);
	assert_span(head.method_name, "POST");
	assert_span(head.target, "/a%20b/c?d=e?f");
	assert_span(head.path, "/a%20b/c");
	assert_span(head.query, "d=e?f");
	assert_span(head.host, "h:1");
	assert_span(head.content_type, "t");
	assert_span(head.content_encoding, "e");
	assert_span(head.accept_encoding, "ae");
	assert_span(head.if_none_match, "inm");
	assert_span(head.if_modified_since, "ims");
	assert_span(head.range, "r");
	assert_span(head.cookie, "c=1");
	assert_span(head.origin, "o");
	assert_span(head.sec_fetch_site, "s");
	assert_span(head.user_agent, "ua");
	assert_span(head.referer, "ref");
	assert_span(head.upgrade, "u");
	assert_span(head.x_forwarded_for, "f2");
	assert_int_equal(head.content_length, 7);
	assert_true(head.expect_continue);
	assert_true(head.connection_upgrade);
	assert_true(head.keep_alive);
	assert_false(head.chunked);
	assert_int_equal(head.minor, 1);
	assert_int_equal(head.field_count, 19);
	assert_true(head.repeats);
	assert_true(http_head_line(&head, head.cookie, "cookie", &from, &line));
	assert_span(line, "c=1");
	assert_true(http_head_line(&head, head.cookie, "cookie", &from, &line));
	assert_span(line, "c=2");
	assert_false(
	    http_head_line(&head, head.cookie, "cookie", &from, &line));
	head.repeats = false; /* then it need not look */
	from = 0;
	assert_true(http_head_line(&head, head.cookie, "cookie", &from, &line));
	assert_span(line, "c=1");
	assert_false(
	    http_head_line(&head, head.cookie, "cookie", &from, &line));
}

static void
absent_and_empty_are_told_apart(void **state)
{
	struct http_head head;

	(void)state;
	parse_good("GET /? HTTP/1.0\r\nCookie:\r\n\r\n", &head);
	assert_span(head.path, "/");
	assert_span(head.query, "");
	assert_span(head.cookie, "");
	assert_span(head.host, NULL);
	assert_span(head.origin, NULL);
	assert_int_equal(head.content_length, -1);
	assert_int_equal(head.minor, 0);
	assert_false(head.keep_alive);
	parse_good("GET / HTTP/1.0\r\n\r\n", &head);
	assert_span(head.query, NULL);
	assert_span(head.cookie, NULL);
}

static void
fields_are_found_by_name(void **state)
{
	struct http_head head;
	size_t from = 0;

	(void)state;
	parse_good(GET11 HOST "X_y: 1\r\nx-Y: 2\r\nX-y: 3\r\n\r\n", &head);
	assert_span(*http_head_find(&head, "X-Y"), "2");
	assert_span(*http_head_find(&head, "x_Y"), "1");
	assert_null(http_head_find(&head, "x-"));
	assert_null(http_head_find(&head, "x-yz"));
	assert_span(*http_head_find_next(&head, "x-y", &from), "2");
	assert_span(*http_head_find_next(&head, "x-y", &from), "3");
	assert_null(http_head_find_next(&head, "x-y", &from));
}

static const struct {
	const char *text;
	bool keep_alive;
} keep_alive_cases[] = {
	{ GET11 HOST END, true },
	{ GET11 HOST "Connection: close\r\n" END, false },
	{ GET11 HOST "Connection: keep-alive\r\n" END, true },
	{ GET11 HOST "Connection: a,\tCLOSE ,b\r\n" END, false },
	{ GET11 HOST "Connection: closed, close-\r\n" END, true },
	{ GET11 HOST "Connection: x\r\nConnection: close\r\n" END, false },
	{ GET11 HOST "Connection: keep-alive, close\r\n" END, false },
	{ GET11 HOST "Connection:\r\n" END, true },
	{ GET10 END, false },
	{ GET10 "Connection: Keep-Alive\r\n" END, true },
	{ GET10 "Connection: keep-alive, close\r\n" END, false },
};

static void
keep_alive_follows_version_and_connection(void **state)
{
	struct http_head head;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(keep_alive_cases) / sizeof(keep_alive_cases[0]);
	     i++) {
		parse_good(keep_alive_cases[i].text, &head);
		if (head.keep_alive != keep_alive_cases[i].keep_alive)
			fail_msg("keep-alive case %zu is wrong", i);
	}
}

static void
methods_and_targets_are_told_apart(void **state)
{
	static const char *const names[] = { "BREW", "GET", "HEAD", "POST",
		"OPTIONS", "PUT", "DELETE", "PATCH", "CONNECT", "TRACE" };
	struct http_head head;
	char text[100];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(text, sizeof(text),
		    "%s %s HTTP/1.1\r\nHost: a:1\r\n\r\n", names[i],
		    i == HTTP_CONNECT ? "a:1" : "/");
		parse_good(text, &head);
		assert_int_equal(head.method, i);
		assert_span(head.path, i == HTTP_CONNECT ? NULL : "/");
	}
	parse_good("get / HTTP/1.1\r\n" HOST END, &head);
	assert_int_equal(head.method, HTTP_OTHER);
	parse_good("OPTIONS * HTTP/1.1\r\n" HOST END, &head);
	assert_span(head.path, "*");
	parse_good("GET http://a HTTP/1.1\r\n" HOST END, &head);
	assert_span(head.path, "/");
	assert_span(head.query, NULL);
	parse_good("GET hTTp://a?q HTTP/1.0\r\n" END, &head);
	assert_span(head.path, "/");
	assert_span(head.query, "q");
	assert_span(head.host, "a");
	parse_good("GET http://a/p/?q HTTP/1.1\r\n" HOST END, &head);
	assert_span(head.path, "/p/");
}

static void
framing_is_read_as_meant(void **state)
{
	struct http_head head;

	(void)state;
	parse_good(POST11 "Content-Length: 010\r\n" END, &head);
	assert_int_equal(head.content_length, 10);
	parse_good(POST11 "Content-Length: 9223372036854775807\r\n" END, &head);
	assert_true(head.content_length == INT64_MAX);
	parse_good(POST11 "Transfer-Encoding: chunked\r\n" END, &head);
	assert_true(head.chunked);
	assert_int_equal(head.content_length, -1);
	parse_good(GET10 "Expect: 100-continue\r\n" END, &head);
	assert_false(head.expect_continue);
	parse_good(GET11 HOST "Expect: tea\r\n" END, &head);
	assert_false(head.expect_continue);
}

/* What is wrong before a line has ended is known at the same byte, too. */
static void
unfinished_heads_are_judged_as_they_come(void **state)
{
	static const char *const heads[] = { "G\x01T", "GET /\x7f",
		"GET / HTTP/9.9 ", "GET / HTTP/1.1\rX", "\rG", "\r\n\rG",
		"\r\nGET  ", GET11 "X\x01", GET11 HOST "X : 1",
		GET11 HOST "X: a\x01", GET11 HOST " X", GET11 HOST "X: a\rb",
		GET11 HOST "Y: z\r\n\rX", GET11 "Host: a\r\n", GET11 HOST };
	static char text[16384];
	int len;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		check_as_read(heads[i], heads[i], strlen(heads[i]),
		    i < sizeof(heads) / sizeof(heads[0]) - 2 ? -400 : 0);
	len = snprintf(text, sizeof(text), "GET /%04094d", 0);
	assert_int_equal(parse_as_read(text, (size_t)len, 1), -414);
	assert_int_equal(parse_as_read(text, 4093, 1), 0);
	len = snprintf(text, sizeof(text), GET11 HOST "X: %08190d", 0);
	assert_int_equal(parse_as_read(text, (size_t)len, 1), -431);
	len = snprintf(text, sizeof(text), GET11 HOST);
	for (i = 1; i < limits.fields; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len,
		    "X: %zu\r\n", i);
	assert_int_equal(parse_as_read(text, (size_t)len, 7), 0);
	text[len] = 'X';
	assert_int_equal(parse_as_read(text, (size_t)len + 1, 7), -431);
}

/* The classes once more, as predicates. */
static void
byte_classes_follow_their_definition(void **state)
{
	bool alnum, visible;
	int c;

	(void)state;
	for (c = 0; c < 256; c++) {
		visible = c > 0x20 && c < 0x7F;
		alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			(c >= 'A' && c <= 'Z');
		assert_int_equal(http_class_has((char)c, HTTP_TOKEN),
		    alnum || (visible && strchr("!#$%&'*+-.^_`|~", c)));
		assert_int_equal(http_class_has((char)c, HTTP_TARGET),
		    visible && c != '#');
		assert_int_equal(http_class_has((char)c, HTTP_VALUE),
		    c == '\t' || c == ' ' || visible || c >= 0x80);
		assert_int_equal(http_class_has((char)c, HTTP_REGNAME),
		    alnum || (visible && strchr("-._~!$&'()*+;=", c)));
		assert_int_equal(http_class_has((char)c, HTTP_DIGIT),
		    c >= '0' && c <= '9');
		assert_int_equal(http_class_has((char)c, HTTP_HEX),
		    alnum && (c | 0x20) <= 'f');
	}
}

static void
long_values_are_checked_at_every_place(void **state)
{
	char text[] =
	    GET11 HOST "X: 0123456789012345678901234567890123\r\n\r\n";
	size_t start = strlen(GET11 HOST "X: ");
	size_t len = strlen(text);
	size_t i;
	int c, want;

	(void)state;
	for (i = start; i < len - 4; i++) {
		for (c = 0; c < 256; c++) {
			text[i] = (char)c;
			want = http_class_has((char)c, HTTP_VALUE) ? (int)len
								   : -400;
			assert_int_equal(parse_exact(text, len, &limits), want);
		}
		text[i] = '0';
	}
}

static void
names_with_an_underscore(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n"
				   "Content_Length: 5\r\nX-User: eve\r\n"
				   "X_User: root\r\n\r\n";
	struct http_limits with = limits;
	struct http_head head;
	int len = (int)sizeof(text) - 1;

	(void)state;
	assert_int_equal(http_parse_head(text, (size_t)len, &with, &head), len);
	assert_int_equal(head.field_count, 4);
	assert_non_null(http_head_find(&head, "x_user"));
	with.underscores = HTTP_UNDERSCORES_DROP;
	assert_int_equal(http_parse_head(text, (size_t)len, &with, &head), len);
	assert_int_equal(head.field_count, 2);
	assert_null(http_head_find(&head, "X_User"));
	assert_true(http_span_is(*http_head_find(&head, "X-User"), "eve"));
	assert_int_equal(head.content_length, -1);
	/* Those that are dropped count all the same. */
	with.fields = 4;
	assert_int_equal(parse_exact(text, (size_t)len, &with), len);
	with.fields = 3;
	assert_int_equal(parse_exact(text, (size_t)len, &with), -431);
	with = limits;
	with.underscores = HTTP_UNDERSCORES_REFUSE;
	assert_int_equal(parse_exact(text, (size_t)len, &with), -400);
	/* At the end of that line, not before. */
	assert_int_equal(parse_exact(text, 43, &with), 0);
	assert_int_equal(parse_exact(text, 44, &with), -400);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts_follow_the_table),
		cmocka_unit_test(faults_are_seen_at_once),
		cmocka_unit_test(names_with_an_underscore),
		cmocka_unit_test(limits_hold_at_their_edge),
		cmocka_unit_test(too_long_lines_are_refused_before_they_end),
		cmocka_unit_test(fields_are_counted),
		cmocka_unit_test(known_fields_have_spans),
		cmocka_unit_test(absent_and_empty_are_told_apart),
		cmocka_unit_test(fields_are_found_by_name),
		cmocka_unit_test(keep_alive_follows_version_and_connection),
		cmocka_unit_test(methods_and_targets_are_told_apart),
		cmocka_unit_test(framing_is_read_as_meant),
		cmocka_unit_test(unfinished_heads_are_judged_as_they_come),
		cmocka_unit_test(byte_classes_follow_their_definition),
		cmocka_unit_test(long_values_are_checked_at_every_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
