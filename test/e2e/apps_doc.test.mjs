/* SPDX-License-Identifier: MIT */

/*
 * docs/APPS.md says the truth: each recipe compiles by itself, without a
 * warning, and answers as the comments below it say (lib/recipes.mjs).
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { ROOT, test } from "../lib/harness.mjs";
import { APPS, compile, recipes } from "../lib/recipes.mjs";
import { get, post } from "../lib/wire.mjs";

/* "..a.x...b.y.." or "a.x" -> [{ id, property }] */
function outputsOf(output) {
  return output
    .replace(/^\.\.(.*)\.\.$/, "$1")
    .split("...")
    .map((what) => what.split("."))
    .map(([id, property]) => ({ id, property }));
}

/* The body as the front end would send it, by the app's own dependencies. */
function bodyOf(what, dependencies) {
  const [output, ...rest] = what.split(/ (?=[\w-]+\.\w+=)/);
  const values = new Map(
    rest.map((one) => {
      const at = one.indexOf("=");

      return [one.slice(0, at), JSON.parse(one.slice(at + 1))];
    }),
  );
  const callback = dependencies.find((one) => one.output === output);
  const filled = (list) =>
    list.map(({ id, property }) => ({
      id,
      property,
      value: values.get(`${id}.${property}`),
    }));
  const outputs = outputsOf(output);

  assert.ok(callback, `there is no callback for ${output}`);
  return {
    output,
    outputs: output.startsWith("..") ? outputs : outputs[0],
    inputs: filled(callback.inputs),
    state: filled(callback.state),
    changedPropIds: [...values.keys()].slice(0, 1),
  };
}

for (const { title, language, source, asks } of recipes)
  test(`recipe ${title}`, async (t, scene) => {
    const folder = scene.dir();
    const server = await scene.start({
      app: compile(source, language, folder),
      threads: 2,
    });
    const wire = await scene.connect(server);
    const fetch = async (request) => {
      wire.write(request);
      return wire.answer();
    };
    const page = await fetch(get("/"));
    const dependencies = JSON.parse(
      (await fetch(get("/_dash-dependencies"))).body,
    );

    assert.equal(page.status, 200);
    assert.ok(asks.length > 0, "nothing is asked");
    for (const { verb, fields, what, expect } of asks) {
      const answer = await fetch(
        verb === "get"
          ? get(`/${what}`, { fields })
          : post(bodyOf(what, dependencies), { fields }),
      );

      if (expect === "204") assert.equal(answer.status, 204);
      else
        assert.ok(
          answer.body.toString().includes(expect),
          `${what}: ${answer.status} ${answer.body}`,
        );
    }
  });

/* It needs packages from npm: the app of the packages' own test is compiled
 * with them, and says the same. */
test("the recipe of npm packages is what its app does", () => {
  const plain = (code) => code.replace(/\s+/g, " ").trim();
  const file = path.join(ROOT, "test/packages/app.c");
  const app = plain(fs.readFileSync(file, "utf8"));
  const [, part] = APPS.split(/^### \d+\. Components of other npm packages$/m);
  const recipe = part.split("```").find((block) => /^\n#include/.test(block));
  const lines = recipe.split("\n").map(plain);
  const code = lines.filter((line) => line && line !== "...");

  assert.ok(code.length >= 3);
  for (const line of code)
    assert.ok(app.includes(line.replace(/\)\)$/, "")), line);
});

test("there are at least twenty recipes", () => {
  assert.ok(recipes.length >= 20, `${recipes.length}`);
});

test("the app in the README compiles as printed, and answers", async (t, scene) => {
  const readme = fs.readFileSync(path.join(ROOT, "README.md"), "utf8");
  const source = readme.match(/```c\n([\s\S]*?)```/)[1];

  assert.ok(source.trimEnd().split("\n").length <= 40);
  const server = await scene.start({ app: compile(source, "c", scene.dir()) });
  const answer = await scene.send(
    server,
    post(
      JSON.stringify({
        output: "y.children",
        outputs: { id: "y", property: "children" },
        inputs: [{ id: "x", property: "value", value: 7 }],
        changedPropIds: ["x.value"],
      }),
    ),
  );

  assert.match(answer.body.toString(), /"children":49/);
});

test("the ports of well-known Dash apps have less than 150 lines", () => {
  for (const name of [
    ...["csv_explorer", "oscilloscope", "report_form", "accounts", "million_rows"],
    "simulation",
  ]) {
    const text = fs.readFileSync(path.join(ROOT, `docs/examples/${name}/app.c`), "utf8");

    assert.ok(text.split("\n").length - 1 < 150, name);
  }
});
