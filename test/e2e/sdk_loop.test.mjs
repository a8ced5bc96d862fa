/* SPDX-License-Identifier: MIT */

/*
 * Callbacks in a loop, in C and in C++: each kind of dependency with an id that
 * is made when the app is defined, and one function that knows which it is.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { test } from "../lib/harness.mjs";
import { compile } from "../lib/recipes.mjs";
import { updateBody, Visitor } from "../lib/visitor.mjs";
import { post } from "../lib/wire.mjs";

const PARTS = {
  c: `#include <pronghorn/app.h>
#include <pronghorn/html.h>

static enum ph_status
say(struct ph_call *call)
{
	return ph_output(call, ph_output_name(call, 0),
	    ph_textf("%s by %s and %s", ph_output_name(call, 0),
		ph_input_name(call, 0), ph_input_name(call, 3)));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div();
}

PH_APP(app)
{
	int i;

	ph_layout(app, layout);
	ph_options(app, .suppress_callback_exceptions = true);
	for (i = 0; i < 2; i++)
		ph_callback(app, say, PH_OUTPUTF("out-%d.children", i),
		    PH_OUTPUT_DUPLICATEF("all-%d.children", i),
		    PH_INPUTF("in-%d.value", i),
		    PH_INPUTF("%s.value", ph_id("in", ph_int(i))),
		    PH_INPUT_OPTIONALF("may-%d.value", i),
		    PH_STATEF("state-%d.data", i),
		    PH_STATE_OPTIONALF("perhaps-%d.data", i),
		    .prevent_initial_call = true);
}
`,
  cpp: `#include <pronghorn/app.hpp>
#include <pronghorn/html.hpp>

static void
say(ph::Call call)
{
	call.output(call.output_name(0), call.output_name(0) + " by " +
	    call.input_name(0) + " and " + call.input_name(3));
}

static ph::Value
layout(ph::Call)
{
	return html::Div();
}

PH_APP(app)
{
	ph::App site(app);

	site.layout<layout>().options().suppress_callback_exceptions();
	for (int i = 0; i < 2; i++) {
		std::string n = std::to_string(i);

		site.callback<say>("say").output("out-" + n + ".children")
		    .duplicate_output("all-" + n + ".children")
		    .input("in-" + n + ".value")
		    .input(ph::id("in", i) + std::string(".value"))
		    .optional_input("may-" + n + ".value")
		    .state("state-" + n + ".data")
		    .optional_state("perhaps-" + n + ".data")
		    .prevent_initial_call();
	}
}
`,
};

for (const [language, source] of Object.entries(PARTS))
  test(`callbacks in a loop: ${language}`, { seconds: 60 }, async (t, scene) => {
    const app = compile(source, language, scene.dir());
    const server = await scene.start({ app, threads: 2 });
    const visitor = new Visitor(scene, server);
    const list = (await visitor.get("/_dash-dependencies")).json();
    const ids = (all) => all.map(({ id }) => id);

    assert.equal(list.length, 2);
    for (const [i, { output, inputs, state }] of list.entries()) {
      assert.match(output, new RegExp(`^\\.\\.out-${i}\\.children\\.\\.\\.all-${i}\\.children@\\w+\\.\\.$`));
      assert.deepEqual(ids(inputs), [`in-${i}`, `{"index":${i},"type":"in"}`, `may-${i}`]);
      assert.deepEqual(inputs.map(({ allow_optional }) => allow_optional ?? false), [false, false, true]);
      assert.deepEqual(ids(state), [`state-${i}`, `perhaps-${i}`]);
      const [first, second] = output.slice(2, -2).split("...");
      const answer = await visitor.take(
        post({
          ...updateBody(output, [[`in-${i}.value`, 1]]),
          outputs: [first, second].map((what) => ({ id: what.split(".")[0], property: what.split(".")[1] })),
          inputs: inputs.map(({ id, property }) => ({
            ...{ id: id.startsWith("{") ? JSON.parse(id) : id, property, value: 1 },
          })),
          state: state.map(({ id, property }) => ({ id, property, value: 1 })),
        }, { fields: visitor.fields() }),
      );

      assert.deepEqual(answer.json().response, {
        [`out-${i}`]: { children: `out-${i}.children by in-${i}.value and state-${i}.data` },
      });
    }
  });
