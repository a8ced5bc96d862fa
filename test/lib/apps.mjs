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
  ...["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror"],
  ...["-fPIC", "-shared", "-fvisibility=hidden", "-Wl,-z,defs"],
];

function newest(dir) {
  const times = fs
    .readdirSync(dir)
    .map((name) => fs.statSync(path.join(dir, name)).mtimeMs);

  return Math.max(...times);
}

/* Compile test/apps/NAME.c, if need be; gives the path of its .so. */
export function buildApp(name, build) {
  const source = path.join(ROOT, "test/apps", `${name}.c`);
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

  execFileSync(process.env.CC || "cc", [
    ...FLAGS,
    ...[`-I${SDK}`, "-o", fresh, source, "-lm"],
  ]);
  fs.renameSync(fresh, object);
  return object;
}
