/* SPDX-License-Identifier: MIT */

/*
 * Reading comma-separated values. See csv.h.
 *
 * One pass over the bytes; a field is a pointer into the text unless it had
 * doubled quotes, which are undone in a buffer. As that buffer may move while
 * a record is read, such fields are noted by their offset until its end.
 */
#include "worker/csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"
#include "worker/decimal.h"

#define NUMBER_MAX 64                 /* bytes of the longest number */
#define EXACT_MAX (UINT64_C(1) << 53) /* integers that a double holds */

/* The commonest of the usual separators in the first line. */
static char
guess_separator(const char *at, const char *end)
{
	static const char known[] = ",;\t|";
	size_t counts[sizeof(known)] = { 0 };
	size_t best = 0;
	size_t i;
	bool quoted = false;

	for (; at < end && (quoted || (*at != '\n' && *at != '\r')); at++) {
		if (*at == '"')
			quoted = !quoted;
		for (i = 0; !quoted && known[i] != '\0'; i++)
			counts[i] += *at == known[i];
	}
	for (i = 1; known[i] != '\0'; i++)
		if (counts[i] > counts[best])
			best = i;
	return known[best];
}

void
csv_init(struct csv *csv, const char *text, size_t len, char separator)
{
	memset(csv, 0, sizeof(*csv));
	csv->at = text;
	csv->end = text + len;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		csv->at += 3;
	csv->separator =
	    separator != '\0' ? separator : guess_separator(csv->at, csv->end);
	csv->next_line = 1;
	buf_init(&csv->unquoted, 0);
}

void
csv_free(struct csv *csv)
{
	free(csv->fields);
	buf_free(&csv->unquoted);
	csv->fields = NULL;
	csv->count = 0;
	csv->cap = 0;
}

static struct csv_field *
field_new(struct csv *csv)
{
	struct csv_field *more;
	size_t cap;

	if (csv->count == csv->cap) {
		cap = csv->cap == 0 ? 16 : csv->cap * 2;
		more = realloc(csv->fields, cap * sizeof(*more));
		if (more == NULL)
			return NULL;
		csv->fields = more;
		csv->cap = cap;
	}
	return &csv->fields[csv->count++];
}

/* CRLF, LF or CR at csv->at, if one is there. */
static bool
take_line_end(struct csv *csv)
{
	if (csv->at == csv->end || (*csv->at != '\n' && *csv->at != '\r'))
		return false;
	if (*csv->at == '\r' && csv->at + 1 < csv->end && csv->at[1] == '\n')
		csv->at++;
	csv->at++;
	csv->next_line++;
	return true;
}

static void
read_plain(struct csv *csv, struct csv_field *field)
{
	const char *from = csv->at;
	const char *at = from;
	char separator = csv->separator;

	while (at < csv->end && *at != separator && *at != '\n' && *at != '\r')
		at++;
	field->text = from;
	field->len = (size_t)(at - from);
	field->quoted = false;
	csv->at = at;
}

/* Undo doubled quotes; the text becomes an offset, see fix_texts(). */
static int
undo_quotes(struct csv *csv, struct csv_field *field)
{
	const char *at = field->text;
	const char *end = at + field->len;
	const char *quote;
	size_t from = csv->unquoted.len;
	int rc = 0;

	while (rc == 0 && at < end) {
		quote = memchr(at, '"', (size_t)(end - at));
		if (quote == NULL)
			quote = end;
		else
			quote++; /* the first of two stays */
		rc = buf_put(&csv->unquoted, at, (size_t)(quote - at));
		at = quote < end ? quote + 1 : end;
	}
	field->text = NULL;
	field->len = csv->unquoted.len - from;
	return rc;
}

static int
read_quoted(struct csv *csv, struct csv_field *field)
{
	const char *from = ++csv->at;
	const char *at = from;
	bool doubled = false;

	for (;; at++) {
		if (at == csv->end) {
			csv->why = "a quote is not closed";
			return ERR_SYNTAX;
		}
		if (*at == '\n')
			csv->next_line++;
		if (*at != '"')
			continue;
		if (at + 1 == csv->end || at[1] != '"')
			break;
		doubled = true;
		at++;
	}
	field->text = from;
	field->len = (size_t)(at - from);
	field->quoted = true;
	csv->at = at + 1;
	if (csv->at < csv->end && *csv->at != csv->separator &&
	    *csv->at != '\n' && *csv->at != '\r') {
		csv->why = "text follows a closing quote";
		return ERR_SYNTAX;
	}
	return doubled ? undo_quotes(csv, field) : 0;
}

/* Now that the buffer stays where it is, give its fields their texts. */
static void
fix_texts(struct csv *csv)
{
	const char *at = csv->unquoted.data;
	size_t i;

	for (i = 0; i < csv->count; i++) {
		if (csv->fields[i].text != NULL)
			continue;
		csv->fields[i].text = at;
		at += csv->fields[i].len;
	}
}

