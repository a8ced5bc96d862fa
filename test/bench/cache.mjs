/* SPDX-License-Identifier: MIT */

/*
 * The cache alone, beside the stores it takes the place of: get, set, and
 * nine gets to one set by four processes. All do the same work (cache_work.h)
 * and are visited in turn, round after round.
 */
import fs from "node:fs";
import path from "node:path";
import {
  BUILD,
  execute,
  freshDir,
  hasModule,
  isInstalled,
  QUICK,
  say,
  skip,
  spread,
} from "./common.mjs";
import { waitQuiet } from "./machine.mjs";
import { PROGRAMS, startRedis } from "./peers/peers.mjs";

const KB = 1024;
const SECONDS = QUICK ? 0.3 : 0.6;
const ROUNDS = QUICK ? 1 : 3;
const CASES = [
  ...[1, 10, 100].map((size) => ({ kind: "get", size, processes: 1 })),
  ...[1, 10, 100].map((size) => ({ kind: "set", size, processes: 1 })),
  ...[1, 10].map((size) => ({ kind: "mixed", size, processes: 4 })),
];
const PEER = new URL("./peers/cache_peer.py", import.meta.url).pathname;

/* The stores that are there, as { name, run(case) -> JSON, stop() }. */
async function stores() {
  const program = (name) => path.join(BUILD, "bench", name);
  const list = [];
  const own = (command, before, where) => async (one) => {
    const dir = where ?? freshDir("store");

    if (!where) fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
    const { code, out, err } = await execute(command, [
      ...before,
      dir,
      ...[one.kind, one.size * KB, one.processes, SECONDS].map(String),
    ]);

    if (!where) fs.rmSync(dir, { recursive: true, force: true });
    if (code !== 0) throw new Error(`${command} ${before}: ${err || out}`);
    return JSON.parse(out);
  };

  if (!fs.existsSync(program("cache_own")))
    return skip("the cache alone", "cache_own was not built"), [];
  list.push({ name: "pronghorn", run: own(program("cache_own"), []) });
  if (!isInstalled("redis")) skip("redis alone", "redis-server is not installed");
  else if (!fs.existsSync(program("cache_redis")))
    skip("redis alone", "libhiredis-dev was not there when this was built");
  else {
    const redis = await startRedis(freshDir("redis"));

    list.push({
      name: "redis",
      run: own(program("cache_redis"), [], redis.socket),
      stop: redis.stop,
    });
  }
  if (hasModule("diskcache"))
    list.push({ name: "diskcache", run: own(PROGRAMS.python, [PEER, "diskcache"]) });
  else skip("diskcache", "python3-diskcache is not installed");
  if (hasModule("flask", "flask_caching"))
    list.push({ name: "flask-caching files", run: own(PROGRAMS.python, [PEER, "files"]) });
  else skip("Flask-Caching's files alone", "python3-flask-caching is not installed");
  return list;
}

export async function cacheAlone() {
  const list = await stores();

  if (list.length === 0) return null;
  const runs = CASES.map(() => new Map(list.map((store) => [store.name, []])));

  try {
    for (let round = 0; round < ROUNDS; round++) {
      say(`cache alone, round ${round + 1}`);
      for (const [index, one] of CASES.entries()) {
        await waitQuiet(500);
        for (const store of list)
          runs[index].get(store.name).push(await store.run(one));
      }
    }
  } finally {
    for (const store of list) await store.stop?.();
  }
  return {
    seconds: SECONDS,
    cases: CASES.map((one, index) => ({
      ...one,
      size_kb: one.size,
      size: undefined,
      stores: Object.fromEntries(
        [...runs[index]].map(([name, all]) => [
          name,
          {
            ops_per_s: spread(all, (run) => run.ops_per_s),
            p50_us: spread(all, (run) => run.p50_us),
            p99_us: spread(all, (run) => run.p99_us),
            wrong: all.reduce((sum, run) => sum + run.wrong, 0),
          },
        ]),
      ),
    })),
  };
}
