/* SPDX-License-Identifier: MIT */

/*
 * Access log lines from a format.
 *
 * A format is a list of steps: a literal, or an atom with the function that
 * writes it. Fields of the request that a format names are copied aside when
 * the request is read (struct answer_to), since the head is gone when the
 * answer is made; hence their bound.
 *
 * THREADS  See access_format.h.
 */
#include "worker/access_format.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "worker/access_format_int.h"

#define NAME_MAX_BYTES 64

static void
put_escaped(struct buf *out, struct http_span text)
{
	size_t len = text.len < FIELD_BYTES ? text.len : FIELD_BYTES;
	size_t from = 0;
	unsigned char c;
	size_t i;

	if (text.data == NULL || len == 0) {
		(void)buf_putc(out, '-');
		return;
	}
	for (i = 0; i < len; i++) {
		c = (unsigned char)text.data[i];
		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
			continue;
		(void)buf_put(out, text.data + from, i - from);
		(void)buf_printf(out, "\\x%02x", c);
		from = i + 1;
	}
	(void)buf_put(out, text.data + from, len - from);
}

static void
put_literal(const struct line *line, const struct step *step)
{
	(void)buf_put(line->out, step->text, step->len);
}

static void
put_client(const struct line *line, const struct step *step)
{
	(void)step;
	put_escaped(line->out, line->entry->client);
}

static void
put_dash(const struct line *line, const struct step *step)
{
	(void)step;
	(void)buf_putc(line->out, '-');
}

/* The name in "Basic base64(name:password)"; the rest is nobody's business. */
static void
put_user(const struct line *line, const struct step *step)
{
	struct http_span field = access_extra(line->entry, step->extra);
	unsigned char text[400];
	struct http_span name = { NULL, 0 };
	char *colon;
	int len;

	if (field.data != NULL && field.len > 6 && field.len < 500 &&
	    strncasecmp(field.data, "Basic ", 6) == 0 &&
	    (field.len - 6) % 4 == 0) {
		len = EVP_DecodeBlock(text,
		    (const unsigned char *)field.data + 6, (int)field.len - 6);
		colon = len > 0 ? memchr(text, ':', (size_t)len) : NULL;
		if (colon != NULL) {
			name.data = (const char *)text;
			name.len = (size_t)(colon - (char *)text);
		}
	}
	put_escaped(line->out, name);
	explicit_bzero(text, sizeof(text));
}

static void
put_time(const struct line *line, const struct step *step)
{
	(void)step;
	(void)buf_puts(line->out, line->time);
}

static void
put_protocol(const struct line *line, const struct step *step)
{
	(void)step;
	(void)buf_puts(line->out, access_protocol(line->entry));
}

static void
put_method(const struct line *line, const struct step *step)
{
	(void)step;
	put_escaped(line->out, line->entry->method);
}

static void
put_request_line(const struct line *line, const struct step *step)
{
	put_method(line, step);
	(void)buf_putc(line->out, ' ');
	put_escaped(line->out, line->entry->target);
	(void)buf_putc(line->out, ' ');
	put_protocol(line, step);
}

static void
put_target(const struct line *line, const struct step *step)
{
	(void)step;
	put_escaped(line->out, line->entry->target);
}

static void
put_software(const struct line *line, const struct step *step)
{
	(void)step;
	(void)buf_puts(line->out, "pronghorn");
}

/* As the app sees it and gunicorn writes it; as it came is RAW_URI's. A path
 * that the server refuses has no other form than the one it came in. */
static void
put_decoded_path(const struct line *line, const struct step *step)
{
	struct http_span path = access_path(line->entry);
	char text[FIELD_BYTES];
	int len;

	(void)step;
	if (path.data != NULL && memchr(path.data, '%', path.len) != NULL) {
		len = http_path_decode(path, text, sizeof(text));
		if (len >= 0)
			path = (struct http_span){ text, (size_t)len };
	}
	put_escaped(line->out, path);
}

/* SCRIPT_NAME: paths are never split, so PATH_INFO has all of it. */
static void
put_nothing(const struct line *line, const struct step *step)
{
	(void)line;
	(void)step;
}

static void
put_query(const struct line *line, const struct step *step)
{
	struct http_span query = access_query(line->entry);

	(void)step;
	if (query.len > 0)
		put_escaped(line->out, query);
}

static void
put_status(const struct line *line, const struct step *step)
{
	(void)step;
	(void)buf_printf(line->out, "%d", line->entry->status);
}

static void
put_bytes(const struct line *line, const struct step *step)
{
	(void)step;
	(void)buf_printf(line->out, "%zu", line->entry->bytes);
}

static void
put_referer(const struct line *line, const struct step *step)
{
	(void)step;
	put_escaped(line->out, line->entry->referer);
}

static void
put_agent(const struct line *line, const struct step *step)
{
	(void)step;
	put_escaped(line->out, line->entry->user_agent);
}

static void
put_seconds(const struct line *line, const struct step *step)
{
	(void)step;
	(void)buf_printf(line->out, "%lld",
	    (long long)line->entry->duration_us / 1000000);
}

