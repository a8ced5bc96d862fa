/* SPDX-License-Identifier: MIT */

/* Forms: what browsers and curl send, and what attackers do. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/form.h"

#define TYPE "multipart/form-data; boundary=XX"
#define FIELD(name) "Content-Disposition: form-data; name=\"" name "\"\r\n"
#define FILE_OF(name, file)                                   \
	"Content-Disposition: form-data; name=\"" name "\"; " \
	"filename=\"" file "\"\r\n"

static const struct form_limits limits = { 1000, 4096 };

static int
parse(struct arena *arena, const char *type, const char *body, size_t len,
    struct form *form)
{
	struct http_span span = { type, strlen(type) };

	return form_parse(span, body, len, &limits, arena, form);
}

static void
assert_span(struct http_span span, const char *text)
{
	assert_non_null(span.data);
	assert_int_equal(span.len, strlen(text));
	assert_memory_equal(span.data, text, span.len);
}

static void
test_browser(void **state)
{
	static const char body[] = "--XX\r\n" FIELD(
	    "title") "\r\nhello\r\n"
		     "--XX\r\n" FILE_OF("file",
			 "a \\\"b%22.csv") "Content-Type: "
					   "text/csv\r\n\r\n1,2\r\n3,4\r\n\r\n"
					   "--XX\r\n" FIELD(
					       "empty") "\r\n\r\n--XX--\r\n";
	const struct form_part *part;
	struct arena arena;
	struct form form;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(parse(&arena, TYPE, body, sizeof(body) - 1, &form), 0);
	assert_int_equal(form.count, 3);
	part = form_find(&form, "title");
	assert_span(part->value, "hello");
	assert_null(part->file_name.data);
	part = form_find(&form, "file");
	assert_span(part->file_name, "a \"b\".csv");
	assert_span(part->type, "text/csv");
	assert_span(part->value, "1,2\r\n3,4\r\n");
	/* The bytes of an upload are never copied. */
	assert_true(
	    part->value.data > body && part->value.data < body + sizeof(body));
	assert_span(form_find(&form, "empty")->value, "");
	assert_null(form_find(&form, "other"));
	arena_free(&arena);
}

/* [27] What a client says a file is called leads nowhere: of a path only the
 * last segment is seen. */
static void
test_file_names(void **state)
{
	static const char *const names[][2] = {
		{ "../../etc/passwd", "passwd" },
		{ "/etc/passwd", "passwd" },
		{ "C:\\dir\\x.csv", "x.csv" },
		{ "..\\x", "x" },
		{ "..", "" },
		{ ".", "" },
		{ "a/..", "" },
		{ "a/", "" },
		{ "", "" },
		{ "gr\xc3\xbc\xc3\x9f.csv", "gr\xc3\xbc\xc3\x9f.csv" },
		{ ".htaccess", ".htaccess" },
	};
	char body[256];
	struct arena arena;
	struct form form;
	size_t i;
	int len;

	(void)state;
	arena_init(&arena, 0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		len = snprintf(body, sizeof(body),
		    "--XX\r\n" FILE_OF("f", "%s") "\r\nx\r\n--XX--",
		    names[i][0]);
		assert_int_equal(parse(&arena, TYPE, body, (size_t)len, &form),
		    0);
		assert_span(form.parts[0].file_name, names[i][1]);
	}
	arena_free(&arena);
}

