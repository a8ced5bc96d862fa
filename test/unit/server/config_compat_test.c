/* SPDX-License-Identifier: MIT */

/*
 * Config files as gunicorn users have them: three whole ones without code,
 * what they set and which lines they are told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/err.h"
#include "server/base/log.h"
#include "server/config_int.h"

static int
setup(void **state)
{
	(void)state;
	(void)unsetenv("PORT");
	(void)unsetenv("WEB_CONCURRENCY");
	(void)unsetenv("PRONGHORN_CMD_ARGS");
	return chdir("/"); /* no pronghorn.conf there */
}

static struct config *
load(const char *name, const char *text)
{
	char program[] = "pronghorn";
	char flag[] = "--print-config";
	char *argv[] = { program, flag, NULL };
	enum config_action action;
	struct config *config = NULL;
	struct buf why = BUF_EMPTY;

	assert_int_equal(0, config_load(2, argv, &config, &action, &why));
	if (config_file_parse(config, name, text, strlen(text), &why) < 0)
		fail_msg("%s", buf_cstr(&why));
	buf_free(&why);
	return config;
}

/* A Dash team's file, with everything that matters to them. */
static const char dash_team[] =
    "\"\"\"Gunicorn configuration of the sales dashboard.\n"
    "\n"
    "Run with: gunicorn -c gunicorn.conf.py app:server\n"
    "\"\"\"\n"
    "# -*- coding: utf-8 -*-\n"
    "\n"
    "bind = '0.0.0.0:8050'\n"
    "backlog = 2048\n"
    "\n"
    "workers = 6\n"
    "worker_class = 'gthread'\n"
    "threads = 2\n"
    "worker_connections = 1000\n"
    "timeout = 120  # slow queries\n"
    "graceful_timeout = 30\n"
    "keepalive = 5\n"
    "max_requests = 1_000\n"
    "max_requests_jitter = 50\n"
    "preload_app = True\n"
    "\n"
    "accesslog = '-'\n"
    "errorlog = '-'\n"
    "loglevel = 'INFO'\n"
    "access_log_format = ('%(h)s %(l)s %(u)s %(t)s \"%(r)s\" '\n"
    "                     '%(s)s %(b)s \"%(f)s\" \"%(a)s\"')\n"
    "proc_name = 'sales-dashboard'\n"
    "wsgi_app = 'app:server'\n";

static const char dash_team_warnings[] =
    "gunicorn.conf.py:11: worker_class is ignored: there is one kind of "
    "worker, an event loop with threads; set threads\n"
    "gunicorn.conf.py:27: wsgi_app is ignored: a Python callable cannot be "
    "served; set app = \"path/app.so\"\n";

static void
test_dash_team(void **state)
{
	struct config *config = load("gunicorn.conf.py", dash_team);

	(void)state;
	assert_string_equal("0.0.0.0:8050", config->server.bind.items[0]);
	assert_int_equal(6, config->server.workers);
	assert_int_equal(2, config->worker.threads);
	assert_int_equal(1000, config->worker.worker_connections);
	assert_true(config->server.timeout > 119.9);
	assert_string_equal("-", config->worker.accesslog);
	assert_int_equal(LOG_LEVEL_INFO, config->server.loglevel);
	assert_string_equal("sales-dashboard", config->server.proc_name);
	assert_string_equal("", config->worker.app);
	assert_string_equal(dash_team_warnings, buf_cstr(&config->warnings));
	config_free(&config);
}

/* gunicorn's own example file with its defaults: nothing is lost. */
static const char example[] = "# Server socket\n"
			      "bind = ['127.0.0.1:8000', \"[::1]:8000\",\n"
			      "        'unix:/run/app/web.sock',]\n"
			      "backlog = 64\n"
			      "# Worker processes\n"
			      "workers = 1\n"
			      "worker_connections = 1000\n"
			      "timeout = 30\n"
			      "keepalive = 2\n"
			      "spew = False\n"
			      "# Server mechanics\n"
			      "daemon = False\n"
			      "raw_env = [\n"
			      "    'DJANGO_SECRET_KEY=do-not-show-this',\n"
			      "    'SPAM=eggs',\n"
			      "]\n"
			      "pidfile = None\n"
			      "umask = 0\n"
			      "user = None\n"
			      "group = None\n"
			      "tmp_upload_dir = None\n"
			      "reload = False\n"
			      "reload_extra_files = []\n"
			      "certfile = None\n"
			      "keyfile = None\n"
			      "proxy_protocol = 'off'\n"
			      "secure_scheme_headers = {}\n"
			      "# Logging\n"
			      "errorlog = '-'\n"
			      "loglevel = 'info'\n"
			      "accesslog = None\n"
			      "proc_name = None\n";

