/* SPDX-License-Identifier: MIT */

/*
 * Hooks of the app: which process, when, and what they can prevent.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { BUILD, test, until } from "../lib/harness.mjs";
import { ctlJson } from "../lib/op_ctl.mjs";
import { endTree } from "../lib/op_process.mjs";
import { configured, reload } from "../lib/op_server.mjs";
import { Server } from "../lib/server.mjs";
import { get, post } from "../lib/wire.mjs";

const start = (scene, settings, env = {}) =>
  configured(scene, settings, { app: "op_hooks", env });

/* The lines a hook has written: { in, slot, pid, workers, before, status }. */
function calls(server, hook) {
  return server
    .grep(new RegExp(`from=hook ${hook} in=`))
    .map((line) =>
      Object.fromEntries(
        [...line.matchAll(/(in|slot|pid|workers|before|status)=(-?\d+)/g)]
          .slice(-6)
          .map(([, name, number]) => [name, Number(number)]),
      ),
    );
}

test("in the worker", async (t, s) => {
  const refuse = path.join(s.dir(), "refuse");
  const server = await start(
    s,
    { workers: 2 },
    { HOOKS: "worker", HOOKS_REFUSE: refuse },
  );
  const pids = server.workers().sort();

  assert.deepEqual(calls(server, "post_fork").map((c) => c.in).sort(), pids);
  assert.deepEqual(calls(server, "post_worker_init").map((c) => c.pid).sort(), pids);
  /* What post_fork has set up can be used. */
  assert.match((await s.send(server, get("/_dash-layout"))).text, /"42"/);
  await server.waitFor(/post_request GET \/_dash-layout 200 127\.0\.0\.1/);
  assert.equal((await s.send(server, get("/secret"))).status, 401);
  assert.equal(
    (
      await s.send(
        server,
        "GET /secret HTTP/1.1\r\nHost: x\r\nX-Key: open\r\n\r\n",
      )
    ).status,
    200,
  );
  /* A worker that may not start keeps the old ones in service. */
  fs.writeFileSync(refuse, "");
  server.kill("SIGHUP");
  const line = await server.waitFor(/master\.reload_failed .*/);

  assert.match(line[0], /hook post_worker_init returned 7/);
  assert.equal((await s.send(server, get("/"))).status, 200);
  await server.stop();
  assert.equal(calls(server, "worker_exit").length, 2);
});

test("who refuses just after the server was ready does not end it", { seconds: 60 }, async (t, s) => {
  const refuse = path.join(s.dir(), "refuse");
  const socket = path.join(s.dir(), "ctl.sock");
  const server = await start(
    s,
    {
      workers: 2,
      respawn_limit: 2,
      control_socket: socket,
      metrics_bind: "127.0.0.1:0",
    },
    { HOOKS: "worker", HOOKS_REFUSE: refuse },
  );
  const [, bound] = await server.waitFor(/event=metrics\.bound address=(\S+)/);
  const admin = { address: Server.parseAddress(bound) };

  server.controlSocket = socket;
  fs.writeFileSync(refuse, "");
  for (const pid of server.workers()) server.kill("SIGKILL", pid);
  await server.waitFor(/verdict=stillborn/, { count: 5, seconds: 30 });
  const status = await ctlJson(server, "status");

  assert.equal(status.state, "degraded");
  assert.match(status.last_failure, /post_worker_init returned 7/);
  assert.equal((await s.send(admin, get("/_ph/ready"))).status, 503);
  /* The pauses between the forks grow. */
  const times = server
    .grep(/event=worker\.fork/)
    .map((line) => Date.parse(/time=(\S+)/.exec(line)[1]));

  assert.ok(times.at(-1) - times.at(-2) > 2 * (times[3] - times[2]), `${times}`);
  fs.rmSync(refuse);
  await until("both", () => server.workers().length === 2, 30);
  await until("service", async () =>
    (await ctlJson(server, "status")).state === "serving", 30);
  assert.equal((await s.send(server, get("/"))).status, 200);
  assert.equal(server.grep(/master\.give_up/).length, 0);
});

