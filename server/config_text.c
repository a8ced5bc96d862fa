/* SPDX-License-Identifier: MIT */

/*
 * Python's texts: quotes, prefixes, escapes.
 *
 * INVARIANT  A result is UTF-8 without NUL bytes: the source was checked, and
 *            escapes that would make anything else are refused.
 */
#include "server/config_text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "server/base/err.h"

static bool
is_quote(int c)
{
	return c == '\'' || c == '"';
}

/* Letters in front of the quote, 0 to 2, or SIZE_MAX when this is no text. */
static size_t
prefix_len(const struct literal_source *source)
{
	int a = literal_peek(source, 0) | 0x20;
	int b = literal_peek(source, 1) | 0x20;

	if (is_quote(literal_peek(source, 0)))
		return 0;
	if (is_quote(literal_peek(source, 1)) && strchr("rubf", a) != NULL)
		return 1;
	if (is_quote(literal_peek(source, 2)) &&
	    ((a == 'r' && (b == 'b' || b == 'f')) ||
		(b == 'r' && (a == 'b' || a == 'f'))))
		return 2;
	return SIZE_MAX;
}

bool
literal_at_text(const struct literal_source *source)
{
	return prefix_len(source) != SIZE_MAX;
}

static int
put_code_point(struct literal_source *source, size_t at, uint32_t code,
    struct buf *out)
{
	char bytes[4];
	size_t len = 0;

	if (code == 0)
		return literal_fail(source, at, ERR_SYNTAX,
		    "a text cannot hold a NUL");
	if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
		return literal_fail(source, at, ERR_SYNTAX,
		    "U+%04X is not a character", (unsigned)code);
	if (code < 0x80) {
		bytes[len++] = (char)code;
	} else if (code < 0x800) {
		bytes[len++] = (char)(0xC0 | code >> 6);
		bytes[len++] = (char)(0x80 | (code & 0x3F));
	} else if (code < 0x10000) {
		bytes[len++] = (char)(0xE0 | code >> 12);
		bytes[len++] = (char)(0x80 | (code >> 6 & 0x3F));
		bytes[len++] = (char)(0x80 | (code & 0x3F));
	} else {
		bytes[len++] = (char)(0xF0 | code >> 18);
		bytes[len++] = (char)(0x80 | (code >> 12 & 0x3F));
		bytes[len++] = (char)(0x80 | (code >> 6 & 0x3F));
		bytes[len++] = (char)(0x80 | (code & 0x3F));
	}
	return buf_put(out, bytes, len);
}

static int
hex_value(int c)
{
	if (isdigit(c))
		return c - '0';
	return isxdigit(c) ? (c | 0x20) - 'a' + 10 : -1;
}

/* \xHH, \uHHHH, \UHHHHHHHH: exactly `count` digits. */
static int
put_hex(struct literal_source *source, size_t at, unsigned count,
    struct buf *out)
{
	uint32_t code = 0;
	unsigned i;
	int digit;

	for (i = 0; i < count; i++) {
		digit = hex_value(literal_peek(source, 0));
		if (digit < 0)
			return literal_fail(source, at, ERR_SYNTAX,
			    "\\%c needs %u hexadecimal digits",
			    source->text[at + 1], count);
		code = code << 4 | (uint32_t)digit;
		source->at++;
	}
	return put_code_point(source, at, code, out);
}

static int
put_octal(struct literal_source *source, size_t at, int first, struct buf *out)
{
	uint32_t code = (uint32_t)(first - '0');
	unsigned i;
	int c;

	for (i = 0; i < 2; i++) {
		c = literal_peek(source, 0);
		if (c < '0' || c > '7')
			break;
		code = code << 3 | (uint32_t)(c - '0');
		source->at++;
	}
	return put_code_point(source, at, code, out);
}

/* The escape at the current place, which is its backslash. */
static int
put_escape(struct literal_source *source, struct buf *out)
{
	static const char names[] = "abfnrtv\\'\"";
	static const char bytes[] = "\a\b\f\n\r\t\v\\'\"";
	size_t at = source->at;
	int c = literal_peek(source, 1);
	const char *simple;

	source->at += c == 0 ? 1 : 2;
	if (c == 0)
		return 0; /* the end of the file is reported by the caller */
	if (c == '\r' && literal_peek(source, 0) == '\n') {
		source->at++;
		c = '\n';
	}
	if (c == '\n') {
		source->line++;
		return 0;
	}
	simple = strchr(names, c);
	if (simple != NULL)
		return buf_putc(out, bytes[simple - names]);
	switch (c) {
	case 'x':
		return put_hex(source, at, 2, out);
	case 'u':
		return put_hex(source, at, 4, out);
	case 'U':
		return put_hex(source, at, 8, out);
	case 'N':
		return literal_fail(source, at, ERR_SYNTAX,
		    "\\N{NAME} is not known here; write the character");
	default:
		break;
	}
	if (c >= '0' && c <= '7')
		return put_octal(source, at, c, out);
	/* An unknown escape stays as it is, backslash included. */
	source->at--;
	return buf_putc(out, '\\');
}

