/* SPDX-License-Identifier: MIT */

/*
 * pronghorn ctl as a program, for tests.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { BUILD } from "./harness.mjs";

const PROGRAM = path.join(BUILD, "pronghorn");

/* Run it for `server`: { status, out, err }. */
export function ctl(server, ...words) {
  const place = server.controlSocket
    ? ["--socket", server.controlSocket]
    : ["-c", server.file];

  return new Promise((done) => {
    execFile(PROGRAM, ["ctl", ...place, ...words], (error, out, err) => {
      done({ status: error ? error.code : 0, out, err });
    });
  });
}

/* The answer of a command that must succeed. */
export async function ctlJson(server, ...words) {
  const { status, out, err } = await ctl(server, "--json", ...words);

  assert.equal(status, 0, err);
  return JSON.parse(out);
}