test("more workers are on their way: scaling, not degraded", async (t, s) => {
  const slow = path.join(s.dir(), "slow");
  const socket = path.join(s.dir(), "ctl.sock");
  const server = await start(
    s,
    { workers: 1, control_socket: socket },
    { HOOKS: "worker", HOOKS_SLOW: slow },
  );
  const state = async () => (await ctlJson(server, "status")).state;

  server.controlSocket = socket;
  assert.equal(await state(), "serving");
  fs.writeFileSync(slow, ""); /* two seconds to boot */
  await ctlJson(server, "scale", "3");
  await until("their boot", async () =>
    (await ctlJson(server, "status")).workers_booting === 2);
  assert.equal(await state(), "scaling");
  assert.equal((await s.send(server, get("/_ph/ready"))).status, 200);
  await until("service", async () => (await state()) === "serving");
  /* One that is missing is another thing. */
  server.kill("SIGKILL", server.workers()[0]);
  await until("its successor", async () => (await state()) === "degraded");
  await until("service", async () => (await state()) === "serving");
});

test("post_request is told the path of an answer that has waited", async (t, s) => {
  const server = await start(s, { workers: 1 }, { HOOKS: "worker" });
  const wire = await s.connect(server);

  wire.write(
    post({
      output: "opened.children",
      outputs: { id: "opened", property: "children" },
      inputs: [{ id: "opened", property: "n_clicks", value: 1 }],
      changedPropIds: ["opened.n_clicks"],
      parsedChangedPropsIds: ["opened.n_clicks"],
    }),
  );
  /* Another request is read into the same memory meanwhile. */
  await new Promise((done) => setTimeout(done, 100));
  await s.send(server, get("/another/path/that/is/long/enough"));
  assert.equal((await wire.answer()).status, 200);
  await server.waitFor(/post_request POST \/_dash-update-component 200 127\.0\.0\.1/);
});

test("worker_int", async (t, s) => {
  const server = await start(s, { workers: 2 }, { HOOKS: "worker" });

  await server.stop("SIGQUIT");
  assert.equal(calls(server, "worker_int").length, 2);
  assert.equal(calls(server, "worker_exit").length, 0);
});

test("the master's need preload_app", async (t, s) => {
  const server = await configured(s, { workers: 1 }, { app: "op_hooks", wait: false });

  assert.equal((await server.exited).status, 1);
  assert.match(
    server.lines.join("\n"),
    /hook on_starting runs in the master: set preload_app = True/,
  );
});

test("a preloaded app is not loaded again by HUP, and it is said", async (t, s) => {
  const file = path.join(s.dir(), "app.so");

  fs.copyFileSync(path.join(BUILD, "test-apps/op_faults.so"), file);
  const server = await configured(
    s,
    { workers: 1, preload_app: true, app: file },
    { app: false },
  );
  const stale = /event=app\.preloaded .*SIGUSR2 loads the new/;

  await reload(server);
  assert.equal(server.grep(stale).length, 0);
  fs.rmSync(file);
  fs.copyFileSync(path.join(BUILD, "test-apps/op_faults.so"), file);
  await reload(server);
  assert.equal(server.grep(stale).length, 1);
});

test("in the master", async (t, s) => {
  const veto = path.join(s.dir(), "veto");
  const server = await start(
    s,
    { workers: 2, preload_app: true },
    { HOOKS_VETO: veto },
  );
  const inMaster = (hook) => {
    const all = calls(server, hook);

    for (const call of all) assert.equal(call.in, server.pid, hook);
    return all;
  };

  assert.equal(inMaster("on_starting").length, 1);
  assert.deepEqual(inMaster("pre_fork").map((c) => c.slot), [0, 1]);
  assert.equal(inMaster("when_ready")[0].workers, 2);
  server.kill("SIGTTIN");
  await until("nworkers_changed", () => inMaster("nworkers_changed").length === 1);
  assert.deepEqual(
    [inMaster("nworkers_changed")[0].before, inMaster("nworkers_changed")[0].workers],
    [2, 3],
  );
  await until("3 workers", () => server.workers().length === 3);
  const victim = server.workers()[0];

  server.kill("SIGKILL", victim);
  await until("child_exit", () =>
    inMaster("child_exit").some((c) => c.pid === victim && c.status === 9));
  fs.writeFileSync(veto, "");
  server.kill("SIGHUP");
  const line = await server.waitFor(/master\.reload_failed .*/);

  assert.match(line[0], /on_reload says no/);
  fs.rmSync(veto);
  await reload(server);
  assert.equal((await s.send(server, get("/"))).status, 200);
  server.kill("SIGUSR2");
  const fresh = Number((await server.waitFor(/upgrade\.ready child=(\d+)/))[1]);

  s.later(() => endTree(fresh));
  assert.equal(inMaster("pre_exec").length, 1);
  await server.stop();
  assert.equal(inMaster("on_exit").length, 1);
});