static const struct {
	const char *type;
	const char *body;
	int status;
} refused[] = {
	{ "text/plain", "a=b", -415 },
	{ "multipart/mixed; boundary=XX", "--XX--", -415 },
	{ "multipart/form-data", "--XX--", -400 },
	{ "multipart/form-data; boundary=", "----", -400 },
	{ "multipart/form-data; boundary=XX; boundary=YY", "--XX--", -400 },
	{ "multipart/form-data; boundary=\"X\x01\"", "--X--", -400 },
	{ TYPE, "", -400 },
	{ TYPE, "--XX", -400 },
	{ TYPE, "--XX-", -400 },
	{ TYPE, "--XX--x", -400 },
	{ TYPE, "--XX--\r\nx", -400 },
	{ TYPE, "x--XX--", -400 },
	{ TYPE, "\r\n--XX--", -400 },
	{ TYPE, "--YY\r\n" FIELD("a") "\r\nx\r\n--YY--", -400 },
	{ TYPE, "--XX\n" FIELD("a") "\r\nx\r\n--XX--", -400 },
	{ TYPE, "--XX\r\n\r\nx\r\n--XX--", -400 },
	{ TYPE, "--XX\r\n" FIELD("a"), -400 },
	{ TYPE, "--XX\r\n" FIELD("a") "\r\n", -400 },
	{ TYPE, "--XX\r\n" FIELD("a") "\r\nx", -400 },
	{ TYPE, "--XX\r\n" FIELD("a") "\r\nx\r\n--XX", -400 },
	{ TYPE, "--XX\r\n" FIELD("a") FIELD("b") "\r\nx\r\n--XX--", -400 },
	{ TYPE, "--XX\r\n" FIELD("a\xff") "\r\nx\r\n--XX--", -400 },
	{ TYPE,
	    "--XX\r\nContent-Disposition : form-data; name=a\r\n"
	    "\r\nx\r\n--XX--",
	    -400 },
	{ TYPE,
	    "--XX\r\nContent-Disposition: attachment; name=a\r\n"
	    "\r\nx\r\n--XX--",
	    -400 },
	{ TYPE,
	    "--XX\r\nContent-Disposition: form-data; name=\"a\r\n"
	    "\r\nx\r\n--XX--",
	    -400 },
	{ TYPE,
	    "--XX\r\nContent-Disposition: form-data; name=a; name=b"
	    "\r\n\r\nx\r\n--XX--",
	    -400 },
	{ "application/x-www-form-urlencoded", "a=%4", -400 },
	{ "application/x-www-form-urlencoded", "a%00=b", -400 },
	{ "application/x-www-form-urlencoded", "a=%zz", -400 },
};

static void
test_refused(void **state)
{
	struct arena arena;
	struct form form;
	size_t i;

	(void)state;
	arena_init(&arena, 0);
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		int rc = parse(&arena, refused[i].type, refused[i].body,
		    strlen(refused[i].body), &form);

		if (rc != refused[i].status)
			print_error("case %zu: %d\n", i, rc);
		assert_int_equal(rc, refused[i].status);
	}
	arena_free(&arena);
}

/* Many parts, a head without end, megabytes of CR: bounded and linear. */
static void
test_bounds(void **state)
{
	size_t size = 8 * 1024 * 1024;
	char *body = malloc(size + 256);
	struct arena arena;
	struct form form;
	size_t len = 0;
	int i;

	(void)state;
	arena_init(&arena, 1024 * 1024);
	for (i = 0; i < 1001; i++)
		len += (size_t)sprintf(body + len,
		    "--XX\r\n" FIELD("a") "\r\nx\r\n");
	len += (size_t)sprintf(body + len, "--XX--");
	assert_int_equal(parse(&arena, TYPE, body, len, &form), -413);
	len = (size_t)sprintf(body, "--XX\r\nA: ");
	memset(body + len, 'x', 5000);
	assert_int_equal(parse(&arena, TYPE, body, len + 5000, &form), -431);
	len = (size_t)sprintf(body, "--XX\r\n" FIELD("a") "\r\n");
	for (i = 0; (size_t)i < size; i++)
		body[len + (size_t)i] = "\r\n-"[i % 3];
	len += size;
	len += (size_t)sprintf(body + len, "\r\n--XX--");
	assert_int_equal(parse(&arena, TYPE, body, len, &form), 0);
	assert_int_equal(form.parts[0].value.len, size);
	arena_free(&arena);
	free(body);
}

static void
test_urlencoded(void **state)
{
	static const char body[] = "a=1&b=x+y%26z&&c&=d&a=2&e=%e2%82%ac";
	struct arena arena;
	struct form form;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(parse(&arena,
			     "application/x-www-form-urlencoded; charset=utf-8",
			     body, sizeof(body) - 1, &form),
	    0);
	assert_int_equal(form.count, 6);
	assert_span(form_find(&form, "a")->value, "1");
	assert_span(form_find(&form, "b")->value, "x y&z");
	assert_span(form_find(&form, "c")->value, "");
	assert_span(form_find(&form, "")->value, "d");
	assert_span(form_find(&form, "e")->value, "\xe2\x82\xac");
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_browser),
		cmocka_unit_test(test_file_names),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_urlencoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
