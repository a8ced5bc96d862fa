/* SPDX-License-Identifier: MIT */

/*
 * Fuzz target: Range, If-Range, If-Match, If-None-Match, If-Modified-Since,
 * If-Unmodified-Since and Accept-Encoding, all with the same input.
 *
 * Properties: a part is inside the file and not empty, whatever the length of
 * the file; a range that starts behind the end is never a part. A date that
 * is understood is written back as the same second. An answer 304 is given
 * only when the tag is in the list or the date is not before the file's, and
 * 412 whenever it is not in the list or the date is before.
 */

#include "test/fuzz/fuzz.h"

#include <string.h>

#include "worker/http_reply.h"
#include "worker/static_select.h"

static const size_t lengths[] = { 0, 1, 2, 100, 20480, 4294967296U,
	SIZE_MAX / 2 };

static void
check_range(struct http_span range)
{
	enum static_range kind;
	size_t first;
	size_t count;
	size_t i;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		first = SIZE_MAX;
		count = SIZE_MAX;
		kind = static_parse_range(range, lengths[i], &first, &count);
		FUZZ_CHECK(kind == STATIC_WHOLE || kind == STATIC_PART ||
			   kind == STATIC_UNSATISFIABLE);
		if (kind != STATIC_PART)
			continue;
		FUZZ_CHECK(count > 0 && first < lengths[i]);
		FUZZ_CHECK(count <= lengths[i] - first);
	}
}

static void
check_date(struct http_span text)
{
	struct http_span again = { NULL, 29 };
	int64_t second = static_parse_date(text);
	char out[30];

	FUZZ_CHECK(second >= -1);
	if (second < 0)
		return;
	http_reply_date(second * 1000, out);
	again.data = out;
	FUZZ_CHECK(static_parse_date(again) == second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_head head;
	static const char etag[] = "\"1-2-gz\"";
	struct http_span text = { (const char *)data, size };
	int64_t when;
	int quality;

	check_range(text);
	check_date(text);
	quality = static_quality(text, "gzip");
	FUZZ_CHECK(quality >= -1 && quality <= 1000);
	memset(&head, 0, offsetof(struct http_head, fields));
	head.if_none_match = text;
	FUZZ_CHECK((static_condition(&head, etag, 5) == 304) ==
		   static_etag_matches(text, etag));
	if (static_etag_matches(text, etag))
		FUZZ_CHECK(memmem(data, size, etag, strlen(etag)) != NULL ||
			   (size == 1 && data[0] == '*'));
	memset(&head.if_none_match, 0, sizeof(head.if_none_match));
	head.if_modified_since = text;
	when = static_parse_date(text);
	FUZZ_CHECK((static_condition(&head, etag, 784111777) == 304) ==
		   (when >= 784111777));
	memset(&head.if_modified_since, 0, sizeof(head.if_modified_since));
	head.field_count = 1;
	head.fields[0].name = (struct http_span){ "If-Match", 8 };
	head.fields[0].value = text;
	if (static_condition(&head, etag, 5) == 200)
		FUZZ_CHECK(memmem(data, size, etag, strlen(etag)) != NULL ||
			   (size == 1 && data[0] == '*'));
	head.fields[0].name = (struct http_span){ "If-Unmodified-Since", 19 };
	FUZZ_CHECK((static_condition(&head, etag, 784111777) == 412) ==
		   (when >= 0 && when < 784111777));
	head.fields[0].name = (struct http_span){ "If-Range", 8 };
	head.fields[0].value = text;
	if (static_if_range(&head, etag, 784111777))
		FUZZ_CHECK(
		    when == 784111777 ||
		    (size == strlen(etag) && memcmp(data, etag, size) == 0));
	return 0;
}
