/* SPDX-License-Identifier: MIT */

/*
 * Who the processes are and what they may never become.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import tls from "node:tls";
import { certificate } from "../lib/certificate.mjs";
import { test, until } from "../lib/harness.mjs";
import { configured, reload } from "../lib/op_server.mjs";
import { get } from "../lib/wire.mjs";

const ROOT_ONLY = process.getuid() !== 0 ? "only root can do this" : false;
const NOBODY = 65534;

function status(pid) {
  const text = fs.readFileSync(`/proc/${pid}/status`, "latin1");
  const row = (name) =>
    new RegExp(`^${name}:\\s*(.*)$`, "m").exec(text)[1].trim().split(/\s+/);

  return {
    uids: row("Uid").map(Number),
    gids: row("Gid").map(Number),
    groups: row("Groups").filter(Boolean).map(Number),
    noNewPrivs: row("NoNewPrivs")[0],
    umask: row("Umask")[0],
  };
}

/* A server whose folders belong to nobody. */
async function asNobody(scene, settings, options = {}) {
  const dir = scene.dir();

  fs.chownSync(dir, NOBODY, NOBODY);
  return configured(
    scene,
    {
      user: "nobody",
      cache_dir: path.join(dir, "cache"),
      errorlog: "-",
      ...settings,
    },
    options,
  );
}

test("workers and keeper are somebody else, the master is not",
  { skip: ROOT_ONLY }, async (t, s) => {
    const dir = s.dir();

    fs.chmodSync(dir, 0o711);
    const server = await asNobody(s, {
      workers: 2,
      bind: `unix:${path.join(dir, "web.sock")}`,
    });

    assert.deepEqual(status(server.pid).uids, [0, 0, 0, 0]);
    for (const pid of [...server.workers(), server.keeper()]) {
      const { uids, gids, groups, noNewPrivs } = status(pid);

      assert.deepEqual(uids, Array(4).fill(NOBODY));
      assert.deepEqual(gids, Array(4).fill(NOBODY));
      assert.deepEqual(groups, [NOBODY]);
      assert.equal(noNewPrivs, "1");
    }
    assert.equal(fs.statSync(path.join(dir, "web.sock")).uid, NOBODY);
    assert.equal((await s.send(server, get("/"))).status, 200);
    await reload(server);
    await until("new workers", () => server.workers().length === 2);
    assert.equal(status(server.workers()[0]).uids[0], NOBODY);
    /* They still end with their master. */
    const pids = server.workers();

    await server.stop("SIGKILL");
    await until("their end", () =>
      pids.every((pid) => !fs.existsSync(`/proc/${pid}`)));
  });

test("unknown users and groups are refused", { skip: ROOT_ONLY }, async (t, s) => {
  for (const [settings, pattern] of [
    [{ user: "no-such-user" }, /user = .*there is no such user/],
    [{ group: "no-such-group" }, /group = .*there is no such group/],
    [{ raw_env: ["NOVALUE"] }, /raw_env: .*is not NAME=VALUE/],
  ]) {
    const server = await configured(s, settings, { wait: false });

    assert.equal((await server.exited).status, 1);
    assert.match(server.lines.join("\n"), pattern);
  }
});

test("umask, no_new_privs and raw_env", async (t, s) => {
  const broken = path.join(s.dir(), "broken");
  const server = await configured(s, {
    umask: 0o27,
    no_new_privs: false,
    raw_env: [`OP_BROKEN=${broken}`, "EMPTY="],
  });
  const [pid] = server.workers();

  assert.equal(status(pid).umask, "0027");
  assert.equal(status(pid).noNewPrivs, status(process.pid).noNewPrivs);
  /* The app sees the variable: it does not load any more. */
  fs.writeFileSync(broken, "");
  server.kill("SIGHUP");
  await server.waitFor(/master\.reload_failed .*the app crashed/);
  /* Other settings, other variables; none when none are named. */
  server.configure({ raw_env: [`OP_BROKEN=${broken}.not`] });
  await reload(server);
  server.configure({ raw_env: [`OP_BROKEN=${broken}`] });
  server.kill("SIGHUP");
  await until("a second refusal", () => server.grep(/the app crashed/).length > 1);
  server.configure({});
  await reload(server);
  server.configure({ raw_env: ["NOVALUE"] });
  server.kill("SIGHUP");
  await server.waitFor(/master\.reload_failed .*NOVALUE.* is not NAME=VALUE/);
});

