/* SPDX-License-Identifier: MIT */

/*
 * The canary: asks for little, again and again, in a thread of its own, so that
 * what it waits for is the server and not whoever makes the slow clients.
 *
 * Run by engine_conns.mjs. A message comes when it is up; any message to it ends
 * it, and its answers' times in milliseconds come back.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { ask, dial } from "./engine_dial.mjs";

const EVERY_MS = 10;
const times = [];
let over = false;

parentPort.once("message", () => (over = true));
const socket = await dial(workerData);

await ask(socket);
parentPort.postMessage("up");
while (!over) {
  times.push(await ask(socket));
  await sleep(EVERY_MS);
}
socket.destroy();
parentPort.postMessage(times);
