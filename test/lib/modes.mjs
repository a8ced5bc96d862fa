/* SPDX-License-Identifier: MIT */

/* Whatever the SDK offers is to work with both kinds of bundles. */
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
