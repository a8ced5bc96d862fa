/* SPDX-License-Identifier: MIT */

/*
 * Request heads: bytes to lines and fields.
 *
 * The parser walks all bytes strictly from left to right. It is called again
 * each time more have come, and looks then at the line that was not complete;
 * only the end of a line makes it walk anew, so what a head costs that comes
 * byte by byte is bounded by its number of lines, and their length. Everything
 * that HTTP/1.1 lets a recipient
 * repair (bare LF, folded lines, space before the colon, more than one empty
 * line in front) is refused, because two programs that repair differently
 * are how requests get smuggled.
 *
 * INVARIANT  Every fault is found at a fixed byte of the input, and the walk
 *            stops at the first one. A longer input can so never change the
 *            verdict on a shorter one. Limits keep to this too: no scan
 *            looks further than the limit of the line it is in.
 * OWNERSHIP  Spans borrow the input. Nothing is allocated.
 * THREADS    Any; no state outside the arguments.
 *
 * See http_meaning.c for what lines and fields mean, http_class.c for the
 * byte classes, test/unit/worker/http_cases.h for the verdicts.
 */

#include "worker/http_parse.h"

#include <endian.h>
#include <limits.h>
#include <string.h>

#include "worker/http_class.h"
#include "worker/http_parse_int.h"

#define VERSION_LEN 8 /* HTTP/1.1 */

static size_t
min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * A scan ran into `stop` without finding what it looked for: the input ends
 * there, or the line is longer than allowed.
 */
static int
parse_stopped(const struct http_parse *parse, const char *stop, int status)
{
	return stop == parse->end ? HTTP_PARSE_MORE : -status;
}

static const char *
skip_class(const char *p, const char *stop, unsigned classes)
{
	while (p != stop && http_class_has(*p, classes))
		p++;
	return p;
}

/* A field name; *classes gets those of all its bytes. */
static const char *
skip_name(const char *p, const char *stop, unsigned *classes)
{
	unsigned entry;

	for (; p != stop; p++) {
		entry = http_class_table[(unsigned char)*p];
		if ((entry & HTTP_TOKEN) == 0)
			break;
		*classes |= entry;
	}
	return p;
}

/*
 * Skip the bytes allowed in a field value, eight at a time. The high bit of a
 * lane of `special` is set for a control byte or DEL; a borrow can set it for
 * a plain byte too, but only above a lane that really is special, so the
 * lowest one is exact. HTAB, and what ends the value, is left to the table.
 */
static const char *
skip_value(const char *p, const char *stop)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t word, special, del;

	for (;;) {
		while (stop - p >= 8) {
			memcpy(&word, p, sizeof(word));
			word = le64toh(word); /* first byte lowest */
			del = word ^ (ones * 0x7F);
			special = (word - ones * 0x20) & ~word;
			special |= (del - ones) & ~del;
			special &= ones * 0x80;
			if (special != 0) {
				p += __builtin_ctzll(special) / 8;
				break;
			}
			p += 8;
		}
		if (p == stop || !http_class_has(*p, HTTP_VALUE))
			return p;
		p++;
	}
}

static int
parse_crlf(struct http_parse *parse)
{
	if (parse->p == parse->end)
		return HTTP_PARSE_MORE;
	if (parse->p[0] != '\r')
		return -400;
	if (parse->p + 1 == parse->end)
		return HTTP_PARSE_MORE;
	if (parse->p[1] != '\n')
		return -400;
	parse->p += 2;
	return 0;
}

/* "HTTP/" digit "." digit; which digits is judged once the line is whole. */
static int
parse_version(struct http_parse *parse, const char *stop)
{
	static const char pattern[VERSION_LEN + 1] = "HTTP/0.0";
	const char *p = parse->p;
	bool good;
	int i;

	if (stop - p >= VERSION_LEN &&
	    memcmp(p, "HTTP/1.1", VERSION_LEN) == 0) {
		parse->p += VERSION_LEN;
		return 0;
	}
	for (i = 0; i < VERSION_LEN; i++) {
		if (p + i == stop)
			return parse_stopped(parse, stop, 414);
		if (pattern[i] == '0')
			good = http_class_has(p[i], HTTP_DIGIT);
		else
			good = p[i] == pattern[i];
		if (!good)
			return -400;
	}
	parse->p += VERSION_LEN;
	return 0;
}

/* One word of the request line and the single space after it. */
static int
parse_word(struct http_parse *parse, const char *stop, unsigned classes,
    struct http_span *word)
{
	const char *start = parse->p;
	const char *p = skip_class(start, stop, classes);

	if (p == stop)
		return parse_stopped(parse, stop, 414);
	if (p == start || *p != ' ')
		return -400;
	*word = (struct http_span){ start, (size_t)(p - start) };
	parse->p = p + 1;
	return 0;
}

static int
parse_request_line(struct http_parse *parse)
{
	struct http_head *head = parse->head;
	const char *version;
	const char *stop;
	int rc;

	stop = parse->p + min_size((size_t)(parse->end - parse->p),
			      parse->limits->request_line);
	rc = parse_word(parse, stop, HTTP_TOKEN, &head->method_name);
	if (rc != 0)
		return rc;
	rc = parse_word(parse, stop, HTTP_TARGET, &head->target);
	if (rc != 0)
		return rc;
	version = parse->p;
	rc = parse_version(parse, stop);
	if (rc != 0)
		return rc;
	rc = parse_crlf(parse);
	if (rc != 0)
		return rc;
	if (version[5] != '1' || version[7] > '1')
		return -505;
	head->minor = version[7] - '0';
	return http_meaning_line(parse);
}

