/* SPDX-License-Identifier: MIT */

/*
 * A ph::Value is a pointer inside and must not pass for one: what would be a
 * condition, a comparison or a number by its address does not compile, and the
 * compiler's message says what to write.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { ROOT, test } from "../lib/harness.mjs";

const SDK = path.join(ROOT, "worker/sdk");

function compile(compiler, lines) {
  const source = `#include <pronghorn/app.hpp>
#include <pronghorn/html.hpp>
void take(ph::Call call, ph::Value a, ph::Value b);
void take(ph::Call call, ph::Value a, ph::Value b)
{
	(void)call, (void)a, (void)b;
	${lines}
}
`;

  return spawnSync(
    compiler,
    ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", `-I${SDK}`, "-xc++", "-"],
    { input: source, encoding: "utf8" },
  );
}

/* What the message has, by what was silent. */
const REFUSED = {
  "by boolean() or is_null()": [
    "bool on = a; (void)on;",
    "bool on = call.input(\"i.value\"); (void)on;",
    "if (a) call.log(\"\");",
    "if (!a) call.log(\"\");",
    "if (a && b) call.log(\"\");",
    "int n = a ? 1 : 2; (void)n;",
    "html::Button().disabled(call.arg(0));",
    "(void)ph_bool(a);",
  ],
  "a component is no condition": [
    "call.output(\"a.b\", true && html::P());",
    "if (html::P()) call.log(\"\");",
  ],
  "by str(), number(), integer()": [
    "if (a == 0) call.log(\"\");",
    "if (a == b) call.log(\"\");",
    "if (a != b) call.log(\"\");",
    "if (a == nullptr) call.log(\"\");",
    "if (nullptr != a) call.log(\"\");",
    "if (a < b) call.log(\"\");",
    "if (a >= b) call.log(\"\");",
    "if (a == \"x\") call.log(\"\");",
  ],
  "a pointer is no value": [
    "int n = 0; call.output(\"a.b\", &n);",
    "int *n = nullptr; ph::Value v(n);",
    "ph::Value v(take);",
    "const unsigned char *bytes = nullptr; call.result(bytes);",
    "call.result({ 1, &call });",
  ],
  "a letter is no value": ["call.output(\"a.b\", 'x');", "ph::Value v(L'x');"],
};

/* What stays. */
const TAKEN = `
	std::vector<bool> flags = { true, false };
	const struct ph_value *plain = a;
	char text[] = "text";
	struct ph_value *own = nullptr;
	bool on = a.boolean() || a.is_null() || b.str() == "x" || b.number() < 3;
	short small = 1;
	unsigned char byte = 2;

	call.output("a.b", text);
	call.output("a.b", { nullptr, true, 1, small, byte, 1.5f, 2L, "x",
	    std::string("y"), std::string_view("z"), plain, own });
	call.output("a.b", ph::Value(flags));
	call.output("a.b", ph_list_of_(PH_ARRAY_(const struct ph_value *, a,
	    b, html::P(), PH_END_)));
	call.output("a.b", on ? a : b);
	html::Button().disabled(a.boolean()).children({ html::P(), a, "x" });
	ph::Value made = html::P();
	made = html::P().children(made);
	for (ph::Value one : a)
		call.output("a.b", one);
`;

for (const compiler of ["g++", "clang++"]) {
  test(`values are made of what C++ has: ${compiler}`, { seconds: 60 }, () => {
    const { status, stderr } = compile(compiler, TAKEN);

    assert.equal(status, 0, stderr);
  });

  for (const [message, all] of Object.entries(REFUSED))
    test(`the compiler says "${message}": ${compiler}`, { seconds: 240 }, () => {
      for (const lines of all) {
        const { status, stderr } = compile(compiler, lines);

        assert.notEqual(status, 0, `compiles: ${lines}`);
        assert.ok(stderr.includes(message), `${lines}\n${stderr}`);
      }
    });
}
