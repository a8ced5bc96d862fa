/* SPDX-License-Identifier: MIT */

/*
 * What one row alone cannot tell: the syntax inside a text and how settings
 * fit each other. One function per layer.
 */
#include "server/config_int.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/config_value.h"
#include "server/listen_address.h"
#include "server/placement.h"
#include "worker/http_parse.h"

#define LIMIT_MIN 64 /* bytes of a request line or header field */

void
config_put_place(const struct config *config, const char *name, struct buf *out)
{
	const struct config_row *row = config_row_find(name);

	(void)buf_printf(out, "%s: %s = ", config->origins[row - config_rows],
	    name);
	config_value_print(row, config_field_const(config, row), out);
	(void)buf_puts(out, ": ");
}

static bool
is_same_address(const struct listen_address *a, const struct listen_address *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == LISTEN_UNIX)
		return strcmp(a->path, b->path) == 0;
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}

static int
check_bind_item(const struct config *config, size_t index, struct buf *why)
{
	const struct opt_list *bind = &config->server.bind;
	struct listen_address address;
	struct listen_address other;
	struct buf reason = BUF_EMPTY;
	size_t i;
	int rc;

	rc = listen_address_parse(bind->items[index], &address, &reason);
	for (i = 0; rc == 0 && i < index; i++) {
		buf_clear(&reason);
		(void)listen_address_parse(bind->items[i], &other, &reason);
		/* Port 0 is another port each time. */
		if (is_same_address(&address, &other) &&
		    (address.kind == LISTEN_UNIX || address.port != 0)) {
			buf_clear(&reason);
			(void)buf_puts(&reason, "the address stands twice");
			rc = ERR_SYNTAX;
		}
	}
	if (rc < 0) {
		(void)buf_printf(why,
		    "%s: bind = ", config_origin(config, "bind"));
		literal_print_text(bind->items[index], why);
		(void)buf_printf(why, ": %.*s", (int)reason.len, reason.data);
	}
	buf_free(&reason);
	return rc;
}

static int
check_affinity(const struct config *config, struct buf *why)
{
	const struct opt_list *list = &config->server.cpu_affinity;
	unsigned first;
	unsigned last;
	size_t i;

	for (i = 0; i < list->count; i++) {
		if (placement_parse(list->items[i], &first, &last) ||
		    (list->count == 1 && strcmp(list->items[i], "auto") == 0))
			continue;
		config_put_place(config, "cpu_affinity", why);
		(void)buf_puts(why,
		    "must be numbers of CPUs, ranges such as 0-3, or auto "
		    "alone");
		return ERR_SYNTAX;
	}
	return 0;
}

static int
check_field_name(const struct config *config, const char *setting,
    const char *name, struct buf *why)
{
	size_t len = strcspn(name, ":");

	if (strcmp(config->worker.header_map, "dangerous") == 0 ||
	    memchr(name, '_', len) == NULL)
		return 0;
	config_put_place(config, setting, why);
	(void)buf_printf(why,
	    "\"%.*s\" has an underscore, and header_map is \"%s\" (%s)",
	    (int)len, name, config->worker.header_map,
	    config_origin(config, "header_map"));
	return ERR_SYNTAX;
}

static int
check_field_names(const struct config *config, struct buf *why)
{
	const struct worker_options *worker = &config->worker;
	const struct opt_list *schemes = &worker->secure_scheme_headers;
	size_t i;
	int rc;

	rc = check_field_name(config, "client_ip_header",
	    worker->client_ip_header, why);
	if (rc == 0 && worker->csrf_token)
		rc = check_field_name(config, "csrf_header_name",
		    worker->csrf_header_name, why);
	for (i = 0; i < schemes->count && rc == 0; i++)
		rc = check_field_name(config, "secure_scheme_headers",
		    schemes->items[i], why);
	return rc;
}

/* The app would run as root, in the master. */
static int
check_preload(const struct config *config, struct buf *why)
{
	if (!config->worker.preload_app || geteuid() != 0 ||
	    config->server.user[0] == '\0' ||
	    strcmp(config->server.user, "root") == 0)
		return 0;
	config_put_place(config, "preload_app", why);
	(void)buf_puts(why,
	    "it would run the app's code as root; leave it out, or start the "
	    "server as that user");
	return ERR_UNKNOWN;
}

int
config_check_server(const struct config *config, struct buf *why)
{
	size_t i;
	int rc = check_affinity(config, why);

	if (rc == 0)
		rc = check_preload(config, why);
	for (i = 0; i < config->server.bind.count && rc == 0; i++)
		rc = check_bind_item(config, i, why);
	return rc;
}

