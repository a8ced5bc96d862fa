/* SPDX-License-Identifier: MIT */

/*
 * (e) The engine alone: one worker of ours beside one worker of nginx, each
 * on the first processor, the generator on the second, visited in turn round
 * after round. wrk speaks HTTP/1, h2load HTTP/2, tls_resume new connections
 * with a ticket.
 *
 * A target is met by the ratio of requests per second of CPU time; that of
 * requests per second is printed beside it, but the generator bounds it.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { certificate } from "../lib/certificate.mjs";
import {
  BUILD,
  execute,
  freshDir,
  hasModule,
  isInstalled,
  median,
  ORANGES,
  pronghorn,
  QUICK,
  say,
  skip,
} from "./common.mjs";
import { idle, slow } from "./engine_conns.mjs";
import { sleep, waitQuiet } from "./machine.mjs";
import { launch, PROGRAMS, startNoop, untilReady } from "./peers/peers.mjs";

const H2LOAD = "/usr/bin/h2load";
const ROUNDS = QUICK ? 3 : 7;
const SECONDS = QUICK ? 1 : 2;
const SIZE = 20480;
const PINNED = os.cpus().length > 1;
const ECHO = JSON.stringify({
  output: "echo.out",
  outputs: { id: "echo", property: "out" },
  inputs: [{ id: "in", property: "value", value: "hello" }],
  changedPropIds: ["in.value"],
  parsedChangedPropsIds: ["in.value"],
});

/* ---- servers --------------------------------------------------------------- */

/* Some of the files that a 20 KB answer is taken from. */
function makeFiles(dir) {
  fs.mkdirSync(dir, { recursive: true });
  const bytes = Buffer.alloc(SIZE);

  for (let i = 0; i < SIZE; i++) bytes[i] = (i * 2654435761) >>> 24;
  fs.writeFileSync(path.join(dir, "twenty.bin"), bytes);
}

async function startNginx({ dir, files, cert, key }) {
  const port = await freePort();
  const tls = await freePort();
  const conf = path.join(dir, "engine.conf");
  const places = `
      location = /_ph/health { default_type text/plain; return 200 "ok\\n"; }
      location /assets/ { alias ${files}/; }`;

  fs.mkdirSync(dir, { recursive: true });
  fs.writeFileSync(
    conf,
    `daemon off; pid ${dir}/pid; error_log stderr; worker_processes 1;
${process.getuid() === 0 ? "user root;" : ""}
events { worker_connections 20000; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_timeout 75;
  keepalive_requests 1000000000; open_file_cache max=1000;
  client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/fastcgi; uwsgi_temp_path ${dir}/uwsgi;
  scgi_temp_path ${dir}/scgi;
  server { listen 127.0.0.1:${port} backlog=2048; ${places}
  }
  server { listen 127.0.0.1:${tls} ssl http2 backlog=2048; ${places}
    ssl_certificate ${cert}; ssl_certificate_key ${key};
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets on;
    http2_max_requests 1000000000;
  }
}
`,
  );
  const child = launch(PROGRAMS.nginx, ["-p", dir, "-c", conf], {
    dir,
    cpu: PINNED ? 0 : undefined,
  });

  await untilReady("nginx", child, () =>
    fetch(`http://127.0.0.1:${port}/_ph/health`).then(
      (response) => response.ok,
      () => false,
    ),
  );
  return {
    url: `http://127.0.0.1:${port}`,
    tls: `https://127.0.0.1:${tls}`,
    pid: child.pid,
    stop: () => endOf(child),
  };
}

async function endOf(child) {
  child.kill("SIGTERM");
  await child.gone;
}

async function freePort() {
  const net = await import("node:net");

  return new Promise((done) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();

      server.close(() => done(port));
    });
  });
}

async function ours(app, args = [], threads = 1) {
  const server = await pronghorn({
    workers: 1,
    threads,
    cpu: PINNED ? 0 : undefined,
    app: app && path.join(BUILD, "test-apps", app),
    args: [
      ...["--keep-alive", "75", "--worker-connections", "15000"],
      ...args,
    ],
  });

  if (args.includes("--certfile"))
    server.url = server.url.replace(/^http:/, "https:");
  return server;
}

/* ---- one measurement -------------------------------------------------------- */

function childrenOf(pid) {
  const tasks = `/proc/${pid}/task/${pid}/children`;

  return fs.readFileSync(tasks, "latin1").trim().split(/\s+/).filter(Boolean);
}

