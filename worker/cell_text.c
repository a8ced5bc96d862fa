/* SPDX-License-Identifier: MIT */

/*
 * Numbers, dates and capitals of a filter. See cell_text.h.
 *
 * towupper() is no way to capitals: it asks the locale, which an app may set.
 */
#include "worker/cell_text.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/decimal.h"
#include "worker/utf8.h"

#define NUMBER_MAX 63

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Leave spaces at both ends out. */
static void
trim(const char **text, size_t *len)
{
	while (*len > 0 && is_space(**text)) {
		(*text)++;
		(*len)--;
	}
	while (*len > 0 && is_space((*text)[*len - 1]))
		(*len)--;
}

bool
cell_is_blank(const char *text, size_t len)
{
	trim(&text, &len);
	return len == 0;
}

bool
cell_number(const char *text, size_t len, struct value *out)
{
	char copy[NUMBER_MAX + 1];
	char *end;
	double number;
	size_t sign;

	trim(&text, &len);
	if (len == 0 || len > NUMBER_MAX)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (strspn(copy, "+-.0123456789eE") != len)
		return false;
	number = decimal_read(copy, &end);
	if (*end != '\0' || !isfinite(number))
		return false;
	memset(out, 0, sizeof(*out));
	sign = copy[0] == '-' || copy[0] == '+';
	if (strspn(copy + sign, "0123456789") == len - sign) {
		errno = 0;
		out->kind = VALUE_INT;
		out->u.integer = strtoll(copy, NULL, 10);
		if (errno == 0)
			return true;
	}
	out->kind = VALUE_DOUBLE;
	out->u.number = number;
	return true;
}

/* --- dates ------------------------------------------------------------------
 */

/* What is left of a text that is read from its front. */
struct rest {
	const char *at;
	const char *end;
};

/* `least` to `most` digits into *number, which stays when there are none. */
static bool
take_digits(struct rest *rest, unsigned least, unsigned most, int *number)
{
	int sum = 0;
	unsigned i;

	for (i = 0;
	     i < most && rest->at + i < rest->end && is_digit(rest->at[i]); i++)
		sum = sum * 10 + (rest->at[i] - '0');
	if (i < least)
		return false;
	rest->at += i;
	*number = sum;
	return true;
}

/* One of the characters `marks`, and digits behind it. */
static bool
take_part(struct rest *rest, const char *marks, unsigned least, int *number)
{
	struct rest ahead = *rest;

	if (ahead.at == ahead.end || *ahead.at == '\0' ||
	    strchr(marks, *ahead.at) == NULL)
		return false;
	ahead.at++;
	if (!take_digits(&ahead, least, 2, number))
		return false;
	*rest = ahead;
	return true;
}

/* Z or +hh:mm or +hhmm. */
static void
take_zone(struct rest *rest)
{
	struct rest ahead = *rest;
	int unused;

	if (ahead.at < ahead.end && (*ahead.at == 'Z' || *ahead.at == 'z')) {
		rest->at++;
		return;
	}
	if (take_part(&ahead, "+-", 2, &unused) &&
	    (take_part(&ahead, ":", 2, &unused) ||
		take_digits(&ahead, 2, 2, &unused)))
		*rest = ahead;
}

static int
this_year(void)
{
	time_t now = time(NULL);
	struct tm tm;

	return gmtime_r(&now, &tm) != NULL ? tm.tm_year + 1900 : 2000;
}

/* Four digits with or without a sign, or two of the years around this one. */
static bool
take_year(struct rest *rest, int *year)
{
	const char *from = rest->at;
	bool negative = from < rest->end && *from == '-';
	int first = this_year() - 70;

	rest->at += negative;
	if (take_digits(rest, 4, 4, year)) {
		*year = negative ? -*year : *year;
		return true;
	}
	rest->at = from;
	if (negative || !take_digits(rest, 2, 2, year))
		return false;
	*year = (*year + 2000 - first) % 100 + first;
	return true;
}

static bool
is_day(int year, int month, int day)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month >= 1 && month <= 12 && day >= 1 &&
	       day <= days[month - 1] + (leap && month == 2);
}

/* For every row of a table: snprintf() takes thrice as long. */
static void
put_date(char *date, const int parts[5])
{
	static const char marks[] = "?-- :";
	int number = abs(parts[0]);
	int i;

	if (parts[0] < 0)
		*date++ = '-';
	*date++ = (char)('0' + number / 1000);
	*date++ = (char)('0' + number / 100 % 10);
	*date++ = (char)('0' + number / 10 % 10);
	*date++ = (char)('0' + number % 10);
	for (i = 1; i < 5; i++) {
		*date++ = marks[i];
		*date++ = (char)('0' + parts[i] / 10);
		*date++ = (char)('0' + parts[i] % 10);
	}
	*date = '\0';
}

