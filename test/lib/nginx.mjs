/* SPDX-License-Identifier: MIT */

/* Debian's nginx in front of a server, on a port of the kernel's choice. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { until } from "./harness.mjs";

export const NGINX = ["/usr/sbin/nginx", "/usr/bin/nginx"].find((file) =>
  fs.existsSync(file),
);

function freePort() {
  return new Promise((done) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();

      server.close(() => done(port));
    });
  });
}

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

/*
 * Start nginx with these lines in its server block; `{{port}}` is its own.
 * Ends with the scene. Gives what Wire and Visitor take: { address, url }.
 */
export async function nginx(scene, lines) {
  const dir = scene.dir();
  const port = await freePort();
  const file = path.join(dir, "nginx.conf");

  fs.writeFileSync(
    file,
    `daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/error;
     events { worker_connections 256; }
     http {
       access_log off; client_body_temp_path ${dir}/body;
       proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/fastcgi;
       uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi;
       server { listen 127.0.0.1:${port}; ${lines} }
     }\n`,
  );
  const child = spawn(NGINX, ["-p", dir, "-c", file, "-e", `${dir}/error`], {
    stdio: "ignore",
  });

  scene.later(
    () =>
      new Promise((done) => {
        if (child.exitCode !== null) return done();
        child.on("exit", done);
        return child.kill("SIGKILL");
      }),
  );
  await until("nginx", () => canConnect(port));
  return {
    address: { host: "127.0.0.1", port },
    host: `127.0.0.1:${port}`,
    url: `http://127.0.0.1:${port}`,
  };
}
