/* SPDX-License-Identifier: MIT */

/*
 * Config files as gunicorn users have them: three whole ones without code,
 * what they set and which lines they are told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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

/* Every setting of gunicorn 26.1. */
static const char gunicorns[] =
    "config wsgi_app bind backlog workers worker_class threads "
    "worker_connections max_requests max_requests_jitter timeout "
    "graceful_timeout keepalive limit_request_line "
    "limit_request_fields limit_request_field_size reload "
    "reload_engine reload_extra_files spew check_config "
    "print_config preload_app sendfile reuse_port chdir daemon "
    "raw_env pidfile worker_tmp_dir user group umask initgroups "
    "tmp_upload_dir secure_scheme_headers forwarded_allow_ips "
    "accesslog disable_redirect_access_to_syslog "
    "access_log_format errorlog loglevel capture_output "
    "logger_class logconfig logconfig_dict logconfig_json "
    "syslog_addr syslog syslog_prefix syslog_facility "
    "enable_stdio_inheritance statsd_host dogstatsd_tags "
    "statsd_prefix enable_backlog_metric proc_name "
    "default_proc_name pythonpath paste on_starting on_reload "
    "when_ready pre_fork post_fork post_worker_init worker_int "
    "worker_abort pre_exec pre_request post_request child_exit "
    "worker_exit nworkers_changed on_exit ssl_context "
    "proxy_protocol proxy_allow_ips protocol uwsgi_allow_ips "
    "keyfile certfile ssl_version cert_reqs ca_certs "
    "suppress_ragged_eofs do_handshake_on_connect ciphers "
    "http_protocols http2_cleartext http2_max_concurrent_streams "
    "http2_initial_window_size http2_max_frame_size "
    "http2_max_header_list_size raw_paste_global_conf "
    "permit_obsolete_folding strip_header_spaces "
    "permit_unconventional_http_method "
    "permit_unconventional_http_version casefold_http_method "
    "forwarder_headers header_map asgi_loop asgi_lifespan "
    "asgi_disconnect_grace_period http_parser root_path "
    "dirty_apps dirty_workers dirty_timeout dirty_threads "
    "dirty_graceful_timeout on_dirty_starting dirty_post_fork "
    "dirty_worker_init dirty_worker_exit control_socket "
    "control_socket_mode control_socket_disable";

static void
test_no_setting_of_gunicorn_is_unknown(void **state)
{
	const char *at = gunicorns;
	char name[64];
	size_t count = 0;
	size_t len;

	(void)state;
	for (;; at += len) {
		at = config_next_flag(at, &len);
		if (len == 0)
			break;
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, at);
		if (config_row_find(name) == NULL &&
		    config_compat_find(name) == NULL)
			fail_msg("%s is not known", name);
		count++;
	}
	assert_int_equal(count, 119);
}

static void
test_root_path_has_another_name(void **state)
{
	struct config *config = load("f", "root_path = '/dash/'\n");

	(void)state;
	assert_string_equal("/dash/", config->worker.url_base_pathname);
	assert_string_equal("f:1: root_path is named url_base_pathname here\n",
	    buf_cstr(&config->warnings));
	config_free(&config);
}

static void
test_reload_is_a_setting(void **state)
{
	struct config *config = load("f",
	    "reload = True\nreload_engine = 'poll'\n"
	    "reload_extra_files = ['a', 'b/*.csv']\nheader_map = 'refuse'\n"
	    "reuse_port = True\nsendfile = False\n");

	(void)state;
	assert_true(config->server.reload);
	assert_string_equal("poll", config->server.reload_engine);
	assert_int_equal(2, config->server.reload_extra_files.count);
	assert_string_equal("refuse", config->worker.header_map);
	assert_true(config->server.reuse_port);
	assert_false(config->worker.sendfile);
	assert_int_equal(0, config->warnings.len);
	config_free(&config);
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
		cmocka_unit_test(test_no_setting_of_gunicorn_is_unknown),
		cmocka_unit_test(test_root_path_has_another_name),
		cmocka_unit_test(test_reload_is_a_setting),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
