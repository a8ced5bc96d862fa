/* SPDX-License-Identifier: MIT */

/*
 * The apps in test/apps are compiled when a test asks for one, against the
 * SDK and nothing else, as a user's app is.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SDK = path.join(ROOT, "worker/sdk");
const FLAGS = [
  ...["-O1", "-g", "-Wall", "-Wextra", "-Werror"],
  ...["-fPIC", "-shared", "-fvisibility=hidden", "-Wl,-z,defs"],
];

/* What compiles a source, by how its name ends. */
const COMPILERS = {
  ".c": [process.env.CC || "cc", "-std=c11"],
  ".cpp": [process.env.CXX || "c++", "-std=c++17"],
};

function newest(dir) {
  const times = fs
    .readdirSync(dir)
    .map((name) => fs.statSync(path.join(dir, name)).mtimeMs);

  return Math.max(...times);
}

/* Compile test/apps/NAME.c or .cpp, if need be; gives the path of its .so. */
export function buildApp(name, build) {
  const ending = Object.keys(COMPILERS).find((end) =>
    fs.existsSync(path.join(ROOT, "test/apps", name + end)),
  );
  const source = path.join(ROOT, "test/apps", name + ending);
  const folder = path.join(build, "test-apps");
  const object = path.join(folder, `${name}.so`);
  const needs = Math.max(
    fs.statSync(source).mtimeMs,
    newest(path.join(SDK, "pronghorn")),
  );

  if (fs.existsSync(object) && fs.statSync(object).mtimeMs > needs)
    return object;
  fs.mkdirSync(folder, { recursive: true });
  /* Test files may run at the same time: the last step is a rename. */
  const fresh = `${object}.${process.pid}`;

  const [compiler, standard] = COMPILERS[ending];

  execFileSync(compiler, [
    ...[standard, ...FLAGS],
    ...[`-I${SDK}`, "-o", fresh, source, "-lm"],
  ]);
  fs.renameSync(fresh, object);
  return object;
}