int
config_check_worker(const struct config *config, struct buf *why)
{
	const struct worker_options *worker = &config->worker;

	if (worker->app[0] != '\0' && strstr(worker->app, ".so") == NULL) {
		config_put_place(config, "app", why);
		(void)buf_puts(why,
		    "not the path of a compiled app: path/app.so[:symbol]");
		return ERR_SYNTAX;
	}
	if (worker->limit_request_head < worker->limit_request_line) {
		config_put_place(config, "limit_request_head", why);
		(void)buf_printf(why,
		    "must be at least limit_request_line, which is %lld (%s)",
		    (long long)worker->limit_request_line,
		    config_origin(config, "limit_request_line"));
		return ERR_RANGE;
	}
	if (worker->limit_request_head < worker->limit_request_field_size) {
		config_put_place(config, "limit_request_head", why);
		(void)buf_printf(why,
		    "must be at least limit_request_field_size, which is "
		    "%lld (%s)",
		    (long long)worker->limit_request_field_size,
		    config_origin(config, "limit_request_field_size"));
		return ERR_RANGE;
	}
	return check_field_names(config, why);
}

int
config_check_cache(const struct config *config, struct buf *why)
{
	const char *type = config->cache.cache_type;

	if (strcmp(type, "sqlite") == 0 || strcmp(type, "null") == 0)
		return 0;
	config_put_place(config, "cache_type", why);
	(void)buf_puts(why, "must be sqlite or null");
	return ERR_UNKNOWN;
}

static int
fix_limit(struct config *config, const char *name, int64_t *limit,
    struct buf *why)
{
	const struct config_row *row = config_row_find(name);
	long long most = (long long)row->max;

	if (most > config->worker.limit_request_head)
		most = config->worker.limit_request_head;
	if (*limit == 0) {
		config_warn(config,
		    "%s: %s = 0: some limit there has to be; it is %lld",
		    config_origin(config, name), name, most);
		*limit = most;
		return 0;
	}
	if (*limit >= LIMIT_MIN)
		return 0;
	config_put_place(config, name, why);
	(void)buf_printf(why, "must be 0, or from %d to %lld", LIMIT_MIN,
	    (long long)row->max);
	return ERR_RANGE;
}

/* gunicorn takes 32768 of them. */
static void
fix_fields(struct config *config)
{
	static const char name[] = "limit_request_fields";
	int64_t *limit = &config->worker.limit_request_fields;

	if (*limit > 0 && *limit <= HTTP_FIELDS_MAX)
		return;
	config_warn(config, "%s: %s = %lld: it is %d, the most there is",
	    config_origin(config, name), name, (long long)*limit,
	    HTTP_FIELDS_MAX);
	*limit = HTTP_FIELDS_MAX;
}

/* "/app", gunicorn's root_path, for "/app/". */
static int
fix_base_path(struct config *config)
{
	const char **path = &config->worker.url_base_pathname;
	size_t len = strlen(*path);
	char *whole;

	if (len < 2 || (*path)[0] != '/' || (*path)[len - 1] == '/')
		return 0;
	whole = arena_alloc(&config->arena, len + 2);
	if (whole == NULL)
		return -ENOMEM;
	memcpy(whole, *path, len);
	memcpy(whole + len, "/", 2);
	*path = whole;
	return 0;
}

int
config_fix_values(struct config *config, struct buf *why)
{
	struct worker_options *worker = &config->worker;
	int rc = fix_limit(config, "limit_request_line",
	    &worker->limit_request_line, why);

	if (rc == 0)
		rc = fix_limit(config, "limit_request_field_size",
		    &worker->limit_request_field_size, why);
	fix_fields(config);
	return rc == 0 ? fix_base_path(config) : rc;
}

/* "flask_caching.backends.SimpleCache" and "SimpleCache" are "simple". */
static void
simplify_type(const char *type, char *out, size_t size)
{
	const char *dot = strrchr(type, '.');
	size_t len;
	size_t i;

	type = dot != NULL ? dot + 1 : type;
	len = strlen(type);
	if (len > 5 && strcasecmp(type + len - 5, "cache") == 0)
		len -= 5;
	for (i = 0; i < len && i + 1 < size; i++)
		out[i] = (char)tolower((unsigned char)type[i]);
	out[i] = '\0';
}

int
config_fix_cache_type(struct config *config, struct buf *why)
{
	static const char *const kept[] = { "sqlite", "filesystem", "simple",
		NULL };
	static const char *const others[] = { "redis", "rediscluster",
		"redissentinel", "memcached", "gaememcached", "saslmemcached",
		"spreadsaslmemcached", "uwsgi", NULL };
	struct cache_options *cache = &config->cache;
	char type[40];
	size_t i;

	if (strcmp(cache->cache_type, "sqlite") == 0 ||
	    strcmp(cache->cache_type, "null") == 0)
		return 0;
	simplify_type(cache->cache_type, type, sizeof(type));
	if (strcmp(type, "null") == 0)
		cache->cache_type = "null";
	for (i = 0; kept[i] != NULL; i++) {
		if (strcmp(type, kept[i]) != 0)
			continue;
		config_warn(config,
		    "%s: cache_type = \"%s\": values are kept in SQLite, "
		    "shared by all workers; write \"sqlite\"",
		    config_origin(config, "cache_type"), cache->cache_type);
		cache->cache_type = "sqlite";
		return 0;
	}
	for (i = 0; others[i] != NULL; i++) {
		if (strcmp(type, others[i]) != 0)
			continue;
		config_put_place(config, "cache_type", why);
		(void)buf_puts(why,
		    "this build stores in SQLite only; write \"sqlite\"");
		return ERR_UNKNOWN;
	}
	return 0;
}