/* Nanoseconds of CPU that a process and its children have used. */
function cpuOf(pid) {
  let sum = 0;

  for (const one of [pid, ...childrenOf(pid)]) {
    for (const task of fs.readdirSync(`/proc/${one}/task`)) {
      try {
        const text = fs.readFileSync(`/proc/${one}/task/${task}/schedstat`, "latin1");

        sum += Number(text.split(" ")[0]);
      } catch {
        /* gone meanwhile */
      }
    }
  }
  return sum;
}

const pin = (command) => (PINNED ? ["taskset", "-c", "1", ...command] : command);

function readWrk(out) {
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(out);
  const errors = /Socket errors: (.*)/.exec(out);

  if (bad || errors) throw new Error(`wrk: ${(bad ?? errors)[0]}`);
  return Number(/(\d+) requests in/.exec(out)[1]);
}

function readH2load(out) {
  const match = /requests: .* (\d+) succeeded, (\d+) failed/.exec(out);

  if (!match || Number(match[2]) > 0) throw new Error(`h2load: ${out}`);
  return Number(match[1]);
}

function readResume(out) {
  const { done, resumed, failed } = JSON.parse(out);

  if (failed > 0 || resumed < (done - 4) * 0.95)
    throw new Error(`tls_resume: ${out}`);
  return done;
}

async function measureOnce(pid, command, read) {
  await waitQuiet(QUICK ? 500 : 2000);
  const before = cpuOf(pid);
  const start = performance.now();
  const { out, err } = await execute(pin(command)[0], pin(command).slice(1));
  const seconds = (performance.now() - start) / 1000;
  const requests = read(out || err);

  return {
    per_s: requests / seconds,
    cpu_us: (cpuOf(pid) - before) / 1000 / requests,
  };
}

/* ---- the comparisons ---------------------------------------------------------- */

const wrk = (url, script) => [
  ...[PROGRAMS.wrk, "-t1", "-c64", `-d${SECONDS}s`],
  ...(script ? ["-s", script] : []),
  url,
];
const h2load = (url) => [H2LOAD, "-t1", "-c8", "-m16", `-D${SECONDS}`, url];
const resume = (url) => [
  path.join(BUILD, "bench/tls_resume"),
  ...[new URL(url).port, "4", String(SECONDS)],
];

function script(dir, name, body) {
  const file = path.join(dir, `${name}.lua`);

  fs.writeFileSync(
    file,
    `wrk.method = "POST"\nwrk.body = [[${body}]]\n` +
      `wrk.headers["Content-Type"] = "application/json"\n`,
  );
  return file;
}

/*
 * { what, target, against, sides: [[pid, command, read], [..]] }. Of a peer
 * that is not there the promise stays in the list, without sides.
 */
function comparisons(dir, { plain, tls, cached, nginx, noop }) {
  const health = "/_ph/health";
  const file = "/assets/twenty.bin";
  const update = "/_dash-update-component";
  const list = [];
  const pid = (server) => server.pids[0];
  const add = (peer, what, target, against, sides) =>
    list.push({ what, target, against, sides: peer && sides(peer) });
  const h1 = (one, scheme, where) => (peer) => [
    [pid(one), wrk(one.url + where), readWrk],
    [peer.pid, wrk(peer[scheme] + where), readWrk],
  ];
  const h2 = (where) => (peer) => [
    [pid(tls), h2load(tls.url + where), readH2load],
    [peer.pid, h2load(peer.tls + where), readH2load],
  ];
  const overH2 = fs.existsSync(H2LOAD) && nginx;

  if (!fs.existsSync(H2LOAD)) skip("HTTP/2", "h2load is not installed");
  add(nginx, "small GET", 1.1, "nginx return 200", h1(plain, "url", health));
  add(nginx, "20 KB asset", 1.3, "nginx static file", h1(plain, "url", file));
  add(nginx, "TLS keep-alive, small GET", 1.0, "nginx", h1(tls, "tls", health));
  add(nginx, "TLS keep-alive, 20 KB asset", 1.0, "nginx", h1(tls, "tls", file));
  add(nginx, "TLS resumed handshakes", 1.0, "nginx", (peer) => [
    [pid(tls), resume(tls.url), readResume],
    [peer.pid, resume(peer.tls), readResume],
  ]);
  add(overH2, "HTTP/2, small GET", 0.9, "nginx", h2(health));
  add(overH2, "HTTP/2, 20 KB asset", 0.9, "nginx", h2(file));
  /* A little more than the file has. */
  add(nginx, "memoized callback, 21 KB", 1.0, "nginx static file", (peer) => [
    [pid(cached), wrk(cached.url + update, script(dir, "oranges", ORANGES)), readWrk],
    [peer.pid, wrk(peer.url + file), readWrk],
  ]);
  add(noop, "callback that does nothing", 25, "gunicorn gthread + Flask", (peer) => {
    const echo = script(dir, "echo", ECHO);

    return [
      [pid(plain), wrk(plain.url + update, echo), readWrk],
      [pid(peer), wrk(peer.url + update, echo), readWrk],
    ];
  });
  return list;
}

