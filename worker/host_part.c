/* SPDX-License-Identifier: MIT */

/*
 * What is sent of a file that a handler of ph_route() answers with: all of it,
 * the part that is asked for, or that the client has it already. The rules are
 * those of the assets folder.
 *
 * The handler has run then, so that who may not see the file has been refused
 * by it. It may have set an ETag or a Last-Modified of its own, which is what
 * the conditions are about, then.
 *
 * OWNERSHIP  The choice belongs to the answer.
 * THREADS    The thread that runs the call.
 * Source     RFC 9110 sections 13 and 14.
 */
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "worker/host.h"
#include "worker/routes.h"
#include "worker/routes_int.h"
#include "worker/static.h"
#include "worker/update.h"

static struct http_span
span_of(const struct value *text)
{
	return (struct http_span){ text->u.text, text->count };
}

/* A well-known field takes its first line. */
static void
know(struct http_head *head, const struct http_field *field)
{
	const struct {
		const char *name;
		struct http_span *span;
	} known[] = {
		{ "if-none-match", &head->if_none_match },
		{ "if-modified-since", &head->if_modified_since },
		{ "range", &head->range },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!http_span_is(field->name, known[i].name))
			continue;
		if (known[i].span->data == NULL)
			*known[i].span = field->value;
		else
			head->repeats = true;
	}
}

/* The head of the request again, as far as a choice needs it; in the arena.
 * NULL: no memory. */
static const struct http_head *
head_of(const struct call *call, bool head_only)
{
	const struct value *request = &call->about->u.items[UPDATE_REQUEST];
	const struct value *fields = value_get(request, "fields");
	struct http_head *head = arena_alloc(call->arena, sizeof(*head));
	struct http_field *field;
	uint32_t i;

	if (head == NULL)
		return NULL;
	memset(head, 0, offsetof(struct http_head, fields));
	head->method = head_only ? HTTP_HEAD : HTTP_GET;
	for (i = 0; fields != NULL && i + 1 < fields->count &&
		    head->field_count < HTTP_FIELDS_MAX;
	     i += 2) {
		field = &head->fields[head->field_count++];
		field->name = span_of(&fields->u.items[i]);
		field->value = span_of(&fields->u.items[i + 1]);
		know(head, field);
	}
	return head;
}

bool
routes_find_field(const struct buf *fields, const char *name,
    struct http_span *value, struct http_span *line)
{
	const char *at = fields->data;
	const char *end = at + fields->len;
	size_t len = strlen(name);
	const char *stop;

	for (; fields->len > 0 && at < end; at = stop + 1) {
		stop = memchr(at, '\n', (size_t)(end - at));
		if (stop == NULL) /* cannot be */
			break;
		if (strncasecmp(at, name, len) != 0 || at[len] != ':')
			continue;
		/* "name: value\r\n", as they are written. */
		*value = (struct http_span){ at + len + 2,
			(size_t)(stop - at) - len - 3 };
		if (line != NULL)
			*line =
			    (struct http_span){ at, (size_t)(stop + 1 - at) };
		return true;
	}
	return false;
}

/* Of the file, or what the app says of it. The time in seconds; 0: unknown. */
static int64_t
describe(const struct route_answer *answer, const struct stat *st,
    struct static_texts *texts, struct static_texts *shown)
{
	int64_t mtime = (int64_t)st->st_mtim.tv_sec;
	struct http_span own;

	static_texts(st, texts);
	*shown = *texts;
	if (routes_find_field(&answer->fields, "ETag", &own, NULL)) {
		shown->etag[0] = '\0';
		texts->etag[0] = '\0'; /* too long: no condition holds */
		if (own.len < sizeof(texts->etag)) {
			memcpy(texts->etag, own.data, own.len);
			texts->etag[own.len] = '\0';
		}
	}
	if (routes_find_field(&answer->fields, "Last-Modified", &own, NULL)) {
		shown->modified[0] = '\0';
		mtime = static_parse_date(own);
		if (mtime < 0)
			mtime = 0;
	}
	return mtime;
}

void
route_choose_part(struct call *call, bool head_only)
{
	struct route_answer *answer = call->route->answer;
	struct route_file *file = &answer->file;
	const struct http_head *head;
	struct static_texts texts;
	struct stat st;
	int64_t mtime;

	if (call->failed || call->waits || answer->fd < 0 ||
	    call->route->route->method != HTTP_GET)
		return;
	head = head_of(call, head_only);
	if (head == NULL || fstat(answer->fd, &st) < 0)
		return; /* all of it is a right answer, too */
	mtime = describe(answer, &st, &texts, &file->texts);
	file->status = static_condition(head, texts.etag, mtime);
	if (file->status != 200)
		return;
	file->status = static_part(head, mtime, answer->file_len, &texts,
	    &file->first, &file->count);
	memcpy(file->texts.range, texts.range, sizeof(texts.range));
}
