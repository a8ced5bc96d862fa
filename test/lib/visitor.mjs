/* SPDX-License-Identifier: MIT */

/*
 * A browser as far as sessions go: it keeps cookies, as a browser does, and
 * asks the callbacks of test/apps/sessions.c on connections of its own.
 */
import assert from "node:assert/strict";
import { get, post } from "./wire.mjs";

export const COOKIE = "ph_session";

/* A Set-Cookie value into { name, value, attributes }. */
export function parseCookie(line) {
  const [pair, ...attributes] = line.split("; ");
  const at = pair.indexOf("=");

  return { name: pair.slice(0, at), value: pair.slice(at + 1), attributes };
}

export function updateBody(output, inputs, states = []) {
  const split = (what) => {
    const dot = what.lastIndexOf(".");

    return { id: what.slice(0, dot), property: what.slice(dot + 1) };
  };
  const list = (values) => values.map(([what, value]) => ({ ...split(what), value }));

  return {
    output,
    outputs: split(output),
    inputs: list(inputs),
    state: list(states),
    changedPropIds: [inputs[0][0]],
    parsedChangedPropsIds: [inputs[0][0]],
  };
}

export class Visitor {
  constructor(scene, server) {
    this.scene = scene;
    this.server = server;
    this.jar = new Map();
  }

  get cookie() {
    return this.jar.get(COOKIE);
  }

  fields(extra) {
    const pairs = [...this.jar].map(([name, value]) => `${name}=${value}`);

    return { ...(pairs.length > 0 ? { Cookie: pairs.join("; ") } : {}), ...extra };
  }

  async take(bytes) {
    const answer = await this.scene.send(this.server, bytes);

    for (const line of answer.cookies) {
      const { name, value, attributes } = parseCookie(line);

      if (attributes.includes("Max-Age=0")) this.jar.delete(name);
      else this.jar.set(name, value);
    }
    return answer;
  }

  get(target, fields) {
    return this.take(get(target, { fields: this.fields(fields) }));
  }

  update(output, inputs, fields) {
    return this.take(post(updateBody(output, inputs), { fields: this.fields(fields) }));
  }

  /* Run a verb of the app; its value. */
  async act(...what) {
    const answer = await this.update("out.children", [["do.value", what]]);

    assert.equal(answer.status, 200, JSON.stringify(what));
    return answer.json().response.out.children;
  }
}
