/* SPDX-License-Identifier: MIT */

/*
 * The recipes of docs/APPS.md: what stands there, compiled.
 *
 *   <!-- get PATH: part of the body -->
 *   <!-- post OUTPUT id.property=JSON ...: part of the body, or 204 -->
 * with a header of the request, when there is [NAME=VALUE] before PATH or OUTPUT.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { ROOT } from "./harness.mjs";

const FLAGS = ["-O1", "-Wall", "-Wextra", "-Werror", "-fPIC"];
const COMPILERS = {
  c: [process.env.CC || "cc", "-std=c11"],
  cpp: [process.env.CXX || "c++", "-std=c++17"],
};

export const APPS = fs.readFileSync(path.join(ROOT, "docs/APPS.md"), "utf8");

/* [{ title, language, source, asks: [{ verb, fields, what, expect }] }] */
export const recipes = APPS.split(/^### /m)
  .slice(1)
  .map((part) => ({
    title: part.split("\n")[0],
    language: part.match(/```(c|cpp)\n/)?.[1],
    source: part.match(/```(?:c|cpp)\n([\s\S]*?)```/)?.[1],
    asks: [...part.matchAll(/^<!-- (get|post) (?:\[(.*?)=(.*?)\] )?(.*?): (.*) -->$/gm)].map(
      ([, verb, name, value, what, expect]) => ({
        ...{ verb, what, expect },
        fields: name === undefined ? {} : { [name]: value },
      }),
    ),
  }))
  .filter(({ source }) => source);

/* The path of the object, in the folder. */
export function compile(source, language, folder) {
  const [compiler, standard] = COMPILERS[language];
  const file = path.join(folder, `app.${language}`);
  const object = path.join(folder, "app.so");

  fs.writeFileSync(file, source);
  execFileSync(compiler, [
    ...[standard, ...FLAGS],
    ...["-shared", `-I${ROOT}/worker/sdk`, "-o", object, file, "-lm"],
  ]);
  return object;
}
