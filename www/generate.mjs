#!/usr/bin/env node
/* SPDX-License-Identifier: MIT */

/*
 * Write the SDK's component headers from the front-end packages.
 *
 *   node www/generate.mjs [--check] [DEST]     DEST is that of fetch.mjs
 *
 * One header per package goes to worker/sdk/pronghorn: html.h, dcc.h and
 * dash_table.h, one struct and one constructor per component; beside each one
 * for C++ (html.hpp ...), one builder per component. They are committed, so that nobody needs node to write an app; --check compares them
 * with what the packages give and fails when they differ.
 *
 * What a property's C type is, is decided in cKind() and nowhere else.
 */

import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { readComponentDocs, readSourceMap } from "./bundle_docs.mjs";
import { readBundleProps } from "./bundle_props.mjs";
import {
  FetchError,
  PACKAGES_JSON,
  fetchFrontEnd,
  readTarball,
  tarballName,
} from "./fetch.mjs";

const SDK = fileURLToPath(new URL("../worker/sdk/pronghorn", import.meta.url));

const LIBRARIES = [
  { package: "@babel/polyfill", scripts: ["dist/polyfill.min.js"] },
  { package: "react", scripts: ["umd/react.production.min.js"] },
];

/* One row per header; `map` is the source map that holds the descriptions. */
export const HEADERS = [
  {
    file: "html.h",
    prefix: "html",
    title: "HTML elements",
    namespace: "dash_html_components",
    package: "dash-html-components",
    scripts: ["dash_html_components/dash_html_components.min.js"],
    map: "dash_html_components/dash_html_components.min.js.map",
  },
  {
    file: "dcc.h",
    prefix: "dcc",
    title: "Dash core components (graphs, stores, inputs, tabs)",
    namespace: "dash_core_components",
    package: "dash-core-components",
    scripts: [
      "dash_core_components/dash_core_components.js",
      "dash_core_components/dash_core_components-shared.js",
      "dash_core_components/proptypes.js",
    ],
    map: "dash_core_components/dash_core_components.js.map",
  },
  {
    file: "dash_table.h",
    prefix: "dash_table",
    title: "the DataTable",
    namespace: "dash_table",
    package: "dash-table",
    scripts: ["dash_table/bundle.js"],
    map: "dash_table/bundle.js.map",
  },
];

/* Set by the renderer or private to the components: not for authors. */
const INTERNAL = new Set([
  "componentPath",
  "dashEvents",
  "fireEvent",
  "loading_state",
  "setProps",
]);
const isInternal = (name) =>
  INTERNAL.has(name) || name.startsWith("_dashprivate_") || name.includes("*");

const FIRST = ["id", "children", "className", "style"];

/* Where the packages themselves say nothing. */
const TEXTS = {
  className: "Names of CSS classes, separated by spaces.",
  id: "Name of the component, the one callbacks refer to.",
  style: "CSS properties, with the camelCase names of JavaScript.",
};

/* The last row of every list: not a property but an object full of them. */
const MORE = {
  property: "more",
  field: "more",
  kind: { name: "VALUE" },
};

/* How to use the headers; the same in each. */
const MANUAL = ` * A component is made by the macro named like its struct. Fields are keyword
 * arguments, all optional unless marked "required"; a wrong name does not
 * compile. The result is a value like any other: a child, a layout, an output.
 *
 *	html_div(.id = "page", .children = html_h1(.children = ph_text("Hi")))
 *
 * Text is a C string, copied by the call. A bool is PH_TRUE or PH_FALSE. All
 * else is a value, made by ph_text(), ph_number(), PH_JSON() and so on. NULL
 * and 0 (PH_UNSET) mean "not given", and so does C's own false, which leaves
 * true what is true by default: .clearable = PH_FALSE. Names are those of the front end, with an
 * underscore behind where C or C++ uses the word itself (default_).
 *
 * more takes an object with whatever has no field here: data-* and aria-*
 * attributes, and an "id" that is an object (pattern-matching callbacks).
 *
 *	html_p(.more = PH_JSON({ "data-row": "7" }))
 *
 * The _new functions are for those who want to fill in a struct first. C++ has
 * only these and the builders of the .hpp: a macro there would also take a
 * method of the same name.
`;

/*
 * ph_reserved_ is there so that a call without arguments is an initializer
 * that C11 allows.
 */