static void
put_ms(const struct line *line, const struct step *step)
{
	(void)step;
	(void)buf_printf(line->out, "%lld",
	    (long long)line->entry->duration_us / 1000);
}

static void
put_us(const struct line *line, const struct step *step)
{
	(void)step;
	(void)buf_printf(line->out, "%lld",
	    (long long)line->entry->duration_us);
}

static void
put_decimal_seconds(const struct line *line, const struct step *step)
{
	(void)step;
	(void)buf_printf(line->out, "%lld.%06lld",
	    (long long)line->entry->duration_us / 1000000,
	    (long long)line->entry->duration_us % 1000000);
}

static void
put_pid(const struct line *line, const struct step *step)
{
	(void)step;
	(void)buf_printf(line->out, "<%ld>", (long)getpid());
}

static void
put_request_field(const struct line *line, const struct step *step)
{
	put_escaped(line->out, access_extra(line->entry, step->extra));
}

/* A field among whole lines "Name: value\r\n". */
static struct http_span
find_line(const char *lines, size_t len, const char *name)
{
	struct http_span found = { NULL, 0 };
	size_t size = strlen(name);
	const char *end;
	const char *stop;

	if (lines == NULL)
		return found;
	end = lines + len;
	while (lines < end) {
		stop = memchr(lines, '\r', (size_t)(end - lines));
		if (stop == NULL)
			stop = end;
		if ((size_t)(stop - lines) > size + 1 && lines[size] == ':' &&
		    strncasecmp(lines, name, size) == 0) {
			found.data = lines + size + 2;
			found.len = (size_t)(stop - found.data);
			break;
		}
		lines = end - stop > 2 ? stop + 2 : end;
	}
	return found;
}

static void
put_answer_field(const struct line *line, const struct step *step)
{
	const struct reply *reply = line->entry->reply;
	const struct {
		const char *name;
		const char *value;
	} known[] = {
		{ "content-type", reply->type },
		{ "cache-control",
		    reply->cache != NULL ? reply->cache : "no-store" },
		{ "etag", reply->etag },
		{ "allow", reply->allow },
		{ "last-modified", reply->modified },
		{ "content-range", reply->range },
		{ "content-encoding", reply->br     ? "br"
				      : reply->gzip ? "gzip"
						    : NULL },
	};
	struct http_span value =
	    find_line(reply->fields, reply->fields_len, step->text);
	size_t i;

	if (strcasecmp(step->text, "content-length") == 0) {
		(void)buf_printf(line->out, "%zu", reply->len);
		return;
	}
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].value != NULL &&
		    strcasecmp(step->text, known[i].name) == 0) {
			value.data = known[i].value;
			value.len = strlen(value.data);
		}
	}
	put_escaped(line->out, value);
}

static void
put_scheme(const struct line *line, const struct step *step)
{
	(void)step;
	(void)buf_puts(line->out, line->entry->secure ? "https" : "http");
}

static const struct atom {
	const char *name;
	void (*put)(const struct line *line, const struct step *step);
	const char *extra; /* request field it needs */
} atoms[] = {
	{ "h", put_client, NULL },
	{ "l", put_dash, NULL },
	{ "u", put_user, "authorization" },
	{ "t", put_time, NULL },
	{ "r", put_request_line, NULL },
	{ "m", put_method, NULL },
	{ "U", put_decoded_path, NULL },
	{ "q", put_query, NULL },
	{ "H", put_protocol, NULL },
	{ "s", put_status, NULL },
	{ "B", put_bytes, NULL },
	{ "b", put_bytes, NULL },
	{ "f", put_referer, NULL },
	{ "a", put_agent, NULL },
	{ "T", put_seconds, NULL },
	{ "M", put_ms, NULL },
	{ "D", put_us, NULL },
	{ "L", put_decimal_seconds, NULL },
	{ "p", put_pid, NULL },
	/* variables of the environment that a WSGI server would make */
	{ "{request_method}e", put_method, NULL },
	{ "{raw_uri}e", put_target, NULL },
	{ "{content_type}e", put_request_field, "content-type" },
	{ "{content_length}e", put_request_field, "content-length" },
	{ "{server_software}e", put_software, NULL },
	{ "{path_info}e", put_decoded_path, NULL },
	{ "{query_string}e", put_query, NULL },
	{ "{remote_addr}e", put_client, NULL },
	{ "{server_protocol}e", put_protocol, NULL },
	{ "{server_name}e", access_put_server_name, NULL },
	{ "{server_port}e", access_put_server_port, NULL },
	{ "{remote_port}e", access_put_remote_port, NULL },
	{ "{script_name}e", put_nothing, NULL },
	{ "{wsgi.url_scheme}e", put_scheme, NULL },
};

/* "{name}i" or "{name}o", with the name cut out in place. */
static bool
parse_field(char *name, size_t len, struct step *step)
{
	size_t i;

	if (len < 4 || name[0] != '{' || name[len - 2] != '}' ||
	    (name[len - 1] != 'i' && name[len - 1] != 'o'))
		return false;
	for (i = 1; i < len - 2; i++) {
		if (!isalnum((unsigned char)name[i]) && name[i] != '-' &&
		    name[i] != '_')
			return false;
	}
	step->put = name[len - 1] == 'i' ? put_request_field : put_answer_field;
	name[len - 2] = '\0';
	step->text = name + 1;
	return true;
}

