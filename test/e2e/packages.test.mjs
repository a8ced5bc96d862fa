/* SPDX-License-Identifier: MIT */

/*
 * Component packages: what is served, what does not compile, what does not
 * start.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { BUILD, ROOT, test } from "../lib/harness.mjs";
import { run } from "../lib/server.mjs";

const FOLDER = path.join(BUILD, "packages");
const NAME = "dash_bootstrap_components";
const OTHER = "dash_mantine_components";

/* The app of a layout that is one expression, with the generated headers. */
function compile(scene, expression, { name = NAME, packaged = true, cxx = false } = {}) {
  const file = scene.file(
    cxx ? "app.cpp" : "app.c",
    [
      `#include <pronghorn/app.h${cxx ? "pp" : ""}>`,
      `#include "${name}.h${cxx ? "pp" : ""}"`,
      "static const struct ph_value *layout(struct ph_call *call)",
      `{ (void)call; return ${expression}; }`,
      "PH_APP(app)",
      `{ ${packaged ? `ph_package(app, "${name}");` : ""}`,
      "  ph_layout(app, layout); }\n",
    ].join("\n"),
  );
  const object = path.join(path.dirname(file), "app.so");
  const compiler = cxx ? ["g++", "-std=c++17", "-Wno-missing-field-initializers"] : ["cc", "-std=c11"];
  const done = spawnSync(
    compiler[0],
    [
      ...["-Wall", "-Wextra", "-Werror", ...compiler.slice(1)],
      ...["-fPIC", "-shared"],
      ...[`-I${ROOT}/worker/sdk`, `-I${FOLDER}`, "-o", object, file],
    ],
    { encoding: "utf8" },
  );

  return { object, status: done.status, stderr: done.stderr };
}

const refusal = async (scene, app, args = []) => {
  const end = await run(scene, { app, args, bind: "127.0.0.1:0" });

  assert.notEqual(end.status, 0);
  return end.stderr;
};
const found = ["--packages-folder", path.join(FOLDER, "packages")];

test("what is served", async (t, scene) => {
  const { object } = compile(scene, "dbc_badge(.children = ph_text(\"b\"))");
  const server = await scene.start({ app: object, args: found });
  const html = await (await fetch(server.url)).text();
  const [script] = html.match(/_dash-component-suites\/[^"]*dash_boot[^"]*\.js/);
  const [style] = html.match(/_dash-component-suites\/[^"]*bootstrap\.min\.css/);

  assert.match(script, new RegExp(`/${NAME}/v[0-9a-f]{12}/${NAME}\\.min\\.js$`));
  assert.ok(html.indexOf(script) > html.indexOf("/dash-renderer/"));
  assert.match(html, new RegExp(`"${NAME}":\\{"AccordionItem":\\["title"\\]`));
  for (const [file, type] of [
    [script, "text/javascript; charset=utf-8"],
    [style, "text/css; charset=utf-8"],
  ]) {
    const answer = await fetch(`${server.url}/${file}`);

    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), type);
    assert.match(answer.headers.get("cache-control"), /immutable/);
    assert.equal(answer.headers.get("content-encoding"), "gzip");
    assert.ok((await answer.arrayBuffer()).byteLength > 100000);
  }
});

test("the parts of a bundle that it loads itself", async (t, scene) => {
  const { object } = compile(scene, "dmc_badge(.children = ph_text(\"b\"))", { name: OTHER });
  const server = await scene.start({ app: object, args: found });
  const html = await (await fetch(server.url)).text();
  const scripts = html.match(/_dash-component-suites\/[^"]*dash_mantine[^"]*\.js/g);

  assert.equal(scripts.length, 1, "the page loads the main script alone");
  const folder = scripts[0].replace(/[^/]*$/, "");

  /* By their name, and by the one that Dash's own server would take apart. */
  for (const part of ["async-LineChart.js", "async-LineChart.v2_2_0m1755660942.js"]) {
    const answer = await fetch(`${server.url}/${folder}${part}`);

    assert.equal(answer.status, 200, part);
    assert.match(answer.headers.get("cache-control"), /immutable/);
    assert.match(await answer.text(), /dash_mantine_components/);
  }
  assert.equal((await fetch(`${server.url}/${folder}async-None.js`)).status, 404);
});

test("what does not compile", (t, scene) => {
  for (const [expression, name] of [
    ["dmc_badge(.colour = \"red\")", OTHER],
    ["dmc_badge(.color = ph_int(1))", OTHER],
  ])
    assert.notEqual(compile(scene, expression, { name }).status, 0, expression);
  const builders = compile(scene, "dmc::Badge().color(\"red\").children(\"b\")", { name: OTHER, cxx: true });

  assert.equal(builders.stderr, "");
  const wrong = compile(scene, "dbc_badge(.colour = \"red\")");

  assert.notEqual(wrong.status, 0);
  assert.match(wrong.stderr, /colour/);
  const cxx = compile(scene, "dbc::Badge().color(\"red\").children(\"b\")", { cxx: true });

  assert.equal(cxx.stderr, "");
  const method = compile(scene, "dbc::Badge().colour(\"red\")", { cxx: true });

  assert.notEqual(method.status, 0);
});

test("what does not start", async (t, scene) => {
  const { object } = compile(scene, "dbc_badge(.color = \"red\")");

  assert.match(
    await refusal(scene, object),
    /manifest\.tsv: .*make it with node www\/package\.mjs/,
  );
  const unnamed = compile(scene, "dbc_badge(.color = \"red\")", { packaged: false });

  assert.match(
    await refusal(scene, unnamed.object, found),
    new RegExp(`as Badge: ph_package\\(app, "${NAME}"\\) is missing`),
  );
  for (const [expression, why] of [
    ["dbc_carousel(.id = \"c\")", /component Carousel needs property items/],
    [
      "dbc_alert(.more = PH_JSON([1]))",
      /component Alert: \.more is array, not an object/,
    ],
    [
      "dbc_alert(.id = \"a\", .more = PH_JSON({ \"id\": \"b\" }))",
      /component Alert: \.more has \\?"id\\?", which is given already/,
    ],
  ])
    assert.match(
      await refusal(scene, compile(scene, expression).object, found),
      why,
    );
  /* A package whose list is there but not its files. */
  const folder = scene.dir();

  fs.mkdirSync(path.join(folder, NAME));
  for (const file of ["manifest.tsv", "children.json"])
    fs.copyFileSync(
      path.join(FOLDER, "packages", NAME, file),
      path.join(folder, NAME, file),
    );
  assert.match(
    await refusal(scene, object, ["--packages-folder", folder]),
    new RegExp(`front-end file .*/${NAME}\\.min\\.js: .*www/package\\.mjs`),
  );
});
