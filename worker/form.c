/* SPDX-License-Identifier: MIT */

/*
 * Forms: multipart strictly, as no browser sends anything else. What is in
 * doubt (another boundary than the type names, bytes before or behind, two
 * names) is 400.
 *
 * INVARIANT  Each byte of the body is looked at a bounded number of times.
 */
#include "worker/form.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "worker/http_class.h"
#include "worker/utf8.h"

#define BOUNDARY_MAX 70 /* RFC 2046 */
#define MULTIPART "multipart/form-data"
#define URLENCODED "application/x-www-form-urlencoded"

struct reader {
	const char *at;
	const char *end;
	const struct form_limits *limits;
	struct arena *arena;
	struct form *form;
	size_t cap; /* of form->parts */
};

static bool
starts_with(const char *at, const char *end, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(end - at) >= len && strncasecmp(at, text, len) == 0;
}

static const char *
skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

/* Room for one more part, zeroed; NULL with *status set. */
static struct form_part *
add_part(struct reader *reader, int *status)
{
	struct form *form = reader->form;
	struct form_part *parts;

	if (form->count >= reader->limits->parts) {
		*status = -413;
		return NULL;
	}
	if (form->count == reader->cap) {
		reader->cap = reader->cap == 0 ? 16 : 2 * reader->cap;
		parts =
		    arena_alloc(reader->arena, reader->cap * sizeof(*parts));
		if (parts == NULL) {
			*status = -503;
			return NULL;
		}
		if (form->count > 0)
			memcpy(parts, form->parts,
			    form->count * sizeof(*parts));
		form->parts = parts;
	}
	memset(&form->parts[form->count], 0, sizeof(*form->parts));
	return &form->parts[form->count++];
}

static bool
is_text(const char *at, const char *end)
{
	size_t n;

	for (; at < end; at += n) {
		n = utf8_char_len(at, end);
		if (n == 0 || (unsigned char)*at < 0x20 || *at == 0x7F)
			return false;
	}
	return true;
}

/*
 * A parameter's value: quoted, or a token. A backslash escapes a quote and
 * nothing else, as old clients send paths with backslashes unescaped; the
 * escaped quotes are found by scanning, and stay as they are.
 */
static bool
take_value(const char **at_in, const char *end, struct http_span *value)
{
	const char *at = *at_in;
	const char *start;

	if (at < end && *at == '"') {
		start = ++at;
		while (at < end && *at != '"')
			at +=
			    *at == '\\' && end - at > 1 && at[1] == '"' ? 2 : 1;
		if (at == end)
			return false;
		*value = (struct http_span){ start, (size_t)(at - start) };
		*at_in = at + 1;
		return true;
	}
	start = at;
	while (at < end && http_class_has(*at, HTTP_TOKEN))
		at++;
	*value = (struct http_span){ start, (size_t)(at - start) };
	*at_in = at;
	return at > start;
}

/* The next `; name=value`. 1, 0 at the end, or -400. */
static int
next_parameter(const char **at_in, const char *end, struct http_span *name,
    struct http_span *value)
{
	const char *at = skip_blanks(*at_in, end);

	if (at == end)
		return 0;
	if (*at++ != ';')
		return -400;
	at = skip_blanks(at, end);
	name->data = at;
	while (at < end && http_class_has(*at, HTTP_TOKEN))
		at++;
	name->len = (size_t)(at - name->data);
	if (name->len == 0 || at == end || *at++ != '=' ||
	    !take_value(&at, end, value))
		return -400;
	*at_in = at;
	return 1;
}

/*
 * %22 of browsers and \" of others become the quote they stand for. %0D and
 * %0A stay: a name has no control bytes. False: no memory.
 */
static bool
unescape(struct reader *reader, struct http_span *text)
{
	const char *end = text->data + text->len;
	const char *at;
	char *out;
	char *to;

	if (memchr(text->data, '%', text->len) == NULL &&
	    memchr(text->data, '\\', text->len) == NULL)
		return true;
	out = arena_alloc(reader->arena, text->len + 1);
	if (out == NULL)
		return false;
	to = out;
	for (at = text->data; at < end; at++) {
		if (starts_with(at, end, "%22")) {
			*to++ = '"';
			at += 2;
		} else if (*at == '\\' && end - at > 1 && at[1] == '"') {
			*to++ = '"';
			at++;
		} else {
			*to++ = *at;
		}
	}
	*text = (struct http_span){ out, (size_t)(to - out) };
	return true;
}

