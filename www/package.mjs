#!/usr/bin/env node
/* SPDX-License-Identifier: MIT */

/*
 * Make a component package from npm ready for an app.
 *
 *   node www/package.mjs [OPTIONS] NAME[@VERSION] FOLDER
 *   node www/package.mjs [OPTIONS] FOLDER      all that FOLDER has pinned
 *
 *   --prefix TEXT     of the constructors; default: the initials, as dbc
 *   --namespace TEXT  of the components; default: the name with _ for -
 *   --style PACKAGE[@VERSION]/FILE
 *                     a style sheet of this or another package; repeatable
 *   --www FOLDER      the fetched front end; default: build/www
 *
 * FOLDER is that of the app. It gets
 *   NAMESPACE.h, NAMESPACE.hpp    the constructors, for C and for C++17
 *   packages/NAMESPACE.json       versions and hashes: to be kept with the
 *                                 sources; the second form reads it
 *   packages/NAMESPACE/...        what is served, as fetch.mjs leaves it, and
 *                                 children.json
 *
 * What properties there are says the package's metadata.json, or, when it has
 * none, its bundle, which is run where it can reach nothing.
 *
 * INVARIANT  What is pinned is made again byte for byte, or not at all.
 * FAILURE    One line on stderr and exit code 1.
 */

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import {
  firstSentence,
  propTypesText,
  readComponentDocs,
} from "./bundle_docs.mjs";
import {
  readBundleProps,
  recordingPropTypes,
  registersNamespace,
} from "./bundle_props.mjs";
import {
  FetchError,
  download,
  fetchFrontEnd,
  integrityOf,
  tarballName,
} from "./fetch.mjs";
import { modelComponent, printBuilders, printHeader } from "./generate.mjs";
import { childrenProps, readMetadata } from "./metadata.mjs";

const SELF = "www/package.mjs";
const USAGE =
  "usage: node www/package.mjs [--prefix TEXT] [--namespace TEXT]\n" +
  "       [--style PACKAGE[@VERSION]/FILE]... [--www FOLDER] " +
  "[NAME[@VERSION]] FOLDER\n";

/* Not scripts of the page, whatever they are called. */
const NOT_SERVED = /(^|\/)(src|lib|es|cjs|esm|test|tests|demo)\//;

/* "@a/b@1.2" -> { name, version }; no version: the newest. */
export function parseSpec(spec) {
  const match = /^((?:@[\w.-]+\/)?[\w.-]+)(?:@([\w.+-]+))?$/.exec(spec);

  if (match === null) throw new FetchError(`${spec}: no name of a package`);
  return { name: match[1], version: match[2] };
}

/* "bootstrap@5.3.3/dist/css/bootstrap.min.css" -> { name, version, file } */
function parseStyle(text) {
  const match = /^((?:@[\w.-]+\/)?[\w.-]+(?:@[\w.+-]+)?)\/(.+\.css)$/.exec(text);

  if (match === null)
    throw new FetchError(`--style ${text}: not PACKAGE[@VERSION]/FILE.css`);
  return { ...parseSpec(match[1]), file: match[2] };
}

/* dash_bootstrap_components -> dbc */
function initials(namespace) {
  const words = namespace.split("_").filter(Boolean);

  return words.length > 1 ? words.map((word) => word[0]).join("") : namespace;
}

async function tar(...args) {
  const { execFile } = await import("node:child_process");
  const { promisify } = await import("node:util");
  const options = { maxBuffer: 1 << 26 };

  try {
    return (await promisify(execFile)("tar", args, options)).stdout;
  } catch (error) {
    throw new FetchError(`tar: ${(error.stderr || error.message).trim()}`);
  }
}

/*
 * One package, unpacked below `scratch`: { name, version, integrity, tarball,
 * root, files, license, about }. `kept` is a tarball that may be there already.
 */
async function unpack(spec, scratch, kept) {
  const into = fs.mkdtempSync(path.join(scratch, "package-"));
  let tarball = kept;

  if (kept === undefined || !fs.existsSync(kept)) {
    await download([spec], into);
    const [file] = fs.readdirSync(into).filter((name) => name.endsWith(".tgz"));

    if (file === undefined)
      throw new FetchError(`${spec.name}: npm made nothing`);
    tarball = path.join(into, file);
  }
  const root = path.join(into, "root");

  fs.mkdirSync(root);
  /* The folder in it is "package" by rule, but not of all packages. */
  await tar("-xzf", tarball, "-C", root, "--strip-components=1", "--no-same-owner");
  const about = JSON.parse(
    fs.readFileSync(path.join(root, "package.json"), "utf8"),
  );

  return {
    name: about.name,
    version: about.version,
    license: typeof about.license === "string" ? about.license : "its own",
    integrity: integrityOf(tarball),
    tarball,
    root,
    about,
    files: fs
      .readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) =>
        path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name)),
      )
      .sort(),
  };
}

