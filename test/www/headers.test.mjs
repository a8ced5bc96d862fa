/* SPDX-License-Identifier: MIT */

/*
 * The generated headers: complete, up to date, and pleasant to compile.
 * Uses the folder in WWW (build/www unless given) for the packages.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { firstSentence } from "../../www/bundle_docs.mjs";
import { readBundleProps } from "../../www/bundle_props.mjs";
import {
  HEADERS,
  generateHeaders,
  snakeCase,
  summarizeDifference,
} from "../../www/generate.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SDK = path.join(ROOT, "worker", "sdk");
const dest = process.env.WWW ?? path.join(ROOT, "build", "www");

const COUNTS = { "html.h": 125, "dcc.h": 26, "dash_table.h": 1 };

/* Properties of the bundles that authors cannot set, and no others. */
const NOT_FOR_AUTHORS =
  /^(setProps|loading_state|componentPath|dashEvents|fireEvent|_dashprivate_.*|(data|aria)-\*)$/;

const COMPILERS = [
  ["gcc", "-std=c11", "-Woverride-init"],
  ["clang", "-std=c11", "-Winitializer-overrides"],
];
const CXX_COMPILERS = [
  ["g++", "-std=c++17", "-xc++"],
  ["clang++", "-std=c++17", "-xc++"],
];

let generated;

function committed(file) {
  return fs.readFileSync(path.join(SDK, "pronghorn", file), "utf8");
}

/*
 * What a header says: Map(component -> Map(property -> { kind, declared })),
 * where kind stands in the table and declared is the type of the field.
 */
function readHeader(text) {
  const components = new Map();

  for (const [, struct, fields] of text.matchAll(
    /^struct (\w+) \{\n([\s\S]*?)^\};/gm,
  )) {
    const rows = text.matchAll(
      new RegExp(`PH_ROW_\\(${struct}, (\\w+), "([\\w-]+)", (\\w+), `, "g"),
    );
    const name = new RegExp(
      `${struct}_new\\(.*?type = \\{ "\\w+",\\s*"(\\w+)"`,
      "s",
    ).exec(text)[1];
    const props = new Map();

    for (const [, field, property, kind] of rows) {
      const declaration = new RegExp(`\\t([^\\t*]*\\*?)${field};`).exec(fields);

      props.set(property, { kind, declared: declaration?.[1].trim() });
    }
    components.set(name, props);
  }
  return components;
}

/* Compile a snippet that includes all headers; nothing is linked. */
function compile([compiler, ...flags], body, names = ["dash_table.h", "dcc.h", "html.h"]) {
  const source =
    names.map((name) => `#include <pronghorn/${name}>\n`).join("") +
    "const struct ph_value *page(void);\n" +
    `const struct ph_value *page(void)\n{\n\treturn ${body};\n}\n`;

  return spawnSync(
    compiler,
    [
      ...(flags.includes("-xc++") ? flags : [...flags, "-xc"]),
      ...["-Wall", "-Wextra", "-Wpedantic", "-Werror"],
      /* In C++ a function named like a struct is said to hide it. */
      ...(flags.includes("-xc++") ? [] : ["-Wshadow"]),
      ...["-Wmissing-field-initializers", "-I", SDK, "-fsyntax-only", "-"],
    ],
    { input: source, encoding: "utf8" },
  );
}

before(async () => {
  generated = await generateHeaders(dest);
});

for (const { file } of HEADERS)
  test(`${file} is what the packages give`, () => {
    const { text } = generated.get(file);

    assert.equal(summarizeDifference(file, committed(file), text), "");
  });

for (const { file } of HEADERS)
  test(`${file} has ${COUNTS[file]} component(s), each with all rows`, () => {
    const components = readHeader(committed(file));

    assert.equal(components.size, COUNTS[file]);
    for (const { name, props } of generated.get(file).components) {
      const rows = [...components.get(name).keys()];

      assert.deepEqual(rows, [...props.map((p) => p.property), "more"], name);
    }
  });

test("no property of a bundle is missing but those not for authors", () => {
  for (const { file } of HEADERS)
    for (const { name, types, props } of generated.get(file).components) {
      const shown = new Set(props.map((p) => p.property));

      for (const property of types.keys())
        assert.notEqual(
          shown.has(property),
          NOT_FOR_AUTHORS.test(property),
          `${name}.${property}`,
        );
    }
});

test("the table agrees with the C type of every field", () => {
  const declared = {
    TEXT: "const char *",
    BOOL: "enum ph_bool",
    VALUE: "const struct ph_value *",
  };

  for (const { file } of HEADERS)
    for (const [name, props] of readHeader(committed(file)))
      for (const [property, row] of props)
        assert.equal(row.declared, declared[row.kind], `${name}.${property}`);
});