/* What a client calls a file may hold a path of its own machine. */
static void
keep_last_segment(struct http_span *name)
{
	const char *end = name->data + name->len;
	const char *at = end;

	while (at > name->data && at[-1] != '/' && at[-1] != '\\')
		at--;
	name->data = at;
	name->len = (size_t)(end - at);
	if ((name->len == 1 && at[0] == '.') ||
	    (name->len == 2 && at[0] == '.' && at[1] == '.'))
		name->len = 0;
}

/* The value of a part's Content-Disposition. 0 or minus a status. */
static int
read_disposition(struct reader *reader, struct form_part *part, const char *at,
    const char *end)
{
	struct http_span name;
	struct http_span value;
	struct http_span *to;
	int rc;

	if (part->name.data != NULL || !starts_with(at, end, "form-data"))
		return -400;
	at += strlen("form-data");
	while ((rc = next_parameter(&at, end, &name, &value)) > 0) {
		if (http_span_is(name, "name"))
			to = &part->name;
		else if (http_span_is(name, "filename"))
			to = &part->file_name;
		else
			continue; /* filename* is not for forms: RFC 7578 4.2 */
		if (to->data != NULL ||
		    !is_text(value.data, value.data + value.len))
			return -400;
		*to = value;
		if (!unescape(reader, to))
			return -503;
	}
	if (rc == 0 && part->file_name.data != NULL)
		keep_last_segment(&part->file_name);
	return rc == 0 && part->name.data == NULL ? -400 : rc;
}

/* One header line of a part, without its CRLF. 0 or minus a status. */
static int
read_line(struct reader *reader, struct form_part *part, const char *at,
    const char *end)
{
	const char *name = at;
	struct http_span field;
	const char *p;

	while (at < end && http_class_has(*at, HTTP_TOKEN))
		at++;
	if (at == name || at == end || *at != ':')
		return -400;
	field = (struct http_span){ name, (size_t)(at - name) };
	at = skip_blanks(at + 1, end);
	while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	for (p = at; p < end; p++) {
		if (!http_class_has(*p, HTTP_VALUE))
			return -400;
	}
	if (http_span_is(field, "content-disposition"))
		return read_disposition(reader, part, at, end);
	if (http_span_is(field, "content-type")) {
		if (part->type.data != NULL)
			return -400;
		part->type = (struct http_span){ at, (size_t)(end - at) };
	}
	return 0;
}

/* The header lines of a part with the empty one. 0 or minus a status. */
static int
read_head(struct reader *reader, struct form_part *part)
{
	const char *start = reader->at;
	size_t max = reader->limits->part_head;
	const char *stop;
	const char *line;
	int rc;

	stop = (size_t)(reader->end - start) > max ? start + max : reader->end;
	for (;;) {
		line =
		    memmem(reader->at, (size_t)(stop - reader->at), "\r\n", 2);
		if (line == NULL)
			return stop == reader->end ? -400 : -431;
		if (line == reader->at)
			break;
		rc = read_line(reader, part, reader->at, line);
		if (rc < 0)
			return rc;
		reader->at = line + 2;
	}
	reader->at = line + 2;
	return part->name.data != NULL ? 0 : -400;
}

/* The boundary that the type names, with the dashes in front; 0: none. */
static size_t
read_boundary(struct http_span type, char out[BOUNDARY_MAX + 5])
{
	const char *at = type.data + strlen(MULTIPART);
	const char *end = type.data + type.len;
	struct http_span boundary = { NULL, 0 };
	struct http_span name;
	struct http_span value;
	size_t i;
	int rc;

	while ((rc = next_parameter(&at, end, &name, &value)) > 0) {
		if (!http_span_is(name, "boundary"))
			continue;
		if (boundary.data != NULL)
			return 0;
		boundary = value;
	}
	if (rc < 0 || boundary.len == 0 || boundary.len > BOUNDARY_MAX)
		return 0;
	for (i = 0; i < boundary.len; i++) {
		if (!http_class_has(boundary.data[i], HTTP_TOKEN) &&
		    strchr("(),/:=? ", boundary.data[i]) == NULL)
			return 0;
	}
	memcpy(out, "\r\n--", 4);
	memcpy(out + 4, boundary.data, boundary.len);
	return boundary.len + 4;
}

