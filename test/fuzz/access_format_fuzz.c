/* SPDX-License-Identifier: MIT */

/*
 * Fuzz target: access_log_format, and what clients send into its lines. The
 * first line of the input is the format, each further one a text of the
 * client: method, target, Referer, User-Agent, then the fields that the format
 * names; the last may hold line ends.
 *
 * Properties: a format that is refused is refused with one line that says
 * where. Of another one the named fields are at most ACCESS_EXTRAS and all
 * different. No client text adds a byte that is not printable, or a quote, to
 * a line; in JSON it adds no member and no other object.
 */
#include "test/fuzz/fuzz.h"

#include <cjson/cJSON.h>
#include <string.h>
#include <strings.h>

#include "worker/access_format.h"

#define JSON_MEMBERS 14
#define LINE_MAX_BYTES ((size_t)1 << 20)

static struct http_span
next_line(const char **at, const char *end)
{
	struct http_span line = { *at, 0 };
	const char *stop =
	    *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;

	line.len = (size_t)((stop != NULL ? stop : end) - *at);
	*at = stop != NULL ? stop + 1 : end;
	return line;
}

static size_t
count(const struct buf *text, char what)
{
	size_t found = 0;
	size_t i;

	for (i = 0; i < text->len; i++)
		found += text->data[i] == what;
	return found;
}

static void
check_extras(const struct access_format *format)
{
	const char *name;
	unsigned i;
	unsigned k;

	for (i = 0; (name = access_format_extra(format, i)) != NULL; i++) {
		FUZZ_CHECK(i < ACCESS_EXTRAS);
		for (k = 0; k < i; k++)
			FUZZ_CHECK(strcasecmp(name,
				       access_format_extra(format, k)) != 0);
	}
}

/* The same line with nothing from the client is the measure. */
static void
check_line(const struct access_format *format, const char *text,
    const struct access_entry *entry, const struct access_entry *quiet)
{
	struct buf out = BUF_EMPTY;
	struct buf measure = BUF_EMPTY;
	size_t i;

	access_format_put(format, entry, "[time]", &out);
	access_format_put(format, quiet, "[time]", &measure);
	FUZZ_CHECK(out.len < LINE_MAX_BYTES);
	FUZZ_CHECK(count(&out, '"') == count(&measure, '"'));
	for (i = 0; i < out.len; i++)
		FUZZ_CHECK(
		    (out.data[i] >= 0x20 && out.data[i] < 0x7f) ||
		    (out.data[i] != 0 && strchr(text, out.data[i]) != NULL));
	buf_free(&out);
	buf_free(&measure);
}

static void
check_json(const struct access_entry *entry)
{
	struct access_format *format = access_format_new_json();
	struct buf out = BUF_EMPTY;
	const char *end;
	cJSON *line;

	FUZZ_CHECK(format != NULL);
	access_format_put(format, entry, "time", &out);
	FUZZ_CHECK(memchr(out.data, '\n', out.len) == NULL);
	line = cJSON_ParseWithLengthOpts(out.data, out.len, &end, false);
	FUZZ_CHECK(line != NULL && end == out.data + out.len);
	FUZZ_CHECK(cJSON_GetArraySize(line) == JSON_MEMBERS);
	cJSON_Delete(line);
	buf_free(&out);
	access_format_free(&format);
}

static void
check_client(const struct access_format *format, const char *text,
    const char *at, const char *end)
{
	static const struct reply reply = { .type = "text/html" };
	static const struct http_span none[ACCESS_EXTRAS];
	struct http_span extras[ACCESS_EXTRAS];
	struct access_entry quiet = { .minor = 1,
		.status = 200,
		.extras = none,
		.reply = &reply };
	struct access_entry entry = quiet;
	unsigned i;

	entry.method = next_line(&at, end);
	entry.target = next_line(&at, end);
	entry.referer = next_line(&at, end);
	entry.user_agent = next_line(&at, end);
	for (i = 0; i < ACCESS_EXTRAS - 1; i++)
		extras[i] = next_line(&at, end);
	extras[i].data = at;
	extras[i].len = (size_t)(end - at);
	entry.extras = extras;
	entry.client = extras[0];
	check_line(format, text, &entry, &quiet);
	check_json(&entry);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data;
	const char *end = at + size;
	struct http_span first = next_line(&at, end);
	char *text = strndup(first.data, first.len);
	struct access_format *format;
	struct buf why = BUF_EMPTY;

	FUZZ_CHECK(text != NULL);
	format = access_format_new(text, &why);
	if (format == NULL) {
		FUZZ_CHECK(why.len > 0 && why.data[why.len - 1] == '\n');
		FUZZ_CHECK(strncmp(why.data, "access_log_format, character ",
			       29) == 0);
	} else {
		FUZZ_CHECK(why.len == 0);
		check_extras(format);
		check_client(format, text, at, end);
	}
	access_format_free(&format);
	buf_free(&why);
	free(text);
	return 0;
}
