/* SPDX-License-Identifier: MIT */

/* Golden heads, dates and the counting of shared bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/http_reply.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define FIRST(line) "HTTP/1.1 " line "\r\nDate: " DATE "\r\n"
#define NOSNIFF "X-Content-Type-Options: nosniff\r\n"

static const struct golden {
	struct reply reply;
	bool keep_alive;
	const char *head;
} goldens[] = {
	{ { .status = 200, .type = "application/json", .len = 17 }, true,
	    FIRST("200 OK") "Content-Type: application/json\r\n"
			    "Cache-Control: no-store\r\n" NOSNIFF
			    "Content-Length: 17\r\n\r\n" },
	{ { .status = 200, .type = "text/css", .len = 0 }, false,
	    FIRST("200 OK") "Content-Type: text/css\r\n"
			    "Cache-Control: no-store\r\n" NOSNIFF
			    "Content-Length: 0\r\nConnection: close\r\n\r\n" },
	{ { .status = 200,
	      .type = "text/javascript",
	      .cache = "public, max-age=31536000, immutable",
	      .etag = "\"0123456789abcdef\"",
	      .gzip = true,
	      .vary = true,
	      .len = 1234567890 },
	    true,
	    FIRST("200 OK") "Content-Type: text/javascript\r\n"
			    "Cache-Control: public, max-age=31536000, "
			    "immutable\r\n"
			    "ETag: \"0123456789abcdef\"\r\n"
			    "Content-Encoding: gzip\r\n"
			    "Vary: Accept-Encoding\r\n" NOSNIFF
			    "Content-Length: 1234567890\r\n\r\n" },
	/* Neither of these two may have a length (RFC 9110, 8.6). */
	{ { .status = 204, .allow = "GET, HEAD, OPTIONS", .len = 99 }, true,
	    FIRST("204 No Content") "Cache-Control: no-store\r\n"
				    "Allow: GET, HEAD, OPTIONS\r\n" NOSNIFF
				    "\r\n" },
	{ { .status = 304,
	      .cache = "no-cache",
	      .etag = "\"x\"",
	      .vary = true,
	      .len = 99 },
	    false,
	    FIRST("304 Not Modified") "Cache-Control: no-cache\r\n"
				      "ETag: \"x\"\r\n"
				      "Vary: Accept-Encoding\r\n" NOSNIFF
				      "Connection: close\r\n\r\n" },
	{ { .status = 503, .type = "text/html", .len = 5 }, true,
	    FIRST("503 Service Unavailable") "Content-Type: text/html\r\n"
					     "Cache-Control: no-store\r\n"
					     "Retry-After: 1\r\n" NOSNIFF
					     "Content-Length: 5\r\n\r\n" },
};

static void
golden_heads(void **state)
{
	char head[HTTP_REPLY_HEAD_MAX + 1];
	size_t len;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		memset(head, 'X', sizeof(head));
		len = http_reply_head(&goldens[i].reply, goldens[i].keep_alive,
		    DATE, head);
		assert_true(len < HTTP_REPLY_HEAD_MAX);
		assert_int_equal(head[len], 'X');
		head[len] = '\0';
		assert_string_equal(head, goldens[i].head);
	}
}

static void
lengths_are_written_in_full(void **state)
{
	static const struct {
		size_t len;
		const char *text;
	} cases[] = {
		{ 0, "Content-Length: 0\r\n" },
		{ 9, "Content-Length: 9\r\n" },
		{ 10, "Content-Length: 10\r\n" },
		{ 4294967296, "Content-Length: 4294967296\r\n" },
		{ SIZE_MAX, "Content-Length: 18446744073709551615\r\n" },
	};
	struct reply reply = { .status = 200 };
	char head[HTTP_REPLY_HEAD_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reply.len = cases[i].len;
		head[http_reply_head(&reply, true, DATE, head)] = '\0';
		assert_non_null(strstr(head, cases[i].text));
	}
}