const HELPER = `#ifndef PH_COMPONENT_
#define PH_COMPONENT_(type, ...) \\
	type##_new((struct type){ .ph_reserved_ = 0, __VA_ARGS__ })
#endif
#ifndef PH_ROW_
#define PH_ROW_(type, field, name, kind, flags) \\
	{ name, offsetof(struct type, field), PH_PROP_##kind, flags }
#endif
`;

const KEYWORDS = new Set(
  (
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch " +
    "char class compl concept const const_cast consteval constexpr constinit " +
    "continue co_await co_return co_yield decltype default delete do double " +
    "dynamic_cast else enum explicit export extern false float for friend " +
    "goto if inline int long mutable namespace new noexcept not not_eq " +
    "nullptr operator or or_eq private protected public register " +
    "reinterpret_cast requires restrict return short signed sizeof static " +
    "static_assert static_cast struct switch template this thread_local " +
    "throw true try typedef typeid typename typeof union unsigned using " +
    "virtual void volatile wchar_t while xor xor_eq"
  ).split(" "),
);

/* DatePickerRange -> date_picker_range, H1 -> h1 */
export function snakeCase(name) {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
}

function fieldName(property) {
  return KEYWORDS.has(property) ? `${property}_` : property;
}

/* Types without the wrapper of a union that has a single member. */
function unwrap(type) {
  return type.kind === "oneOfType" && type.of.length === 1
    ? unwrap(type.of[0])
    : type;
}

function isText(type) {
  if (type.kind === "oneOfType") return type.of.every(isText);
  return (
    type.kind === "string" ||
    (type.kind === "oneOf" && type.values.every((v) => typeof v === "string"))
  );
}

/* "readonly" and "READONLY" are HTML's spellings of readOnly = true. */
function isSpellingOfBool(type, property) {
  return (
    type.kind === "oneOf" &&
    type.values.every((value) =>
      ["true", "false", property.toLowerCase()].includes(
        String(value).toLowerCase(),
      ),
    )
  );
}

function isBool(type, property) {
  if (type.kind !== "oneOfType") return type.kind === "bool";
  return (
    type.of.some((t) => t.kind === "bool") &&
    type.of.every((t) => t.kind === "bool" || isSpellingOfBool(t, property))
  );
}

function hasComponents(type) {
  return (
    type.kind === "node" ||
    (type.kind === "oneOfType" && type.of.some(hasComponents))
  );
}

function cKind(type, property) {
  if (isText(type))
    return { declare: "const char *", name: "TEXT", say: "text" };
  if (isBool(type, property))
    return { declare: "enum ph_bool ", name: "BOOL", say: "bool" };
  return {
    declare: "const struct ph_value *",
    name: "VALUE",
    say: describe(type),
  };
}

/* A few words for a type C does not know. */
function describe(type) {
  const { kind, of, values } = unwrap(type);
  const words = {
    array: "array",
    arrayOf: () => `array of ${describe(of)}`,
    bool: "bool",
    exact: "object",
    node: "components",
    number: "number",
    object: "object",
    objectOf: () => `object of ${describe(of)}`,
    oneOf: () => values.map((v) => JSON.stringify(v)).join(" or "),
    oneOfType: () => [...new Set(of.map(describe))].join(" or "),
    shape: "object",
    string: "text",
  }[kind];

  if (words === undefined) return "any";
  return typeof words === "string" ? words : words();
}

/* The texts a text property may have, if there is a list of them. */
function allowedTexts(type) {
  const { kind, values } = unwrap(type);

  return kind === "oneOf" ? `One of ${values.join(", ")}.` : "";
}

/* What the header says of a component, ready to print. */
export function modelComponent(header, name, types, docs) {
  const names = [...types.keys()].filter((n) => !isInternal(n));

  if (types.has("more"))
    throw new Error(`${name}: the field "more" is taken by a property`);

  const sorted = [
    ...FIRST.filter((n) => names.includes(n)),
    ...names.filter((n) => !FIRST.includes(n)),
  ];

  return {
    name,
    types,
    c: `${header.prefix}_${snakeCase(name)}`,
    summary: docs.summary,
    props: sorted.map((property) => {
      const type = types.get(property);
      const doc = docs.members.get(property);
      const kind = cKind(type, property);

      return {
        property,
        field: fieldName(property),
        kind,
        required: type.required || doc?.required === true,
        components: hasComponents(type),
        text: [doc?.text || TEXTS[property], kind.say === "text" && allowedTexts(type)]
          .filter(Boolean)
          .join(" "),
      };
    }),
  };
}