/* "{HTTP_X_NAME}e" is the request field X-Name. */
static bool
parse_http_variable(char *name, size_t len, struct step *step)
{
	char *p;

	if (len < 9 || strncasecmp(name, "{HTTP_", 6) != 0 ||
	    strcmp(name + len - 2, "}e") != 0)
		return false;
	name[len - 2] = '\0';
	for (p = name + 6; *p != '\0'; p++) {
		if (*p == '_')
			*p = '-';
	}
	step->put = put_request_field;
	step->text = name + 6;
	return true;
}

/* The atom between "%(" and ")s". 0, or negative: it is none, -ENOSPC: more
 * fields than can be kept. */
static int
parse_atom(struct access_format *format, char *name, size_t len,
    struct step *step)
{
	const char *extra = NULL;
	int place = 0;
	size_t i;

	for (i = 0; i < sizeof(atoms) / sizeof(atoms[0]); i++) {
		if (len == 1 ? strcmp(atoms[i].name, name) == 0
			     : strcasecmp(atoms[i].name, name) == 0) {
			step->put = atoms[i].put;
			extra = atoms[i].extra;
		}
	}
	if (step->put == NULL && !parse_field(name, len, step) &&
	    !parse_http_variable(name, len, step))
		return -EINVAL;
	if (step->put == put_request_field && extra == NULL)
		extra = step->text;
	if (extra != NULL)
		place = access_want_extra(format, extra);
	step->extra = place < 0 ? 0 : (unsigned)place;
	return place < 0 ? -ENOSPC : 0;
}

_Static_assert(ACCESS_EXTRAS == 32, "the message below");

static bool
refuse(struct buf *why, const char *text, const char *at, const char *what)
{
	(void)buf_printf(why, "access_log_format, character %zu: %s\n",
	    (size_t)(at - text) + 1, what);
	return false;
}

/* Add what begins at *at, an atom or a literal. */
static bool
add_step(struct access_format *format, const char *text, char **at,
    struct buf *why)
{
	struct step *step = &format->steps[format->step_count];
	const char *start = text + (*at - format->text);
	char what[NAME_MAX_BYTES + 160];
	char *end;
	size_t len;
	int rc;

	if (format->step_count == STEPS_MAX)
		return refuse(why, text, start, "the format is too long");
	format->step_count++;
	if (**at != '%') {
		step->put = put_literal;
		step->text = *at;
		step->len = strcspn(*at, "%");
		*at += step->len;
		return true;
	}
	if ((*at)[1] == '%') { /* "%%" is one of them */
		step->put = put_literal;
		step->text = *at;
		step->len = 1;
		*at += 2;
		return true;
	}
	end = (*at)[1] == '(' ? strchr(*at, ')') : NULL;
	if (end == NULL || end[1] != 's')
		return refuse(why, text, start,
		    "an atom has the form %(x)s; a percent sign is %%");
	len = (size_t)(end - *at) - 2;
	*end = '\0';
	rc = parse_atom(format, *at + 2, len, step);
	if (rc == -EINVAL) {
		(void)snprintf(what, sizeof(what),
		    "%%(%.*s)s is no atom; there are h l u t r m U q H s B b "
		    "f a T M D L p, {name}i, {name}o and {name}e",
		    (int)(len < NAME_MAX_BYTES ? len : NAME_MAX_BYTES),
		    start + 2);
		return refuse(why, text, start, what);
	}
	if (rc == -ENOSPC)
		return refuse(why, text, start,
		    "more than 32 different fields of the request are "
		    "named, of which %(u)s is one");
	*at = end + 2;
	return true;
}

struct access_format *
access_format_new(const char *text, struct buf *why)
{
	struct access_format *format = calloc(1, sizeof(*format));
	char *at;

	if (format == NULL || (format->text = strdup(text)) == NULL) {
		(void)buf_putl(why, "access_log_format: out of memory\n");
		access_format_free(&format);
		return NULL;
	}
	for (at = format->text; *at != '\0';) {
		if (!add_step(format, text, &at, why)) {
			access_format_free(&format);
			return NULL;
		}
	}
	return format;
}

void
access_format_free(struct access_format **format)
{
	if (*format != NULL)
		free((*format)->text);
	free(*format);
	*format = NULL;
}

const char *
access_format_extra(const struct access_format *format, unsigned index)
{
	return index < format->extra_count ? format->extras[index] : NULL;
}

unsigned
access_format_extra_count(const struct access_format *format)
{
	return format->extra_count;
}

void
access_format_put(const struct access_format *format,
    const struct access_entry *entry, const char *time, struct buf *out)
{
	const struct line line = { entry, time, out };
	unsigned i;

	if (format->json) {
		access_json_put(&line);
		return;
	}
	for (i = 0; i < format->step_count; i++)
		format->steps[i].put(&line, &format->steps[i]);
}
