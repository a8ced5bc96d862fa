/* SPDX-License-Identifier: MIT */

/*
 * The man pages: every formatter that is there renders them without a warning,
 * and what the programs take is in them. What a machine has not got is skipped.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { BUILD, ROOT, test } from "../lib/harness.mjs";

const FOLDER = path.join(ROOT, "docs/man");
const PAGES = fs.readdirSync(FOLDER).filter((name) => /\.\d$/.test(name));
const FORMATTERS = [
  ["groff", "-man", "-Tutf8", "-ww", "-rLL=78n"],
  ["man", "--warnings=w", "-l", "--"],
  ["mandoc", "-T", "lint", "-W", "warning"],
];

const isThere = (command) =>
  spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;

/* Bold is a letter over itself, and underlined one over a line. */
// eslint-disable-next-line no-control-regex
const plain = (text) => text.replace(/.\x08/g, "");

function render(page) {
  return plain(
    execFileSync(
      "groff",
      ["-man", "-Tascii", "-P-c", "-rLL=200n", path.join(FOLDER, page)],
      { encoding: "latin1" },
    ),
  );
}

test("there is one for programs, settings and apps", () => {
  assert.deepEqual(PAGES.sort(), ["pronghorn-app.7", "pronghorn-bench.1",
    "pronghorn.8", "pronghorn.conf.5"]);
});

for (const [command, ...args] of FORMATTERS) {
  test(`${command} has nothing to say`, { skip: !isThere(command) }, async (t) => {
    for (const page of PAGES) {
      const { status, stdout, stderr } = spawnSync(
        command,
        [...args, path.join(FOLDER, page)],
        {
          encoding: "utf8",
          env: { ...process.env, MANPAGER: "cat", PAGER: "cat", LC_ALL: "C.UTF-8" },
        },
      );

      assert.equal(status, 0, `${page}: ${stderr}`);
      assert.equal(stderr, "", page);
      if (command === "mandoc") assert.equal(stdout, "", page);
      else assert.match(plain(stdout), /NAME/);
      t.diagnostic(`${page}: ${stdout.split("\n").length} lines`);
    }
  });
}

test("every setting, signal and command is in them", { skip: !isThere("groff") }, async () => {
  const conf = render("pronghorn.conf.5");
  const server = render("pronghorn.8");
  const settings = execFileSync(
    path.join(BUILD, "pronghorn"),
    ["--print-options=conf"],
    { encoding: "utf8" },
  );

  for (const [, name] of settings.matchAll(/^#(\w+) = /gm))
    assert.match(conf, new RegExp(`^\\s+${name} = `, "m"), name);
  for (const sig of ["TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "WINCH",
    "TTIN", "TTOU"])
    assert.match(server, new RegExp(`^\\s+${sig}\\s`, "m"), sig);
  for (const command of ["status", "workers", "metrics", "reload", "last-crash"])
    assert.match(server, new RegExp(`^\\s+${command}\\s`, "m"), command);
});

test("every option of the bench is in its page", { skip: !isThere("groff") }, async () => {
  const page = render("pronghorn-bench.1");
  const program = path.join(BUILD, "pronghorn-bench");

  for (const args of [["--help"], ["tune", "--help"]]) {
    const help = execFileSync(program, args, { encoding: "utf8" });

    for (const [, flag] of help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm))
      assert.ok(page.includes(flag), `${flag} in pronghorn-bench.1`);
  }
  assert.ok(fs.existsSync(path.join(FOLDER, "pronghorn-bench.1")));
});
