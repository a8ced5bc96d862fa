/* SPDX-License-Identifier: MIT */

/*
 * Conditional and range requests, and what codings a client takes.
 *
 * Whatever a client says here that is not well-formed counts as not said:
 * the whole file is always a right answer.
 *
 * THREADS  Any; pure functions, but for the century of a year of two digits.
 */
#include "worker/static_select.h"

#include <string.h>
#include <time.h>

#include "worker/http_class.h"

/* Take the next element off a comma-separated list. */
static bool
next_element(struct http_span *list, struct http_span *element)
{
	const char *at = list->data;
	const char *end = at + list->len;
	const char *stop;

	while (at < end && (*at == ' ' || *at == '\t' || *at == ','))
		at++;
	if (at == end)
		return false;
	stop = memchr(at, ',', (size_t)(end - at));
	if (stop == NULL)
		stop = end;
	list->data = stop;
	list->len = (size_t)(end - stop);
	while (stop > at && (stop[-1] == ' ' || stop[-1] == '\t'))
		stop--;
	element->data = at;
	element->len = (size_t)(stop - at);
	return true;
}

/* A qvalue in thousandths; what is none counts as little as can be said. */
static int
parse_quality(const char *at, const char *end)
{
	int quality;
	int unit = 100;

	while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (at == end || (*at != '0' && *at != '1'))
		return 0;
	quality = (*at++ - '0') * 1000;
	if (at < end && *at++ != '.')
		return 0;
	for (; at < end && unit > 0; at++, unit /= 10) {
		if (*at < '0' || *at > '9')
			return 0;
		quality += (*at - '0') * unit;
	}
	return at < end || quality > 1000 ? 0 : quality;
}

/* The quality in the parameters of `name;q=...`. No quality is one. */
static int
find_quality(const char *at, const char *end)
{
	const char *stop;

	for (; at < end; at = stop) {
		while (at < end && (*at == ';' || *at == ' ' || *at == '\t'))
			at++;
		stop = memchr(at, ';', (size_t)(end - at));
		if (stop == NULL)
			stop = end;
		if (stop - at >= 2 && strncasecmp(at, "q=", 2) == 0)
			return parse_quality(at + 2, stop);
	}
	return 1000;
}

int
static_quality(struct http_span list, const char *coding)
{
	struct http_span element;
	size_t len = strlen(coding);

	while (list.data != NULL && next_element(&list, &element)) {
		if (element.len >= len &&
		    strncasecmp(element.data, coding, len) == 0 &&
		    (element.len == len ||
			strchr("; \t", element.data[len]) != NULL))
			return find_quality(element.data + len,
			    element.data + element.len);
	}
	return -1;
}

/* The same over all lines. */
static int
quality_of(const struct http_head *head, const char *coding)
{
	struct http_span line;
	size_t from = 0;
	int quality = -1;

	while (quality < 0 && http_head_line(head, head->accept_encoding,
				  "accept-encoding", &from, &line))
		quality = static_quality(line, coding);
	return quality;
}

/* RFC 9110 8.4.1.3 and 12.5.3: the old name is the same, and a star stands for
 * what is not named. */
static int
quality_of_gzip(const struct http_head *head)
{
	int quality = quality_of(head, "gzip");

	if (quality < 0)
		quality = quality_of(head, "x-gzip");
	return quality < 0 ? quality_of(head, "*") : quality;
}

struct static_codings
static_codings(const struct http_head *head)
{
	struct static_codings codings = { false, false };
	int gzip;
	int br;

	if (head->accept_encoding.data == NULL)
		return codings;
	gzip = quality_of_gzip(head);
	br = quality_of(head, "br");
	codings.gzip = gzip > 0;
	codings.br = br > 0 && br >= gzip;
	return codings;
}

/* Weakly, the mark of a weak tag does not count; else a weak one is none. */
static bool
list_has(struct http_span list, const char *etag, bool weakly)
{
	struct http_span element;

	if (list.len == 1 && list.data[0] == '*')
		return true;
	if (strncmp(etag, "W/", 2) == 0) {
		if (!weakly)
			return false;
		etag += 2;
	}
	while (list.data != NULL && next_element(&list, &element)) {
		if (weakly && element.len > 2 &&
		    memcmp(element.data, "W/", 2) == 0) {
			element.data += 2;
			element.len -= 2;
		}
		if (element.len == strlen(etag) &&
		    memcmp(element.data, etag, element.len) == 0)
			return true;
	}
	return false;
}

bool
static_etag_matches(struct http_span list, const char *etag)
{
	return list_has(list, etag, true);
}

static int
month_of(const char *at)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int i;

	for (i = 0; i < 12; i++) {
		if (memcmp(at, months + 3 * i, 3) == 0)
			return i;
	}
	return -1;
}

static int *
number_of(struct tm *tm, char letter)
{
	switch (letter) {
	case 'd':
	case 'e':
		return &tm->tm_mday;
	case 'y':
		return &tm->tm_year;
	case 'H':
		return &tm->tm_hour;
	case 'i':
		return &tm->tm_min;
	case 'S':
		return &tm->tm_sec;
	default:
		return NULL;
	}
}

/*
 * Read a date of this form: a digit for each of d, y, H, i and S, one or a
 * space for e, a month for m, anything for _, and all else as it stands.
 */
