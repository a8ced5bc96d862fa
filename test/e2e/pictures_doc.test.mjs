/* SPDX-License-Identifier: MIT */

/*
 * Every picture of docs/screenshots is made by a browser test, listed in `make
 * screenshots` and shown in some page of the docs with words for who cannot see
 * it; and every picture that a page shows is there.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import nodeTest from "node:test";
import { ROOT } from "../lib/harness.mjs";

const read = (name) => fs.readFileSync(path.join(ROOT, name), "utf8");
const PAGES = [
  "README.md",
  "docs/examples/README.md",
  ...fs
    .readdirSync(path.join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/* [where, words] of each picture of a page; where is from the top. */
function shown(page) {
  const text = read(page);

  return [
    ...[...text.matchAll(/!\[([^\]]*)\]\(([^)]*\.png)\)/g)].map(([, words, file]) => [file, words]),
    ...[...text.matchAll(/<img\s[^>]*>/g)].map(([tag]) => [
      /src="([^"]*)"/.exec(tag)[1],
      /alt="([^"]*)"/.exec(tag)?.[1] ?? "",
    ]),
  ].map(([file, words]) => [path.join(path.dirname(page), file), words]);
}

nodeTest("pictures: made by tests, shown, with words", () => {
  const all = PAGES.flatMap(shown);
  const seen = new Set(all.map(([file]) => file));
  const folder = path.join(ROOT, "test/browser");
  const tests = fs
    .readdirSync(folder)
    .filter((name) => name.endsWith(".mjs"))
    .map((name) => fs.readFileSync(path.join(folder, name), "utf8"))
    .join("");

  for (const [file, words] of all) {
    assert.ok(fs.existsSync(path.join(ROOT, file)), file);
    assert.ok(words.length > 10, `${file} has words`);
  }
  for (const name of fs.readdirSync(path.join(ROOT, "docs/screenshots"))) {
    assert.ok(seen.has(`docs/screenshots/${name}`), `${name} is shown nowhere`);
    assert.ok(read("Makefile").includes(name), `${name} in make screenshots`);
    const [first] = name.replace(".png", "").split("-");

    assert.match(
      tests,
      new RegExp(`picture\\((["\`])(${name.replace(".png", "")}|${first}-\\$\\{\\w+\\})\\1\\)`),
      `${name} is made by a test`,
    );
  }
});
