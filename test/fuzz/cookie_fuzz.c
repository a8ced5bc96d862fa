/* SPDX-License-Identifier: MIT */

/*
 * Fuzz target: Cookie and the fields that are compared with it. The input is
 * the value of Cookie; the name looked for is what stands before its first
 * colon.
 *
 * Properties: what is found lies inside the input, behind its own name and an
 * equals sign, at the start of a pair. A pair without a name is never found.
 * The token is good only when cookie and header are the same 32 bytes.
 */

#include "test/fuzz/fuzz.h"

#include <string.h>

#include "worker/guard.h"

static void
check_found(struct http_span list, struct http_span value, const char *name)
{
	size_t len = strlen(name);
	const char *at = value.data - 1 - len;

	FUZZ_CHECK(value.data >= list.data + len + 1);
	FUZZ_CHECK(value.data + value.len <= list.data + list.len);
	FUZZ_CHECK(memcmp(at, name, len) == 0 && value.data[-1] == '=');
	FUZZ_CHECK(at == list.data || strchr("; \t", at[-1]) != NULL);
	FUZZ_CHECK(memchr(value.data, ';', value.len) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct worker_options options = {
		.csrf_token = true,
		.csrf_token_name = "t",
		.csrf_header_name = "X-T",
	};
	static struct http_head head;
	struct http_span list = { (const char *)data, size };
	struct http_span value;
	const char *colon = memchr(data, ':', size);
	char name[64] = "t";

	if (colon != NULL && colon - list.data < (long)sizeof(name) &&
	    memchr(data, 0, (size_t)(colon - list.data)) == NULL) {
		memset(name, 0, sizeof(name));
		memcpy(name, data, (size_t)(colon - list.data));
		list.len -= (size_t)(colon + 1 - list.data);
		list.data = colon + 1;
	}
	memset(&head, 0, offsetof(struct http_head, fields));
	head.cookie = list;
	value = guard_cookie(&head, name);
	FUZZ_CHECK(name[0] != '\0' || value.data == NULL);
	if (value.data != NULL)
		check_found(list, value, name);
	/* The header repeats the whole field: good only as a lone token. */
	head.field_count = 1;
	head.fields[0].name = (struct http_span){ "X-T", 3 };
	head.fields[0].value = value;
	if (guard_token(&options, &head))
		FUZZ_CHECK(guard_cookie(&head, "t").len == GUARD_TOKEN_LEN);
	return 0;
}
