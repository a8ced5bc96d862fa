/* SPDX-License-Identifier: MIT */

/* Proxies in front of a server: Debian's nginx, on a port of the kernel's choice. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { until } from "./harness.mjs";
import { freePort } from "./op_server.mjs";

export const NGINX = ["/usr/sbin/nginx", "/usr/bin/nginx"].find((file) =>
  fs.existsSync(file),
);

/* Asks test/apps/dash_callbacks.c which address it is told. */
export const WHO = {
  output: "..why.children...who.children..",
  outputs: ["why", "who"].map((id) => ({ id, property: "children" })),
  inputs: [
    { id: "a", property: "n_clicks", value: 4 },
    { id: "b", property: "n_clicks" },
  ],
  changedPropIds: ["a.n_clicks"],
};

const canConnect = (port) =>
  new Promise((done) => {
    const socket = net.connect(port, "127.0.0.1");
    const give = (answer) => {
      socket.destroy();
      done(answer);
    };

    socket.on("connect", () => give(true));
    socket.on("error", () => give(false));
  });

/* Run a proxy until the scene ends; it is there when it listens on `port`. */
export async function runFront(scene, program, args, port) {
  const said = [];
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });

  child.stderr.on("data", (text) => said.push(text));
  scene.later(
    () =>
      new Promise((done) => {
        if (child.exitCode !== null) return done();
        child.on("exit", done);
        return child.kill("SIGKILL");
      }),
  );
  await until(program, () => {
    if (child.exitCode !== null)
      throw new Error(`${program} ended: ${Buffer.concat(said)}`);
    return canConnect(port);
  });
}

/* Start nginx with this in its http block, until it listens on `port`. */
export async function nginxWith(scene, http, port) {
  const dir = scene.dir();
  const file = path.join(dir, "nginx.conf");

  fs.writeFileSync(
    file,
    `daemon off; master_process off; pid ${dir}/pid; error_log stderr;
     events { worker_connections 256; }
     http {
       access_log off; client_body_temp_path ${dir}/body;
       proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/fastcgi;
       uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi;
       ${http}
     }\n`,
  );
  await runFront(scene, NGINX, ["-p", dir, "-c", file, "-e", "stderr"], port);
}

/*
 * Start nginx with these lines in its server block. Ends with the scene.
 * Gives what Wire and Visitor take: { address, url }.
 */
export async function nginx(scene, lines) {
  const port = await freePort();

  await nginxWith(scene, `server { listen 127.0.0.1:${port}; ${lines} }`, port);
  return {
    address: { host: "127.0.0.1", port },
    host: `127.0.0.1:${port}`,
    url: `http://127.0.0.1:${port}`,
  };
}