/* :ss and its fraction, as written. */
static void
put_seconds(struct rest *rest, char *date, size_t size)
{
	struct rest ahead = *rest;
	size_t used = strlen(date);
	int seconds;

	if (!take_part(&ahead, ":", 2, &seconds) || seconds > 59)
		return;
	if (ahead.at + 1 < ahead.end && *ahead.at == '.' &&
	    is_digit(ahead.at[1]))
		for (ahead.at++; ahead.at < ahead.end && is_digit(*ahead.at);)
			ahead.at++;
	(void)snprintf(date + used, size - used, "%.*s",
	    (int)(ahead.at - rest->at > 13 ? 13 : ahead.at - rest->at),
	    rest->at);
	*rest = ahead;
}

bool
cell_date(const char *text, size_t len, char date[CELL_DATE])
{
	struct rest rest;
	int year = 0;
	int month = 1;
	int day = 1;
	int hour = 0;
	int minute = 0;
	int parts = 1;

	trim(&text, &len);
	rest.at = text;
	rest.end = text + len;
	if (!take_year(&rest, &year))
		return false;
	if (take_part(&rest, "-", 1, &month) && ++parts == 2 &&
	    take_part(&rest, "-", 1, &day) && ++parts == 3 &&
	    take_part(&rest, " Tt", 1, &hour) && ++parts == 4 &&
	    take_part(&rest, ":", 2, &minute))
		parts++;
	if (!is_day(year, month, day) || hour > 23 || minute > 59)
		return false;
	put_date(date, (const int[]){ year, month, day, hour, minute });
	if (parts == 5) {
		put_seconds(&rest, date, CELL_DATE);
		take_zone(&rest);
	} else {
		date[(year < 0) + (parts == 1 ? 4 : 1 + 3 * parts)] = '\0';
	}
	return rest.at == rest.end;
}

/* --- capitals ---------------------------------------------------------------
 */

static const struct run {
	uint32_t from;
	uint32_t to;
	uint32_t step;
	int32_t difference;
} runs[] = {
#define UPPER(from, to, step, difference) { from, to, step, difference },
#define UPPER_TEXT(code, text)
#include "worker/upper.def"
#undef UPPER
#undef UPPER_TEXT
};

static const struct special {
	uint32_t code;
	const char *text;
} specials[] = {
#define UPPER(from, to, step, difference)
#define UPPER_TEXT(code, text) { code, text },
#include "worker/upper.def"
#undef UPPER
#undef UPPER_TEXT
};

static int
compare_run(const void *key, const void *item)
{
	uint32_t code = *(const uint32_t *)key;
	const struct run *run = item;

	return code < run->from ? -1 : code > run->to;
}

static int
compare_special(const void *key, const void *item)
{
	uint32_t code = *(const uint32_t *)key;
	const struct special *special = item;

	return code < special->code ? -1 : code > special->code;
}

static uint32_t
decode(const char *at, size_t len)
{
	static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t code = (unsigned char)at[0] & masks[len];
	size_t i;

	for (i = 1; i < len; i++)
		code = code << 6 | ((unsigned char)at[i] & 0x3f);
	return code;
}

static void
put_upper(const char *at, size_t len, struct buf *out)
{
	uint32_t code = decode(at, len);
	const struct run *run = bsearch(&code, runs,
	    sizeof(runs) / sizeof(runs[0]), sizeof(runs[0]), compare_run);
	const struct special *special;
	char upper[4];

	if (run != NULL && (code - run->from) % run->step == 0) {
		code = (uint32_t)((int32_t)code + run->difference);
		(void)buf_put(out, upper,
		    (size_t)(utf8_put(upper, code) - upper));
		return;
	}
	special =
	    bsearch(&code, specials, sizeof(specials) / sizeof(specials[0]),
		sizeof(specials[0]), compare_special);
	if (special != NULL)
		(void)buf_puts(out, special->text);
	else
		(void)buf_put(out, at, len);
}

int
cell_upper(const char *text, size_t len, struct buf *out)
{
	const char *end = text + len;
	size_t step;
	size_t from;

	while (text < end && buf_ok(out)) {
		if ((unsigned char)*text >= 0x80) {
			step = utf8_char_len(text, end);
			if (step == 0)
				(void)buf_putc(out, *text);
			else
				put_upper(text, step, out);
			text += step == 0 ? 1 : step;
			continue;
		}
		from = out->len;
		step = 0;
		while (text + step < end && (unsigned char)text[step] < 0x80)
			step++;
		if (buf_put(out, text, step) < 0)
			break;
		text += step;
		for (; from < out->len; from++)
			if (out->data[from] >= 'a' && out->data[from] <= 'z')
				out->data[from] -= 'a' - 'A';
	}
	return buf_ok(out) ? 0 : -ENOMEM;
}
