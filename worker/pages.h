/* SPDX-License-Identifier: MIT */
#ifndef WORKER_PAGES_H
#define WORKER_PAGES_H

#include <pronghorn/app.h>

#include "worker/app.h"
#include "worker/http_parse.h"
#include "worker/options.h"

/*
 * The pages of an app: which one an address is, and the callback that shows
 * it. See <pronghorn/pages.h>.
 */

#define PAGES_PATHNAME "_pages_location.pathname"
#define PAGES_SEARCH "_pages_location.search"
#define PAGES_CONTENT "_pages_content.children"
#define PAGES_STORE "_pages_store.data"

struct page {
	struct ph_page_info info; /* texts in the app's arena */
	ph_layout_function *layout;
	const char *label; /* "page /path", for messages */
	int order;
	size_t number;                    /* in which it was defined */
	const char *const *redirect_from; /* NULL at its end; may be NULL */
};

/* The page of a decoded path below the prefix, with its variables in the
 * arena, or NULL. A slash at the end of the path does not count. */
const struct page *pages_find(const struct app *app, const char *path,
    struct arena *arena, struct value **variables);

/* The page that an old address leads to, or NULL. */
const struct page *pages_find_old(const struct app *app, const char *path);

/* Sort them, and add what shows them. After PH_APP(). */
void pages_define(struct app *app);

void pages_validate(struct app *app);

/* Is it one that shows the pages? */
bool pages_is_own(const struct callback *callback);

/* Is it what ph_page_container() gives? */
bool pages_is_container(const struct value *value);

extern const struct ph_page_host host_page_table;

#endif
