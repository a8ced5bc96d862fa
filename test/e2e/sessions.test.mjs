/* SPDX-License-Identifier: MIT */

/*
 * Sessions from outside: cookies, isolation, fixation, rotation, the bound.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { test, until } from "../lib/harness.mjs";
import { ctl, ctlJson } from "../lib/op_ctl.mjs";
import { configured, reload } from "../lib/op_server.mjs";
import { COOKIE, parseCookie, updateBody, Visitor } from "../lib/visitor.mjs";
import { post } from "../lib/wire.mjs";

const start = (scene, options) =>
  scene.start({ app: "sessions", workers: 2, threads: 2, ...options });

test("the page sets the cookie, nothing else does", async (t, scene) => {
  const server = await start(scene);
  const one = new Visitor(scene, server);
  const page = await one.get("/");

  assert.equal(page.status, 200);
  assert.equal(page.cookies.length, 1);
  const { name, value, attributes } = parseCookie(page.cookies[0]);

  assert.equal(name, COOKIE);
  assert.match(value, /^[A-Za-z0-9+/]{76}$/);
  assert.deepEqual(
    attributes.sort(),
    ["HttpOnly", "Max-Age=86400", "Path=/", "SameSite=Lax"],
  );
  assert.equal(page.field("cache-control"), "private, no-cache");
  assert.match(page.field("vary"), /\bCookie\b/);

  /* Everything after is of that session, and needs no new cookie. */
  const layout = await one.get("/_dash-layout");
  const id = await one.act("id");

  assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(layout.json().props.children[0].props.children, id);
  assert.deepEqual(layout.cookies, []);
  assert.equal(layout.field("cache-control"), "private, no-store");
  assert.equal(one.cookie, value);
  const again = await one.get("/");

  assert.deepEqual(again.cookies, []);
  const suite = /\/_dash-component-suites\/[^"]*\.js/.exec(page.text)[0];
  const file = await one.get(suite);

  assert.deepEqual(file.cookies, []);
  assert.match(file.field("cache-control"), /^public/);
  const open = await one.update("out.children", [["do.value", ["public"]]]);

  assert.equal(open.json().response.out.children, "public");
  assert.equal(open.field("vary"), "Accept-Encoding", "it used no session");
});

test("an app without sessions sets no cookie", async (t, scene) => {
  const server = await scene.start({ app: "zoo" });
  const page = await new Visitor(scene, server).get("/");

  assert.deepEqual(page.cookies, []);
  assert.equal(page.field("cache-control"), "no-cache");
});

test("whoever comes without one gets one", async (t, scene) => {
  const server = await start(scene);
  const one = new Visitor(scene, server);

  assert.equal(await one.act("set", "x", [1, { a: null }]), true);
  assert.ok(one.cookie);
  assert.deepEqual(await one.act("get", "x"), [1, { a: null }]);
  assert.equal(await one.act("delete", "x"), true);
  assert.equal(await one.act("get", "x"), "nothing");
  assert.equal(await one.act("delete", "x"), false);
});

/* Ways to keep all workers from writing; each gives the way back. */
const HINDRANCES = {
  /* As a full disk: what is there can be read. */
  "no room": async (server) => {
    const limit = (bytes) =>
      server.workers().forEach((pid) =>
        execFileSync("prlimit", ["--pid", `${pid}`, `--fsize=${bytes}:`]));

    limit(1);
    return () => limit("unlimited");
  },
  "a lock": async (server, scene) => {
    const file = path.join(server.options.cacheDir, "cache-v1.db");
    const locker = spawn("sqlite3", [file], { stdio: ["pipe", "pipe", "inherit"] });

    scene.later(() => locker.kill());
    locker.stdin.write("BEGIN IMMEDIATE; SELECT 'locked';\n");
    await once(locker.stdout, "data");
    return () => {
      locker.stdin.end("COMMIT;\n");
      return once(locker, "exit");
    };
  },
};

