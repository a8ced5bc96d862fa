/* SPDX-License-Identifier: MIT */

/*
 * What to say instead when somebody else listens at an address.
 *
 * A port counts as free when we could listen there a moment ago; nothing stays
 * open, so somebody may come first. The list is proposed as a whole, since
 * the option takes the place of all that a config file says.
 *
 * THREADS  Master only.
 */
#include "server/listen_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PORTS_TRIED 100

/* Listen there, for now. 0 or negative. */
static int
hold(struct listen_set *set, const struct listen_address *address,
    const struct listen_rules *rules)
{
	struct buf text = BUF_EMPTY;
	struct buf why = BUF_EMPTY;
	const char *item;
	int rc;

	rc = listen_address_print(address, &text);
	if (rc == 0) {
		item = buf_cstr(&text);
		rc = listen_open(set, &(struct opt_list){ &item, 1 }, rules,
		    &why);
	}
	buf_free(&text);
	buf_free(&why);
	return rc;
}

/* One item, with a port that is free, which is held. */
static int
print_free(struct listen_set *set, const char *item,
    const struct listen_rules *rules, struct buf *out)
{
	struct listen_address address;
	struct buf why = BUF_EMPTY;
	int rc = listen_address_parse(item, &address, &why);
	int tried;

	buf_free(&why);
	if (rc < 0)
		return rc;
	if (address.kind != LISTEN_TCP || address.port == 0)
		return buf_puts(out, item);
	rc = hold(set, &address, rules);
	if (rc == 0) /* as it was written */
		return buf_puts(out, item);
	for (tried = 0; rc == -EADDRINUSE && tried < PORTS_TRIED &&
			address.port < UINT16_MAX;
	     tried++) {
		address.port++;
		rc = hold(set, &address, rules);
	}
	return rc < 0 ? rc : listen_address_print(&address, out);
}

void
listen_propose(const struct opt_list *bind, const struct listen_rules *rules,
    const char *flag, struct buf *why)
{
	struct listen_set *held = calloc(bind->count, sizeof(*held));
	struct buf text = BUF_EMPTY;
	struct buf before = BUF_EMPTY;
	size_t i;
	int rc = held != NULL ? 0 : -ENOMEM;

	for (i = 0; rc == 0 && i < bind->count; i++) {
		rc = buf_printf(&before, " %s %s", flag, bind->items[i]);
		if (rc == 0)
			rc = buf_printf(&text, " %s ", flag);
		if (rc == 0)
			rc = print_free(&held[i], bind->items[i], rules, &text);
	}
	if (rc == 0 && strcmp(buf_cstr(&text), buf_cstr(&before)) != 0)
		(void)buf_printf(why, "; free:%s", buf_cstr(&text));
	for (i = 0; held != NULL && i < bind->count; i++)
		listen_close(&held[i]);
	free(held);
	buf_free(&text);
	buf_free(&before);
}
