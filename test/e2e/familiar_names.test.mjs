/* SPDX-License-Identifier: MIT */

/*
 * Every name that somebody knows from Dash, Flask-Caching or gunicorn has a row
 * that says what stands in its place, or that there is nothing and what to do.
 * The lists below are facts about those programs: Dash 4, Flask-Caching 2.4 and
 * gunicorn 26.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import nodeTest from "node:test";
import { ROOT } from "../lib/harness.mjs";

const words = (text) => text.trim().split(/\s+/);

const NAMES = {
  "an app's imports": words(`
    Dash html dcc dash_table Input Output State callback clientside_callback
    ClientsideFunction ALL MATCH ALLSMALLER Patch no_update PreventUpdate
    set_props callback_context ctx register_page page_registry page_container
    get_asset_url get_relative_path strip_relative_path get_app
    DiskcacheManager CeleryManager hooks dcc.Loading dcc.Graph dcc.Store
    dcc.Interval dcc.Location dcc.Link dcc.Upload dcc.Download
  `),
  "Dash()": words(`
    name server assets_folder pages_folder use_pages assets_url_path
    assets_ignore assets_path_ignore assets_external_path eager_loading
    include_assets_files include_pages_meta url_base_pathname
    requests_pathname_prefix routes_pathname_prefix serve_locally compress
    meta_tags index_string external_scripts external_stylesheets
    suppress_callback_exceptions prevent_initial_callbacks show_undo_redo
    extra_hot_reload_paths plugins title update_title
    background_callback_manager long_callback_manager add_log_handler hooks
    routing_callback_inputs description on_error use_async health_endpoint
    csrf_token_name csrf_header_name backend websocket_callbacks enable_mcp
  `),
  "enable_dev_tools()": words(`
    enable_dev_tools debug dev_tools_ui dev_tools_props_check
    dev_tools_serve_dev_bundles dev_tools_hot_reload
    dev_tools_hot_reload_interval dev_tools_hot_reload_watch_interval
    dev_tools_hot_reload_max_retry dev_tools_silence_routes_logging
    dev_tools_disable_version_check dev_tools_prune_errors
    dev_tools_validate_callbacks
  `),
  "@callback() and ctx": words(`
    ctx.triggered ctx.triggered_id ctx.triggered_prop_ids ctx.inputs ctx.states
    ctx.inputs_list ctx.states_list ctx.outputs_list ctx.outputs_grouping
    ctx.args_grouping ctx.using_args_grouping ctx.using_outputs_grouping
    ctx.response ctx.cookies ctx.headers ctx.path ctx.remote ctx.origin
    ctx.record_timing ctx.timing_information ctx.custom_data ctx.websocket
    allow_duplicate allow_optional prevent_initial_call background interval
    progress progress_default running cancel manager cache_by
    cache_args_to_ignore cache_ignore_triggered on_error optional hidden
    api_endpoint
  `),
  "register_page()": words(`
    module path path_template name order title description image image_url
    redirect_from layout not_found_404 validation_layout
  `),
  "Flask-Caching's configuration": words(`
    CACHE_TYPE NullCache SimpleCache FileSystemCache RedisCache
    RedisSentinelCache RedisClusterCache UWSGICache MemcachedCache
    SASLMemcachedCache SpreadSASLMemcachedCache CACHE_NO_NULL_WARNING
    CACHE_ARGS CACHE_OPTIONS CACHE_DEFAULT_TIMEOUT CACHE_IGNORE_ERRORS
    CACHE_THRESHOLD CACHE_KEY_PREFIX CACHE_SOURCE_CHECK CACHE_UWSGI_NAME
    CACHE_MEMCACHED_SERVERS CACHE_MEMCACHED_USERNAME CACHE_MEMCACHED_PASSWORD
    CACHE_REDIS_HOST CACHE_REDIS_PORT CACHE_REDIS_PASSWORD CACHE_REDIS_DB
    CACHE_REDIS_URL CACHE_REDIS_SENTINELS CACHE_REDIS_SENTINEL_MASTER
    CACHE_REDIS_CLUSTER CACHE_DIR
  `),
  "Flask-Caching's methods": words(`
    init_app memoize cached delete_memoized delete_memoized_verhash get set add
    delete has get_many set_many delete_many get_dict inc dec clear unlink
    timeout key_prefix make_name make_cache_key query_string args_to_ignore
    hash_method unless forced_update response_filter response_hit_indication
    cache_none source_check uncached cache_timeout make_template_fragment_key
  `),
  "gunicorn's settings": words(`
    config wsgi_app bind backlog workers worker_class threads
    worker_connections max_requests max_requests_jitter timeout
    graceful_timeout keepalive limit_request_line limit_request_fields
    limit_request_field_size reload reload_engine reload_extra_files spew
    check_config print_config preload_app sendfile reuse_port chdir daemon
    raw_env pidfile worker_tmp_dir user group umask initgroups
    tmp_upload_dir secure_scheme_headers forwarded_allow_ips accesslog
    disable_redirect_access_to_syslog access_log_format errorlog loglevel
    capture_output logger_class logconfig logconfig_dict logconfig_json
    syslog_addr syslog syslog_prefix syslog_facility
    enable_stdio_inheritance statsd_host dogstatsd_tags statsd_prefix
    enable_backlog_metric proc_name default_proc_name pythonpath paste
    on_starting on_reload when_ready pre_fork post_fork post_worker_init
    worker_int worker_abort pre_exec pre_request post_request child_exit
    worker_exit nworkers_changed on_exit ssl_context proxy_protocol
    proxy_allow_ips protocol uwsgi_allow_ips keyfile certfile ssl_version
    cert_reqs ca_certs suppress_ragged_eofs do_handshake_on_connect ciphers
    http_protocols http2_cleartext http2_max_concurrent_streams
    http2_initial_window_size http2_max_frame_size
    http2_max_header_list_size raw_paste_global_conf permit_obsolete_folding
    strip_header_spaces permit_unconventional_http_method
    permit_unconventional_http_version casefold_http_method
    forwarder_headers header_map asgi_loop asgi_lifespan
    asgi_disconnect_grace_period http_parser root_path dirty_apps
    dirty_workers dirty_timeout dirty_threads dirty_graceful_timeout
    on_dirty_starting dirty_post_fork dirty_worker_init dirty_worker_exit
    control_socket control_socket_mode control_socket_disable
  `),
};

/* The first cells of all tables, and whether what is beside them says much. */
function rows(...files) {
  const found = new Map();

  for (const file of files) {
    const text = fs.readFileSync(path.join(ROOT, "docs", file), "utf8");

    for (const line of text.split("\n").filter((one) => one.startsWith("| "))) {
      const [, left, right = ""] = line.split(/(?<!\\)\|/).map((one) => one.trim());

      for (const [, name] of left.matchAll(/`([^`]+)`/g))
        if (!found.has(name)) found.set(name, right);
    }
  }
  return found;
}

for (const [what, names] of Object.entries(NAMES))
  nodeTest(`${what}: every name has its row`, () => {
    const found = rows("COMING_FROM.md", "CONFIGURATION.md");

    assert.deepEqual(names.filter((name) => !found.has(name)), []);
    for (const name of names)
      assert.ok(found.get(name).length > 0, `${name} has an empty row`);
  });

nodeTest("what the rows name is there", () => {
  const text = fs.readFileSync(path.join(ROOT, "docs/COMING_FROM.md"), "utf8");
  const sdk = path.join(ROOT, "worker/sdk/pronghorn");
  const headers = fs
    .readdirSync(sdk)
    .map((name) => fs.readFileSync(path.join(sdk, name), "utf8"))
    .join("");
  const settings = rows("CONFIGURATION.md");
  const called = [...text.matchAll(/`((?:ph|html|dcc)_[a-z_0-9]+)\(/g)].map(([, name]) => name);

  assert.ok(called.length > 60);
  for (const name of called) assert.match(headers, new RegExp(`\\b${name}\\(`), name);
  for (const name of words(`
    assets_folder compress_level compress_min_size csp_extra csrf_token
    forwarded_allow_ips proxy_protocol accesslog errorlog cache_type cache_dir
    cache_max_bytes cache_memory cache_busy_timeout debug
  `)) {
    assert.ok(text.includes(`\`${name}\``), `${name} is named`);
    assert.ok(settings.has(name), `${name} is a setting`);
  }
});
