/* SPDX-License-Identifier: MIT */

/*
 * Fuzz target: request heads and paths.
 *
 * Properties: the verdict on every prefix is "more" or the verdict on the
 * whole; a head is accepted at its last byte and not before; every span lies
 * inside the input; http_parse_more() says at each byte what http_parse_head()
 * says; a decoded path is what it promises.
 */

#include "test/fuzz/fuzz.h"

#include <string.h>

#include "worker/http_parse.h"

#define PREFIXES_MAX 1024 /* longer inputs are checked whole only */

static const struct http_limits large = { 4094, 100, 8190, 65536,
	HTTP_UNDERSCORES_KEEP };
static const struct http_limits small = { 40, 3, 30, 100,
	HTTP_UNDERSCORES_DROP };

static void
check_span(struct http_span span, const uint8_t *data, size_t size)
{
	const char *start = (const char *)data;

	if (span.data == NULL) {
		FUZZ_CHECK(span.len == 0);
		return;
	}
	FUZZ_CHECK(span.data >= start && span.data <= start + size);
	FUZZ_CHECK(span.len <= (size_t)(start + size - span.data));
}

static void
check_known(const struct http_head *head, const uint8_t *data, size_t size)
{
	check_span(head->method_name, data, size);
	check_span(head->target, data, size);
	check_span(head->path, data, size);
	check_span(head->query, data, size);
	check_span(head->host, data, size);
	check_span(head->content_type, data, size);
	check_span(head->content_encoding, data, size);
	check_span(head->accept_encoding, data, size);
	check_span(head->if_none_match, data, size);
	check_span(head->if_modified_since, data, size);
	check_span(head->range, data, size);
	check_span(head->cookie, data, size);
	check_span(head->origin, data, size);
	check_span(head->sec_fetch_site, data, size);
	check_span(head->user_agent, data, size);
	check_span(head->referer, data, size);
	check_span(head->upgrade, data, size);
	check_span(head->x_forwarded_for, data, size);
}

static void
check_path(struct http_span path)
{
	char *out = malloc(path.len + 1);
	int rc;
	int i;

	FUZZ_CHECK(out != NULL);
	rc = http_path_decode(path, out, path.len + 1);
	FUZZ_CHECK(rc == -400 || rc > 0);
	if (rc > 0) {
		FUZZ_CHECK(out[0] == '/' && strlen(out) == (size_t)rc);
		FUZZ_CHECK(strstr(out, "/../") == NULL);
		FUZZ_CHECK(strchr(out, '\\') == NULL);
		FUZZ_CHECK(rc < 3 || strcmp(out + rc - 3, "/..") != 0);
		for (i = 0; i < rc; i++)
			FUZZ_CHECK((unsigned char)out[i] >= 0x20);
		FUZZ_CHECK(http_path_decode(path, out, (size_t)rc) == -414);
	}
	free(out);
}

static void
check_head(const struct http_head *head, const uint8_t *data, size_t size)
{
	const struct http_field *field;
	size_t i;

	check_known(head, data, size);
	FUZZ_CHECK(head->field_count <= HTTP_FIELDS_MAX);
	for (i = 0; i < head->field_count; i++) {
		field = &head->fields[i];
		check_span(field->name, data, size);
		check_span(field->value, data, size);
		FUZZ_CHECK(field->name.len != 0 && field->value.data != NULL);
	}
	FUZZ_CHECK(!head->chunked || head->content_length == -1);
	FUZZ_CHECK(!head->chunked || head->minor == 1);
	FUZZ_CHECK(head->content_length >= -1);
	FUZZ_CHECK(head->host.data != NULL || head->minor == 0);
	FUZZ_CHECK((head->path.data != NULL) == (head->method != HTTP_CONNECT));
	if (head->path.data != NULL)
		check_path(head->path);
}

/* Parse the first `len` bytes in a block that ends where they do. */
static int
parse_prefix(const uint8_t *data, size_t len, const struct http_limits *limits)
{
	char *copy = malloc(len + 1);
	struct http_head head;
	int rc;

	FUZZ_CHECK(copy != NULL);
	memcpy(copy + 1, data, len);
	rc = http_parse_head(copy + 1, len, limits, &head);
	free(copy);
	return rc;
}

static void
check_prefixes(const uint8_t *data, size_t size,
    const struct http_limits *limits, int whole)
{
	struct http_progress at = { 0 };
	struct http_head head;
	int more = 0;
	size_t len;
	int rc;

	for (len = 0; len <= size; len++) {
		rc = parse_prefix(data, len, limits);
		FUZZ_CHECK(rc == 0 || rc == whole);
		if (whole > 0)
			FUZZ_CHECK((rc != 0) == (len >= (size_t)whole));
		if (more == 0)
			more = http_parse_more((const char *)data, len, limits,
			    &at, &head);
		FUZZ_CHECK(more == rc);
	}
}

static void
check_limits(const uint8_t *data, size_t size, const struct http_limits *limits)
{
	struct http_head head;
	int rc;

	rc = http_parse_head((const char *)data, size, limits, &head);
	FUZZ_CHECK(rc >= 0 || rc == -400 || rc == -414 || rc == -431 ||
		   rc == -501 || rc == -505);
	FUZZ_CHECK(
	    rc <= 0 || ((size_t)rc <= size && (size_t)rc <= limits->head_size));
	FUZZ_CHECK(rc != 0 || size < limits->head_size);
	if (rc > 0)
		check_head(&head, data, (size_t)rc);
	if (size <= PREFIXES_MAX)
		check_prefixes(data, size, limits, rc);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_span path = { (const char *)data, size };

	check_limits(data, size, &large);
	check_limits(data, size, &small);
	if (size != 0 && data[0] == '/')
		check_path(path);
	return 0;
}