test("types are chosen by what a property may be", () => {
  const html = readHeader(committed("html.h"));
  const dcc = readHeader(committed("dcc.h"));

  assert.equal(html.get("Div").get("id").kind, "TEXT");
  assert.equal(html.get("Div").get("children").kind, "VALUE");
  assert.equal(html.get("Button").get("disabled").kind, "BOOL");
  assert.equal(html.get("Track").get("default").kind, "BOOL");
  assert.equal(dcc.get("Dropdown").get("multi").kind, "BOOL");
  assert.equal(dcc.get("Dropdown").get("value").kind, "VALUE");
  assert.equal(dcc.get("Input").get("type").kind, "TEXT");
  assert.equal(dcc.get("Interval").get("interval").kind, "VALUE");
});

for (const compiler of COMPILERS) {
  const label = compiler.slice(0, 2).join(" ");

  test(`${label}: no warning, with many, few or no properties`, () => {
    const done = compile(
      compiler,
      `html_div(.id = "page", .children = html_div(
        .children = html_p(.children = html_br(), .className = "row"),
        .style = dcc_graph(.id = "graph-1")),
        .title = (html_hr(), dash_table_data_table(), "t"),
        .more = dcc_dropdown(.id = "d", .multi = PH_TRUE))`,
    );

    assert.equal(done.stderr, "");
    assert.equal(done.status, 0);
  });

  test(`${label}: a wrong property name does not compile`, () => {
    const done = compile(compiler, 'html_div(.clasName = "row")');

    assert.notEqual(done.status, 0);
    assert.match(done.stderr, /error.*clasName/);
  });

  test(`${label}: a wrong type does not compile`, () => {
    const done = compile(compiler, "html_div(.children = 7)");

    assert.notEqual(done.status, 0);
  });
}

/* Every order in which the names can stand. */
function orders(names) {
  if (names.length < 2) return [names];
  return names.flatMap((name) =>
    orders(names.filter((other) => other !== name)).map((rest) => [name, ...rest]),
  );
}

for (const compiler of CXX_COMPILERS) {
  const label = compiler.slice(0, 2).join(" ");

  test(`${label}: builders, in every order of includes`, () => {
    for (const names of [
      ...orders(["html.hpp", "dcc.hpp", "dash_table.hpp"]),
      ["html.h", "dcc.hpp", "html.hpp"],
      ["dcc.hpp", "html.h", "html.hpp"],
    ]) {
      const done = compile(
        compiler,
        `ph::Value(html::Div().id("page").children({
          dcc::Clipboard().html_content("x"), html::Content().id("c") }))`,
        names,
      );

      assert.equal(done.stderr, "", names.join(" "));
      assert.equal(done.status, 0);
    }
  });

  test(`${label}: a wrong property name does not compile`, () => {
    const done = compile(compiler, 'ph::Value(html::Div().clasName("row"))', [
      "html.hpp",
    ]);

    assert.notEqual(done.status, 0);
    assert.match(done.stderr, /error.*clasName/);
  });
}

test("a difference between header and packages is reported", () => {
  const text = "a\nb\nb\nc\n";

  assert.equal(summarizeDifference("x.h", text, text), "");
  assert.equal(
    summarizeDifference("x.h", text, "a\nb\nd\nc\n"),
    "x.h: 1 line(s) the packages do not give, 1 line(s) missing\n  -b\n  +d\n",
  );
});

test("names become C names", () => {
  assert.equal(snakeCase("DatePickerRange"), "date_picker_range");
  assert.equal(snakeCase("H1"), "h1");
  assert.equal(snakeCase("MapEl"), "map_el");
});

test("a description is one sentence that can stand in a C comment", () => {
  assert.equal(
    firstSentence("/**\n * Counts, e.g. clicks\n * or keys. And so on.\n */"),
    "Counts, e.g. clicks or keys.",
  );
  assert.equal(firstSentence("/** See https://example.org/x */"), "");
  assert.equal(firstSentence("/* a\u2019b /* c */"), "a'b c.");
  assert.ok(firstSentence(`/** ${"word ".repeat(100)} */`).length < 200);
  assert.equal(firstSentence(""), "");
});

test("propTypes are read with what they are made of", () => {
  const bundle = {
    name: "thing.js",
    text: `const P = window.PropTypes;
      function Thing() {}
      Thing.propTypes = {
        id: P.string.isRequired,
        size: P.oneOfType([P.number, P.oneOf(["auto"])]),
      };
      window.things = { Thing };`,
  };
  const react = { name: "react.js", text: "React = { createContext() {} }" };
  const props = readBundleProps(
    [react],
    [{ namespace: "things", scripts: [bundle] }],
  );
  const thing = props.get("things").get("Thing");

  assert.deepEqual([...thing.keys()], ["id", "size"]);
  assert.equal(thing.get("id").kind, "string");
  assert.equal(thing.get("id").required, true);
  assert.equal(thing.get("size").required, false);
  assert.deepEqual(
    Array.from(thing.get("size").of, (t) => t.kind),
    ["number", "oneOf"],
  );
});

test("a component without propTypes is an error naming it", () => {
  const bundle = { name: "b.js", text: "window.ns = { Bare() {} };" };
  const react = { name: "react.js", text: "React = { createContext() {} }" };

  assert.throws(
    () =>
      readBundleProps([react], [{ namespace: "ns", scripts: [bundle] }]),
    /ns\.Bare declares no propTypes/,
  );
});
