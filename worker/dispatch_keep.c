/* SPDX-License-Identifier: MIT */

/*
 * What a request needs of its head when that is gone, for the access log and
 * for the app's hook post_request.
 *
 * INVARIANT  The spans of a struct request point into its own memory: first
 *            the list of the extras, then all texts.
 * THREADS    The loop only.
 */
#include <string.h>

#include "worker/dispatch_int.h"

/* All but the extras; a hook of the app asks for them, too. */
static struct http_span *
kept_span(struct answer_to *to, unsigned i)
{
	struct http_span *const all[] = { &to->method, &to->target,
		&to->referer, &to->user_agent };

	return i < sizeof(all) / sizeof(all[0]) ? all[i] : NULL;
}

static char *
keep_span(char *at, struct http_span *span)
{
	if (span->data == NULL)
		return at;
	memcpy(at, span->data, span->len);
	span->data = at;
	return at + span->len;
}

static unsigned
count_extras(const struct access_log *log, const struct answer_to *to)
{
	return to->extras != NULL && access_log_is_on(log)
		   ? access_format_extra_count(log->format)
		   : 0;
}

size_t
dispatch_kept_bytes(const struct access_log *log, const struct answer_to *to)
{
	unsigned extras = count_extras(log, to);
	size_t bytes = to->client.len + extras * sizeof(*to->extras);
	struct answer_to kept = *to;
	struct http_span *span;
	unsigned i;

	for (i = 0; (span = kept_span(&kept, i)) != NULL; i++)
		bytes += span->len;
	for (i = 0; i < extras; i++)
		bytes += to->extras[i].len;
	return bytes;
}

void
dispatch_keep(const struct access_log *log, const struct answer_to *to,
    struct request *request)
{
	unsigned extras = count_extras(log, to);
	struct http_span *spans = (struct http_span *)(void *)(request + 1);
	char *at = (char *)(spans + extras);
	struct http_span *span;
	unsigned i;

	request->to = *to;
	request->to.extras = extras > 0 ? spans : NULL;
	at = keep_span(at, &request->to.client);
	for (i = 0; (span = kept_span(&request->to, i)) != NULL; i++)
		at = keep_span(at, span);
	for (i = 0; i < extras; i++) {
		spans[i] = to->extras[i];
		at = keep_span(at, &spans[i]);
	}
}
