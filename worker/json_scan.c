/* SPDX-License-Identifier: MIT */

/*
 * A JSON validator that a hostile text cannot make work hard.
 *
 * A tree of a text of ten megabytes can cost a gigabyte, and one bad enough
 * has cost parsers more (see CVE-2023-26819, CVE-2023-53154). This pass comes
 * before anything is built: one loop over the bytes, an array of one word for
 * each open level, and every limit checked at the byte that exceeds it.
 *
 * INVARIANT  No byte is looked at twice, but for the at most 63 of a number
 *            with an exponent. Nothing at or after `end` is looked at.
 * OWNERSHIP  Nothing is kept or allocated; about 4 KiB of stack.
 * THREADS    Any; no state outside the arguments. Independent of the locale.
 */

#include "worker/json_scan.h"

#include <stdint.h>
#include <string.h>

#include "worker/json_plain.h"
#include "worker/utf8.h"

#define OPENED 1 /* beside enum json_verdict: a value is to follow */

/* A level is its number of members times two, plus one for an object. */
#define LEVEL_OBJECT 1u
#define LEVEL_MEMBER 2u
#define MEMBERS_MAX (UINT32_MAX / LEVEL_MEMBER - 1)

struct scan {
	const char *text;
	const char *p; /* next byte */
	const char *end;
	const struct json_limits *limits;
	struct json_scan_result *result;
	size_t max_depth;
	size_t max_members;
	size_t depth; /* levels open now */
	uint32_t levels[JSON_DEPTH_MAX];
};

static int
fail(struct scan *scan, const char *at, int verdict, const char *sentence)
{
	scan->result->offset = (size_t)(at - scan->text);
	scan->result->error = sentence;
	return verdict;
}

static int
bad(struct scan *scan, const char *at, const char *sentence)
{
	if (at == scan->end)
		sentence = "the text ends too early";
	return fail(scan, at, JSON_BAD_SYNTAX, sentence);
}

