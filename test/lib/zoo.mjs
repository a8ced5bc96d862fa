/* SPDX-License-Identifier: MIT */

/* Requests to the callbacks of test/apps/zoo.c. */
import { post } from "./wire.mjs";

/* Run the callback `name` with `value`. */
export function call(name, value, options) {
  return post(
    {
      output: `${name}.out`,
      outputs: { id: name, property: "out" },
      inputs: [{ id: "in", property: "value", value }],
      changedPropIds: ["in.value"],
      parsedChangedPropsIds: ["in.value"],
    },
    options,
  );
}

/* What it gave. */
export function result(answer, name) {
  return answer.json().response[name].out;
}

/* How often has a function of the app run? */
export function runs(server, name) {
  return server.lines.filter((line) => line.includes(` run ${name}`)).length;
}