/* What a main script loads itself, when it wants it. */
const LOADED_BY_MAIN =
  /^(async[-~].*|\d+(\..*)?|.*-shared|.*\.chunk(\..*)?)\.js$/;

/*
 * The script that makes window[namespace]: mostly called so, else the one in
 * which the name stands and that, run, sets it. What package.json calls "main"
 * goes before, as it is often a file that is not in the package at all.
 */
function chooseMain({ name, root, files, about }, scripts, namespace, www) {
  const named = (ending) =>
    scripts.find((file) => path.basename(file) === `${namespace}${ending}`);
  const text = (file) => fs.readFileSync(path.join(root, file), "utf8");
  const known = named(".min.js") ?? named(".js");

  if (known !== undefined) return known;
  const registers = (file) => {
    if (!text(file).includes(namespace)) return false;
    try {
      return registersNamespace(readLibraries(www), namespace, {
        name: file,
        text: text(file),
      });
    } catch (error) {
      failures.push(`${file} does not run here: ${error.message}`);
      return false;
    }
  };
  const failures = [];
  const main = path.normalize(about.main ?? "index.js");
  const found = scripts
    .filter((file) => !LOADED_BY_MAIN.test(path.basename(file)))
    .filter((file) => !/[.-]dev(elopment)?\.js$/.test(file))
    .filter(registers);

  if (found.includes(main)) return main;
  if (found.length === 1) return found[0];
  throw new FetchError(
    found.length > 1
      ? `${name}: several scripts make window.${namespace}: ${found.join(", ")}`
      : `${name}: no script in it makes window.${namespace} (--namespace?)` +
          failures.map((failure) => `; ${failure}`).join(""),
  );
}

/* The script of the page and what it loads itself, from the same folder. */
function chooseScripts(unpacked, namespace, www) {
  const scripts = unpacked.files.filter(
    (file) => file.endsWith(".js") && !NOT_SERVED.test(file),
  );
  const main = chooseMain(unpacked, scripts, namespace, www);
  const beside = scripts.filter(
    (file) =>
      file !== main &&
      path.dirname(file) === path.dirname(main) &&
      LOADED_BY_MAIN.test(path.basename(file)),
  );

  return { main, beside };
}

/*
 * Dash's plugin of webpack makes bundles ask for "async-a.v1_0_2m16.js" where
 * they mean async-a.js, as Dash's server takes such a part away again. Newer
 * bundles have the plugin's code, too, and do not run it: so both names.
 */
function servedScripts({ main, beside }, namespace, text) {
  const [, part] = /\.splice\(1,\s*0,\s*"(v\w+m\d+)"\)/.exec(text) ?? [];
  const url = (file) => `${namespace}/${path.basename(file)}`;
  const entry = (file) => ({ file, url: url(file), load: 0 });
  const parted = (file) => ({
    ...entry(file),
    url: url(file).replace(".", `.${part}.`),
  });

  return [
    { ...entry(main), load: 1 },
    ...beside.map(entry),
    ...(part !== undefined ? beside.map(parted) : []),
  ];
}

/* Style sheets are numbered too: several are linked in their order. */
async function addStyles(styles, packages, unpacked, namespace, scratch) {
  let number = 1;

  for (const style of styles) {
    let from = unpacked.find((one) => one.name === style.name);

    if (from === undefined) {
      from = await unpack(style, scratch);
      unpacked.push(from);
      packages.push(pinOf(from, []));
    }
    if (!from.files.includes(style.file))
      throw new FetchError(`${style.name}: no ${style.file} in it`);
    packages
      .find((one) => one.name === from.name)
      .serve.push({
        file: style.file,
        url: `${namespace}/${path.basename(style.file)}`,
        load: number++,
      });
  }
}

function pinOf({ name, version, integrity }, serve) {
  return { name, version, integrity, serve };
}

/* React, as the bundles want it before them. */
function readLibraries(www) {
  const file = path.join(www ?? "build/www", "manifest.json");

  if (!fs.existsSync(file))
    throw new FetchError(`${file} is missing: make deps, or --www FOLDER`);
  const { files } = JSON.parse(fs.readFileSync(file, "utf8"));

  return ["polyfill@", "react@", "react-dom@"].flatMap((start) =>
    files
      .filter(
        ({ file: name }) =>
          path.basename(name).startsWith(start) && name.endsWith(".min.js"),
      )
      .map(({ file: name }) => ({
        name,
        text: fs.readFileSync(path.join(www, name), "utf8"),
      })),
  );
}

