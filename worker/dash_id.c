/* SPDX-License-Identifier: MIT */

/*
 * Ids that are objects. See dash_id.h.
 *
 * The browser finds a component by the text of its id, so our text has to be
 * JavaScript's to the byte: JSON.stringify() of each value, names sorted by
 * UTF-16 code units.
 */
#include "worker/dash_id.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "worker/json_read.h"
#include "worker/json_write.h"

static const char *const wild_names[] = {
	[DASH_MATCH] = "MATCH",
	[DASH_ALL] = "ALL",
	[DASH_ALLSMALLER] = "ALLSMALLER",
};

enum dash_wild
dash_id_wild(const struct value *value)
{
	int i;

	if (value->kind != VALUE_ARRAY || value->count != 1 ||
	    value->u.items[0].kind != VALUE_TEXT)
		return DASH_PLAIN;
	for (i = DASH_MATCH; i <= DASH_ALLSMALLER; i++) {
		if (strcmp(value->u.items[0].u.text, wild_names[i]) == 0)
			return (enum dash_wild)i;
	}
	return DASH_PLAIN;
}

/* Surrogates sort before U+E000 in UTF-16, behind it in UTF-8. */
int
dash_id_compare(const char *a, const char *b)
{
	const unsigned char *x = (const unsigned char *)a;
	const unsigned char *y = (const unsigned char *)b;

	while (*x == *y && *x != '\0') {
		x++;
		y++;
	}
	if (*x >= 0xee && *y >= 0xee && (*x >= 0xf0) != (*y >= 0xf0))
		return *x >= 0xf0 ? -1 : 1;
	return (int)*x - (int)*y;
}

static int
compare_names(const void *a, const void *b)
{
	return dash_id_compare(((const struct value_member *)a)->name,
	    ((const struct value_member *)b)->name);
}

static bool
is_scalar(const struct value *value)
{
	return value->kind == VALUE_TEXT || value->kind == VALUE_INT ||
	       value->kind == VALUE_DOUBLE || value->kind == VALUE_BOOL;
}

struct value *
dash_id_sorted(struct arena *arena, const struct value *value)
{
	struct value *id;
	uint32_t i;

	if (value->kind != VALUE_OBJECT || value->count == 0 ||
	    value->count > DASH_ID_KEYS)
		return NULL;
	for (i = 0; i < value->count; i++) {
		if (!is_scalar(&value->u.members[i].value) &&
		    dash_id_wild(&value->u.members[i].value) == DASH_PLAIN)
			return NULL;
	}
	id = value_object(arena, value->count);
	if (id == NULL)
		return NULL;
	memcpy(id->u.members, value->u.members,
	    value->count * sizeof(struct value_member));
	qsort(id->u.members, id->count, sizeof(struct value_member),
	    compare_names);
	return id;
}

/* Bare MATCH, ALL and ALLSMALLER become JSON. */
static void
quote_wildcards(const char *text, size_t len, struct buf *out)
{
	const char *end = text + len;
	bool quoted = false;
	size_t word;

	while (text < end) {
		if (*text == '"')
			quoted = !quoted;
		word = 0;
		if (!quoted)
			while (text + word < end && text[word] >= 'A' &&
			       text[word] <= 'Z')
				word++;
		if (word > 0) {
			(void)buf_printf(out, "[\"%.*s\"]", (int)word, text);
			text += word;
			continue;
		}
		if (quoted && *text == '\\' && text + 1 < end)
			(void)buf_putc(out, *text++);
		(void)buf_putc(out, *text++);
	}
}

struct value *
dash_id_parse(struct arena *arena, const char *text, size_t len,
    const char **why)
{
	static const struct json_limits limits = { 3, 64, DASH_ID_KEYS, false,
		false };
	struct buf json = BUF_EMPTY;
	struct value *tree = NULL;
	struct value *id = NULL;

	*why = "out of memory";
	quote_wildcards(text, len, &json);
	if (buf_ok(&json) &&
	    json_read(json.data, json.len, &limits, arena, &tree, why) == 0) {
		*why = "an id is an object of texts, numbers, booleans, "
		       "MATCH, ALL and ALLSMALLER";
		id = dash_id_sorted(arena, tree);
	}
	buf_free(&json);
	return id;
}

/* A text as JSON.stringify() writes it; json_write() escapes more. */
static void
put_text(const struct value *text, struct buf *out)
{
	static const char letters[] = "btn?fr"; /* \b is 8 */
	unsigned char c;
	uint32_t i;

	(void)buf_putc(out, '"');
	for (i = 0; i < text->count; i++) {
		c = (unsigned char)text->u.text[i];
		if (c == '"' || c == '\\')
			(void)buf_printf(out, "\\%c", c);
		else if (c >= 8 && c <= 13 && c != 11)
			(void)buf_printf(out, "\\%c", letters[c - 8]);
		else if (c < 0x20)
			(void)buf_printf(out, "\\u%04x", c);
		else
			(void)buf_putc(out, (char)c);
	}
	(void)buf_putc(out, '"');
}

