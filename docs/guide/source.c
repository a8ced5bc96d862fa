/* SPDX-License-Identifier: MIT */

/*
 * C source in colours, made here, as the front end's highlighter knows no C.
 *
 * A scanner that knows comments, texts, numbers, words and lines of the
 * preprocessor; what has no colour stays plain text between the spans.
 *
 * THREADS  Any: nothing is kept.
 */
#include <ctype.h>
#include <string.h>

#include "docs/guide/guide.h"

#define PARTS_MAX 4000 /* spans and plain texts; the rest stays plain */

static const char *const keywords[] = { "break", "case", "char", "const",
	"double", "else", "enum", "for", "if", "int", "int64_t", "return",
	"size_t", "static", "struct", "switch", "time_t", "uint64_t", "void",
	"while", "bool", "true", "false", "NULL", "unsigned", "long" };

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static size_t
quoted(const char *at)
{
	size_t len = 1;

	while (at[len] != '\0' && at[len] != at[0] && at[len] != '\n')
		len += at[len] == '\\' && at[len + 1] != '\0' ? 2 : 1;
	return at[len] == at[0] ? len + 1 : len;
}

static const char *
color_of_word(const char *at, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (strlen(keywords[i]) == len &&
		    strncmp(keywords[i], at, len) == 0)
			return "key";
	if (strncmp(at, "ph_", 3) == 0 || strncmp(at, "PH_", 3) == 0 ||
	    strncmp(at, "html_", 5) == 0 || strncmp(at, "dcc_", 4) == 0)
		return "sdk";
	return NULL;
}

/* The length of what begins at `at`; *color: NULL, or the name of its class. */
static size_t
scan(const char *at, const char **color)
{
	const char *end;
	size_t len = 1;

	*color = NULL;
	if (strncmp(at, "/*", 2) == 0) {
		*color = "note";
		end = strstr(at + 2, "*/");
		return end != NULL ? (size_t)(end + 2 - at) : strlen(at);
	}
	if (*at == '"' || *at == '\'') {
		*color = "text";
		return quoted(at);
	}
	if (*at == '#') {
		*color = "pre";
		return strcspn(at, "\n");
	}
	if (!is_word(*at))
		return 1;
	while (
	    is_word(at[len]) || (isdigit((unsigned char)*at) && at[len] == '.'))
		len++;
	*color =
	    isdigit((unsigned char)*at) ? "number" : color_of_word(at, len);
	return len;
}

static const struct ph_value *
part(const char *from, size_t len, const char *color)
{
	const struct ph_value *text = ph_textf("%.*s", (int)len, from);

	return color == NULL ? text
			     : html_span(.className = color, .children = text);
}

const struct ph_value *
guide_source(const char *text)
{
	const struct ph_value *parts[PARTS_MAX];
	const char *plain = text;
	const char *at = text;
	const char *color;
	size_t count = 0;
	size_t len;

	while (*at != '\0' && count + 3 < PARTS_MAX) {
		len = scan(at, &color);
		if (color != NULL) {
			if (at > plain)
				parts[count++] =
				    part(plain, (size_t)(at - plain), NULL);
			parts[count++] = part(at, len, color);
			plain = at + len;
		}
		at += len;
	}
	parts[count++] = part(plain, strlen(plain), NULL);
	return html_pre(.className = "source", .tabIndex = ph_int(0),
	    .role = "region", .more = PH_JSON({ "aria-label" : "Source code" }),
	    .children = ph_host_->make_list(parts, count));
}
