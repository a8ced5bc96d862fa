/* SPDX-License-Identifier: MIT */

/*
 * Headers and cookies that a callback gives its answer.
 *
 * INVARIANT  What ends in a head was checked here, byte by byte: no CR, LF,
 *            NUL or other control character, no byte that is not ASCII, no
 *            field that the server writes itself or that frames the message.
 * Source     RFC 9110 section 5, RFC 6265 section 4.1.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "server/base/err.h"
#include "worker/host.h"
#include "worker/host_session.h"
#include "worker/scratch.h"
#include "worker/visit.h"

#define FIELDS_MAX 16

/* One line; cookies are replaced by their name, too. */
struct call_field {
	struct call_field *next;
	const char *name; /* of the cookie, or of the field */
	const char *line; /* the value of the field */
	bool cookie;
};

static const char *const ours[] = { "Connection", "Keep-Alive",
	"Proxy-Connection", "Transfer-Encoding", "Content-Length", "TE",
	"Trailer", "Upgrade", "Date", "Content-Type", "Content-Encoding",
	"Content-Range", "Accept-Ranges", "Cache-Control", "Vary", "ETag",
	"Last-Modified", "Set-Cookie", "Allow", "Retry-After",
	"X-Content-Type-Options" };

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool
is_token(const char *text)
{
	return text[0] != '\0' &&
	       strspn(text, DIGITS LETTERS "!#$%&'*+-.^_`|~") == strlen(text);
}

/* Printable ASCII without the bytes in `but`; see host_field_ok(). */
static bool
is_clean(const char *text, const char *but)
{
	return host_field_ok(text) && strpbrk(text, but) == NULL;
}

bool
host_field_ok(const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value < 0x20 || *value > 0x7e)
			return false;
	}
	return true;
}

/* May this call say anything about its answer? */
static bool
allowed(struct call *call, const char *verb)
{
	if (call->failed || call->trial)
		return false;
	if (call->visit != NULL)
		return true;
	call_error(call,
	    "%s: %s: what is memoized is given to others, so it has no "
	    "headers of its own",
	    call->name, verb);
	return false;
}

static void
add(struct call *call, const char *verb, const char *name, const char *line,
    bool cookie)
{
	struct arena *arena = scratch_lasting_arena(call);
	struct call_field **at = &call->fields;
	struct call_field *field;
	unsigned count = 0;
	size_t bytes = strlen(name) + strlen(line) + 16;

	while (*at != NULL) {
		if ((*at)->cookie == cookie &&
		    (cookie ? strcmp((*at)->name, name)
			    : strcasecmp((*at)->name, name)) == 0) {
			*at = (*at)->next;
			continue;
		}
		bytes += strlen((*at)->name) + strlen((*at)->line) + 16;
		count++;
		at = &(*at)->next;
	}
	if (count >= FIELDS_MAX || bytes > HOST_FIELDS_MAX) {
		call_error(call, "%s: %s: more than %d headers or %d bytes",
		    call->name, verb, FIELDS_MAX, HOST_FIELDS_MAX);
		return;
	}
	field = arena_calloc(arena, 1, sizeof(*field));
	if (field != NULL) {
		field->name = arena_strndup(arena, name, strlen(name));
		field->line = arena_strndup(arena, line, strlen(line));
		field->cookie = cookie;
	}
	if (field == NULL || field->name == NULL || field->line == NULL)
		call_error(call, "%s: out of memory", call->name);
	else
		*at = field;
}

void
host_set_header(struct ph_call *ph, const char *name, const char *value)
{
	static const char verb[] = "ph_set_header()";
	struct call *call = host_call(ph);
	size_t i;

	if (!allowed(call, verb))
		return;
	if (name == NULL || !is_token(name)) {
		call_error(call, "%s: %s: the name is none of a header",
		    call->name, verb);
		return;
	}
	if (value == NULL || !host_field_ok(value)) {
		call_error(call,
		    "%s: %s: %s has a value that is not printable "
		    "ASCII",
		    call->name, verb, name);
		return;
	}
	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (strcasecmp(ours[i], name) == 0) {
			call_error(call, "%s: %s: %s is written by the server",
			    call->name, verb, ours[i]);
			return;
		}
	}
	add(call, verb, name, value, false);
}

/* What is wrong with a cookie; NULL: nothing. */
static const char *
check_cookie(const struct call *call, const char *name, const char *value,
    const struct ph_cookie_options *options)
{
	const char *site = options->same_site;

	if (name == NULL || !is_token(name))
		return "the name is no token";
	if (strcmp(name, call->kit->options->session_cookie_name) == 0 ||
	    strcmp(name, call->kit->options->csrf_token_name) == 0 ||
	    strncasecmp(name, "__Host-", 7) == 0 ||
	    strncasecmp(name, "__Secure-", 9) == 0)
		return "the name is the server's";
	if (value == NULL || !is_clean(value, " \",;\\"))
		return "the value has a blank, a quote, a comma, a semicolon "
		       "or a backslash: encode it";
	if (options->path != NULL &&
	    (options->path[0] != '/' || !is_clean(options->path, ";")))
		return "the path is none";
	if (options->domain != NULL &&
	    (options->domain[0] == '\0' || !is_token(options->domain)))
		return "the domain is none";
	if (site != NULL && strcmp(site, "Lax") != 0 &&
	    strcmp(site, "Strict") != 0 && strcmp(site, "None") != 0)
		return ".same_site is Lax, Strict or None";
	if (!isfinite(options->max_age) || fabs(options->max_age) > 1e10)
		return "the age is no number of seconds";
	return NULL;
}

void
host_set_cookie(struct ph_call *ph, const char *name, const char *value,
    const struct ph_cookie_options *options)
{
	static const char verb[] = "ph_set_cookie()";
	struct call *call = host_call(ph);
	const char *site = options->same_site;
	struct buf line = BUF_EMPTY;
	const char *why;

	if (!allowed(call, verb))
		return;
	why = check_cookie(call, name, value, options);
	if (why != NULL) {
		call_error(call, "%s: %s: %s", call->name, verb, why);
		return;
	}
	(void)buf_printf(&line, "%s=%s; Path=%s; SameSite=%s", name, value,
	    options->path != NULL ? options->path : "/",
	    site != NULL ? site : "Lax");
	if (options->max_age != 0)
		(void)buf_printf(&line, "; Max-Age=%lld",
		    options->max_age > 0 ? (long long)options->max_age : 0LL);
	if (options->domain != NULL)
		(void)buf_printf(&line, "; Domain=%s", options->domain);
	if (!options->for_scripts)
		(void)buf_puts(&line, "; HttpOnly");
	if (options->secure || call->secure ||
	    (site != NULL && strcmp(site, "None") == 0))
		(void)buf_puts(&line, "; Secure");
	if (buf_cstr(&line) != NULL && buf_ok(&line))
		add(call, verb, name, line.data, true);
	else
		call_error(call, "%s: out of memory", call->name);
	buf_free(&line);
}

int
host_fields_write(struct call *call, struct buf *out)
{
	const struct call_field *field;

	for (field = call->fields; field != NULL; field = field->next)
		(void)buf_printf(out, "%s: %s\r\n",
		    field->cookie ? "Set-Cookie" : field->name, field->line);
	if (buf_ok(out))
		return 0;
	call_error(call, "%s: out of memory", call->name);
	return ERR_TOO_BIG;
}
