/* SPDX-License-Identifier: MIT */

/*
 * Python's literals by recursive descent over the bytes; there is no token
 * stage. Texts are in config_text.c.
 *
 * INVARIANT  `line` is the line of `at`: only advance() and literal_skip()
 *            move over a newline.
 * FAILURE    The first failure is written to why with line and column and
 *            ends the parse.
 */
#include "server/config_literal.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"
#include "server/config_text.h"
#include "worker/utf8.h"

#define CODE_SHOWN 40 /* bytes of refused code a message quotes */

static int parse_value(struct literal_source *source, struct literal **value);

int
literal_peek(const struct literal_source *source, size_t ahead)
{
	if (ahead >= source->len - source->at)
		return 0;
	return (unsigned char)source->text[source->at + ahead];
}

size_t
literal_word(const struct literal_source *source)
{
	size_t len = 0;
	int c = literal_peek(source, 0);

	if (isdigit(c))
		return 0;
	while (isalnum(c) || c == '_' || c >= 0x80)
		c = literal_peek(source, ++len);
	return len;
}

int
literal_fail(struct literal_source *source, size_t at, int rc,
    const char *format, ...)
{
	char text[1024];
	unsigned line = 1;
	unsigned column = 1;
	va_list args;
	size_t i;

	for (i = 0; i < at && i < source->len; i++) {
		if (source->text[i] == '\n') {
			line++;
			column = 1;
		} else if ((source->text[i] & 0xC0) != 0x80) {
			column++; /* characters, not bytes */
		}
	}
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)buf_printf(source->why, "%s:%u:%u: %s", source->name, line,
	    column, text);
	return rc;
}

int
literal_fail_code(struct literal_source *source, size_t at, const char *advice)
{
	const char *text = source->text + at;
	size_t len = 0;
	size_t max = source->len - at;
	size_t step;

	while (len < max && len < CODE_SHOWN && text[len] != '#' &&
	       (unsigned char)text[len] >= ' ' && text[len] != 0x7f) {
		step = utf8_char_len(text + len, text + max);
		len += step > 0 ? step : 1;
	}
	while (len > 0 && text[len - 1] == ' ')
		len--;
	return literal_fail(source, at, ERR_SYNTAX, "code is not run: %.*s: %s",
	    (int)len, text, advice);
}

int
literal_source_check(struct literal_source *source)
{
	const char *end = source->text + source->len;
	size_t at = 0;
	size_t step;

	source->line = 1;
	source->at = 0;
	if (source->len >= 3 && memcmp(source->text, "\xEF\xBB\xBF", 3) == 0)
		source->at = 3;
	while (at < source->len) {
		if (source->text[at] == '\0')
			return literal_fail(source, at, ERR_SYNTAX,
			    "a NUL byte: this is not a text file");
		step = utf8_char_len(source->text + at, end);
		if (step == 0)
			return literal_fail(source, at, ERR_SYNTAX,
			    "byte 0x%02x is not UTF-8",
			    (unsigned char)source->text[at]);
		at += step;
	}
	return 0;
}

void
literal_skip(struct literal_source *source, bool lines)
{
	int c;

	for (;;) {
		c = literal_peek(source, 0);
		if (c == '\\' && literal_peek(source, 1) == '\n') {
			source->at++;
			c = '\n';
		} else if (c == '\\' && literal_peek(source, 1) == '\r' &&
			   literal_peek(source, 2) == '\n') {
			source->at += 2;
			c = '\n';
		} else if (c == '#' && lines) {
			while (source->at < source->len &&
			       source->text[source->at] != '\n')
				source->at++;
			continue;
		} else if (c == '\n' && !lines) {
			return;
		} else if (c != ' ' && c != '\t' && c != '\f' && c != '\r' &&
			   c != '\n') {
			return;
		}
		if (c == '\n')
			source->line++;
		source->at++;
	}
}

static struct literal *
literal_new(struct literal_source *source, enum literal_kind kind)
{
	struct literal *value = arena_calloc(source->arena, 1, sizeof(*value));

	if (value == NULL)
		(void)literal_fail(source, source->at, -ENOMEM,
		    "too large for the memory a config file may take");
	else
		value->kind = kind;
	return value;
}

static int
parse_number(struct literal_source *source, struct literal **value)
{
	size_t start = source->at;
	bool hex = false;
	size_t len;
	int rc;
	int c;

	if (literal_peek(source, 0) == '+' || literal_peek(source, 0) == '-')
		source->at++;
	c = literal_peek(source, 0);
	if (!isdigit(c) && !(c == '.' && isdigit(literal_peek(source, 1))))
		return literal_fail_code(source, start,
		    "write the value itself");
	hex = c == '0' && (literal_peek(source, 1) | 0x20) == 'x';
	while (isalnum(c) || c == '_' || c == '.') {
		source->at++;
		/* The sign of an exponent belongs to the number. */
		if (!hex && (c == 'e' || c == 'E') &&
		    (literal_peek(source, 0) == '+' ||
			literal_peek(source, 0) == '-'))
			source->at++;
		c = literal_peek(source, 0);
	}
	len = source->at - start;
	*value = literal_new(source, LITERAL_INT);
	if (*value == NULL)
		return -ENOMEM;
	rc = literal_int(source->text + start, len, &(*value)->integer);
	if (rc == ERR_SYNTAX) {
		(*value)->kind = LITERAL_FLOAT;
		rc =
		    literal_float(source->text + start, len, &(*value)->number);
	}
	if (rc < 0)
		return literal_fail(source, start, rc, "%.*s: %s",
		    (int)(len < CODE_SHOWN ? len : CODE_SHOWN),
		    source->text + start,
		    rc == ERR_RANGE ? "the number is too large"
				    : "not a number (a text stands in quotes)");
	return 0;
}

