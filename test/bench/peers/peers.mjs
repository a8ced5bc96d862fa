/* SPDX-License-Identifier: MIT */

/*
 * The servers that are compared, each as { name, url, pids, log, stop() }; log
 * is the file into which the app writes a line for each computation.
 * All listen on the loopback or on a unix socket in a temporary folder, and
 * all are ended by their process ids, with all that descends from them.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { killAll, remember, sleep, treeOf } from "../machine.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const running = new Set();

/* Some of them have processes of their own, which a SIGKILL would orphan. */
process.on("exit", () => {
  killAll(remember([...running].flatMap((child) => treeOf(child.pid))));
});

/* Let it end with this process at the latest. */
export function keep(child) {
  if (child.pid === undefined) return;
  running.add(child);
  child.on("exit", () => running.delete(child));
}

export const PROGRAMS = {
  nginx: "/usr/sbin/nginx",
  redis: "/usr/bin/redis-server",
  gunicorn: "/usr/bin/gunicorn",
  uvicorn: "/usr/bin/uvicorn",
  python: "/usr/bin/python3",
  wrk: "/usr/bin/wrk",
};

function freePort() {
  return new Promise((done, fail) => {
    const server = net.createServer();

    server.on("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();

      server.close(() => done(port));
    });
  });
}

/* A process whose output goes to a file. `cpu`: the only one it may use. */
export function launch(command, args, { dir, env = {}, cpu }) {
  const log = path.join(dir, "log");
  const out = fs.openSync(log, "a");
  const pinned = cpu === undefined ? [] : ["taskset", "-c", String(cpu)];
  const [program, ...rest] = [...pinned, command, ...args];
  const child = spawn(program, rest, {
    cwd: dir,
    env: { ...process.env, ...env },
    stdio: ["ignore", out, out],
  });

  fs.closeSync(out);
  keep(child);
  child.gone = new Promise((done) =>
    child.on("exit", (code, sig) => {
      child.ended = { code, sig };
      done();
    }),
  );
  child.on("error", () => {});
  child.log = log;
  child.text = () => fs.readFileSync(log, "utf8");
  return child;
}

async function end(child) {
  if (child.ended) return;
  const known = remember(treeOf(child.pid));

  child.kill("SIGTERM");
  const timer = setTimeout(() => killAll(known), 10000);

  await child.gone;
  clearTimeout(timer);
  killAll(known);
}

export async function untilReady(what, child, look) {
  const deadline = Date.now() + 20000;

  while (Date.now() < deadline) {
    const found = await look();

    if (found) return found;
    if (child.ended) break;
    await sleep(20);
  }
  const log = child.text();

  await end(child);
  throw new Error(`${what} did not start:\n${log}`);
}

function canConnect(options) {
  return new Promise((done) => {
    const socket = net.connect(options);

    socket.on("connect", () => (socket.destroy(), done(true)));
    socket.on("error", () => done(false));
  });
}

function answers(url) {
  return fetch(url).then(
    (response) => response.ok && response.text().then(() => true),
    () => false,
  );
}

/* options: dir, build, workers, threads, delay, cpu, args, app */
export async function startPronghorn(options) {
  fs.mkdirSync(options.dir, { recursive: true });
  const child = launch(
    path.join(options.build, "pronghorn"),
    [
      ...["--bind", "127.0.0.1:0"],
      ...["--workers", options.workers, "--threads", options.threads],
      ...["--cache-dir", path.join(options.dir, "cache")],
      ...["--www-dir", path.join(options.build, "www")],
      ...(options.args ?? []),
      options.app ??
        path.join(options.build, "examples/caching_and_signaling.so"),
    ].map(String),
    {
      ...options,
      env: { PH_DEMO_DELAY: String(options.delay ?? 0) },
    },
  );
  const url = await untilReady(
    "pronghorn",
    child,
    () => /event=master\.ready url=(\S+)/.exec(child.text())?.[1],
  );

  return {
    name: "pronghorn",
    url,
    pids: [child.pid],
    pointsFile: path.join(options.dir, "cache/points-v1.db"),
    log: child.log,
    stop: () => end(child),
  };
}

export async function startRedis(dir) {
  fs.mkdirSync(dir, { recursive: true });
  const socket = path.join(dir, "redis.sock");
  const child = launch(
    PROGRAMS.redis,
    [
      ...["--port", "0", "--unixsocket", socket, "--dir", dir],
      ...["--save", "", "--appendonly", "no", "--daemonize", "no"],
    ],
    { dir },
  );

  await untilReady(
    "redis-server",
    child,
    () => fs.existsSync(socket) && canConnect({ path: socket }),
  );
  return { url: `unix://${socket}`, socket, pid: child.pid, stop: () => end(child) };
}

