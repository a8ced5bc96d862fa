/* SPDX-License-Identifier: MIT */

/* A tiny app that speaks the protocol of Dash, for tests of the load generator. */
import http from "node:http";

const component = (type, props) => ({ type, namespace: "test", props });

/* { output: [[inputs], [states], function of both], ... } */
function dependenciesOf(callbacks) {
  const split = (key) => {
    const dot = key.lastIndexOf(".");

    return { id: key.slice(0, dot), property: key.slice(dot + 1) };
  };

  return Object.entries(callbacks).map(([output, { inputs, state, more }]) => ({
    output,
    inputs: inputs.map(split),
    state: (state ?? []).map(split),
    ...more,
  }));
}

/*
 * Serve `layout` and `callbacks`; each has inputs, state and give(request),
 * which gives the value of the output, undefined for none, or a status.
 */
export async function tinyApp(scene, layout, callbacks, { delay = () => 0 } = {}) {
  const seen = [];
  let active = 0;
  const app = { seen, most: 0 };
  const server = http.createServer(async (request, response) => {
    let body = "";
    const send = (status, text, type = "application/json") => {
      response.writeHead(status, { "Content-Type": type });
      response.end(text);
    };

    for await (const part of request) body += part;
    if (request.url === "/") return send(200, "<html></html>", "text/html");
    if (request.url === "/_dash-layout")
      return send(200, JSON.stringify(layout));
    if (request.url === "/_dash-dependencies")
      return send(200, JSON.stringify(dependenciesOf(callbacks)));
    if (request.url !== "/_dash-update-component") return send(404, "");
    const ask = JSON.parse(body);

    seen.push({ ...ask, step: "ask" });
    app.most = Math.max(app.most, ++active);
    await new Promise((done) => setTimeout(done, delay(ask)).unref());
    active--;
    const value = await callbacks[ask.output].give(ask);

    seen.push({ ...ask, step: "answer" });
    if (value === undefined) return send(204, "");
    if (typeof value === "string") return send(200, value);
    if (value.status) return send(value.status, "broken", "text/plain");
    return send(
      200,
      JSON.stringify({
        multi: true,
        response: { [ask.outputs.id]: { [ask.outputs.property]: value.is } },
        ...value.more,
      }),
    );
  });

  server.keepAliveTimeout = 60000;
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  scene.later(() => {
    server.closeAllConnections?.();
    server.close();
  });
  app.url = `http://127.0.0.1:${server.address().port}`;
  return app;
}

export const DROPDOWN = component("Div", {
  children: [
    component("Dropdown", { id: "pick", options: ["a", "b", "c"], value: "a" }),
    ...["left", "right", "bottom", "extra"].map((id) =>
      component("Div", { id }),
    ),
  ],
});

/* pick -> left and right -> bottom; bottom has a state, too. */
export function diamond() {
  const text = (ask) => ({ is: ask.inputs.map((i) => i.value).join("+") });

  return {
    "left.children": { inputs: ["pick.value"], give: text },
    "right.children": { inputs: ["pick.value"], give: text },
    "bottom.children": {
      inputs: ["left.children", "right.children"],
      state: ["pick.value"],
      give: text,
    },
  };
}

export const asks = (app, output) =>
  app.seen.filter((one) => one.step === "ask" && one.output === output);
