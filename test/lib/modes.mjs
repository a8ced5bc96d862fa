/* SPDX-License-Identifier: MIT */

/* Whatever the SDK offers is to work with both kinds of bundles. */
import assert from "node:assert/strict";
import { test } from "./harness.mjs";

/* What production serves, and what `--debug` does. */
export const MODES = ["production", "development"];

/*
 * test() once with each kind: body(t, scene, mode). All servers of the scene
 * serve that kind.
 */
export function inBothModes(name, options, body) {
  if (body === undefined) {
    body = options;
    options = {};
  }
  for (const mode of MODES)
    test(`${name} (${mode})`, options, (t, scene) => {
      if (mode === "development") scene.args = ["--debug"];
      return body(t, scene, mode);
    });
}

/*
 * Parts of a test that share what takes long to start: { name: body(thing) },
 * each with a thing of its own that make() gives. All are tried; when one has
 * failed, so has the test.
 */
export async function inTurn(t, parts, make) {
  const failed = [];

  for (const [name, body] of Object.entries(parts))
    await t.test(name, async () => {
      try {
        const thing = await make();

        await body(thing);
        await thing.close();
      } catch (error) {
        failed.push(name);
        throw error;
      }
    });
  assert.deepEqual(failed, []);
}
