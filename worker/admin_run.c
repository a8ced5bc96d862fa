/* SPDX-License-Identifier: MIT */

/*
 * The admin process. See admin_run.h.
 *
 * INVARIANT  It claims no computation: what it could not run would fail, so
 *            its cache is the one that holds nothing.
 */
#include "worker/admin_run.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "worker/worker.h"

/* The status page's file: built beside the program, or installed. */
static void
find_app(char path[PATH_MAX])
{
	static const char *const places[] = { "/examples/status.so",
		"/../lib/pronghorn/status.so" };
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 64);
	char *slash;
	size_t i;

	path[len > 0 ? len : 0] = '\0';
	slash = strrchr(path, '/');
	for (i = 0; slash != NULL && i < sizeof(places) / sizeof(places[0]);
	     i++) {
		(void)strcpy(slash, places[i]);
		if (access(path, R_OK) == 0)
			return;
	}
}

int
admin_run(const struct handoff *handoff, const struct worker_options *options,
    const struct cache_options *cache_options)
{
	struct worker_options own = *options;
	struct cache_options none = *cache_options;
	char path[PATH_MAX];

	find_app(path);
	own.app = path;
	own.threads = 1;
	own.accesslog = "";
	own.disable_redirect_access_to_syslog = true;
	own.assets_folder = "";
	own.certfile = "";
	own.keyfile = "";
	own.cert_reqs = 0;
	own.sni_certfiles.count = 0;
	own.proxy_protocol = "off";
	own.url_base_pathname = "/_ph/status/";
	own.requests_pathname_prefix = "";
	own.routes_pathname_prefix = "";
	own.csrf_token = false;
	own.max_requests = 0;
	own.max_worker_memory = 0;
	own.metrics_public = true;
	none.cache_type = "null";
	return worker_run(handoff, &own, &none, NULL);
}