static const char *
code_advice(const char *word, size_t len)
{
	if (len == strlen("multiprocessing") &&
	    strncmp(word, "multiprocessing", len) == 0)
		return "write the value itself; workers = \"auto\" makes one "
		       "worker per CPU";
	if (len == 2 && strncmp(word, "os", len) == 0)
		return "write the value itself; from the environment come "
		       "PORT, WEB_CONCURRENCY and PRONGHORN_CMD_ARGS";
	return "write the value itself";
}

static int
parse_word(struct literal_source *source, struct literal **value)
{
	const char *word = source->text + source->at;
	size_t len = literal_word(source);
	enum literal_kind kind = LITERAL_BOOL;
	bool truth = false;

	if (len == 4 && strncmp(word, "True", len) == 0)
		truth = true;
	else if (len == 4 && strncmp(word, "None", len) == 0)
		kind = LITERAL_NONE;
	else if (len != 5 || strncmp(word, "False", len) != 0)
		return literal_fail_code(source, source->at,
		    code_advice(word, len));
	*value = literal_new(source, kind);
	if (*value == NULL)
		return -ENOMEM;
	(*value)->truth = truth;
	source->at += len;
	return 0;
}

/* What a value may not be followed by: operators, calls, comprehensions. */
static int
check_after(struct literal_source *source)
{
	int c = literal_peek(source, 0);
	size_t len = literal_word(source);

	if (c != 0 && strchr("+-*/%@&|^<>!.([", c) != NULL)
		return literal_fail_code(source, source->at,
		    "write the result itself");
	if (len > 0)
		return literal_fail_code(source, source->at,
		    "write the result itself");
	return 0;
}

/*
 * Whether an open bracket has run out of text: at the end of the file, or
 * where the next setting starts in column 1.
 */
static bool
is_left_open(const struct literal_source *source)
{
	return source->at == source->len ||
	       (literal_word(source) > 0 && source->at > 0 &&
		   source->text[source->at - 1] == '\n');
}

/* The items up to `close`, behind the bracket at `start`. */
static int
parse_items(struct literal_source *source, size_t start, int close,
    struct literal *list, bool *comma)
{
	struct literal **tail = &list->first;
	bool colon = false;
	int rc;

	*comma = false;
	for (;;) {
		literal_skip(source, true);
		if (literal_peek(source, 0) == close && !colon)
			break;
		if (source->at == source->len ||
		    (list->count > 0 && !*comma && is_left_open(source)))
			return literal_fail(source, start, ERR_SYNTAX,
			    "'%c' is not closed", source->text[start]);
		if (literal_peek(source, 0) == ',')
			return literal_fail(source, source->at, ERR_SYNTAX,
			    "a value is missing before ','");
		if (list->count > 0 && !*comma)
			return literal_fail(source, source->at, ERR_SYNTAX,
			    "',' or '%c' must follow a value", close);
		rc = parse_value(source, tail);
		if (rc < 0)
			return rc;
		tail = &(*tail)->next;
		list->count++;
		literal_skip(source, true);
		if (is_left_open(source))
			continue;
		rc = check_after(source);
		if (rc < 0)
			return rc;
		/* Behind a key its value follows, as one more item. */
		colon =
		    close == '}' && literal_peek(source, 0) == ':' && !colon;
		*comma = literal_peek(source, 0) == ',' || colon;
		if (*comma)
			source->at++;
	}
	source->at++;
	return 0;
}

static int
parse_brackets(struct literal_source *source, struct literal **value)
{
	size_t start = source->at;
	int open = literal_peek(source, 0);
	int close = open == '(' ? ')' : open == '[' ? ']' : '}';
	bool comma = false;
	int rc;

	if (source->depth >= LITERAL_DEPTH_MAX)
		return literal_fail(source, start, ERR_TOO_BIG,
		    "nested deeper than %d brackets", LITERAL_DEPTH_MAX);
	*value = literal_new(source, open == '{' ? LITERAL_DICT : LITERAL_LIST);
	if (*value == NULL)
		return -ENOMEM;
	source->at++;
	source->depth++;
	rc = parse_items(source, start, close, *value, &comma);
	source->depth--;
	if (rc < 0)
		return rc;
	/* Parentheses around one value without a comma only group. */
	if (open == '(' && (*value)->count == 1 && !comma)
		*value = (*value)->first;
	return 0;
}

