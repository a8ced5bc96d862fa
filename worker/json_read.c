/* SPDX-License-Identifier: MIT */

/*
 * JSON text to a value in an arena.
 *
 * json_scan() has the say on what is JSON and how much of it is allowed; so
 * the second pass here meets well-formed text only, and no recursion deeper
 * than the limit. It writes values straight into the arena: members of an
 * open array or object wait on a stack until it is closed and their number
 * is known.
 *
 * The text is copied to the arena once, and its strings stay where they are in
 * that copy: a zero byte takes the place of the quote behind each, or of what
 * is left when escapes have become shorter.
 *
 * INVARIANT  Nothing at or after the end of the text is looked at: every
 *            step is one that json_scan() has made.
 * OWNERSHIP  The stack lives only inside json_read(); the result belongs to
 *            the arena and does not point into the text.
 * THREADS    Any. Independent of the locale.
 */
#include "worker/json_read.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"
#include "worker/decimal.h"
#include "worker/json_plain.h"
#include "worker/utf8.h"

#define FEW_VALUES 32
#define EXACT_INTEGER 9007199254740992.0 /* 2^53 */
#define EXACT_DIGITS 15                  /* always below it */
#define INT64_DIGITS 19                  /* always in 64 bits, unsigned */

struct reader {
	char *p; /* next byte, in a copy that is ours */
	char *end;
	struct arena *arena;
	const char *why;
	bool whole_integers;
	struct value_member *stack;
	size_t count;
	size_t room;
	struct value_member few[FEW_VALUES]; /* the stack's first place */
};

static int read_value(struct reader *reader, struct value *out);