/* Behind a boundary: 1 for a further part, 0 for the end, -400. */
static int
after_boundary(struct reader *reader)
{
	const char *at = reader->at;
	size_t left = (size_t)(reader->end - at);

	if (left >= 2 && at[0] == '\r' && at[1] == '\n') {
		reader->at += 2;
		return 1;
	}
	if (left < 2 || at[0] != '-' || at[1] != '-')
		return -400;
	left -= 2;
	return left == 0 || (left == 2 && at[2] == '\r' && at[3] == '\n')
		   ? 0
		   : -400;
}

static int
parse_multipart(struct reader *reader, struct http_span type)
{
	char boundary[BOUNDARY_MAX + 5];
	size_t len = read_boundary(type, boundary);
	struct form_part *part;
	const char *next;
	int rc;

	/* The first boundary has no line before it. */
	if (len == 0 || (size_t)(reader->end - reader->at) < len - 2 ||
	    memcmp(reader->at, boundary + 2, len - 2) != 0)
		return -400;
	reader->at += len - 2;
	while ((rc = after_boundary(reader)) > 0) {
		part = add_part(reader, &rc);
		if (part == NULL)
			return rc;
		rc = read_head(reader, part);
		if (rc < 0)
			return rc;
		/* A part without a byte still has the CRLF of its boundary. */
		next = memmem(reader->at, (size_t)(reader->end - reader->at),
		    boundary, len);
		if (next == NULL)
			return -400;
		part->value.data = reader->at;
		part->value.len = (size_t)(next - reader->at);
		reader->at = next + len;
	}
	return rc;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return (c | 0x20) - 'a' + 10;
}

/* Decode '+' and '%xx' into the arena. 0 or minus a status. */
static int
decode(struct reader *reader, const char *at, const char *end,
    struct http_span *span)
{
	char *out = arena_alloc(reader->arena, (size_t)(end - at) + 1);
	char *to = out;

	if (out == NULL)
		return -503;
	for (; at < end; at++) {
		if (*at == '%') {
			if (end - at < 3 || !http_class_has(at[1], HTTP_HEX) ||
			    !http_class_has(at[2], HTTP_HEX))
				return -400;
			*to++ =
			    (char)(hex_value(at[1]) * 16 + hex_value(at[2]));
			at += 2;
		} else {
			*to++ = (char)(*at == '+' ? ' ' : *at);
		}
	}
	*span = (struct http_span){ out, (size_t)(to - out) };
	return 0;
}

static int
parse_urlencoded(struct reader *reader)
{
	struct form_part *part;
	const char *stop;
	const char *equals;
	int rc = 0;

	while (rc == 0 && reader->at < reader->end) {
		stop =
		    memchr(reader->at, '&', (size_t)(reader->end - reader->at));
		if (stop == NULL)
			stop = reader->end;
		equals = memchr(reader->at, '=', (size_t)(stop - reader->at));
		if (equals == NULL)
			equals = stop;
		if (stop > reader->at) {
			part = add_part(reader, &rc);
			if (part == NULL)
				return rc;
			rc = decode(reader, reader->at, equals, &part->name);
			if (rc == 0)
				rc = decode(reader,
				    equals < stop ? equals + 1 : stop, stop,
				    &part->value);
			if (rc == 0 && !is_text(part->name.data,
					   part->name.data + part->name.len))
				rc = -400;
		}
		reader->at = stop < reader->end ? stop + 1 : stop;
	}
	return rc;
}

/* Is the media type this one, with or without parameters? */
static bool
is_type(struct http_span type, const char *name)
{
	size_t len = strlen(name);

	return type.data != NULL &&
	       starts_with(type.data, type.data + type.len, name) &&
	       (type.len == len || strchr("; \t", type.data[len]) != NULL);
}

int
form_parse(struct http_span type, const char *data, size_t len,
    const struct form_limits *limits, struct arena *arena, struct form *form)
{
	struct reader reader = { data, data + len, limits, arena, form, 0 };

	memset(form, 0, sizeof(*form));
	if (is_type(type, MULTIPART))
		return parse_multipart(&reader, type);
	if (is_type(type, URLENCODED))
		return parse_urlencoded(&reader);
	return -415;
}

const struct form_part *
form_find(const struct form *form, const char *name)
{
	size_t len = strlen(name);
	size_t i;

	for (i = 0; i < form->count; i++) {
		if (form->parts[i].name.len == len &&
		    memcmp(form->parts[i].name.data, name, len) == 0)
			return &form->parts[i];
	}
	return NULL;
}
