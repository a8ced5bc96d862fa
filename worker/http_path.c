/* SPDX-License-Identifier: MIT */

/*
 * Percent-decoding of request paths.
 *
 * A path is decoded exactly once and then checked, never the other way
 * round: "..%2f" and "%2e%2e/" are the same as "../" and are refused alike,
 * while "%252e" becomes the four harmless bytes "%2e". What comes out has one
 * spelling for each resource, so that routing, logging and file look-up
 * cannot disagree about it.
 */

#include <limits.h>

#include "worker/http_class.h"
#include "worker/http_parse.h"
#include "worker/utf8.h"

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return (c | 0x20) - 'a' + 10;
}

/* Is there a "." or ".." segment in the NUL-terminated path? */
static bool
has_dot_segment(const char *path)
{
	const char *p;

	for (p = path; *p != '\0'; p++) {
		if (p[0] != '/' || p[1] != '.')
			continue;
		if (p[2] == '/' || p[2] == '\0')
			return true;
		if (p[2] == '.' && (p[3] == '/' || p[3] == '\0'))
			return true;
	}
	return false;
}

static bool
is_pair(const char *p)
{
	return http_class_has(p[0], HTTP_HEX) && http_class_has(p[1], HTTP_HEX);
}

/* The next byte when "%2e", "%252e", "%25252e" ... are all decoded. */
static char
next_decoded(const char **at)
{
	const char *p = *at + 1;

	if (**at != '%')
		return *(*at)++;
	while (p[0] == '2' && p[1] == '5' && is_pair(p + 2))
		p += 2;
	if (!is_pair(p))
		return *(*at)++;
	*at = p + 2;
	return (char)(hex_value(p[0]) * 16 + hex_value(p[1]));
}

bool
http_path_hides(const char *decoded)
{
	const char *p = decoded;
	int dots =
	    3; /* so many since the last slash; 3: it is no such segment */
	char c;

	while (*p != '\0') {
		c = next_decoded(&p);
		if (c == '/' || c == '\\' || c == ';') {
			if (dots == 1 || dots == 2)
				return true;
			dots = c == ';' ? 3 : 0;
		} else if (c == '\0') {
			return true;
		} else {
			dots = c == '.' && dots < 3 ? dots + 1 : 3;
		}
	}
	return dots == 1 || dots == 2;
}

static bool
is_utf8(const char *p, const char *end)
{
	size_t n;

	for (; p != end; p += n) {
		n = utf8_char_len(p, end);
		if (n == 0)
			return false;
	}
	return true;
}

int
http_path_decode(struct http_span path, char *out, size_t cap)
{
	size_t in = 0;
	size_t n = 0;
	unsigned char c;

	if (path.len == 0 || path.data[0] != '/')
		return -400;
	while (in < path.len) {
		c = (unsigned char)path.data[in++];
		if (c == '%') {
			if (path.len - in < 2 ||
			    !http_class_has(path.data[in], HTTP_HEX) ||
			    !http_class_has(path.data[in + 1], HTTP_HEX))
				return -400;
			c = (unsigned char)(hex_value(path.data[in]) * 16 +
					    hex_value(path.data[in + 1]));
			in += 2;
		}
		if (c < 0x20 || c == 0x7F || c == '\\')
			return -400;
		if (n + 1 >= cap || n == INT_MAX)
			return -414;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	if (has_dot_segment(out) || !is_utf8(out, out + n))
		return -400;
	return (int)n;
}
