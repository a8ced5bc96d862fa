/* SPDX-License-Identifier: MIT */

/*
 * Paths with variables, and queries. See pattern.h.
 */
#include "worker/pattern.h"

#include <string.h>

#include "worker/utf8.h"

#define VARIABLES_MAX 16
#define PAIRS_MAX 256

/* The segment at `at`: its length up to a slash or the end. */
static size_t
segment_len(const char *at)
{
	return strcspn(at, "/");
}

const char *
pattern_check(const char *pattern)
{
	const char *names[VARIABLES_MAX];
	size_t lens[VARIABLES_MAX];
	const char *at = pattern;
	const char *open;
	const char *close;
	size_t count = 0;
	size_t len;
	size_t i;

	if (pattern == NULL || pattern[0] != '/')
		return "a path starts with /";
	for (; *at != '\0'; at += len) {
		at += *at == '/';
		len = segment_len(at);
		open = memchr(at, '<', len);
		close = memchr(at, '>', len);
		if (open == NULL && close == NULL)
			continue;
		if (open == NULL || (close != NULL && close < open))
			return "a > without a < in front of it";
		if (close == NULL)
			return "a < without its > in the same segment";
		if (close == open + 1)
			return "a <variable> without a name";
		if (memchr(open + 1, '<', len - (size_t)(open + 1 - at)) ||
		    memchr(close + 1, '>', len - (size_t)(close + 1 - at)))
			return "a segment has one <variable> at most";
		if (count == VARIABLES_MAX)
			return "too many variables";
		names[count] = open + 1;
		lens[count] = (size_t)(close - open - 1);
		for (i = 0; i < count; i++) {
			if (lens[i] == lens[count] &&
			    memcmp(names[i], names[count], lens[i]) == 0)
				return "a variable stands there twice";
		}
		count++;
	}
	return NULL;
}

bool
pattern_is_of_server(const char *path)
{
	return strncmp(path, "/_dash-", 7) == 0 ||
	       strncmp(path, "/_ph/", 5) == 0 ||
	       strncmp(path, "/assets/", 8) == 0 ||
	       strcmp(path, "/_reload-hash") == 0 ||
	       strcmp(path, "/_favicon.ico") == 0 ||
	       strcmp(path, "/favicon.ico") == 0;
}

bool
pattern_has_variables(const char *pattern)
{
	return strchr(pattern, '<') != NULL;
}

/* One segment; a variable's name and value go to *member. -1 no, 0 yes, 1 yes
 * with a variable. */
static int
match_segment(const char *want, size_t want_len, const char *have,
    size_t have_len, struct arena *arena, struct value_member *member)
{
	const char *open = memchr(want, '<', want_len);
	size_t before;
	size_t after;
	const char *close;

	if (open == NULL)
		return want_len == have_len && memcmp(want, have, want_len) == 0
			   ? 0
			   : -1;
	close = memchr(open, '>', want_len - (size_t)(open - want));
	before = (size_t)(open - want);
	after = want_len - (size_t)(close + 1 - want);
	if (have_len <= before + after || memcmp(want, have, before) != 0 ||
	    memcmp(close + 1, have + have_len - after, after) != 0)
		return -1;
	member->name_len = (uint32_t)(close - open - 1);
	member->name = arena_strndup(arena, open + 1, member->name_len);
	member->value.kind = VALUE_TEXT;
	member->value.count = (uint32_t)(have_len - before - after);
	member->value.u.text =
	    arena_strndup(arena, have + before, member->value.count);
	return member->name != NULL && member->value.u.text != NULL ? 1 : -1;
}

bool
pattern_match(const char *pattern, const char *path, struct arena *arena,
    struct value **variables)
{
	struct value *object = value_object(arena, VARIABLES_MAX);
	size_t want;
	size_t have;
	int found;

	if (object == NULL)
		return false;
	object->count = 0;
	while (*pattern == '/' && *path == '/') {
		pattern++;
		path++;
		want = segment_len(pattern);
		have = segment_len(path);
		found = match_segment(pattern, want, path, have, arena,
		    &object->u.members[object->count]);
		if (found < 0)
			return false;
		object->count += (uint32_t)found;
		pattern += want;
		path += have;
	}
	if (variables != NULL)
		*variables = object;
	return *pattern == '\0' && *path == '\0';
}

bool
pattern_overlaps(const char *a, const char *b)
{
	size_t x;
	size_t y;

	while (*a == '/' && *b == '/') {
		a++;
		b++;
		x = segment_len(a);
		y = segment_len(b);
		/* Two variables in one place, or the same text. */
		if (memchr(a, '<', x) == NULL || memchr(b, '<', y) == NULL) {
			if (x != y || memcmp(a, b, x) != 0)
				return false;
		}
		a += x;
		b += y;
	}
	return *a == '\0' && *b == '\0';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decode '+' and '%xx'; false: it is no text. */
static bool
decode(const char *from, size_t len, struct arena *arena, const char **text,
    uint32_t *count)
{
	char *out = arena_alloc(arena, len + 1);
	size_t n = 0;
	size_t i = 0;
	size_t step;

	if (out == NULL)
		return false;
	while (i < len) {
		if (from[i] == '%' && len - i > 2 &&
		    hex_value(from[i + 1]) >= 0 &&
		    hex_value(from[i + 2]) >= 0) {
			out[n++] = (char)(hex_value(from[i + 1]) * 16 +
					  hex_value(from[i + 2]));
			i += 3;
			continue;
		}
		out[n++] = from[i] == '+' ? ' ' : from[i];
		i++;
	}
	out[n] = '\0';
	for (i = 0; i < n; i += step) {
		step = utf8_char_len(out + i, out + n);
		if (step == 0 || out[i] == '\0')
			return false;
	}
	*text = out;
	*count = (uint32_t)n;
	return true;
}

struct value *
pattern_query(struct http_span query, struct arena *arena)
{
	struct value *object = value_object(arena, PAIRS_MAX);
	struct value_member *member;
	const char *at = query.data;
	const char *end = at != NULL ? at + query.len : NULL;
	const char *stop;
	const char *equals;

	if (object == NULL)
		return NULL;
	object->count = 0;
	if (at != NULL && at < end && *at == '?')
		at++;
	for (; at < end && object->count < PAIRS_MAX; at = stop + 1) {
		stop = memchr(at, '&', (size_t)(end - at));
		if (stop == NULL)
			stop = end;
		equals = memchr(at, '=', (size_t)(stop - at));
		if (equals == NULL)
			equals = stop;
		member = &object->u.members[object->count];
		member->value.kind = VALUE_TEXT;
		if (equals > at &&
		    decode(at, (size_t)(equals - at), arena, &member->name,
			&member->name_len) &&
		    decode(equals + (equals < stop),
			(size_t)(stop - equals - (equals < stop)), arena,
			&member->value.u.text, &member->value.count) &&
		    value_get(object, member->name) == NULL)
			object->count++;
		if (stop == end)
			break;
	}
	return object;
}
