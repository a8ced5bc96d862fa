/* SPDX-License-Identifier: MIT */

/*
 * llhttp as an oracle. To be built with -DLLHTTP_STRICT_MODE=1, like llhttp's
 * own sources, which come from Debian's package node-llhttp.
 */

#include "test/fuzz/llhttp_oracle.h"

#include <llhttp.h>
#include <string.h>

static void
grow(struct oracle_span *span, const char *at, size_t len)
{
	if (span->data == NULL)
		*span = (struct oracle_span){ at, len };
	else
		span->len = (size_t)(at + len - span->data);
}

static int
on_url(llhttp_t *parser, const char *at, size_t len)
{
	grow(&((struct oracle *)parser->data)->target, at, len);
	return 0;
}

static int
on_name(llhttp_t *parser, const char *at, size_t len)
{
	struct oracle *oracle = parser->data;

	if (!oracle->head_done && oracle->field_count < ORACLE_FIELDS_MAX)
		grow(&oracle->names[oracle->field_count], at, len);
	return 0;
}

static int
on_value(llhttp_t *parser, const char *at, size_t len)
{
	struct oracle *oracle = parser->data;

	if (!oracle->head_done && oracle->field_count < ORACLE_FIELDS_MAX)
		grow(&oracle->values[oracle->field_count], at, len);
	return 0;
}

static int
on_value_complete(llhttp_t *parser)
{
	struct oracle *oracle = parser->data;

	if (!oracle->head_done && oracle->field_count < ORACLE_FIELDS_MAX)
		oracle->field_count++;
	return 0;
}

static int
on_headers_complete(llhttp_t *parser)
{
	struct oracle *oracle = parser->data;

	oracle->head_done = true;
	oracle->method = llhttp_method_name((llhttp_method_t)parser->method);
	oracle->minor = parser->http_major == 1 ? parser->http_minor : -1;
	oracle->keep_alive = llhttp_should_keep_alive(parser) != 0;
	oracle->chunked = (parser->flags & F_CHUNKED) != 0;
	oracle->has_length = (parser->flags & F_CONTENT_LENGTH) != 0;
	oracle->length = parser->content_length;
	return 0;
}

static int
on_body(llhttp_t *parser, const char *at, size_t len)
{
	struct oracle *oracle = parser->data;

	if (len <= sizeof(oracle->body) - oracle->body_len) {
		memcpy(oracle->body + oracle->body_len, at, len);
		oracle->body_len += len;
	}
	return 0;
}

static int
on_message_complete(llhttp_t *parser)
{
	((struct oracle *)parser->data)->message_done = true;
	return HPE_PAUSED;
}

void
oracle_run(struct oracle *oracle, const char *bytes, size_t len)
{
	llhttp_settings_t settings;
	llhttp_t parser;

	memset(oracle, 0, sizeof(*oracle));
	llhttp_settings_init(&settings);
	settings.on_url = on_url;
	settings.on_header_field = on_name;
	settings.on_header_value = on_value;
	settings.on_header_value_complete = on_value_complete;
	settings.on_headers_complete = on_headers_complete;
	settings.on_body = on_body;
	settings.on_message_complete = on_message_complete;
	llhttp_init(&parser, HTTP_REQUEST, &settings);
	parser.data = oracle;
	llhttp_execute(&parser, bytes, len);
}
