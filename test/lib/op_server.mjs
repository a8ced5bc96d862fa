/* SPDX-License-Identifier: MIT */

/*
 * A server whose settings stand in a file, so that they can change under way.
 */
import fs from "node:fs";
import net from "node:net";
import path from "node:path";

function literal(value) {
  if (typeof value === "boolean") return value ? "True" : "False";
  return JSON.stringify(value);
}

/* A port that is free now; fixed, as it has to survive reloads. */
export function freePort() {
  return new Promise((done) => {
    const probe = net.createServer();

    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();

      probe.close(() => done(port));
    });
  });
}

/*
 * Start a server with `settings` in a config file. `server.configure(other)`
 * writes the file anew. `options` as of Scene.server().
 */
export async function configured(scene, settings, options = {}) {
  const dir = scene.dir();
  const file = path.join(dir, "pronghorn.conf");
  const bind = settings.bind ?? `127.0.0.1:${await freePort()}`;
  const write = (rows) => {
    const all = {
      cache_dir: path.join(dir, "cache"),
      ...rows,
      bind: rows.bind ?? bind,
    };
    const lines = Object.entries(all)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name} = ${literal(value)}\n`);

    fs.writeFileSync(file, lines.join(""));
  };

  write(settings);
  const server = scene.server({
    app: "op_faults",
    ...options,
    bind: false,
    workers: false,
    threads: false,
    cacheDir: false,
    args: ["-c", file, ...(options.args ?? [])],
  });

  server.configure = write;
  server.file = file;
  server.bind = bind;
  if (options.wait !== false) await server.ready();
  return server;
}

/* Reload and wait until the new workers serve; boots take long when all of
 * the machine is busy. */
export async function reload(server) {
  const from = server.lines.length;

  server.kill("SIGHUP");
  await server.waitFor(/event=master\.restarted/, { from, seconds: 60 });
}

/* The body of a request for the callback of op_faults. */
export function act(order) {
  return {
    output: "out.children",
    outputs: { id: "out", property: "children" },
    inputs: [{ id: "in", property: "value", value: order }],
    changedPropIds: ["in.value"],
    parsedChangedPropsIds: ["in.value"],
  };
}