/* Wrap to 80 columns as a C comment. */
function comment(text, indent) {
  const width = 80 - (indent ? 8 : 0) - 6;
  const lines = [""];

  for (const word of text.split(" ")) {
    const last = lines.length - 1;

    if (lines[last] === "") lines[last] = word;
    else if (lines[last].length + 1 + word.length <= width)
      lines[last] += ` ${word}`;
    else lines.push(word);
  }
  return `${indent}/* ${lines.join(`\n${indent} * `)} */\n`;
}

function printField({ kind, required, field, text }) {
  const what = required ? `${kind.say}, required` : kind.say;

  return (
    comment(`(${what}) ${text}`.trim(), "\t") +
    `\t${kind.declare}${field};\n`
  );
}

function printRow(struct, { property, field, kind, required, components }) {
  const flags =
    [required && "PH_PROP_REQUIRED", components && "PH_PROP_CHILDREN"]
      .filter(Boolean)
      .join(" | ") || "0";
  const parts = [struct, field, `"${property}"`, kind.name, flags];

  return `\t\tPH_ROW_(${parts.join(", ")}),\n`;
}

function printComponent(namespace, { name, c, summary, props }) {
  return `
${comment(`${namespace}.${name}. ${summary}`.trim(), "")}struct ${c} {
	char ph_reserved_;
${props.map(printField).join("")}	const struct ph_value *more; /* further properties, an object */
};

static inline const struct ph_value *
${c}_new(struct ${c} props)
{
	static const struct ph_prop list[] = {
${props.map((prop) => printRow(c, prop)).join("")}${printRow(c, MORE)}	};
	static const struct ph_component_type type = { "${namespace}",
		"${name}", list, sizeof(list) / sizeof(list[0]) };

	return ph_component_new(&type, &props);
}
#ifndef __cplusplus
#define ${c}(...) PH_COMPONENT_(${c}, __VA_ARGS__)
#endif
`;
}

/* `maker` is the program that wrote it, `license` that of the package. */
export function printHeader(header, version, components) {
  const { maker = "www/generate.mjs", license = "MIT" } = header;
  const guard = `PRONGHORN_${header.prefix.toUpperCase()}_H`;
  const body = components.map((c) => printComponent(header.namespace, c));

  return `/* SPDX-License-Identifier: MIT */
/* clang-format off */

/*
 * Pronghorn SDK: ${header.title}.
 *
 * Generated by ${maker} from the npm package ${header.package}
 * ${version}, whose authors wrote the descriptions (${license} license). Do not edit.
 *
${MANUAL} */
#ifndef ${guard}
#define ${guard}

#include <pronghorn/app.h>
#include <stddef.h>

${HELPER}${body.join("")}
#endif
`;
}

/* --- the same for C++: builders -------------------------------------------- */

/* A method per property; its argument converts what C++ has. */
function printMethod(name, { kind, field }) {
  const argument = {
    TEXT: ["ph::Text v", "v.get()"],
    BOOL: ["bool v", "ph::flag(v)"],
    VALUE: ["ph::Value v", "v"],
  }[kind.name];

  return `\t${name} &${field}(${argument[0]}) { p_.${field} = ${argument[1]}; return *this; }\n`;
}

/* A class with a method per property. */
function printBuilder({ name, c, props }) {
  return `
class ${name} {
public:
	${name}() : p_() {}
${props.map((prop) => printMethod(name, prop)).join("")}${printMethod(name, MORE)}	operator ph::Value() const { return ${c}_new(p_); }
	operator const struct ph_value *() const { return ${c}_new(p_); }
	template <typename T, ph::IfBool<T> = 0> operator T() const = delete; /* a component is no condition */

private:
	struct ${c} p_;
};
`;
}

export function printBuilders(header, version, components) {
  const { maker = "www/generate.mjs" } = header;
  const include = header.maker
    ? `"${header.file}"`
    : `<pronghorn/${header.file}>`;
  const guard = `PRONGHORN_${header.prefix.toUpperCase()}_HPP`;

  return `/* SPDX-License-Identifier: MIT */
/* clang-format off */

/*
 * Pronghorn SDK for C++17: ${header.title}, as builders.
 *
 * Generated by ${maker} from the npm package ${header.package}
 * ${version}. Do not edit. ${include} says what each property is.
 *
 *	html::Div().id("page").children({ html::H1().children("Hi") })
 */
#ifndef ${guard}
#define ${guard}

#include <pronghorn/app.hpp>
#include ${include}

namespace ${header.prefix} {
${components.map(printBuilder).join("")}
} /* namespace ${header.prefix} */

#endif
`;
}

