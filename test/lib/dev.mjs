/* SPDX-License-Identifier: MIT */

/* `pronghorn dev` under test: a Server whose program is the command. */
import fs from "node:fs";
import path from "node:path";
import { BUILD } from "./harness.mjs";

export const PROGRAM = path.join(BUILD, "pronghorn");

/*
 * Serve `source`, or several, as who writes them does. `options` as of
 * Scene.server(); `flags` are for the compiler.
 */
export async function dev(scene, source, options = {}) {
  const server = scene.server({
    ...options,
    wrapper: [PROGRAM],
    program: "dev",
    app: false,
    workers: options.workers ?? 1,
    threads: 1,
    args: [
      ...[...(options.args ?? []), ...[source].flat()],
      ...(options.flags ? ["--", ...options.flags] : []),
    ],
  });

  /* Not by a kill: it removes its folder when it ends. */
  scene.later(async () => {
    if (!server.end) await server.stop();
  });
  const [, url] = await server.waitFor(
    /pronghorn dev: serving on (http:\S+)\/;/,
    { seconds: 60 },
  );

  await server.ready();
  server.url = url; /* the first server may have been given up */
  server.host = url.slice("http://".length);
  server.address = server.constructor.parseAddress(server.host);
  return server;
}

/* Save `file` with `from` replaced by `to`, as editors do. */
export function edit(file, from, to) {
  const text = fs.readFileSync(file, "utf8");

  if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
  fs.writeFileSync(`${file}~`, text.replace(from, to));
  fs.renameSync(`${file}~`, file);
}