/* The longest of everything still fits. */
static void
the_largest_head_fits(void **state)
{
	struct reply reply = { .status = 431,
		.type = "application/octet-stream; charset=utf-8",
		.cache = "public, max-age=31536000, immutable",
		.etag = "\"0123456789abcdef012\"",
		.allow = "GET, HEAD, POST, OPTIONS",
		.gzip = true,
		.vary = true,
		.len = SIZE_MAX };
	char head[HTTP_REPLY_HEAD_MAX];

	(void)state;
	assert_true(
	    http_reply_head(&reply, false, DATE, head) < HTTP_REPLY_HEAD_MAX);
	reply.status = 503;
	assert_true(
	    http_reply_head(&reply, false, DATE, head) < HTTP_REPLY_HEAD_MAX);
}

static void
reasons(void **state)
{
	static const struct {
		int status;
		const char *reason;
	} cases[] = {
		{ 200, "OK" },
		{ 204, "No Content" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
		{ 299, "Success" }, /* no row of their own: their class */
		{ 399, "Redirection" },
		{ 418, "Client Error" },
		{ 599, "Server Error" },
		{ 600, "Internal Server Error" }, /* never a crash */
		{ 0, "Internal Server Error" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(http_reply_reason(cases[i].status),
		    cases[i].reason);
}

static void
error_pages_are_whole(void **state)
{
	static const int statuses[] = { 400, 403, 404, 405, 408, 411, 413, 414,
		415, 417, 431, 500, 501, 503, 505 };
	struct reply reply;
	const char *body;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		memset(&reply, 0xff, sizeof(reply));
		http_reply_error(&reply, statuses[i]);
		body = reply.body;
		assert_int_equal(reply.status, statuses[i]);
		assert_string_equal(reply.type, "text/html; charset=utf-8");
		assert_int_equal(reply.len, strlen(body));
		assert_memory_equal(body, "<!DOCTYPE html>", 15);
		assert_non_null(strstr(body, http_reply_reason(statuses[i])));
		assert_int_equal(body[reply.len - 1], '\n');
		assert_null(reply.etag);
		assert_null(reply.cache);
		assert_null(reply.allow);
		assert_null(reply.blob);
		assert_false(reply.gzip || reply.vary || reply.close);
	}
	http_reply_error(&reply, 204);
	assert_int_equal(reply.len, 0);
}

static void
dates(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ 784111777000, "Sun, 06 Nov 1994 08:49:37 GMT" },
		{ 784111777999, "Sun, 06 Nov 1994 08:49:37 GMT" },
		{ 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
		{ 951782400000, "Tue, 29 Feb 2000 00:00:00 GMT" },
		{ 1709251199000, "Thu, 29 Feb 2024 23:59:59 GMT" },
		{ 1735689599000, "Tue, 31 Dec 2024 23:59:59 GMT" },
		{ 4102444800000, "Fri, 01 Jan 2100 00:00:00 GMT" },
		{ 253402300799000, "Fri, 31 Dec 9999 23:59:59 GMT" },
	};
	char text[31];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text[30] = 'X';
		http_reply_date(cases[i].ms, text);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(text[30], 'X');
	}
}

/* The last holder frees: a leak or a second free shows in the sanitizer. */
static void
blobs_are_counted(void **state)
{
	struct blob *blob = blob_new(strdup("body"), 4);

	(void)state;
	assert_non_null(blob);
	assert_int_equal(blob->refs, 1);
	assert_ptr_equal(blob_ref(blob), blob);
	assert_int_equal(blob->refs, 2);
	blob_unref(blob);
	assert_int_equal(blob->refs, 1);
	assert_memory_equal(blob->data, "body", blob->len);
	blob_unref(blob);
	blob_unref(NULL);
	blob = blob_new(NULL, 0); /* an answer without bytes */
	assert_non_null(blob);
	blob_unref(blob);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_heads),
		cmocka_unit_test(lengths_are_written_in_full),
		cmocka_unit_test(the_largest_head_fits),
		cmocka_unit_test(reasons),
		cmocka_unit_test(error_pages_are_whole),
		cmocka_unit_test(dates),
		cmocka_unit_test(blobs_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