static struct http_span
trim_right(const char *start, const char *end)
{
	while (end != start && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (struct http_span){ start, (size_t)(end - start) };
}

static int
parse_field(struct http_parse *parse)
{
	struct http_field *field;
	const char *start = parse->p;
	unsigned classes = 0;
	const char *stop;
	const char *p;
	int rc;

	if (parse->head->field_count + parse->dropped >=
	    min_size(parse->limits->fields, HTTP_FIELDS_MAX))
		return -431;
	field = &parse->head->fields[parse->head->field_count];
	stop = start + min_size((size_t)(parse->end - start),
			   parse->limits->field_size);
	p = skip_name(start, stop, &classes);
	if (p == stop)
		return parse_stopped(parse, stop, 431);
	/* Also refuses folded lines, empty names and space before the colon. */
	if (p == start || *p != ':')
		return -400;
	field->name = (struct http_span){ start, (size_t)(p - start) };
	p++;
	while (p != stop && (*p == ' ' || *p == '\t'))
		p++;
	start = p;
	p = skip_value(p, stop);
	/* A line of just the longest length ends right at the limit. */
	if (p == stop && (p == parse->end || *p != '\r'))
		return parse_stopped(parse, stop, 431);
	field->value = trim_right(start, p);
	parse->p = p;
	rc = parse_crlf(parse);
	if (rc != 0)
		return rc;
	if ((classes & HTTP_UNDERSCORE) != 0 &&
	    parse->limits->underscores != HTTP_UNDERSCORES_KEEP) {
		parse->dropped++; /* none that we know has one */
		return parse->limits->underscores == HTTP_UNDERSCORES_DROP
			   ? 0
			   : -400;
	}
	parse->head->field_count++;
	return http_meaning_field(parse, field);
}

static int
parse_lines(struct http_parse *parse)
{
	int rc;

	/* RFC 9112 2.2: one empty line in front, from sloppy old clients. */
	if (parse->p != parse->end && *parse->p == '\r') {
		rc = parse_crlf(parse);
		if (rc != 0)
			return rc;
	}
	rc = parse_request_line(parse);
	while (rc == 0) {
		parse->field = parse->p;
		if (parse->p == parse->end)
			return HTTP_PARSE_MORE;
		if (*parse->p == '\r') {
			rc = parse_crlf(parse);
			return rc != 0 ? rc : http_meaning_end(parse);
		}
		rc = parse_field(parse);
	}
	return rc;
}

/* Walk all of it. As http_parse_head(). */
static int
parse_all(struct http_parse *parse, size_t len)
{
	const char *data = parse->p;
	size_t bound = min_size(parse->limits->head_size, INT_MAX);
	int rc;

	/* The array is large and is written as fields come. */
	memset(parse->head, 0, offsetof(struct http_head, fields));
	parse->head->content_length = -1;
	parse->end = data + min_size(len, bound);
	rc = parse_lines(parse);
	if (rc == HTTP_PARSE_MORE)
		return len >= bound ? -431 : 0;
	if (rc != 0)
		return rc;
	return (int)(parse->p - data);
}

int
http_parse_head(const char *data, size_t len, const struct http_limits *limits,
    struct http_head *head)
{
	struct http_parse parse = { .p = data, .limits = limits, .head = head };

	return parse_all(&parse, len);
}

/*
 * Once more the line that was not complete and still is not: nothing but its
 * own bytes, and how many fields are before it, can be a fault in it. 0 or
 * minus a status.
 */
static int
parse_tail(const char *data, size_t len, const struct http_limits *limits,
    const struct http_progress *at, struct http_head *head)
{
	struct http_parse parse = { .p = data + at->field,
		.end = data + len,
		.limits = limits,
		.head = head,
		.dropped = at->fields };
	int rc;

	head->field_count = 0;
	if (at->field == 0)
		rc = parse_lines(&parse);
	else if (parse.p != parse.end && *parse.p == '\r')
		rc = parse_crlf(&parse);
	else
		rc = parse_field(&parse);
	return rc < 0 ? rc : 0;
}

int
http_parse_more(const char *data, size_t len, const struct http_limits *limits,
    struct http_progress *at, struct http_head *head)
{
	struct http_parse parse = { .p = data, .limits = limits, .head = head };
	int rc;

	if (at->seen > 0 && len < limits->head_size &&
	    memchr(data + at->seen, '\n', len - at->seen) == NULL) {
		at->seen = len;
		return parse_tail(data, len, limits, at, head);
	}
	rc = parse_all(&parse, len);
	if (rc != 0)
		return rc;
	at->seen = len;
	at->field = parse.field != NULL ? (size_t)(parse.field - data) : 0;
	at->fields = head->field_count + parse.dropped;
	return 0;
}

static char
to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool
http_span_is(struct http_span span, const char *text)
{
	size_t i;

	for (i = 0; i < span.len; i++)
		if (text[i] == '\0' ||
		    to_lower(span.data[i]) != to_lower(text[i]))
			return false;
	return text[span.len] == '\0';
}

const struct http_span *
http_head_find_next(const struct http_head *head, const char *name,
    size_t *from)
{
	const struct http_field *field;

	while (*from < head->field_count) {
		field = &head->fields[(*from)++];
		if (http_span_is(field->name, name))
			return &field->value;
	}
	return NULL;
}

bool
http_head_line(const struct http_head *head, struct http_span first,
    const char *name, size_t *from, struct http_span *line)
{
	const struct http_span *next;

	if (!head->repeats) { /* nearly always */
		*line = first;
		return (*from)++ == 0 && first.data != NULL;
	}
	next = http_head_find_next(head, name, from);
	if (next != NULL)
		*line = *next;
	return next != NULL;
}

const struct http_span *
http_head_find(const struct http_head *head, const char *name)
{
	size_t from = 0;

	return http_head_find_next(head, name, &from);
}