static bool
has_form(struct http_span text, const char *form, struct tm *tm)
{
	const char *at = text.data;
	int *number;

	memset(tm, 0, sizeof(*tm));
	tm->tm_mon = -1;
	if (text.len != strlen(form))
		return false;
	for (; *form != '\0'; form++, at++) {
		number = number_of(tm, *form);
		if (number != NULL && http_class_has(*at, HTTP_DIGIT)) {
			*number = 10 * *number + (*at - '0');
		} else if (*form == 'm') {
			if (tm->tm_mon < 0) /* at its first letter */
				tm->tm_mon = month_of(at);
			if (tm->tm_mon < 0)
				return false;
		} else if (*form != '_' && !(*form == 'e' && *at == ' ') &&
			   (number != NULL || *at != *form)) {
			return false;
		}
	}
	return true;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static bool
has_form_850(struct http_span text, struct tm *tm)
{
	const char *comma =
	    text.len > 0 ? memchr(text.data, ',', text.len) : NULL;
	int this_year = (int)(time(NULL) / 31556952) + 1970;

	if (comma == NULL || comma - text.data < 6 || comma - text.data > 9)
		return false;
	text.len -= (size_t)(comma - text.data);
	text.data = comma;
	if (!has_form(text, ", dd-mmm-yy HH:ii:SS GMT", tm))
		return false;
	tm->tm_year += 2000;
	if (tm->tm_year > this_year + 50)
		tm->tm_year -= 100;
	return true;
}

int64_t
static_parse_date(struct http_span text)
{
	struct tm tm;

	/* "Sun, 06 Nov 1994 08:49:37 GMT", "Sun Nov  6 08:49:37 1994" */
	if (!has_form(text, "___, dd mmm yyyy HH:ii:SS GMT", &tm) &&
	    !has_form(text, "___ mmm ed HH:ii:SS yyyy", &tm) &&
	    !has_form_850(text, &tm))
		return -1;
	tm.tm_year -= 1900;
	if (tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_year < 70 ||
	    tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return -1;
	return (int64_t)timegm(&tm);
}

/* A number at *at, at most `max`; SIZE_MAX without a digit. */
static size_t
take_number(const char **at, const char *end, size_t max)
{
	size_t number = 0;
	size_t digit;

	if (*at == end || !http_class_has(**at, HTTP_DIGIT))
		return SIZE_MAX;
	for (; *at < end && http_class_has(**at, HTTP_DIGIT); (*at)++) {
		digit = (size_t)(**at - '0');
		number =
		    number > (max - digit) / 10 ? max : 10 * number + digit;
	}
	return number;
}

enum static_range
static_parse_range(struct http_span range, size_t len, size_t *first,
    size_t *count)
{
	const char *at = range.data;
	const char *end = at + range.len;
	size_t from;
	size_t to;

	if (range.len < 7 || strncasecmp(at, "bytes=", 6) != 0)
		return STATIC_WHOLE;
	at += 6;
	from = take_number(&at, end, SIZE_MAX / 2);
	if (at == end || *at++ != '-')
		return STATIC_WHOLE;
	to = take_number(&at, end, SIZE_MAX / 2);
	if (at != end || (from == SIZE_MAX && to == SIZE_MAX))
		return STATIC_WHOLE;
	if (from == SIZE_MAX) { /* the last `to` bytes */
		from = to < len ? len - to : 0;
		if (to == 0 || len == 0)
			return STATIC_UNSATISFIABLE;
		to = len - 1;
	} else if (to != SIZE_MAX && to < from) {
		return STATIC_WHOLE; /* not a range at all */
	}
	if (from >= len)
		return STATIC_UNSATISFIABLE;
	if (to > len - 1)
		to = len - 1;
	*first = from;
	*count = to - from + 1;
	return STATIC_PART;
}

/* What is asked of the file as it is: If-Match, else If-Unmodified-Since. */
static bool
is_wanted(const struct http_head *head, const char *etag, int64_t mtime)
{
	const struct http_span *value;
	int64_t since;
	size_t from = 0;

	value = http_head_find_next(head, "if-match", &from);
	if (value != NULL) {
		for (; value != NULL;
		     value = http_head_find_next(head, "if-match", &from)) {
			if (list_has(*value, etag, false))
				return true;
		}
		return false;
	}
	value = mtime != 0 ? http_head_find(head, "if-unmodified-since") : NULL;
	since = value != NULL ? static_parse_date(*value) : -1;
	return since < 0 || mtime <= since;
}

static bool
is_known(const struct http_head *head, const char *etag)
{
	struct http_span line;
	size_t from = 0;

	while (http_head_line(head, head->if_none_match, "if-none-match", &from,
	    &line)) {
		if (static_etag_matches(line, etag))
			return true;
	}
	return false;
}

int
static_condition(const struct http_head *head, const char *etag, int64_t mtime)
{
	int64_t since;

	if (!is_wanted(head, etag, mtime))
		return 412;
	if (head->if_none_match.data != NULL)
		return is_known(head, etag) ? 304 : 200;
	if (mtime == 0 || head->if_modified_since.data == NULL)
		return 200;
	since = static_parse_date(head->if_modified_since);
	return since >= mtime ? 304 : 200;
}

bool
static_if_range(const struct http_head *head, const char *etag, int64_t mtime)
{
	const struct http_span *value = http_head_find(head, "if-range");

	if (value == NULL)
		return true;
	if (value->len > 0 && value->data[0] == '"')
		return value->len == strlen(etag) &&
		       memcmp(value->data, etag, value->len) == 0;
	/* A date must be the very one; a weak tag never matches. */
	return mtime != 0 && static_parse_date(*value) == mtime;
}
