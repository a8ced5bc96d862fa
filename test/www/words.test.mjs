/* SPDX-License-Identifier: MIT */

/*
 * Who comes from Dash, gunicorn or Flask-Caching finds the names he knows in
 * the documents' tables, and what stands beside them exists.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), "../..");
const read = (name) => fs.readFileSync(path.join(ROOT, name), "utf8");

const DASH = `
  layout callback Output Input State prevent_initial_call no_update
  PreventUpdate allow_duplicate ALL MATCH ALLSMALLER triggered_id triggered
  inputs_list allow_optional on_error suppress_callback_exceptions
  validation_layout clientside_callback Patch set_props running background
  progress cancel set_progress DiskcacheManager CeleryManager register_page
  use_pages path_template page_container page_registry not_found_404
  update_title meta_tags index_string get_relative_path get_asset_url
  requests_pathname_prefix routes_pathname_prefix url_base_pathname
  external_stylesheets external_scripts assets debug=True Store Upload Download
  send_data_frame DataTable filter_query read_csv to_dict Figure memoize
  dash_bootstrap_components flask.request set_cookie
`;
const CACHING = `
  memoize cached unless make_cache_key delete_memoized clear uncached
  forced_update query_string response_filter make_name hash_method cache_none
  get set add delete has get_many set_many delete_many inc dec source_check
  CACHE_TYPE CACHE_DIR CACHE_DEFAULT_TIMEOUT CACHE_THRESHOLD CACHE_KEY_PREFIX
  CACHE_ARGS_TO_IGNORE CACHE_REDIS_URL SECRET_KEY
`;

/* The table below a heading: [what was known, what is here]. */
function tableBelow(text, heading) {
  const from = text.indexOf(`## ${heading}`);

  assert.ok(from >= 0, heading);
  return text
    .slice(from, text.indexOf("\n## ", from + 1))
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(1)
    .map((line) => line.split(" | "));
}

const tables = {
  dash: tableBelow(read("docs/APPS.md"), "Coming from Dash"),
  rest: tableBelow(read("docs/OPERATIONS.md"), "Coming from gunicorn"),
};

function hasAll(rows, names) {
  const known = rows.map(([left]) => left).join("\n");
  const word = (name) =>
    new RegExp(`(^|[^A-Za-z_])${name.replace(/[.=]/g, "\\$&")}([^A-Za-z_]|$)`, "m");

  assert.deepEqual(
    names.trim().split(/\s+/).filter((name) => !word(name).test(known)),
    [],
  );
}

test("Dash's names", () => hasAll(tables.dash, DASH));
test("Flask-Caching's names", () => hasAll(tables.rest, CACHING));

test("what stands beside them is in the SDK", () => {
  const folder = path.join(ROOT, "worker/sdk/pronghorn");
  const sdk = fs
    .readdirSync(folder)
    .map((name) => fs.readFileSync(path.join(folder, name), "utf8"))
    .join("\n");
  const ours = [...tables.dash, ...tables.rest]
    .map(([, right]) => right)
    .join("\n");
  const names = new Set(ours.match(/\b(ph|PH)_[A-Za-z_]+\b/g));
  const members = new Set(
    [...ours.matchAll(/[`(, ]\.([a-z_]+)(?= =|`)/g)].map(([, name]) => name),
  );

  assert.ok(names.size > 50 && members.size > 8);
  for (const name of names) assert.match(sdk, new RegExp(`\\b${name}\\b`), name);
  for (const name of members)
    assert.match(sdk, new RegExp(`\\b${name}(;|,|\\[| :)`), `.${name}`);
});