for (const [name, hinder] of Object.entries(HINDRANCES))
  test(`a store that cannot be written: ${name}`, { seconds: 120 }, async (t, scene) => {
    const cacheDir = path.join(scene.dir(), "cache");
    const server = await start(scene, { cacheDir });
    const old = new Visitor(scene, server);

    assert.equal(await old.act("set", "x", 1), true);
    const release = await hinder(server, scene);
    const fresh = [new Visitor(scene, server), new Visitor(scene, server)];
    const ids = [];

    for (const one of fresh) {
      ids.push(await one.act("id"));
      assert.equal(await one.act("get", "x"), "nothing");
      assert.equal(await one.act("set", "x", 2), false);
      assert.equal(await one.act("get", "x"), "nothing");
      assert.equal(await one.act("id"), ids.at(-1), "it stays the same");
    }
    assert.notEqual(ids[0], ids[1]);
    assert.equal(await old.act("get", "x"), 1);
    assert.equal(await old.act("set", "x", 3), false);
    await release();
    for (const [i, one] of fresh.entries()) {
      await until("the store", () => one.act("set", "x", i), 30);
      assert.equal(await one.act("get", "x"), i);
      assert.equal(await one.act("id"), ids[i]);
    }
    assert.equal(await old.act("get", "x"), 1);
  });

test("a hundred sessions at once never meet", { seconds: 60 }, async (t, scene) => {
  const server = await start(scene, { workers: 4 });
  const all = Array.from({ length: 100 }, () => new Visitor(scene, server));
  const ids = new Set();

  for (let round = 0; round < 3; round++) {
    await Promise.all(all.map(async (one, i) => {
      if (round === 0) await one.get("/");
      else assert.equal(await one.act("get", "mine"), `${i} ${round - 1}`);
      assert.equal(await one.act("set", "mine", `${i} ${round}`), true);
      assert.equal(await one.act("get", "mine"), `${i} ${round}`);
      ids.add(await one.act("id"));
    }));
  }
  assert.equal(ids.size, 100);
});

test("what we have not signed is not taken", { seconds: 60 }, async (t, scene) => {
  const server = await start(scene);
  const victim = new Visitor(scene, server);

  await victim.get("/");
  await victim.act("set", "secret", "of the victim");
  const good = victim.cookie;
  const raw = Buffer.from(good, "base64");
  const forged = [
    "x", "", "A".repeat(76), good.slice(0, 75), `${good}A`, ` ${good}`,
    good.slice(0, 40) + good.slice(36), good.toLowerCase(), `"${good}"`,
  ];

  for (let bit = 0; bit < raw.length * 8; bit++) {
    const bytes = Buffer.from(raw);

    bytes[bit >> 3] ^= 1 << (bit & 7);
    forged.push(bytes.toString("base64"));
  }
  const wire = await scene.connect(server);

  for (const value of forged) {
    const other = new Visitor(scene, server);

    other.jar.set(COOKIE, value);
    other.take = async (bytes) => {
      wire.write(bytes);
      return wire.answer();
    };
    const answer = await other.update("out.children", [["do.value", ["get", "secret"]]]);

    assert.equal(answer.json().response.out.children, "nothing", value);
    assert.equal(answer.cookies.length, 1, "it gets one of its own");
    assert.notEqual(parseCookie(answer.cookies[0]).value, value);
  }
  t.diagnostic(`${forged.length} forged cookies`);
  /* One that somebody has put beside it does no harm. */
  const beside = new Visitor(scene, server);

  beside.fields = () => ({ Cookie: `${COOKIE}=junk; ${COOKIE}=${forged.at(-1)}; ${COOKIE}=${good}` });
  assert.equal(await beside.act("get", "secret"), "of the victim");
});

