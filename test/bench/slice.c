/* SPDX-License-Identifier: MIT */

/*
 * A scanner that only knows strings, brackets and commas. It trusts nothing:
 * a text that ends early ends the search.
 *
 * THREADS  Any; pure.
 */
#include "test/bench/slice.h"

#include <string.h>

static const bool is_structure[256] = {
	['"'] = true,
	['{'] = true,
	['}'] = true,
	['['] = true,
	[']'] = true,
};

static const char *
skip_blank(const char *at, const char *end)
{
	while (at < end &&
	       (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
		at++;
	return at;
}

/* From an opening quote to behind the closing one; NULL: none. */
static const char *
skip_string(const char *at, const char *end)
{
	const char *quote;
	const char *back;

	for (at++; at < end; at = quote + 1) {
		quote = memchr(at, '"', (size_t)(end - at));
		if (quote == NULL)
			return NULL;
		for (back = quote; back > at && back[-1] == '\\'; back--)
			continue;
		if ((quote - back) % 2 == 0)
			return quote + 1;
	}
	return NULL;
}

/* Behind the value that starts at `at`; NULL: it does not end. */
static const char *
skip_value(const char *at, const char *end)
{
	const char *start = at;
	unsigned depth = 0;

	while (at < end) {
		if (*at == '"') {
			at = skip_string(at, end);
			if (at == NULL)
				return NULL;
		} else if (*at == '{' || *at == '[') {
			depth++;
			at++;
		} else if (*at == '}' || *at == ']') {
			if (depth == 0)
				return at > start ? at : NULL;
			depth--;
			at++;
		} else if (depth == 0 && strchr(", \t\r\n:", *at) != NULL) {
			return at > start ? at : NULL;
		} else {
			at++;
			while (depth > 0 && at < end &&
			       !is_structure[(unsigned char)*at])
				at++;
			continue;
		}
		if (depth == 0)
			return at;
	}
	return depth == 0 && at > start ? at : NULL;
}

bool
slice_next(struct slice json, const char **at, struct slice *name,
    struct slice *value)
{
	const char *end = json.data + json.len;
	const char *here = skip_blank(*at, end);
	const char *stop;

	if (here >= end || (*here != '{' && *here != ','))
		return false;
	here = skip_blank(here + 1, end);
	if (here >= end || *here != '"')
		return false;
	stop = skip_string(here, end);
	if (stop == NULL)
		return false;
	*name = (struct slice){ here + 1, (size_t)(stop - here) - 2 };
	here = skip_blank(stop, end);
	if (here >= end || *here != ':')
		return false;
	here = skip_blank(here + 1, end);
	stop = here < end ? skip_value(here, end) : NULL;
	if (stop == NULL)
		return false;
	*value = (struct slice){ here, (size_t)(stop - here) };
	*at = stop;
	return true;
}

bool
slice_name_is(struct slice name, const char *want, size_t want_len)
{
	size_t i;
	size_t j = 0;

	if (memchr(name.data, '\\', name.len) == NULL)
		return name.len == want_len &&
		       memcmp(name.data, want, want_len) == 0;
	for (i = 0; i < name.len; i++, j++) {
		if (name.data[i] == '\\' && i + 1 < name.len)
			i++;
		if (j >= want_len || name.data[i] != want[j])
			return false;
	}
	return j == want_len;
}

struct slice
slice_member(struct slice json, const char *name, size_t name_len)
{
	struct slice none = { NULL, 0 };
	struct slice found;
	struct slice value;
	const char *at = json.data;

	if (json.data == NULL)
		return none;
	while (slice_next(json, &at, &found, &value)) {
		if (slice_name_is(found, name, name_len))
			return value;
	}
	return none;
}

bool
slice_is_whole(struct slice json)
{
	const char *end = json.data + json.len;
	const char *at = json.len > 0 ? skip_blank(json.data, end) : end;

	if (at >= end || (*at != '{' && *at != '['))
		return false;
	at = skip_value(at, end);
	return at != NULL && skip_blank(at, end) == end;
}
