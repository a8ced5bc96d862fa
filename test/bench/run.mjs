/* SPDX-License-Identifier: MIT */

/*
 * Every comparison in one run: servers are started side by side (an idle one
 * costs nothing) and visited in turn, round after round, so that all of them
 * see the same good and bad minutes of the machine. Medians are reported
 * with the least and the greatest value.
 *
 *   node test/bench/run.mjs BUILD      see run.sh for the environment
 *
 * What is not installed is skipped with one line. README.md describes the
 * file of results.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { cacheAlone } from "./cache.mjs";
import {
  appPeers,
  BENCH,
  exportData,
  ONLY,
  OUT,
  QUICK,
  results,
  say,
  skip,
} from "./common.mjs";
import { bytes, cold, warm } from "./compare.mjs";
import { engine } from "./engine.mjs";
import { browsers, scale } from "./explore.mjs";
import { generator } from "./generator.mjs";
import { commit, describe, Refusal, setPriority, versions } from "./machine.mjs";
import { plotResults } from "./plot.mjs";
import { printTables } from "./tables.mjs";
import { printTargets } from "./targets.mjs";

/* Each gives its member of the results, or nothing when it cannot run. */
const PARTS = [
  ["warm", warm],
  ["cold", cold],
  ["bytes", bytes],
  ["generator", generator],
  ["cache", cacheAlone],
  ["scale", scale],
  ["engine", engine],
  [
    "browsers",
    () => (QUICK && ONLY.length === 0 ? skip("real browsers", "QUICK=1") : browsers()),
  ],
];
for (const name of ONLY) {
  if (PARTS.some(([part]) => part === name)) continue;
  console.error(`bench: ONLY=${name}: no such part`);
  process.exit(2);
}
const isWanted = (name) => ONLY.length === 0 || ONLY.includes(name);

async function main() {
  const start = performance.now();

  const priority = setPriority(process.env.PRIORITY);

  if (!fs.existsSync(BENCH))
    throw new Refusal(`${BENCH} is missing; run \`make\` first`);
  fs.mkdirSync(OUT, { recursive: true });
  /* What an earlier run had, this one may not have. */
  for (const name of fs.readdirSync(OUT))
    if (/\.svg$|^results\.json$/.test(name)) fs.rmSync(path.join(OUT, name));
  Object.assign(results, {
    schema: 1,
    started: new Date().toISOString(),
    quick: QUICK,
    ...commit(),
    machine: describe(),
    priority,
    versions: versions(),
  });
  await exportData();
  const peers = isWanted("warm") || isWanted("cold") ? appPeers() : [];

  for (const [name, measurePart] of PARTS) {
    if (!isWanted(name)) continue;
    const part = await measurePart(peers);

    if (part) results[name] = part;
  }
  results.seconds = (performance.now() - start) / 1000;
  results.machine.load_after = os.loadavg()[0];
  fs.writeFileSync(
    path.join(OUT, "results.json"),
    JSON.stringify(results, null, 1) + "\n",
  );
  plotResults(results, OUT);
  printTables(results);
  printTargets(results);
  say(`${path.join(OUT, "results.json")}, ${Math.round(results.seconds)} s`);
  const wrong = [results.warm, results.cold]
    .flatMap((part) => Object.values(part?.peers ?? {}))
    .concat(results.generator?.reading.shares ?? [])
    .reduce((sum, peer) => sum + peer.wrong, 0);

  if (wrong > 0) throw new Error(`${wrong} wrong answers`);
}

main().then(
  () => process.exit(0),
  (error) => {
    if (error instanceof Refusal) say(error.message);
    else say(error.stack ?? String(error));
    process.exit(error instanceof Refusal ? 2 : 1);
  },
);