static void
put_value(const struct value *value, struct buf *out)
{
	const char *why;

	if (value->kind == VALUE_TEXT) {
		put_text(value, out);
	} else if (dash_id_wild(value) != DASH_PLAIN) {
		(void)buf_printf(out, "[\"%s\"]",
		    wild_names[dash_id_wild(value)]);
	} else {
		(void)json_write(value, out, &why);
	}
}

int
dash_id_text(const struct value *id, struct buf *out)
{
	struct value name = { .kind = VALUE_TEXT };
	uint32_t i;

	if (id->kind == VALUE_TEXT)
		return buf_put(out, id->u.text, id->count);
	for (i = 0; i < id->count; i++) {
		name.u.text = id->u.members[i].name;
		name.count = id->u.members[i].name_len;
		(void)buf_putc(out, i == 0 ? '{' : ',');
		put_text(&name, out);
		(void)buf_putc(out, ':');
		put_value(&id->u.members[i].value, out);
	}
	(void)buf_putc(out, '}');
	return buf_ok(out) ? 0 : -ENOMEM;
}

const char *
dash_id_string(struct arena *arena, const struct value *id)
{
	struct buf text = BUF_EMPTY;
	const char *copy = NULL;

	if (dash_id_text(id, &text) == 0)
		copy = arena_strndup(arena, text.data != NULL ? text.data : "",
		    text.len);
	buf_free(&text);
	return copy;
}

bool
dash_id_is_list(const struct value *pattern)
{
	uint32_t i;

	for (i = 0; pattern != NULL && i < pattern->count; i++) {
		if (dash_id_wild(&pattern->u.members[i].value) >= DASH_ALL)
			return true;
	}
	return false;
}

static double
number_of(const struct value *value)
{
	return value->kind == VALUE_INT ? (double)value->u.integer
					: value->u.number;
}

static bool
is_number(const struct value *value)
{
	return value->kind == VALUE_INT || value->kind == VALUE_DOUBLE;
}

bool
dash_id_same(const struct value *a, const struct value *b)
{
	if (is_number(a) && is_number(b))
		return number_of(a) == number_of(b);
	if (a->kind != b->kind)
		return false;
	if (a->kind == VALUE_BOOL)
		return a->flag == b->flag;
	return a->kind == VALUE_TEXT && a->count == b->count &&
	       memcmp(a->u.text, b->u.text, a->count) == 0;
}

/* The same names? Both are sorted. */
static bool
has_names_of(const struct value *a, const struct value *b)
{
	uint32_t i;

	if (a->kind != VALUE_OBJECT || b->kind != VALUE_OBJECT ||
	    a->count != b->count)
		return false;
	for (i = 0; i < a->count; i++) {
		if (strcmp(a->u.members[i].name, b->u.members[i].name) != 0)
			return false;
	}
	return true;
}

bool
dash_id_overlaps(const struct value *a, const struct value *b)
{
	const struct value *x;
	const struct value *y;
	uint32_t i;

	if (!has_names_of(a, b))
		return false;
	for (i = 0; i < a->count; i++) {
		x = &a->u.members[i].value;
		y = &b->u.members[i].value;
		if (dash_id_wild(x) == DASH_PLAIN &&
		    dash_id_wild(y) == DASH_PLAIN && !dash_id_same(x, y))
			return false;
	}
	return true;
}

static const struct value *
bound_value(const struct dash_match *match, const char *name)
{
	unsigned i;

	for (i = 0; i < match->count; i++) {
		if (strcmp(match->names[i], name) == 0)
			return match->values[i];
	}
	return NULL;
}

/* MATCH: the value of this request, learned from the first that has one. */
static bool
match_value(struct dash_match *match, const char *name,
    const struct value *value)
{
	const struct value *bound = bound_value(match, name);

	if (bound != NULL)
		return dash_id_same(bound, value);
	if (match->count == DASH_ID_KEYS)
		return false;
	match->names[match->count] = name;
	match->values[match->count++] = value;
	return true;
}

static bool
is_smaller(const struct dash_match *match, const char *name,
    const struct value *value)
{
	const struct value *bound = bound_value(match, name);

	if (bound == NULL)
		return false;
	if (is_number(bound) && is_number(value))
		return number_of(value) < number_of(bound);
	if (bound->kind == VALUE_TEXT && value->kind == VALUE_TEXT)
		return !dash_id_same(bound, value);
	return true; /* kinds differ: the browser has an order of its own */
}

bool
dash_id_matches(const struct value *pattern, const struct value *id,
    struct dash_match *match)
{
	const struct value_member *want;
	const struct value *value;
	bool good = has_names_of(pattern, id);
	uint32_t i;

	for (i = 0; good && i < pattern->count; i++) {
		want = &pattern->u.members[i];
		value = &id->u.members[i].value;
		if (!is_scalar(value))
			return false;
		switch (dash_id_wild(&want->value)) {
		case DASH_PLAIN:
			good = dash_id_same(&want->value, value);
			break;
		case DASH_MATCH:
			good = match_value(match, want->name, value);
			break;
		case DASH_ALL:
			break;
		case DASH_ALLSMALLER:
			good = is_smaller(match, want->name, value);
			break;
		}
	}
	return good;
}
