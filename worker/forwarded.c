/* SPDX-License-Identifier: MIT */

/*
 * Forwarding fields, read from the right.
 *
 * Each proxy adds the address it was asked from at the end, so the right-most
 * address was written by the proxy that we trust. If that one is a trusted
 * proxy, too, what stands left of it counts, and so on; the first address
 * that is no proxy of ours is the client. What a client has put there itself
 * stands further left and is never reached.
 *
 * THREADS  Any.
 */
#include "worker/forwarded.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/base/err.h"
#include "worker/trust.h"

struct scheme {
	char *name; /* of the field; owned */
	size_t len;
	const char *value;
};

struct forwarded {
	struct trust *proxies;
	const char *client_field; /* "": none */
	size_t client_len;
	uint64_t lens; /* a bit for the length of each name; 63: or more */
	size_t scheme_count;
	struct scheme schemes[];
};

static uint64_t
bit_of(size_t len)
{
	return UINT64_C(1) << (len < 63 ? len : 63);
}

/* "NAME: value" into its parts. */
static int
parse_scheme(const char *item, struct scheme *scheme)
{
	const char *colon = strchr(item, ':');
	const char *value = colon != NULL ? colon + 1 : "";
	size_t len = colon != NULL ? (size_t)(colon - item) : 0;

	value += strspn(value, " ");
	if (len == 0 || *value == '\0' || strcspn(item, " \t") < len)
		return ERR_SYNTAX;
	scheme->name = strndup(item, len);
	scheme->len = len;
	scheme->value = value;
	return scheme->name == NULL ? -ENOMEM : 0;
}

int
forwarded_open(struct forwarded **out, const struct worker_options *options,
    struct buf *why)
{
	const opt_LIST_t *list = &options->secure_scheme_headers;
	struct forwarded *forwarded = calloc(1,
	    sizeof(*forwarded) + list->count * sizeof(forwarded->schemes[0]));
	size_t i;
	int rc;

	*out = NULL;
	if (forwarded == NULL)
		return -ENOMEM;
	forwarded->client_field = options->client_ip_header;
	forwarded->client_len = strlen(forwarded->client_field);
	forwarded->lens = bit_of(forwarded->client_len);
	rc = trust_open(&forwarded->proxies, &options->forwarded_allow_ips,
	    "forwarded_allow_ips", why);
	for (i = 0; i < list->count && rc == 0; i++) {
		rc = parse_scheme(list->items[i], &forwarded->schemes[i]);
		forwarded->scheme_count++;
		forwarded->lens |= bit_of(forwarded->schemes[i].len);
		if (rc == ERR_SYNTAX)
			(void)buf_printf(why,
			    "secure_scheme_headers: \"%s\" is not of the form "
			    "NAME: VALUE, such as X-Forwarded-Proto: https\n",
			    list->items[i]);
	}
	if (rc < 0)
		forwarded_close(&forwarded);
	*out = forwarded;
	return rc;
}

void
forwarded_close(struct forwarded **forwarded_in)
{
	struct forwarded *forwarded = *forwarded_in;
	size_t i;

	*forwarded_in = NULL;
	if (forwarded == NULL)
		return;
	trust_close(&forwarded->proxies);
	for (i = 0; i < forwarded->scheme_count; i++)
		free(forwarded->schemes[i].name);
	free(forwarded);
}

bool
forwarded_trusts(const struct forwarded *forwarded, const char *peer)
{
	return trust_has(forwarded->proxies, peer);
}

/* Take the last item off a comma-separated value. */
static struct http_span
last_item(struct http_span *list)
{
	size_t at = list->len;
	struct http_span item;

	while (at > 0 && list->data[at - 1] != ',')
		at--;
	item.data = list->data + at;
	item.len = list->len - at;
	list->len = at > 0 ? at - 1 : 0;
	while (item.len > 0 && (*item.data == ' ' || *item.data == '\t')) {
		item.data++;
		item.len--;
	}
	while (item.len > 0 && (item.data[item.len - 1] == ' ' ||
				   item.data[item.len - 1] == '\t'))
		item.len--;
	return item;
}

/* Without a port and brackets: 192.0.2.1:4711, [2001:db8::1], [::1]:80. */
static struct http_span
bare_address(struct http_span item)
{
	const char *end;

	if (item.len > 0 && item.data[0] == '[') {
		end = memchr(item.data, ']', item.len);
		item.len = end != NULL ? (size_t)(end - item.data) - 1 : 0;
		item.data++;
		return item;
	}
	end = memchr(item.data, ':', item.len);
	if (end != NULL &&
	    memchr(end + 1, ':', (size_t)(item.data + item.len - end) - 1) ==
		NULL)
		item.len = (size_t)(end - item.data);
	return item;
}

static bool
is_proxy(const struct forwarded *forwarded, struct http_span address)
{
	char text[TRUST_TEXT];

	memcpy(text, address.data, address.len);
	text[address.len] = '\0';
	return trust_has(forwarded->proxies, text);
}

/*
 * Go through the items of one field, right to left. True when the client has
 * been found, or what stands there is no address and nothing left of it can
 * be believed.
 */
static bool
walk(const struct forwarded *forwarded, struct http_span list,
    struct http_span *client)
{
	struct http_span item;

	while (list.len > 0) {
		item = bare_address(last_item(&list));
		if (!trust_is_address(item))
			return true;
		*client = item;
		if (!is_proxy(forwarded, item))
			return true;
	}
	return false;
}

static bool
is_called(const struct http_field *field, const char *name, size_t len)
{
	return field->name.len == len && http_span_is(field->name, name);
}

/* What one field says of the scheme. 0, or -400: it contradicts another. */
static int
note_scheme(const struct forwarded *forwarded, const struct http_field *field,
    struct forwarded_view *view)
{
	const struct scheme *scheme;
	bool secure;
	size_t i;

	for (i = 0; i < forwarded->scheme_count; i++) {
		scheme = &forwarded->schemes[i];
		if (!is_called(field, scheme->name, scheme->len))
			continue;
		secure = http_span_is(field->value, scheme->value);
		if (view->said && secure != view->secure)
			return -400;
		view->said = true;
		view->secure = secure;
	}
	return 0;
}

int
forwarded_look(const struct forwarded *forwarded, const struct http_head *head,
    struct forwarded_view *view)
{
	const struct http_field *field;
	bool found = forwarded->client_len == 0;
	size_t i;

	memset(view, 0, sizeof(*view));
	/* Several fields of the name are one list, walked right to left. */
	for (i = head->field_count; i-- > 0;) {
		field = &head->fields[i];
		/* Few fields are as long as a name that is looked for. */
		if ((forwarded->lens & bit_of(field->name.len)) == 0)
			continue;
		if (note_scheme(forwarded, field, view) < 0) {
			view->client = (struct http_span){ NULL, 0 };
			return -400;
		}
		if (!found && is_called(field, forwarded->client_field,
				  forwarded->client_len))
			found = walk(forwarded, field->value, &view->client);
	}
	return 0;
}
