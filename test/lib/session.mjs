/* SPDX-License-Identifier: MIT */

/*
 * A browser's session with the example: six keep-alive connections, the page,
 * its layout and dependencies, then the callbacks in the order in which the
 * front end runs them.
 */
import assert from "node:assert/strict";
import { get, post, Wire } from "./wire.mjs";

const CONNECTIONS = 6;

/* The body that the front end sends for one callback of the example. */
export function callbackBody(output, value) {
  const dot = output.lastIndexOf(".");
  const id = output === "signal.children" ? "dropdown" : "signal";
  const property = id === "dropdown" ? "value" : "children";

  return {
    output,
    outputs: { id: output.slice(0, dot), property: output.slice(dot + 1) },
    inputs: [{ id, property, value }],
    changedPropIds: [`${id}.${property}`],
    parsedChangedPropsIds: [`${id}.${property}`],
  };
}

export const GRAPHS = [1, 2, 3, 4].map((n) => `graph-${n}.figure`);

export class Session {
  constructor(address) {
    this.address = address;
    this.free = [];
    this.queue = [];
    this.wires = [];
  }

  async open() {
    const wires = await Promise.all(
      Array.from({ length: CONNECTIONS }, () => Wire.connect(this.address)),
    );

    this.wires = wires;
    this.free = [...wires];
  }

  destroy() {
    for (const wire of this.wires) wire.destroy();
  }

  /* Requests beyond six wait for a connection, as in a browser. */
  async wire() {
    if (this.free.length > 0) return this.free.shift();
    return new Promise((done) => this.queue.push(done));
  }

  give(wire) {
    const next = this.queue.shift();

    if (next) next(wire);
    else this.free.push(wire);
  }

  async ask(bytes) {
    const wire = await this.wire();

    wire.write(bytes);
    const answer = await wire.answer();

    this.give(wire);
    return answer;
  }

  /* Page, layout and dependencies, as far as a server can tell. */
  async load() {
    await this.open();
    const page = await this.ask(get("/"));

    assert.equal(page.status, 200);
    assert.match(page.text, /<script id="_dash-config"/);
    const [layout, dependencies] = await Promise.all([
      this.ask(get("/_dash-layout")),
      this.ask(get("/_dash-dependencies")),
    ]);

    assert.match(layout.text, /"id":"dropdown"/);
    const asked = dependencies.json().filter((one) => !one.clientside_function);

    assert.equal(asked.length, 5);
  }

  /*
   * The dropdown shows `category`: one callback for the signal, then four for
   * the graphs at once. Gives their answers.
   */
  async choose(category) {
    const signal = await this.ask(
      post(callbackBody("signal.children", category)),
    );

    if (signal.status !== 200) return { signal, graphs: [] };
    const value = signal.json().response.signal.children;
    const graphs = await Promise.all(
      GRAPHS.map((output) => this.ask(post(callbackBody(output, value)))),
    );

    return { signal, graphs };
  }
}