/* Ask as a browser does: where it is told to, with the cookies it has then. */
async function follow(visitor, what) {
  const seen = new Set();
  const body = updateBody("out.children", [["do.value", what]]);
  const update = "/_dash-update-component";
  let target = update;

  for (let hops = 0; hops <= 20; hops++) {
    const answer = await visitor.take(post(body, { target, fields: visitor.fields() }));

    seen.add(answer.status);
    if (answer.status !== 307) return Object.assign(answer, { seen });
    assert.deepEqual(answer.cookies, []);
    assert.match(answer.field("location"), /^\?/);
    target = update + answer.field("location");
  }
  assert.fail("a browser gives up after 20");
}

test("requests beside the one that changes the id", { seconds: 60 }, async (t, scene) => {
  const server = await start(scene);
  const one = new Visitor(scene, server);
  const statuses = new Set();

  await one.get("/");
  await one.act("set", "x", "kept");
  for (let round = 0; round < 20; round++) {
    const change = round % 2 ? ["rotate"] : ["login", `Ada ${round}`];
    const answers = await Promise.all([
      ...Array.from({ length: 8 }, () => follow(one, ["get", "x"])),
      follow(one, change),
      ...Array.from({ length: 8 }, () => follow(one, ["get", "x"])),
    ]);

    for (const [i, answer] of answers.entries()) {
      assert.equal(answer.status, 200, `${change}: ${[...answer.seen]}`);
      answer.seen.forEach((status) => statuses.add(status));
      if (i !== 8) assert.equal(answer.json().response.out.children, "kept");
    }
  }
  t.diagnostic(`statuses ${[...statuses]}`);
  assert.equal(server.grep(/level=error/).length, 0);
});

test("another id, the same data, the old one dead", async (t, scene) => {
  const server = await start(scene);
  const one = new Visitor(scene, server);

  await one.get("/");
  const id = await one.act("id");
  const old = one.cookie;

  await one.act("set", "x", "kept");
  assert.equal(await one.act("rotate"), true);
  assert.notEqual(one.cookie, old);
  assert.equal(await one.act("get", "x"), "kept");
  assert.equal(await one.act("id"), id);
  const thief = new Visitor(scene, server);

  thief.jar.set(COOKIE, old);
  /* Whoever has the old one only is sent again and again, and then away. */
  const refused = await follow(thief, ["get", "x"]);

  assert.equal(refused.status, 409);
  assert.deepEqual([...refused.seen], [307, 409]);
  assert.deepEqual(refused.cookies, [], "the browser has a newer one");
  assert.equal(thief.cookie, old);
  assert.ok(!refused.text.includes("kept"));
  await server.waitFor(/another id a moment ago/);

  /* After an error the browser knows the new id, too. */
  const failed = await one.update("out.children", [["do.value", ["fail"]]]);

  assert.equal(failed.status, 500);
  assert.equal(failed.cookies.length, 1);
  assert.equal(await one.act("get", "x"), "kept");

  /* Logging in is another id; the name follows. */
  const before = one.cookie;

  assert.equal(await one.act("user"), "");
  assert.equal(await one.act("login", "Ada"), true);
  assert.notEqual(one.cookie, before);
  assert.equal(await one.act("user"), "Ada");
  assert.equal(await one.act("get", "x"), "kept");
});

test("the end of a session", async (t, scene) => {
  const server = await start(scene);
  const one = new Visitor(scene, server);

  await one.get("/");
  await one.act("set", "x", "gone");
  const old = one.cookie;

  assert.equal(await one.act("end"), true);
  assert.equal(one.cookie, undefined);
  one.jar.set(COOKIE, old);
  assert.equal(await one.act("get", "x"), "nothing");
  assert.notEqual(one.cookie, old, "the dead id was not revived");
  one.jar.set(COOKIE, old);
  const page = await one.get("/");

  assert.equal(page.cookies.length, 1, "the page gives a new one at once");
});

