/* SPDX-License-Identifier: MIT */

/*
 * Where the app lives: the path in front of all its URLs, as browsers write
 * it (requests) and as it arrives here (routes). They differ when a proxy
 * takes a part away. Dash's rules: both begin and end with a slash, and the
 * first one ends with the second.
 *
 * THREADS  The thread that opens the site.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"
#include "worker/site_int.h"

/* NULL, or what is wrong with a prefix. */
static const char *
check(const char *prefix)
{
	size_t len = strlen(prefix);
	const char *p;

	if (prefix[0] != '/' || prefix[len - 1] != '/')
		return "must begin and end with /";
	if (strstr(prefix, "//") != NULL || strstr(prefix, "/./") != NULL ||
	    strstr(prefix, "/../") != NULL)
		return "has an empty part, . or .. in it";
	for (p = prefix; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && strchr("/-._~", *p) == NULL)
			return "may have letters, digits and -._~ only";
	}
	return NULL;
}

static int
refuse(const char *setting, const char *value, const char *wrong,
    struct buf *why)
{
	(void)buf_printf(why, "%s: \"%s\" %s\n", setting, value, wrong);
	return ERR_SYNTAX;
}

struct site_prefix
site_prefix_of(const struct worker_options *options)
{
	const char *base = options->url_base_pathname;
	const char *requests = options->requests_pathname_prefix;
	const char *routes = options->routes_pathname_prefix;

	if (base[0] != '\0')
		return (struct site_prefix){ base, base };
	if (routes[0] == '\0')
		routes = "/";
	if (requests[0] == '\0')
		requests = routes;
	return (struct site_prefix){ requests, routes };
}

int
site_prefixes(struct site *site, const struct worker_options *options,
    struct buf *why)
{
	const struct site_prefix prefix = site_prefix_of(options);
	const char *base = options->url_base_pathname;
	const char *requests = prefix.requests;
	const char *routes = prefix.routes;
	const char *wrong;
	size_t longer;

	if (base[0] != '\0' && (options->requests_pathname_prefix[0] != '\0' ||
				   options->routes_pathname_prefix[0] != '\0'))
		return refuse("url_base_pathname", base,
		    "sets both prefixes; leave requests_pathname_prefix and "
		    "routes_pathname_prefix out, or this one",
		    why);
	wrong = check(requests);
	if (wrong != NULL)
		return refuse(base[0] != '\0' ? "url_base_pathname"
					      : "requests_pathname_prefix",
		    requests, wrong, why);
	wrong = check(routes);
	if (wrong != NULL)
		return refuse("routes_pathname_prefix", routes, wrong, why);
	longer = strlen(requests) - strlen(routes);
	if (strlen(requests) < strlen(routes) ||
	    strcmp(requests + longer, routes) != 0)
		return refuse("requests_pathname_prefix", requests,
		    "must end with routes_pathname_prefix: the proxy takes "
		    "what is in front of it away",
		    why);
	site->requests = strdup(requests);
	site->routes = strdup(routes);
	return site->requests == NULL || site->routes == NULL ? -ENOMEM : 0;
}