static bool
at_quotes(const struct literal_source *source, int quote, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (literal_peek(source, i) != quote)
			return false;
	}
	return true;
}

/* One text from its first quote to its last. */
static int
parse_body(struct literal_source *source, bool raw, struct buf *out)
{
	size_t start = source->at;
	int quote = literal_peek(source, 0);
	size_t count = at_quotes(source, quote, 3) ? 3 : 1;
	int rc = 0;
	int c;

	source->at += count;
	while (rc == 0 && !at_quotes(source, quote, count)) {
		c = literal_peek(source, 0);
		if (c == 0 || (c == '\n' && count == 1))
			return literal_fail(source, start, ERR_SYNTAX,
			    "the quote %.*s is not closed", (int)count,
			    source->text + start);
		if (c == '\\' && !raw) {
			rc = put_escape(source, out);
			continue;
		}
		if (c == '\\' && literal_peek(source, 1) != 0) {
			/* Raw: kept, but the byte behind cannot end the text.
			 */
			rc = buf_putc(out, '\\');
			source->at++;
			c = literal_peek(source, 0);
		}
		if (c == '\r' && literal_peek(source, 1) == '\n') {
			source->at++;
			c = '\n';
		}
		if (c == '\n')
			source->line++;
		if (rc == 0)
			rc = buf_putc(out, (char)c);
		source->at++;
	}
	if (rc == 0)
		source->at += count;
	return rc;
}

static int
parse_one(struct literal_source *source, struct buf *out)
{
	size_t start = source->at;
	size_t len = prefix_len(source);
	bool raw = false;
	size_t i;

	for (i = 0; i < len; i++) {
		switch (source->text[start + i] | 0x20) {
		case 'f':
			return literal_fail_code(source, start,
			    "write the text without f and braces");
		case 'b':
			return literal_fail(source, start, ERR_SYNTAX,
			    "b in front of a text makes bytes; leave it out");
		case 'r':
			raw = true;
			break;
		default:
			break;
		}
	}
	source->at += len;
	return parse_body(source, raw, out);
}

int
config_text_parse(struct literal_source *source, bool lines,
    struct literal **value)
{
	struct buf out = BUF_EMPTY;
	size_t start = source->at;
	char *text;
	int rc;

	do {
		rc = parse_one(source, &out);
		if (rc < 0)
			goto out;
		literal_skip(source, lines);
	} while (literal_at_text(source));
	*value = arena_calloc(source->arena, 1, sizeof(**value));
	text = arena_strndup(source->arena, out.data != NULL ? out.data : "",
	    out.len);
	if (*value == NULL || text == NULL) {
		rc = -ENOMEM;
		goto out;
	}
	(*value)->kind = LITERAL_TEXT;
	(*value)->text = text;
out:
	if (rc == -ENOMEM)
		(void)literal_fail(source, start, rc,
		    "too large for the memory a config file may take");
	buf_free(&out);
	return rc;
}

void
literal_print_text(const char *text, struct buf *out)
{
	const char *c;

	(void)buf_putc(out, '"');
	for (c = text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			(void)buf_printf(out, "\\%c", *c);
		else if (*c == '\n')
			(void)buf_puts(out, "\\n");
		else if (iscntrl((unsigned char)*c))
			(void)buf_printf(out, "\\x%02x", (unsigned char)*c);
		else
			(void)buf_putc(out, *c);
	}
	(void)buf_putc(out, '"');
}

static void
print_value(const struct literal *value, size_t max, struct buf *out)
{
	const struct literal *item;

	switch (value->kind) {
	case LITERAL_NONE:
		(void)buf_puts(out, "None");
		return;
	case LITERAL_BOOL:
		(void)buf_puts(out, value->truth ? "True" : "False");
		return;
	case LITERAL_INT:
		(void)buf_printf(out, "%lld", (long long)value->integer);
		return;
	case LITERAL_FLOAT:
		(void)buf_printf(out, "%.15g", value->number);
		return;
	case LITERAL_TEXT:
		literal_print_text(value->text, out);
		return;
	case LITERAL_DICT:
		(void)buf_puts(out, value->count > 0 ? "{...}" : "{}");
		return;
	case LITERAL_LIST:
		break;
	}
	(void)buf_putc(out, '[');
	for (item = value->first; item != NULL && out->len <= max;
	     item = item->next) {
		print_value(item, max, out);
		if (item->next != NULL)
			(void)buf_puts(out, ", ");
	}
	(void)buf_putc(out, ']');
}

void
literal_print(const struct literal *value, size_t max, struct buf *out)
{
	struct buf whole = BUF_EMPTY;
	size_t len;

	print_value(value, max, &whole);
	len = whole.len;
	if (len > max) {
		len = max;
		while (len > 0 && (whole.data[len] & 0xC0) == 0x80)
			len--;
	}
	(void)buf_put(out, whole.data, len);
	if (len < whole.len)
		(void)buf_puts(out, "...");
	buf_free(&whole);
}
