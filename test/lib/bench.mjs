/* SPDX-License-Identifier: MIT */

/* pronghorn-bench as tests run it. */
import { spawn } from "node:child_process";
import path from "node:path";
import { BUILD } from "./harness.mjs";

export const BENCH = path.join(BUILD, "pronghorn-bench");

/* Run it; gives its exit status and its JSON. */
export function bench(...args) {
  return new Promise((done, fail) => {
    const child = spawn(BENCH, [...args.map(String), "--json", "-"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let err = "";

    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (err += data));
    child.on("error", fail);
    child.on("close", (status) => {
      let results = null;

      if (out.startsWith("{")) results = JSON.parse(out);
      done({ status, results, out, err });
    });
  });
}