static void
skip_space(struct reader *reader)
{
	char *p = reader->p;

	while (p != reader->end &&
	       (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	reader->p = p;
}

/* ---- texts ------------------------------------------------------------------
 */

static unsigned
hex_unit(const char *p)
{
	unsigned unit = 0;
	int i;

	for (i = 0; i < 4; i++) {
		unit <<= 4;
		unit |= p[i] <= '9' ? (unsigned)(p[i] - '0')
				    : (unsigned)((p[i] | 0x20) - 'a' + 10);
	}
	return unit;
}

/* The second half of a pair at `p`, written as "\uXXXX"? A text ends with a
 * quote, so looking for it byte by byte stays inside. */
static bool
is_second_half(const char *p)
{
	unsigned code = p[0] == '\\' && p[1] == 'u' ? hex_unit(p + 2) : 0;

	return code >= 0xDC00 && code <= 0xDFFF;
}

/* `*from` is behind the "\\u"; surrogates come in pairs (RFC 8259, 7), or
 * else limits->any_text has let them through. */
static char *
put_unicode(char *to, const char **from)
{
	unsigned code = hex_unit(*from);

	*from += 4;
	if (code >= 0xD800 && code <= 0xDBFF && is_second_half(*from)) {
		code = 0x10000 + ((code - 0xD800) << 10) +
		       (hex_unit(*from + 2) - 0xDC00);
		*from += 6;
	} else if (code == 0 || (code >= 0xD800 && code <= 0xDFFF)) {
		*to = JSON_UNHELD;
		return to + 1;
	}
	return utf8_put(to, code);
}

/* What stands between quotes; never longer than it is written, so it may
 * take its own place. */
static char *
unescape(char *to, const char *from, const char *end)
{
	static const char names[] = "bfnrt";
	static const char bytes[] = "\b\f\n\r\t";
	const char *name;

	while (from != end) {
		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		from += 2;
		if (from[-1] == 'u') {
			to = put_unicode(to, &from);
			continue;
		}
		name = strchr(names, from[-1]);
		*to++ = name != NULL ? bytes[name - names] : from[-1];
	}
	return to;
}

/* reader->p is behind the opening quote, and then behind the closing one. */
static void
read_text(struct reader *reader, const char **text, uint32_t *len)
{
	char *from = reader->p;
	const char *p = json_skip_plain(from, reader->end);
	char *last;
	bool plain = true;

	while (*p != '"') {
		plain = plain && *p != '\\';
		p = json_skip_plain(p + 1 + (*p == '\\'), reader->end);
	}
	reader->p += p - from;
	last = plain ? reader->p : unescape(from, from, p);
	*last = '\0';
	reader->p++;
	*text = from;
	*len = (uint32_t)(last - from);
}

/* ---- numbers ----------------------------------------------------------------
 */

static void
convert_number(double number, struct value *out)
{
	if (number == trunc(number) && fabs(number) <= EXACT_INTEGER) {
		out->kind = VALUE_INT;
		out->u.integer = (int64_t)number;
		return;
	}
	out->kind = VALUE_DOUBLE;
	out->u.number = number;
}

/* Digits, after a minus or not, that an int64_t holds? */
static bool
whole_integer(const char *text, size_t len, struct value *out)
{
	bool minus = *text == '-';
	uint64_t most = (uint64_t)INT64_MAX + minus;
	uint64_t integer = 0;
	size_t i;

	if (len - minus > INT64_DIGITS)
		return false;
	for (i = minus; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		integer = integer * 10 + (uint64_t)(text[i] - '0');
	}
	if (integer > most)
		return false;
	out->kind = VALUE_INT;
	out->u.integer = (int64_t)(minus ? 0 - integer : integer);
	return true;
}

static bool
is_of_number(char c)
{
	return (c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E' ||
	       c == '+' || c == '-';
}

static void
read_number(struct reader *reader, struct value *out)
{
	char text[JSON_NUMBER_MAX + 1];
	char *from = reader->p;
	char *p = from;
	bool minus = *p == '-';
	int64_t integer = 0;
	size_t len;

	for (p += minus; p != reader->end && *p >= '0' && *p <= '9'; p++) {
		if (p - from <= EXACT_DIGITS)
			integer = integer * 10 + (*p - '0');
	}
	if (p - from <= EXACT_DIGITS &&
	    (p == reader->end || !is_of_number(*p))) {
		reader->p = p;
		out->kind = VALUE_INT;
		out->u.integer = minus ? -integer : integer;
		return;
	}
	while (p != reader->end && is_of_number(*p))
		p++;
	reader->p = p;
	len = (size_t)(p - from);
	if (reader->whole_integers && whole_integer(from, len, out))
		return;
	memcpy(text, from, len);
	text[len] = '\0';
	convert_number(decimal_read(text, NULL), out);
}

/* ---- arrays and objects -----------------------------------------------------
 */

static int
push(struct reader *reader, const struct value_member *member)
{
	size_t room = reader->room * 2;
	struct value_member *more;

	if (reader->count == reader->room) {
		more =
		    realloc(reader->stack == reader->few ? NULL : reader->stack,
			room * sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		if (reader->stack == reader->few)
			memcpy(more, reader->few, sizeof(reader->few));
		reader->stack = more;
		reader->room = room;
	}
	reader->stack[reader->count++] = *member;
	return 0;
}

static int
close_array(struct reader *reader, size_t first, struct value *out)
{
	const struct value_member *from = reader->stack + first;
	uint32_t i;

	out->kind = VALUE_ARRAY;
	out->count = (uint32_t)(reader->count - first);
	out->u.items =
	    arena_alloc(reader->arena, out->count * sizeof(struct value));
	if (out->u.items == NULL)
		return -ENOMEM;
	for (i = 0; i < out->count; i++)
		out->u.items[i] = from[i].value;
	return 0;
}

static int
close_object(struct reader *reader, size_t first, struct value *out)
{
	size_t count = reader->count - first;
	const char *name;
	int rc;

	out->kind = VALUE_OBJECT;
	out->count = (uint32_t)count;
	out->u.members =
	    arena_alloc(reader->arena, count * sizeof(struct value_member));
	if (out->u.members == NULL)
		return -ENOMEM;
	if (count > 0)
		memcpy(out->u.members, reader->stack + first,
		    count * sizeof(struct value_member));
	rc = value_repeated_name(out, reader->arena, &name);
	if (rc <= 0)
		return rc;
	reader->why = "an object has the same name twice";
	return ERR_SYNTAX;
}

/* reader->p is at the name of a member. */
static void
read_name(struct reader *reader, struct value_member *member)
{
	reader->p++;
	read_text(reader, &member->name, &member->name_len);
	skip_space(reader);
	reader->p++; /* the colon */
}

/* reader->p is behind the opening bracket or brace. */
static int
read_members(struct reader *reader, bool object, struct value *out)
{
	size_t first = reader->count;
	struct value_member member = { .name = NULL };
	int rc = 0;

	skip_space(reader);
	while (rc == 0 && *reader->p != (object ? '}' : ']')) {
		if (object)
			read_name(reader, &member);
		rc = read_value(reader, &member.value);
		if (rc == 0)
			rc = push(reader, &member);
		skip_space(reader);
		if (rc == 0 && *reader->p == ',') {
			reader->p++;
			skip_space(reader);
		}
	}
	if (rc < 0)
		return rc;
	reader->p++;
	rc = object ? close_object(reader, first, out)
		    : close_array(reader, first, out);
	reader->count = first;
	return rc;
}

static int
read_value(struct reader *reader, struct value *out)
{
	memset(out, 0, sizeof(*out));
	skip_space(reader);
	switch (*reader->p) {
	case '{':
	case '[':
		return read_members(reader, *reader->p++ == '{', out);
	case '"':
		reader->p++;
		out->kind = VALUE_TEXT;
		read_text(reader, &out->u.text, &out->count);
		return 0;
	case 't':
		out->kind = VALUE_BOOL;
		out->flag = true;
		reader->p += 4;
		return 0;
	case 'f':
		out->kind = VALUE_BOOL;
		reader->p += 5;
		return 0;
	case 'n':
		out->kind = VALUE_NULL;
		reader->p += 4;
		return 0;
	default:
		read_number(reader, out);
		return 0;
	}
}

static int
scan_error(int verdict)
{
	return verdict == JSON_TOO_MANY_NODES ||
		       verdict == JSON_TOO_MANY_MEMBERS
		   ? ERR_TOO_BIG
		   : ERR_SYNTAX;
}

int
json_read(const char *text, size_t len, const struct json_limits *limits,
    struct arena *arena, struct value **out, const char **why)
{
	struct json_scan_result scan;
	struct value *value;
	struct reader reader;
	char *copy;
	int rc;

	*why = "out of memory";
	rc = json_scan(text, len, limits, &scan);
	if (rc != JSON_OK) {
		*why = scan.error;
		return scan_error(rc);
	}
	/* Texts have their length in 32 bits. */
	value = len <= UINT32_MAX ? value_null(arena) : NULL;
	copy = value != NULL ? arena_strndup(arena, text, len) : NULL;
	if (copy == NULL)
		return -ENOMEM;
	/* Not the stack: each place is written before it is read. */
	memset(&reader, 0, offsetof(struct reader, few));
	reader.p = copy;
	reader.end = copy + len;
	reader.arena = arena;
	reader.whole_integers = limits->whole_integers;
	reader.stack = reader.few;
	reader.room = FEW_VALUES;
	rc = read_value(&reader, value);
	if (reader.stack != reader.few)
		free(reader.stack);
	if (rc == 0)
		*out = value;
	else if (reader.why != NULL)
		*why = reader.why;
	return rc;
}