async function readScripts(packages, tarballs, name, files) {
  const pkg = packages.find((p) => p.name === name);
  const contents = await readTarball(
    path.join(tarballs, tarballName(pkg)),
    files,
  );

  return files.map((file) => ({
    name: `${name}/${file}`,
    text: contents.get(file).toString("utf8"),
  }));
}

/*
 * The headers, as the packages in DEST (fetched when they are not there) give
 * them: Map(file name -> { text, components }).
 */
export async function generateHeaders(dest) {
  await fetchFrontEnd(dest);

  const { packages } = JSON.parse(fs.readFileSync(PACKAGES_JSON, "utf8"));
  const tarballs = path.join(dest, "tarballs");
  const read = (name, files) => readScripts(packages, tarballs, name, files);
  const libraries = await Promise.all(
    LIBRARIES.map((lib) => read(lib.package, lib.scripts)),
  );
  const bundles = await Promise.all(
    HEADERS.map(async (header) => ({
      namespace: header.namespace,
      scripts: await read(header.package, header.scripts),
    })),
  );
  const props = readBundleProps(libraries.flat(), bundles);
  const headers = new Map();

  for (const header of HEADERS) {
    const [map] = await read(header.package, [header.map]);
    const sources = readSourceMap(map.text);
    const { version } = packages.find((p) => p.name === header.package);
    const components = [...props.get(header.namespace)].map(([name, types]) =>
      modelComponent(header, name, types, readComponentDocs(sources, name)),
    );

    headers.set(header.file, {
      text: printHeader(header, version, components),
      components,
    });
    headers.set(`${header.file}pp`, {
      text: printBuilders(header, version, components),
      components,
    });
  }
  return headers;
}

/* The lines of `a` that `b` has not, counting repetitions. */
function linesOnlyIn(a, b) {
  const rest = new Map();

  for (const line of b.split("\n")) rest.set(line, (rest.get(line) ?? 0) + 1);
  return a.split("\n").filter((line) => {
    const left = rest.get(line) ?? 0;

    rest.set(line, left - 1);
    return left <= 0;
  });
}

/* "" when both are the same, else what differs, at most a few lines of it. */
export function summarizeDifference(file, committed, generated) {
  if (committed === generated) return "";
  const gone = linesOnlyIn(committed, generated);
  const added = linesOnlyIn(generated, committed);
  const show = (sign, lines) =>
    lines.slice(0, 8).map((line) => `  ${sign}${line}\n`);

  return [
    `${file}: ${gone.length} line(s) the packages do not give, ` +
      `${added.length} line(s) missing\n`,
    ...show("-", gone),
    ...show("+", added),
  ].join("");
}

function readCommitted(file) {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return "";
    throw error;
  }
}

function checkHeaders(headers, sdk) {
  const report = [...headers]
    .map(([file, { text }]) =>
      summarizeDifference(file, readCommitted(path.join(sdk, file)), text),
    )
    .join("");

  if (report === "") return 0;
  process.stderr.write(`${report}Run: node www/generate.mjs\n`);
  return 1;
}

function writeHeaders(headers, sdk) {
  fs.mkdirSync(sdk, { recursive: true });
  for (const [file, { text, components }] of headers) {
    fs.writeFileSync(path.join(sdk, file), text);
    process.stdout.write(`${file}: ${components.length} component(s)\n`);
  }
  return 0;
}

async function main(args) {
  const check = args[0] === "--check";
  const [dest = "build/www", ...extra] = check ? args.slice(1) : args;

  if (extra.length > 0 || dest.startsWith("-")) {
    process.stderr.write("usage: node www/generate.mjs [--check] [DEST]\n");
    return 2;
  }
  try {
    const headers = await generateHeaders(dest);

    return check ? checkHeaders(headers, SDK) : writeHeaders(headers, SDK);
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    process.stderr.write(`www/generate: ${error.message}\n`);
    return 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = await main(process.argv.slice(2));