function filesOf(pid) {
  return fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return "";
    }
  });
}

test("logs in a folder of the workers' user are opened anew",
  { skip: ROOT_ONLY }, async (t, s) => {
    const dir = s.dir();
    const [error, access, victim] = ["error", "access", "victim"].map((name) =>
      path.join(dir, name),
    );
    const text = (file) => (fs.existsSync(file) ? fs.readFileSync(file, "latin1") : "");

    fs.chownSync(dir, NOBODY, NOBODY);
    const server = await asNobody(
      s,
      { workers: 2, errorlog: error, accesslog: access },
      { wait: false },
    );
    const [host, port] = server.bind.split(":");
    const where = { address: { host, port: Number(port) } };

    await until("ready", () => /event=master\.ready/.test(text(error)));
    const workers = [...text(error).matchAll(/worker\.fork .*?child=(\d+)/g)].map(
      ([, pid]) => Number(pid),
    );
    const rotate = async (number) => {
      fs.renameSync(error, `${error}.${number}`);
      fs.renameSync(access, `${access}.${number}`);
      server.kill("SIGUSR1");
      await until("all write to new files", () =>
        workers.every((pid) => {
          const files = filesOf(pid);

          return files.includes(error) && files.includes(access);
        }),
      );
      assert.equal(fs.statSync(error).uid, NOBODY);
      assert.equal((await s.send(where, get(`/${number}`))).status, 200);
      await until("a line", () => text(access).includes(` /${number} `));
    };

    await rotate(1);
    await rotate(2);
    /* Whoever the folder belongs to cannot lead root astray with a link. */
    fs.writeFileSync(victim, "");
    fs.renameSync(error, `${error}.3`);
    fs.symlinkSync(victim, error);
    fs.lchownSync(error, NOBODY, NOBODY);
    server.kill("SIGUSR1");
    await until("a refusal", () =>
      /master\.reopen .*symbolic links/.test(text(`${error}.3`)));
    assert.equal(text(victim), "");
    assert.equal(fs.statSync(victim).uid, 0);
  });

test("a key that only root may read", { skip: ROOT_ONLY }, async (t, s) => {
  const dir = s.dir();
  const { cert, key } = certificate(dir, "site");

  fs.chmodSync(key, 0o400);
  const server = await asNobody(s, {
    workers: 1,
    certfile: cert,
    keyfile: key,
  });
  const name = () =>
    new Promise((done, fail) => {
      const socket = tls.connect({ ...server.address, rejectUnauthorized: false });

      socket.once("error", fail);
      socket.once("secureConnect", () => {
        done(socket.getPeerCertificate().subject.CN);
        socket.destroy();
      });
    });

  assert.equal(status(server.workers()[0]).uids[0], NOBODY);
  assert.equal(await name(), "site");
  await reload(server);
  await until("the old one's end", () => server.workers().length === 1);
  assert.equal(await name(), "site");
});

test("--check-config looks at the cache's folder as the user will",
  { skip: ROOT_ONLY }, async (t, s) => {
    const owned = path.join(s.dir(), "owned");

    fs.chmodSync(path.dirname(owned), 0o755);
    fs.mkdirSync(owned, { mode: 0o755 });
    const server = await asNobody(
      s,
      { workers: 1, cache_dir: owned },
      { wait: false, args: ["--check-config"] },
    );

    assert.equal((await server.exited).status, 1);
    assert.match(
      server.lines.join("\n"),
      /owned: Permission denied \(user 65534\)/,
    );
  });