static int
parse_value(struct literal_source *source, struct literal **value)
{
	int c = literal_peek(source, 0);
	bool nested = source->depth > 0;

	if (literal_at_text(source))
		return config_text_parse(source, nested, value);
	if (c == '(' || c == '[' || c == '{')
		return parse_brackets(source, value);
	if (isdigit(c) || c == '.' || c == '+' || c == '-')
		return parse_number(source, value);
	if (literal_word(source) > 0)
		return parse_word(source, value);
	if (c == 0 || c == '\n' || c == '#')
		return literal_fail(source, source->at, ERR_SYNTAX,
		    "a value is missing");
	if (c == '~' || c == '*' || c == '@')
		return literal_fail_code(source, source->at,
		    "write the value itself");
	return literal_fail(source, source->at, ERR_SYNTAX,
	    "'%c' cannot start a value", isprint(c) ? c : '?');
}

int
literal_parse(struct literal_source *source, struct literal **value)
{
	struct literal *list = NULL;
	struct literal **tail;
	int rc;

	rc = parse_value(source, value);
	if (rc < 0)
		return rc;
	for (tail = value;; tail = &(*tail)->next) {
		literal_skip(source, false);
		rc = check_after(source);
		if (rc < 0 || literal_peek(source, 0) != ',')
			return rc;
		source->at++;
		if (list == NULL) { /* `a, b` without brackets is a tuple */
			list = literal_new(source, LITERAL_LIST);
			if (list == NULL)
				return -ENOMEM;
			list->first = *value;
			list->count = 1;
			*value = list;
			tail = &list->first;
		}
		literal_skip(source, false);
		if (strchr("\n#;", literal_peek(source, 0)) != NULL)
			return 0; /* a comma at the end; also end of text */
		rc = parse_value(source, &(*tail)->next);
		if (rc < 0)
			return rc;
		list->count++;
	}
}

int
literal_int(const char *text, size_t len, int64_t *value)
{
	unsigned base = 10;
	uint64_t sum = 0;
	bool negative = len > 0 && text[0] == '-';
	bool digit_before = false;
	size_t i = len > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
	size_t first;
	int digit;

	if (len - i > 2 && text[i] == '0' &&
	    isalpha((unsigned char)text[i + 1])) {
		switch (text[i + 1] | 0x20) {
		case 'x':
			base = 16;
			break;
		case 'o':
			base = 8;
			break;
		case 'b':
			base = 2;
			break;
		default:
			return ERR_SYNTAX;
		}
		i += 2;
		digit_before = true; /* 0x_10 is a number */
	}
	first = i;
	for (; i < len; i++) {
		if (text[i] == '_' && digit_before) {
			digit_before = false;
			continue;
		}
		digit = isdigit((unsigned char)text[i]) ? text[i] - '0'
			: isxdigit((unsigned char)text[i])
			    ? (text[i] | 0x20) - 'a' + 10
			    : 99;
		if ((unsigned)digit >= base)
			return ERR_SYNTAX;
		digit_before = true;
		if (sum <= (uint64_t)INT64_MAX)
			sum = sum > (uint64_t)INT64_MAX / base
				  ? UINT64_MAX
				  : sum * base + (unsigned)digit;
	}
	if (first == len || !digit_before)
		return ERR_SYNTAX;
	/* 010 is an octal number to some and ten to others: refused, as in
	 * Python; 0 and 00 are fine. */
	if (base == 10 && text[first] == '0' && sum != 0)
		return ERR_SYNTAX;
	if (sum > (uint64_t)INT64_MAX)
		return ERR_RANGE;
	*value = negative ? -(int64_t)sum : (int64_t)sum;
	return 0;
}

int
literal_float(const char *text, size_t len, double *value)
{
	char digits[64];
	size_t used = 0;
	bool any = false;
	bool point = false;
	bool exponent = false;
	char *end;
	size_t i;

	for (i = 0; i < len; i++) {
		char before = i > 0 ? text[i - 1] : ' ';
		char c = text[i];

		if (used == sizeof(digits) - 1)
			return ERR_RANGE;
		if (c == '_' && isdigit((unsigned char)before) && i + 1 < len &&
		    isdigit((unsigned char)text[i + 1]))
			continue;
		if (isdigit((unsigned char)c))
			any = true;
		else if (c == '.' && !point && !exponent)
			point = true;
		else if ((c == 'e' || c == 'E') && any && !exponent)
			exponent = true;
		else if ((c != '+' && c != '-') ||
			 (i > 0 && before != 'e' && before != 'E'))
			return ERR_SYNTAX;
		digits[used++] = c;
	}
	digits[used] = '\0';
	if (!any || (!point && !exponent))
		return ERR_SYNTAX;
	*value = strtod(digits, &end);
	if (*end != '\0')
		return ERR_SYNTAX;
	return *value > 1e300 || *value < -1e300 ? ERR_RANGE : 0;
}
