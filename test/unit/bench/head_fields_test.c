/* SPDX-License-Identifier: MIT */

/*
 * Heads of HTTP/1 requests as fields of HTTP/2.
 */
#include "test/bench/head_fields.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct sample {
	const char *head;
	const char *fields; /* "name=value|..."; NULL: not a head */
};

static const struct sample samples[] = {
	{ "GET / HTTP/1.1\r\nHost: a:1\r\n\r\n",
	    ":method=GET|:scheme=https|:path=/|:authority=a:1|" },
	/* Host comes first, wherever it was. */
	{ "POST /x?y=z HTTP/1.1\r\nAccept: */*\r\nhost:b\r\n"
	  "Content-Length: 2\r\n\r\n",
	    ":method=POST|:scheme=https|:path=/x?y=z|:authority=b|"
	    "Accept=*/*|Content-Length=2|" },
	/* Nothing that speaks of the connection. */
	{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n"
	  "keep-alive: 5\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\n"
	  "TE: gzip\r\nProxy-Connection: y\r\nTest: 1\r\n\r\n",
	    ":method=GET|:scheme=https|:path=/|:authority=a|Test=1|" },
	/* Each cookie by itself. */
	{ "GET / HTTP/1.1\r\nCookie: a=1; b=2;c=3\r\n\r\n",
	    ":method=GET|:scheme=https|:path=/|cookie=a=1|cookie=b=2|"
	    "cookie=c=3|" },
	{ "GET / HTTP/1.1\r\nCookie: ;; a=1;\r\nX:\r\n\r\n",
	    ":method=GET|:scheme=https|:path=/|cookie=a=1|X=|" },
	{ "GET / HTTP/1.1\r\nno colon\r\n\r\n", NULL },
	{ "GET / HTTP/1.1\r\n: x\r\n\r\n", NULL },
	{ "GET / HTTP/1.1\r\nHost: a\r\n", NULL },
	{ "GET /\r\n\r\n", NULL },
	{ "GET  HTTP/1.1\r\n\r\n", NULL },
	{ " / HTTP/1.1\r\n\r\n", NULL },
	{ "GET / HTTP/1.1", NULL },
	{ "\r\n", NULL },
	{ "", NULL },
};

static void
put(char *text, size_t size, const nghttp2_nv *field)
{
	size_t at = strlen(text);

	(void)snprintf(text + at, size - at, "%.*s=%.*s|", (int)field->namelen,
	    (const char *)field->name, (int)field->valuelen,
	    (const char *)field->value);
}

static void
test_samples(void **state)
{
	nghttp2_nv fields[HEAD_FIELDS_MAX];
	char text[1024];
	size_t len;
	size_t i;
	char *copy;
	int count;
	int n;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		/* In memory of its own, so that a sanitizer sees its end. */
		len = strlen(samples[i].head);
		copy = malloc(len + (len == 0));
		assert_non_null(copy);
		memcpy(copy, samples[i].head, len);
		count = head_fields(copy, len, fields);
		if (samples[i].fields == NULL) {
			assert_int_equal(count, -EINVAL);
			free(copy);
			continue;
		}
		text[0] = '\0';
		for (n = 0; n < count; n++)
			put(text, sizeof(text), &fields[n]);
		assert_string_equal(text, samples[i].fields);
		free(copy);
	}
}

/* As many as there is room for, and one more. */
static void
test_bound(void **state)
{
	nghttp2_nv fields[HEAD_FIELDS_MAX];
	char head[2048] = "GET / HTTP/1.1\r\nHost: a\r\n";
	unsigned i;

	(void)state;
	for (i = 4; i < HEAD_FIELDS_MAX; i++)
		(void)strcat(head, "x: y\r\n");
	(void)strcat(head, "\r\n");
	assert_int_equal(head_fields(head, strlen(head), fields),
	    HEAD_FIELDS_MAX);
	head[strlen(head) - 2] = '\0';
	(void)strcat(head, "x: y\r\n\r\n");
	assert_int_equal(head_fields(head, strlen(head), fields), -EINVAL);
}

/* They go through nghttp2's compression and back. */
static void
test_deflated(void **state)
{
	static const char head[] = "GET /a HTTP/1.1\r\nHost: b\r\n"
				   "User-Agent: c\r\n\r\n";
	nghttp2_nv fields[HEAD_FIELDS_MAX];
	nghttp2_hd_deflater *deflater;
	nghttp2_hd_inflater *inflater;
	nghttp2_nv out;
	uint8_t bytes[512];
	const uint8_t *at = bytes;
	char text[256] = "";
	int flags = 0;
	ssize_t len;
	ssize_t n;
	int count;

	(void)state;
	count = head_fields(head, sizeof(head) - 1, fields);
	assert_int_equal(count, 5);
	assert_int_equal(nghttp2_hd_deflate_new(&deflater, 4096), 0);
	assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
	len = nghttp2_hd_deflate_hd(deflater, bytes, sizeof(bytes), fields,
	    (size_t)count);
	assert_true(len > 0);
	while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
		n = nghttp2_hd_inflate_hd2(inflater, &out, &flags, at,
		    (size_t)(bytes + len - at), 1);
		assert_true(n >= 0);
		at += n;
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			put(text, sizeof(text), &out);
	}
	assert_string_equal(text,
	    ":method=GET|:scheme=https|:path=/a|:authority=b|User-Agent=c|");
	nghttp2_hd_deflate_del(deflater);
	nghttp2_hd_inflate_del(inflater);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_deflated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