int
csv_next(struct csv *csv)
{
	struct csv_field *field;
	int rc = 0;

	csv->count = 0;
	buf_clear(&csv->unquoted);
	while (take_line_end(csv))
		continue;
	csv->line = csv->next_line;
	if (csv->at == csv->end)
		return 0;
	do {
		if (csv->count > 0)
			csv->at++; /* the separator */
		if (csv->count == CSV_FIELDS_MAX)
			return ERR_TOO_BIG;
		field = field_new(csv);
		if (field == NULL)
			return -ENOMEM;
		if (csv->at < csv->end && *csv->at == '"')
			rc = read_quoted(csv, field);
		else
			read_plain(csv, field);
	} while (rc == 0 && csv->at < csv->end && *csv->at == csv->separator);
	if (rc < 0)
		return rc;
	(void)take_line_end(csv);
	if (csv->unquoted.len > 0)
		fix_texts(csv);
	return 1;
}

/* --- types --------------------------------------------------------------- */

bool
csv_is_missing(const struct csv_field *field)
{
	static const char *const words[] = { "NA", "N/A", "NaN", "nan", "null",
		"NULL" };
	size_t i;

	if (field->quoted)
		return false;
	if (field->len == 0)
		return true;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == field->len &&
		    memcmp(words[i], field->text, field->len) == 0)
			return true;
	return false;
}

static const char *
skip_digits(const char *at, const char *end)
{
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at;
}

/* What so many digits are, as an integer. */
static enum csv_type
type_of_integer(const char *at, size_t count, bool negative)
{
	uint64_t most = (uint64_t)INT64_MAX + negative;
	uint64_t number = 0;

	if (count > 19)
		return CSV_TEXT; /* 19 digits fit in 64 bits without a sign */
	for (; count > 0; count--)
		number = number * 10 + (uint64_t)(*at++ - '0');
	if (number > most)
		return CSV_TEXT;
	return number > EXACT_MAX ? CSV_LONG : CSV_INTEGER;
}

/* What a field that is there is by itself. */
static enum csv_type
type_of(const struct csv_field *field, char decimal)
{
	const char *at = field->text;
	const char *end = at + field->len;
	const char *from;
	enum csv_type type = CSV_INTEGER;

	if (field->quoted || field->len >= NUMBER_MAX)
		return CSV_TEXT;
	at += *at == '-' || *at == '+';
	from = at;
	at = skip_digits(at, end);
	if (at - from > 1 && *from == '0')
		return CSV_TEXT; /* a code such as 00123 */
	if (at == end && at > from)
		return type_of_integer(from, (size_t)(at - from),
		    *field->text == '-');
	if (at < end && *at == decimal) {
		type = CSV_NUMBER;
		if (at == from && (at + 1 == end || at[1] < '0' || at[1] > '9'))
			return CSV_TEXT;
		at = skip_digits(at + 1, end);
	} else if (at == from) {
		return CSV_TEXT;
	}
	if (at < end && (*at == 'e' || *at == 'E')) {
		type = CSV_NUMBER;
		at++;
		at += at < end && (*at == '-' || *at == '+');
		from = at;
		at = skip_digits(at, end);
		if (at == from)
			return CSV_TEXT;
	}
	return at == end ? type : CSV_TEXT;
}

enum csv_type
csv_widen(enum csv_type type, const struct csv_field *field, char decimal)
{
	enum csv_type own;

	if (type == CSV_TEXT || csv_is_missing(field))
		return type;
	own = type_of(field, decimal);
	if ((own == CSV_LONG && type == CSV_NUMBER) ||
	    (own == CSV_NUMBER && type == CSV_LONG))
		return CSV_TEXT;
	return own > type ? own : type;
}

int64_t
csv_integer(const struct csv_field *field)
{
	const char *at = field->text;
	const char *end = at + field->len;
	bool negative = *at == '-';
	uint64_t number = 0;

	at += *at == '-' || *at == '+';
	for (; at < end; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	return (int64_t)(negative ? 0 - number : number);
}

static double
parse_number(char *text, char decimal)
{
	char *at = strchr(text, decimal);

	if (at != NULL)
		*at = '.';
	return decimal_read(text, NULL);
}

double
csv_number(const struct csv_field *field, char decimal)
{
	static const double powers[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7,
		1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
		1e19, 1e20, 1e21, 1e22 };
	char text[NUMBER_MAX];
	const char *at = field->text;
	const char *end = at + field->len;
	bool negative = at < end && *at == '-';
	uint64_t digits = 0;
	unsigned behind = 0;
	bool point = false;

	/* Up to 15 digits and a small power of ten: exact in one division
	 * (Clinger, "How to read floating point numbers accurately"). */
	at += at < end && (*at == '-' || *at == '+');
	for (; at < end && digits < UINT64_C(100000000000000); at++) {
		if (*at >= '0' && *at <= '9') {
			digits = digits * 10 + (uint64_t)(*at - '0');
			behind += point;
		} else if (*at == decimal && !point) {
			point = true;
		} else {
			break;
		}
	}
	if (at == end && behind < sizeof(powers) / sizeof(powers[0])) {
		double number = (double)digits / powers[behind];

		return negative ? -number : number;
	}
	if (field->len >= sizeof(text))
		return 0;
	memcpy(text, field->text, field->len);
	text[field->len] = '\0';
	return parse_number(text, decimal);
}
