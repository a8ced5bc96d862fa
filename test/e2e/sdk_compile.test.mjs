/* SPDX-License-Identifier: MIT */

/*
 * What the compiler makes of a page: the text of nested components grows with
 * their number and no faster, and a wrong property is told once.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { ROOT, test } from "../lib/harness.mjs";

const SDK = path.join(ROOT, "worker/sdk");
const HEAD = `#include <pronghorn/app.h>
#include <pronghorn/html.h>
static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return `;
const TAIL = `;
}
PH_APP(app) { ph_layout(app, layout); }
`;

const isThere = (command) =>
  spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
const COMPILERS = ["gcc", "clang"].filter(isThere);

function compile(compiler, page, ...args) {
  return spawnSync(
    compiler,
    ["-std=c11", "-Wall", "-Wextra", `-I${SDK}`, ...args, "-xc", "-", "-o-"],
    { input: HEAD + page + TAIL, encoding: "utf8", maxBuffer: 1 << 28 },
  );
}

const nest = (depth, inner) =>
  depth === 0
    ? inner
    : `html_div(.children = PH_CHILDREN(\n${nest(depth - 1, inner)},\nhtml_br()))`;

/* Bytes of the function alone. */
function expanded(compiler, page) {
  const { stdout, status } = compile(compiler, page, "-E", "-P");

  assert.equal(status, 0);
  return stdout.length - stdout.indexOf("layout(struct ph_call");
}

for (const compiler of COMPILERS) {
  test(`a list may be empty, to the letter of the standard: ${compiler}`, () => {
    const page = "html_div(.children = PH_CHILDREN(PH_LIST(), PH_OBJECT(), html_p(.children = PH_CHILDREN())))";
    const { status, stderr } = compile(compiler, page, "-Wpedantic", "-Wshadow", "-Werror", "-fsyntax-only");

    assert.equal(status, 0, stderr);
  });

  test(`a nest of 14 is as long as it is deep: ${compiler}`, (t) => {
    const four = expanded(compiler, nest(4, "html_br()"));
    const more = expanded(compiler, nest(14, "html_br()"));

    t.diagnostic(`4 levels ${four} bytes, 14 levels ${more} bytes`);
    assert.ok(more < 4 * four);
  });

  for (const [what, expression] of [
    ["PH_OBJECT", (inner) => `PH_OBJECT({ "a", ${inner} })`],
    ["PH_LIST", (inner) => `PH_LIST(${inner})`],
    ["ph_memo", (inner) => `ph_memo(call, (ph_function *)0, ${inner})`],
    ["ph_query", (inner) => `ph_query(call, "", ${inner})`],
    ["PH_TABLE", (inner) => `PH_TABLE({ "a", ${inner} })`],
  ])
    test(`${what} has its arguments once: ${compiler}`, () => {
      const { stdout } = compile(compiler, expression('ph_text("mark")'), "-E", "-P");

      assert.equal(stdout.split('ph_text("mark")').length - 1, 1);
    });

  for (const [what, property] of [
    ["of a wrong type", ".id = 3"],
    ["that is unknown", '.ident = "x"'],
  ])
    test(`one property ${what} is one message: ${compiler}`, () => {
      const page = nest(3, `html_p(${property})`);
      const { stderr } = compile(compiler, page, "-fsyntax-only");

      assert.equal((stderr.match(/: (?:warning|error):/g) ?? []).length, 1, stderr);
    });
}