static void
skip_space(struct scan *scan)
{
	const char *p = scan->p;

	while (p != scan->end &&
	       (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	scan->p = p;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits at `p`; on a fault -1 and *at the byte of it. */
static int
hex_unit(const struct scan *scan, const char *p, const char **at)
{
	int unit = 0;
	int digit;
	int i;

	for (i = 0; i < 4; i++) {
		*at = p + i;
		digit = p + i == scan->end ? -1 : hex_value(p[i]);
		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

/* After "\u": scan->p is at the first digit. */
static int
scan_unicode(struct scan *scan)
{
	static const char lone[] = "half of a surrogate pair stands alone";
	const char *start = scan->p;
	const char *at;
	int unit;

	unit = hex_unit(scan, start, &at);
	if (unit < 0)
		return bad(scan, at, "\\u needs four hexadecimal digits");
	if (unit == 0 && !scan->limits->any_text)
		return bad(scan, start,
		    "\\u0000 is refused: strings end at a zero byte");
	scan->p = start + 4;
	if (unit < 0xD800 || unit > 0xDFFF || scan->limits->any_text)
		return 0;
	if (unit >= 0xDC00)
		return bad(scan, start, lone);
	if (scan->p == scan->end || *scan->p != '\\')
		return bad(scan, scan->p, lone);
	if (scan->p + 1 == scan->end || scan->p[1] != 'u')
		return bad(scan, scan->p + 1, lone);
	start = scan->p + 2;
	unit = hex_unit(scan, start, &at);
	if (unit < 0)
		return bad(scan, at, "\\u needs four hexadecimal digits");
	if (unit < 0xDC00 || unit > 0xDFFF)
		return bad(scan, start, lone);
	scan->p = start + 4;
	return 0;
}

/* scan->p is at the backslash. */
static int
scan_escape(struct scan *scan)
{
	const char *p = scan->p + 1;

	if (p == scan->end)
		return bad(scan, p, NULL);
	switch (*p) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		scan->p = p + 1;
		return 0;
	case 'u':
		scan->p = p + 1;
		return scan_unicode(scan);
	default:
		return bad(scan, p, "no such escape in a string");
	}
}

/* scan->p is after the opening quote. */
static int
scan_string(struct scan *scan)
{
	size_t n;
	int rc = 0;

	while (rc == 0) {
		scan->p = json_skip_plain(scan->p, scan->end);
		if (scan->p == scan->end)
			return bad(scan, scan->p, NULL);
		if (*scan->p == '"') {
			scan->p++;
			return 0;
		}
		if (*scan->p == '\\') {
			rc = scan_escape(scan);
			continue;
		}
		if ((unsigned char)*scan->p < 0x20)
			return bad(scan, scan->p,
			    "control bytes in a string must be escaped");
		n = utf8_char_len(scan->p, scan->end);
		if (n == 0)
			return bad(scan, scan->p, "not well-formed UTF-8");
		scan->p += n;
	}
	return rc;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Does a number with an exponent fit into a double? Its digits are compared
 * with those of the least number that is rounded to infinity; no strtod(),
 * which depends on the locale.
 */
static bool
number_fits(const char *p, const char *end)
{
	static const char limit[] = "17976931348623158079372897140530341507"
				    "9934132710037826936173778980444";
	char digits[JSON_NUMBER_MAX];
	bool point = false;
	bool minus = false;
	size_t n = 0;
	int first = 0; /* power of ten of the first digit that is not 0 */
	int exponent = 0;

	for (; *p != 'e' && *p != 'E'; p++) {
		if (*p == '.')
			point = true;
		if (!is_digit(*p))
			continue;
		if (n == 0 ? point : !point)
			first += point ? -1 : 1;
		if (n != 0 || *p != '0')
			digits[n++] = *p;
	}
	if (n == 0)
		return true;
	for (p++; p != end; p++) {
		if (*p == '-')
			minus = true;
		if (is_digit(*p) && exponent < 10000)
			exponent = exponent * 10 + (*p - '0');
	}
	first += minus ? -exponent : exponent;
	return first < 308 || (first == 308 && memcmp(digits, limit, n) <= 0);
}

/* At least one digit, from scan->p on. */
static int
scan_digits(struct scan *scan, const char *stop)
{
	const char *p = scan->p;

	while (p != stop && is_digit(*p))
		p++;
	if (p == scan->p && p != stop)
		return bad(scan, p, "a digit is missing in a number");
	if (p == scan->p && p == scan->end)
		return bad(scan, p, NULL);
	scan->p = p;
	return 0;
}

/*
 * scan->p is at the first byte. Everything beyond `stop`, one byte more than
 * a number may have, is as good as not there.
 */
static int
scan_number(struct scan *scan)
{
	const char *start = scan->p;
	const char *stop = scan->end;
	bool exponent = false;
	int rc;

	if (stop - start > JSON_NUMBER_MAX + 1)
		stop = start + JSON_NUMBER_MAX + 1;
	if (*scan->p == '-')
		scan->p++;
	if (scan->p != stop && *scan->p == '0')
		scan->p++;
	else if ((rc = scan_digits(scan, stop)) != 0)
		return rc;
	if (scan->p != stop && *scan->p == '.') {
		scan->p++;
		if ((rc = scan_digits(scan, stop)) != 0)
			return rc;
	}
	if (scan->p != stop && (*scan->p == 'e' || *scan->p == 'E')) {
		exponent = true;
		scan->p++;
		if (scan->p != stop && (*scan->p == '+' || *scan->p == '-'))
			scan->p++;
		if ((rc = scan_digits(scan, stop)) != 0)
			return rc;
	}
	if (scan->p - start > JSON_NUMBER_MAX)
		return bad(scan, start, "a number has more than 63 bytes");
	if (exponent && !number_fits(start, scan->p))
		return bad(scan, start, "a number is too large");
	return 0;
}

static int
scan_word(struct scan *scan, const char *word)
{
	const char *p = scan->p;

	for (; *word != '\0'; word++, p++)
		if (p == scan->end || *p != *word)
			return bad(scan, p, "not a JSON value");
	scan->p = p;
	return 0;
}

/* One more member of the innermost object: its key and the colon. */
static int
scan_key(struct scan *scan)
{
	uint32_t *level = &scan->levels[scan->depth - 1];
	int rc;

	if (scan->p == scan->end || *scan->p != '"')
		return bad(scan, scan->p, "a key in quotes is missing");
	if (*level / LEVEL_MEMBER >= scan->max_members)
		return fail(scan, scan->p, JSON_TOO_MANY_MEMBERS,
		    "an object has too many members");
	*level += LEVEL_MEMBER;
	scan->p++;
	rc = scan_string(scan);
	if (rc != 0)
		return rc;
	skip_space(scan);
	if (scan->p == scan->end || *scan->p != ':')
		return bad(scan, scan->p, "a colon is missing after a key");
	scan->p++;
	return OPENED;
}

/* scan->p is at '[' or '{'. 0 when it is empty, OPENED when not. */
static int
scan_open(struct scan *scan)
{
	bool object = *scan->p == '{';

	if (scan->depth >= scan->max_depth)
		return fail(scan, scan->p, JSON_TOO_DEEP,
		    "arrays and objects are nested too deeply");
	scan->p++;
	scan->levels[scan->depth++] = object ? LEVEL_OBJECT : 0;
	if (scan->depth > scan->result->depth)
		scan->result->depth = scan->depth;
	skip_space(scan);
	if (scan->p != scan->end && *scan->p == (object ? '}' : ']')) {
		scan->p++;
		scan->depth--;
		return 0;
	}
	return object ? scan_key(scan) : OPENED;
}

/* 0 when a whole value was read, OPENED when one inside it is to follow. */
static int
scan_value(struct scan *scan)
{
	skip_space(scan);
	if (scan->p == scan->end)
		return bad(scan, scan->p, NULL);
	if (scan->result->nodes >= scan->limits->nodes)
		return fail(scan, scan->p, JSON_TOO_MANY_NODES,
		    "the text has too many values");
	scan->result->nodes++;
	switch (*scan->p) {
	case '{':
	case '[':
		return scan_open(scan);
	case '"':
		scan->p++;
		return scan_string(scan);
	case 't':
		return scan_word(scan, "true");
	case 'f':
		return scan_word(scan, "false");
	case 'n':
		return scan_word(scan, "null");
	default:
		if (*scan->p == '-' || is_digit(*scan->p))
			return scan_number(scan);
		return bad(scan, scan->p, "not a JSON value");
	}
}

/*
 * A value is whole: close what closes after it. OPENED when a comma brings
 * another value, 0 when the outermost value is whole.
 */
static int
scan_after(struct scan *scan)
{
	bool object;

	while (scan->depth != 0) {
		object = (scan->levels[scan->depth - 1] & LEVEL_OBJECT) != 0;
		skip_space(scan);
		if (scan->p == scan->end)
			return bad(scan, scan->p, NULL);
		if (*scan->p == ',') {
			scan->p++;
			if (!object)
				return OPENED;
			skip_space(scan);
			return scan_key(scan);
		}
		if (*scan->p != (object ? '}' : ']'))
			return bad(scan, scan->p,
			    object ? "a comma or a brace is missing"
				   : "a comma or a bracket is missing");
		scan->p++;
		scan->depth--;
	}
	return 0;
}

int
json_scan(const char *text, size_t len, const struct json_limits *limits,
    struct json_scan_result *result)
{
	struct scan scan;
	int rc;

	*result = (struct json_scan_result){ .offset = len };
	/* Not the levels: each is written before it is read. */
	memset(&scan, 0, offsetof(struct scan, levels));
	scan.text = scan.p = text;
	scan.end = text + len;
	scan.limits = limits;
	scan.result = result;
	scan.max_depth = limits->depth;
	if (scan.max_depth > JSON_DEPTH_MAX)
		scan.max_depth = JSON_DEPTH_MAX;
	scan.max_members = limits->members;
	if (scan.max_members > MEMBERS_MAX)
		scan.max_members = MEMBERS_MAX;
	do {
		rc = scan_value(&scan);
		if (rc == 0)
			rc = scan_after(&scan);
	} while (rc == OPENED);
	if (rc != 0)
		return rc;
	skip_space(&scan);
	if (scan.p != scan.end)
		return fail(&scan, scan.p, JSON_BAD_SYNTAX,
		    "there is more after the value");
	return JSON_OK;
}