async function compare(list) {
  const runs = list.map(() => [[], []]);

  for (let round = 0; round < ROUNDS; round++) {
    say(`engine, round ${round + 1}`);
    for (const [index, { what, sides }] of list.entries()) {
      if (!sides) continue;
      for (const side of round % 2 ? [1, 0] : [0, 1]) {
        try {
          runs[index][side].push(await measureOnce(...sides[side]));
        } catch (error) {
          throw new Error(`${what}, ${side ? "peer" : "ours"}: ${error.message}`);
        }
      }
    }
  }
  return list.map(({ what, target, against, sides }, index) => {
    if (!sides) return { what, against, target };
    const [mine, theirs] = runs[index].map((side) => ({
      per_s: median(side.map((run) => run.per_s)),
      cpu_us: median(side.map((run) => run.cpu_us)),
    }));
    /* Round by round, as both then had the same minute of the machine. */
    const ratios = runs[index][0].map((run, i) => ({
      cpu: runs[index][1][i].cpu_us / run.cpu_us,
      rate: run.per_s / runs[index][1][i].per_s,
    }));
    const cpu_ratio = median(ratios.map((one) => one.cpu));

    return {
      what,
      against,
      target,
      ours: mine,
      peer: theirs,
      cpu_ratio,
      rate_ratio: median(ratios.map((one) => one.rate)),
      spread: [
        Math.min(...ratios.map((one) => one.cpu)),
        Math.max(...ratios.map((one) => one.cpu)),
      ],
      met: cpu_ratio >= target,
    };
  });
}

export async function engine() {
  if (!isInstalled("wrk")) return skip("engine", "wrk is not installed");
  const dir = freshDir("engine");
  const files = path.join(dir, "assets");
  const stops = [];
  const keep = (server) => (server && stops.push(server.stop), server);

  makeFiles(files);
  const { cert, key } = certificate(dir);

  try {
    const servers = {
      plain: keep(await ours("zoo.so", ["--assets-folder", files], 4)),
      tls: keep(
        await ours("zoo.so", [
          ...["--assets-folder", files, "--certfile", cert, "--keyfile", key],
        ]),
      ),
      cached: keep(await ours()),
      nginx: isInstalled("nginx")
        ? keep(await startNginx({ dir: path.join(dir, "nginx"), files, cert, key }))
        : skip("engine, nginx", "nginx is not installed"),
      noop:
        isInstalled("gunicorn") && hasModule("flask")
          ? keep(await startNoop({ dir: path.join(dir, "noop"), cpu: PINNED ? 0 : undefined }))
          : skip("engine, gunicorn", "gunicorn or Flask is not installed"),
    };
    const cases = await compare(comparisons(dir, servers));

    for (const stop of stops.splice(0)) await stop();
    const connections = [];
    const quiet = keep(await ours("zoo.so", [], 1));

    connections.push(await idle(quiet, QUICK ? 2000 : 10000));
    await quiet.stop();
    stops.length = 0;
    for (const [kind, app] of [
      ["head", "zoo.so"],
      ["body", "zoo.so"],
      ["read", "zoo.so"],
      ["read of 1 MB", "long_answers.so"],
    ]) {
      const server = keep(await ours(app, ["--send-timeout", "60"], 1));

      connections.push(await slow(server, kind, QUICK ? 200 : 1000, QUICK ? 3 : 10));
      await server.stop();
      stops.length = 0;
    }
    return { rounds: ROUNDS, seconds: SECONDS, pinned: PINNED, cases, connections };
  } finally {
    for (const stop of stops) await stop();
    await sleep(0);
  }
}