test("memoized callbacks are told why they may not", async (t, scene) => {
  const server = await start(scene);
  const one = new Visitor(scene, server);

  for (const name of ["nosy", "nosy-header"]) {
    const answer = await one.update(`${name}.children`, [["do.value", 1]]);

    assert.equal(answer.status, 500);
    assert.deepEqual(answer.cookies, []);
  }
  await server.waitFor(/name=nosy reason="ph_session_id\(\): it is memoized/);
  await server.waitFor(/ph_set_header\(\): what is memoized is given to others/);
});

test("what was memoized for one session is forgotten", async (t, scene) => {
  const server = await start(scene, { workers: 2 });
  const all = [new Visitor(scene, server), new Visitor(scene, server)];
  const ask = async (one) => {
    const answer = await one.update("mine.children", [["do.value", "x"]]);

    assert.equal(answer.status, 200);
  };
  const ran = () => server.grep(/run mine/).length;

  for (const one of all) {
    await one.get("/");
    assert.equal(await one.act("set", "name", "kept"), true);
    for (let i = 0; i < 4; i++) await ask(one);
  }
  assert.equal(ran(), 2);
  assert.equal(await all[0].act("forget"), true);
  assert.equal(await all[0].act("get", "name"), "kept");
  for (let i = 0; i < 4; i++) await ask(all[1]);
  assert.equal(ran(), 2);
  for (let i = 0; i < 4; i++) await ask(all[0]);
  assert.equal(ran(), 3);
});

test("visitors who store nothing push out none who did", async (t, scene) => {
  const server = await start(scene, { args: ["--session-limit", "5"] });
  const one = new Visitor(scene, server);

  await one.get("/");
  assert.equal(await one.act("set", "name", "Ada"), true);
  for (let i = 0; i < 30; i++) {
    const visitor = new Visitor(scene, server);

    await visitor.get("/");
    await visitor.act("id");
    await visitor.act("get", "name");
  }
  assert.equal(await one.act("get", "name"), "Ada");
});

test("no more sessions than session_limit", { seconds: 60 }, async (t, scene) => {
  const server = await start(scene, { args: ["--session-limit", "5"] });
  const all = Array.from({ length: 12 }, () => new Visitor(scene, server));
  const seen = [];
  let live = 0;

  for (const one of all) {
    await one.get("/");
    assert.equal(await one.act("set", "x", "y"), true);
    seen.push(await one.act("count"));
  }
  assert.deepEqual(
    seen,
    all.map((_, i) => `${Math.min(i + 1, 5)} of 5`),
  );
  for (const one of all.slice(7)) {
    if ((await one.act("get", "x")) === "y") live++;
  }
  assert.equal(live, 5, "the last five");
  assert.equal(await all[0].act("get", "x"), "nothing");
  await server.waitFor(/event=session\.evicted/);
});

test("a session has a quota", async (t, scene) => {
  const server = await start(scene, { args: ["--session-quota", "100KiB"] });
  const one = new Visitor(scene, server);
  const other = new Visitor(scene, server);

  await other.act("set", "x", "small");
  assert.equal(await one.act("set", "a", "a".repeat(60000)), true);
  assert.equal(await one.act("set", "b", "b".repeat(60000)), false);
  assert.equal(await one.act("set", "a", "c".repeat(90000)), true);
  assert.equal(await other.act("get", "x"), "small");
  await server.waitFor(/session_quota is used up/);
});

test("a restart keeps sessions, another key ends them", { seconds: 60 }, async (t, scene) => {
  const cacheDir = path.join(scene.dir(), "cache");
  const one = new Visitor(scene, await start(scene, { cacheDir }));

  await one.get("/");
  await one.act("set", "x", "kept");
  const key = path.join(cacheDir, "session.key");

  assert.equal(fs.statSync(key).mode & 0o777, 0o600);
  await one.server.stop();
  one.server = await start(scene, { cacheDir });
  assert.equal(await one.act("get", "x"), "kept");
  await one.server.stop();

  /* Keys in turn: the first signs, all verify. */
  const old = fs.readFileSync(key, "latin1").trim();
  const file = scene.file("keys", `# the new one\n${"n".repeat(20)}\n${old}\n`);

  fs.chmodSync(file, 0o600);
  one.server = await start(scene, { cacheDir, args: ["--session-secret-file", file] });
  const cookie = one.cookie;

  assert.equal(await one.act("get", "x"), "kept");
  assert.equal(await one.act("rotate"), true);
  await one.server.stop();
  fs.writeFileSync(file, `${"n".repeat(20)}\n`);
  one.server = await start(scene, { cacheDir, args: ["--session-secret-file", file] });
  assert.equal(await one.act("get", "x"), "kept", "signed by the new key");
  one.jar.set(COOKIE, cookie);
  assert.equal(await one.act("get", "x"), "nothing", "by one that is gone");
});

test("headers and cookies of an answer [3] [H12]", async (t, scene) => {
  const server = await start(scene);
  const one = new Visitor(scene, server);
  const ask = (...what) => one.update("out.children", [["do.value", what]]);
  const fine = await ask("header", "X-Total", "42 of 43");

  assert.equal(fine.field("x-total"), "42 of 43");
  const cookie = await ask("cookie", "theme", "dark", 60);

  assert.deepEqual(cookie.cookies, [
    "theme=dark; Path=/; SameSite=Lax; Max-Age=60; HttpOnly",
  ]);
  assert.equal(one.jar.get("theme"), "dark");
  await ask("cookie", "theme", "", -1);
  assert.equal(one.jar.get("theme"), undefined);
  const bad = [
    ["header", "X-A", "b\r\nX-C: d"], ["header", "X-A\r\nX-B", "c"],
    ["header", "", "x"], ["header", "X A", "x"], ["header", "X-A", "\u0001"],
    ["header", "Content-Length", "1"], ["header", "transfer-encoding", "x"],
    ["header", "Set-Cookie", "a=b"], ["header", "Connection", "close"],
    ["cookie", "a b", "c", 0], ["cookie", "a", "b; Domain=x", 0],
    ["cookie", "a", "b\nc", 0], ["cookie", COOKIE, "mine", 0],
    ["cookie", `__Host-${COOKIE}`, "mine", 0],
    ["header", "X-A", "x".repeat(5000)],
  ];

  for (const what of bad) {
    const answer = await ask(...what);

    assert.equal(answer.status, 500, JSON.stringify(what));
    assert.deepEqual(answer.cookies, []);
    assert.equal(answer.field("x-c"), undefined);
  }
});

test("values on the server", { seconds: 60 }, async (t, scene) => {
  const server = await start(scene, { workers: 4 });
  const one = new Visitor(scene, server);
  const make = async (who, n) => {
    const answer = await who.update("store.data", [["make.n_clicks", n]]);

    assert.ok(answer.body.length < 250, `${answer.body.length} bytes`);
    return answer.json().response.store.data;
  };
  const read = async (who, data) => {
    const answer = await who.update("seen.children", [["store.data", data]]);

    assert.equal(answer.status, 200);
    return answer.json().response.seen.children;
  };

  await one.get("/");
  const handle = await make(one, 7);

  assert.deepEqual(Object.keys(handle), ["_ph_handle"]);
  for (let i = 0; i < 10; i++)
    assert.equal(await read(one, handle), "1000 rows, made by click 7");
  const second = await make(one, 8);

  assert.equal(await read(one, second), "1000 rows, made by click 8");
  assert.equal(await read(one, handle), "1000 rows, made by click 7");
  const thief = new Visitor(scene, server);

  await thief.get("/");
  assert.match(await read(thief, handle), /^lost: .* another session/);
  const raw = Buffer.from(handle._ph_handle, "base64");

  raw[20] ^= 1;
  assert.match(
    await read(one, { _ph_handle: raw.toString("base64") }), /^lost: .*forged/);
  assert.match(await read(one, { _ph_handle: "x" }), /^lost: this is no handle/);
  await server.waitFor(/event=session\.handle/);
});

test("values on the server expire and make room", { seconds: 60 }, async (t, scene) => {
  const server = await start(scene, {
    args: ["--session-store-timeout", "1", "--session-quota", "250KiB"],
  });
  const one = new Visitor(scene, server);
  const handles = [];
  const read = async (data) =>
    (await one.update("seen.children", [["store.data", data]]))
      .json().response.seen.children;

  for (let i = 0; i < 4; i++)
    handles.push((await one.update("store.data", [["make.n_clicks", i]]))
      .json().response.store.data);
  assert.match(await read(handles[0]), /lost: .*(made room|expired)/);
  await until("the last to expire", async () =>
    /lost: .*expired/.test(await read(handles[3])));
});

test("keys are neither printed nor weak", async (t, scene) => {
  const server = scene.server({
    app: "sessions",
    args: ["--session-secret", "short"],
  });

  await assert.rejects(server.ready());
  assert.ok(!server.lines.join("\n").includes("'short'"));
});

test("pronghorn ctl lists sessions and ends one", { seconds: 60 }, async (t, scene) => {
  const socket = path.join(scene.dir(), "ctl.sock");
  const server = await start(scene, { args: ["--control-socket", socket] });
  const one = new Visitor(scene, server);
  const other = new Visitor(scene, server);

  server.controlSocket = socket;
  await one.act("set", "x", "data");
  await other.act("set", "x", "theirs");
  const id = await one.act("id");
  const { out } = await ctl(server, "--json", "sessions");
  const answer = JSON.parse(out);

  assert.equal(answer.count, 2);
  assert.equal(answer.entries, 2);
  assert.ok(answer.bytes > 0);
  assert.ok(answer.sessions.some(({ session, entries }) => session === id && entries === 1));
  assert.ok(!out.includes(one.cookie), "no cookie is shown");
  assert.equal((await ctl(server, "sessions", "end")).status, 2);
  assert.equal((await ctl(server, "sessions", "end", "%")).status, 1);
  assert.equal((await ctlJson(server, "sessions", "end", id.slice(0, 8))).ended, 1);
  assert.equal((await ctlJson(server, "sessions", "end", id)).ended, 0);
  assert.equal(await one.act("get", "x"), "nothing");
  assert.notEqual(await one.act("id"), id);
  assert.equal(await other.act("get", "x"), "theirs");
});

/* A worker that is replaced after it signs with the keys of the others. */
test("a reload that is refused changes no key", { seconds: 60 }, async (t, scene) => {
  const session_secret_file = scene.file("keys", "the first key of all\n");

  fs.chmodSync(session_secret_file, 0o600);
  const settings = { workers: 1, threads: 2, session_secret_file };
  const server = await configured(scene, settings, { app: "sessions" });
  const one = new Visitor(scene, server);
  const isKnown = async () => {
    const [worker] = server.workers();

    server.kill("SIGKILL", worker);
    await until("another worker", () =>
      server.workers().length === 1 && server.workers()[0] !== worker);
    return (await one.act("get", "name")) === "Ada";
  };

  await one.get("/");
  assert.equal(await one.act("set", "name", "Ada"), true);
  fs.writeFileSync(session_secret_file, "quite another key\n");
  server.configure({ ...settings, tmp_upload_dir: "/nowhere" });
  server.kill("SIGHUP");
  await server.waitFor(/master\.reload_failed .*\/nowhere/);
  assert.ok(await isKnown(), "after a check that failed");
  fs.writeFileSync(session_secret_file, "short\n");
  server.configure(settings);
  server.kill("SIGHUP");
  await server.waitFor(/master\.reload_failed .*shorter than/);
  assert.ok(await isKnown(), "after keys that are none");
  /* And one that is taken does change them. */
  fs.writeFileSync(session_secret_file, "quite another key\n");
  await reload(server);
  await until("only the new worker", () => server.workers().length === 1);
  assert.equal(await one.act("get", "name"), "nothing");
});