/* Out of metadata.json: Map(component -> { types, docs }), or null. */
function componentsOfMetadata({ root, files }) {
  const file = files.find((name) => path.basename(name) === "metadata.json");

  if (file === undefined) return null;
  return readMetadata(
    fs.readFileSync(path.join(root, file), "utf8"),
    firstSentence,
  );
}

/* What writes proptypes.js forgets that these names need quotes, and that not
 * all components are in the bundle. */
function mended(text, file) {
  if (path.basename(file) !== "proptypes.js") return text;
  return text
    .replace(/([{,\s])((?:data|aria)-\*):/g, '$1"$2":')
    .replace(/^(pk\.\w+)\.propTypes =/gm, "($1 ?? {}).propTypes =");
}

function runBundle(libraries, bundle, skip) {
  try {
    return readBundleProps(libraries, [bundle], skip).get(bundle.namespace);
  } catch (error) {
    throw new FetchError(
      `${bundle.namespace}: its bundle does not run here: ${error.message}`,
    );
  }
}

/* What is the same in every component. */
const USUAL_KINDS = new Map([
  ["id", "string"],
  ["className", "string"],
  ["setProps", "func"],
]);

/*
 * A bundle with a prop-types library of its own gives names without types:
 * then `source`, an object in the text of its sources, has them.
 */
function typesOf(types, source) {
  let written = {};

  if ([...types.values()].every(({ kind }) => kind !== undefined)) return types;
  try {
    written = vm.runInNewContext(`(${source || "{}"})`, {
      PropTypes: recordingPropTypes(),
    });
  } catch {
    /* It needs more than itself: any value will do, then. */
  }
  return new Map(
    [...types.keys()].map((name) => [
      name,
      written[name] ?? { kind: USUAL_KINDS.get(name) ?? "any" },
    ]),
  );
}

/* Out of the bundle, the descriptions out of the sources beside it. */
function componentsOfBundle({ name, root, files }, scripts, namespace, www) {
  const text = (file) => fs.readFileSync(path.join(root, file), "utf8");
  const skipped = [];
  const props = runBundle(
    readLibraries(www),
    {
      namespace,
      scripts: scripts.map((file) => ({
        name: file,
        text: mended(text(file), file),
      })),
    },
    (component) => skipped.push(component),
  );
  const sources = new Map(
    files
      .filter((file) => /^src\/.*\.(js|jsx|ts|tsx)$/.test(file))
      .map((file) => [`/${file}`, text(file)]),
  );

  if (props.size === 0)
    throw new FetchError(
      `${name}: no component of ${namespace} says what properties it has` +
        (skipped.length > 0 ? ` (${skipped.length} without propTypes)` : ""),
    );
  if (skipped.length > 0)
    process.stderr.write(
      `www/package: ${name}: left out, as they have no propTypes: ` +
        `${skipped.join(", ")}\n`,
    );
  return new Map(
    [...props].map(([component, types]) => [
      component,
      {
        types: typesOf(types, propTypesText(sources, component)),
        docs: readComponentDocs(sources, component),
      },
    ]),
  );
}

/* Functions of JavaScript cannot come from a server. */
function withoutFunctions(types) {
  return new Map([...types].filter(([, { kind }]) => kind !== "func"));
}

/* The main script, and the one in which some keep their propTypes. */
function propScripts({ files }, main) {
  const types = path.join(path.dirname(main), "proptypes.js");

  return files.includes(types) ? [main, types] : [main];
}

function writeHeaders(folder, about, unpacked, components) {
  const header = {
    ...about,
    file: `${about.namespace}.h`,
    title: unpacked.name,
    package: unpacked.name,
    maker: SELF,
    license: unpacked.license,
  };
  const models = [...components].map(([name, { types, docs }]) =>
    modelComponent(header, name, withoutFunctions(types), docs),
  );
  const write = (file, text) =>
    fs.writeFileSync(path.join(folder, file), text);

  write(header.file, printHeader(header, unpacked.version, models));
  write(`${header.file}pp`, printBuilders(header, unpacked.version, models));
  return models.length;
}

function writeChildren(dest, components) {
  const nodes = [...components]
    .map(([name, { types }]) => [name, childrenProps(types)])
    .filter(([, list]) => list.length > 0);

  fs.writeFileSync(
    path.join(dest, "children.json"),
    JSON.stringify(Object.fromEntries(nodes)),
  );
}

/* What is served, headers and children.json, from what is unpacked. */
async function make(folder, pin, unpacked, www) {
  const { namespace } = pin.component;
  const dest = path.join(folder, "packages", namespace);
  const file = path.join(folder, "packages", `${namespace}.json`);
  const text = `${JSON.stringify(pin, null, 2)}\n`;

  fs.mkdirSync(path.join(dest, "tarballs"), { recursive: true });
  for (const one of unpacked) {
    const kept = path.join(dest, "tarballs", tarballName(one));

    if (one.tarball !== kept) fs.copyFileSync(one.tarball, kept);
  }
  fs.writeFileSync(file, text);
  await fetchFrontEnd(dest, file);

  const [main] = unpacked;
  const components =
    componentsOfMetadata(main) ??
    componentsOfBundle(
      main,
      propScripts(main, pin.packages[0].serve[0].file),
      namespace,
      www,
    );

  writeChildren(dest, components);
  const count = writeHeaders(folder, pin.component, main, components);

  process.stdout.write(
    `www/package: ${main.name}@${main.version}: ${count} component(s) in ` +
      `${path.join(folder, namespace)}.h\n`,
  );
}

async function add(spec, folder, options, scratch) {
  const main = await unpack(parseSpec(spec), scratch);
  const namespace =
    options.namespace ?? main.name.replace(/^@.*\//, "").replace(/\W/g, "_");
  const unpacked = [main];
  const scripts = chooseScripts(main, namespace, options.www);
  const text = fs.readFileSync(path.join(main.root, scripts.main), "utf8");
  const packages = [pinOf(main, servedScripts(scripts, namespace, text))];

  if (!/^[A-Za-z]\w*$/.test(namespace))
    throw new FetchError(`${namespace}: no namespace of components`);
  await addStyles(options.styles, packages, unpacked, namespace, scratch);
  const prefix = options.prefix ?? initials(namespace).toLowerCase();

  if (!/^[a-z]\w*$/.test(prefix))
    throw new FetchError(`${prefix}: no prefix of names in C`);
  await make(
    folder,
    { component: { namespace, prefix }, packages },
    unpacked,
    options.www,
  );
}

/* What is pinned already, with its hashes. */
async function restore(folder, options, scratch) {
  const list = path.join(folder, "packages");
  const pins = fs.existsSync(list)
    ? fs.readdirSync(list).filter((name) => name.endsWith(".json"))
    : [];

  if (pins.length === 0)
    throw new FetchError(`${folder} has no packages/*.json: name a package`);
  for (const file of pins) {
    const pin = JSON.parse(fs.readFileSync(path.join(list, file), "utf8"));
    const unpacked = [];

    for (const one of pin.packages) {
      const dest = path.join(list, pin.component.namespace);
      const kept = path.join(dest, "tarballs", tarballName(one));
      const got = await unpack(one, scratch, kept);

      if (got.integrity !== one.integrity)
        throw new FetchError(
          `${one.name}@${one.version}: wrong integrity, expected ` +
            `${one.integrity}, got ${got.integrity}`,
        );
      unpacked.push(got);
    }
    await make(folder, pin, unpacked, options.www);
  }
}

function parseArguments(args) {
  const options = {
    styles: [],
    /* In a checkout, and where it is installed. */
    www: ["../build/www", "../www"]
      .map((place) => fileURLToPath(new URL(place, import.meta.url)))
      .find((place) => fs.existsSync(path.join(place, "manifest.json"))),
  };
  const words = [];

  for (let i = 0; i < args.length; i++) {
    const name = args[i];

    if (!name.startsWith("-")) {
      words.push(name);
      continue;
    }
    const value = args[++i];

    if (value === undefined) return null;
    if (name === "--style") options.styles.push(parseStyle(value));
    else if (["--prefix", "--namespace", "--www"].includes(name))
      options[name.slice(2)] = value;
    else return null;
  }
  return words.length === 1 || words.length === 2 ? { options, words } : null;
}

async function main(args) {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "www-package-"));

  try {
    const parsed = parseArguments(args);

    if (parsed === null) {
      process.stderr.write(USAGE);
      return 2;
    }
    const { options, words } = parsed;

    if (words.length === 1) await restore(words[0], options, scratch);
    else await add(words[0], words[1], options, scratch);
    return 0;
  } catch (error) {
    if (!(error instanceof FetchError) && error.syscall === undefined)
      throw error;
    process.stderr.write(`www/package: ${error.message}\n`);
    return 1;
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = await main(process.argv.slice(2));