async function finishPython(name, child, url, redis) {
  try {
    await untilReady(name, child, () => answers(`${url}/_dash-layout`));
  } catch (error) {
    await redis?.stop();
    throw error;
  }
  return {
    name,
    url,
    pids: redis ? [child.pid, redis.pid] : [child.pid],
    redisPid: redis?.pid,
    log: child.log,
    stop: async () => {
      await end(child);
      await redis?.stop();
    },
  };
}

/* options: dir, data, cache (redis or files), workers, threads, delay */
export async function startFlask(options) {
  fs.mkdirSync(options.dir, { recursive: true });
  const redis =
    options.cache === "redis"
      ? await startRedis(path.join(options.dir, "redis"))
      : undefined;
  const port = await freePort();
  const child = launch(
    PROGRAMS.gunicorn,
    [
      ...["--worker-class", "gthread"],
      ...["--workers", options.workers, "--threads", options.threads],
      ...["--bind", `127.0.0.1:${port}`, "--backlog", "2048"],
      ...["--keep-alive", "75", "--worker-connections", "8000"],
      ...["--timeout", "300", "--pythonpath", HERE, "flask_app:app"],
    ].map(String),
    {
      ...options,
      env: {
        PEER_DATA: options.data,
        PEER_CACHE: options.cache,
        PEER_REDIS: redis?.url ?? "",
        PEER_DIR: path.join(options.dir, "files"),
        PEER_DELAY: String(options.delay ?? 0),
        PYTHONDONTWRITEBYTECODE: "1",
      },
    },
  );

  return finishPython(
    options.cache === "redis" ? "gunicorn-redis" : "gunicorn-files",
    child,
    `http://127.0.0.1:${port}`,
    redis,
  );
}

/* options: dir, data, workers, delay */
/* gunicorn with one worker and a callback that does nothing. */
export async function startNoop(options) {
  const port = await freePort();

  fs.mkdirSync(options.dir, { recursive: true });
  const child = launch(
    PROGRAMS.gunicorn,
    [
      ...["--worker-class", "gthread", "--workers", "1", "--threads", "4"],
      ...["--bind", `127.0.0.1:${port}`, "--backlog", "2048"],
      ...["--keep-alive", "75", "--pythonpath", HERE, "noop_app:app"],
    ],
    { ...options, env: { PYTHONDONTWRITEBYTECODE: "1" } },
  );

  return finishPython("gunicorn", child, `http://127.0.0.1:${port}`);
}

export async function startStarlette(options) {
  fs.mkdirSync(options.dir, { recursive: true });
  const redis = await startRedis(path.join(options.dir, "redis"));
  const port = await freePort();
  const child = launch(
    PROGRAMS.uvicorn,
    [
      ...["--host", "127.0.0.1", "--port", port, "--workers", options.workers],
      ...["--app-dir", HERE, "--no-access-log", "--log-level", "warning"],
      ...["--timeout-keep-alive", "75", "starlette_app:app"],
    ].map(String),
    {
      ...options,
      env: {
        PEER_DATA: options.data,
        PEER_REDIS: redis.url,
        PEER_DELAY: String(options.delay ?? 0),
        PYTHONDONTWRITEBYTECODE: "1",
      },
    },
  );

  return finishPython("uvicorn-redis", child, `http://127.0.0.1:${port}`, redis);
}

/*
 * One worker; /answer.json from a file, two short texts by `return`.
 *
 * Why this is fair: it is what nginx does best and has no callback to look up,
 * so it is the limit rather than a rival. Its log is off as ours is, files are
 * sent by sendfile and stay open, connections are never closed by it.
 */
export async function startNginx(options) {
  fs.mkdirSync(options.dir, { recursive: true });
  const port = await freePort();
  const config = path.join(options.dir, "nginx.conf");
  const quote = (text) => `'${text.replace(/(['\\])/g, "\\$1")}'`;

  fs.writeFileSync(
    config,
    `daemon off;
${process.getuid() === 0 ? "user root;" : ""}
worker_processes 1;
pid ${options.dir}/nginx.pid;
error_log ${options.dir}/error.log;
events { worker_connections 20000; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 75;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=100;
  default_type application/json;
  client_body_temp_path ${options.dir}/t1;
  proxy_temp_path ${options.dir}/t2;
  fastcgi_temp_path ${options.dir}/t3;
  uwsgi_temp_path ${options.dir}/t4;
  scgi_temp_path ${options.dir}/t5;
  server {
    listen 127.0.0.1:${port};
    root ${options.data};
    location = /health { return 200 "ok\\n"; }
    location = /dependencies { return 200 ${quote(options.dependencies)}; }
    location / { }
  }
}
`,
  );
  const child = launch(PROGRAMS.nginx, ["-c", config, "-p", options.dir], options);
  const url = `http://127.0.0.1:${port}`;

  await untilReady("nginx", child, () => answers(`${url}/health`));
  return { name: "nginx", url, pids: [child.pid], stop: () => end(child) };
}