static void
test_example(void **state)
{
	struct config *config = load("conf.py", example);

	(void)state;
	assert_int_equal(3, config->server.bind.count);
	assert_string_equal("unix:/run/app/web.sock",
	    config->server.bind.items[2]);
	assert_int_equal(64, config->server.backlog);
	assert_string_equal("", config->server.pidfile);
	assert_string_equal("pronghorn", config->server.proc_name);
	assert_int_equal(2, config->server.raw_env.count);
	assert_int_equal(0, config->server.umask);
	assert_string_equal("", config->server.user);
	/* What is off anyway says nothing. */
	assert_string_equal("", buf_cstr(&config->warnings));
	config_free(&config);
}

/* A container's file, with Flask-Caching's settings in lower case. */
static const char container[] =
    "workers = \"auto\"\n"
    "threads = \"4\"\n"
    "bind = (\n"
    "    \"0.0.0.0\"\n"
    "    \":8080\"\n"
    ")\n"
    "worker_tmp_dir = \"/dev/shm\"\n"
    "forwarded_allow_ips = \"*\"\n"
    "logger_class = \"gunicorn.glogging.Logger\"\n"
    "logconfig_dict = {\n"
    "    \"version\": 1,\n"
    "    \"handlers\": {\"console\": {\"level\": \"INFO\"}},\n"
    "    \"root\": {\"handlers\": [\"console\"]},\n"
    "}\n"
    "statsd_host = \"localhost:8125\"\n"
    "control_socket_disable = True\n"
    "cache_type = \"FileSystemCache\"\n"
    "cache_dir = \"/var/cache/dash\"\n"
    "cache_default_timeout = 60\n"
    "cache_threshold = 200\n"
    "cache_redis_url = \"redis://:secret@redis:6379/0\"\n";

static void
test_container(void **state)
{
	struct config *config = load("c.py", container);
	struct buf why = BUF_EMPTY;
	const char *at;
	size_t lines = 0;

	(void)state;
	assert_true(config->server.workers >= 1);
	assert_int_equal(4, config->worker.threads);
	assert_string_equal("0.0.0.0:8080", config->server.bind.items[0]);
	assert_string_equal("/var/cache/dash", config->cache.cache_dir);
	assert_int_equal(200, config->cache.cache_threshold);
	assert_int_equal(0, config_fix_cache_type(config, &why));
	assert_string_equal("sqlite", config->cache.cache_type);
	for (at = buf_cstr(&config->warnings); *at != '\0'; at++)
		lines += *at == '\n';
	assert_int_equal(5, lines);
	assert_null(strstr(config->warnings.data, "secret"));
	assert_non_null(strstr(config->warnings.data,
	    "c.py:21: cache_redis_url is ignored: this build stores in SQLite "
	    "only; set cache_dir\n"));
	assert_non_null(strstr(config->warnings.data,
	    "c.py:17: cache_type = \"FileSystemCache\": values are kept in "
	    "SQLite, shared by all workers; write \"sqlite\"\n"));
	buf_free(&why);
	config_free(&config);
}

static void
test_a_library_is_taken_from_wsgi_app(void **state)
{
	struct config *config = load("f", "wsgi_app = 'lib/x.so:app'");

	(void)state;
	assert_string_equal("lib/x.so:app", config->worker.app);
	assert_string_equal("f:1", config_origin(config, "app"));
	assert_string_equal("f:1: wsgi_app is named app here\n",
	    buf_cstr(&config->warnings));
	config_free(&config);
}

static void
test_table_is_sound(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < config_compat_count; i++) {
		const struct config_compat *compat = &config_compats[i];

		assert_ptr_equal(compat, config_compat_find(compat->name));
		assert_true(compat->advice[0] != '\0');
		assert_int_equal(compat->flags[0] == '\0',
		    compat->arity == COMPAT_FILE);
		if (compat->kind == COMPAT_RENAMED)
			assert_non_null(config_row_find(compat->advice));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dash_team),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_a_library_is_taken_from_wsgi_app),
		cmocka_unit_test(test_table_is_sound),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
