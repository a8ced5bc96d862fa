/* SPDX-License-Identifier: MIT */

/*
 * Settings: files, environment and arguments; what is wrong is said exactly,
 * on stderr, with status 1.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { BUILD, EXAMPLE, ROOT, test } from "../lib/harness.mjs";
import { run } from "../lib/server.mjs";
import { get } from "../lib/wire.mjs";

/* A setting that is wrong, as a line of a file and what is said about it. */
const WRONG = [
  ["timout = 3", [/timout/, /timeout/]],
  ["workers = 0", [/workers/, /\b1\b/]],
  ["workers = 257", [/workers/, /257/, /256/]],
  ["workers = 'many'", [/workers/, /many/]],
  ["threads = -1", [/threads/, /-1/]],
  ["threads = 1.5", [/threads/, /1\.5/]],
  ["timeout = None", [/timeout/]],
  ["keepalive = 4000", [/keepalive/, /3600/]],
  ["backlog = 99999999999999999999", [/backlog/]],
  ["loglevel = 'loud'", [/loglevel/, /loud/]],
  ["bind = ['127.0.0.1:99999']", [/bind/, /99999/]],
  ["bind = ''", [/bind/]],
  ["cache_busy_timeout = 61", [/cache_busy_timeout/, /60/]],
  ["header_timeout = 0", [/header_timeout/, /0\.1/]],
  ["limit_json_depth = 3", [/limit_json_depth/, /\b4\b/]],
  ["cache_type = 'magic'", [/cache_type/, /magic/]],
  ["workers = (1", []],
  ["workers 3", []],
  ["workers = 3 3", []],
  ["workers = cpu_count() * 2 + 1", [/workers|cpu_count/]],
  ["import os", [/import/]],
  ["accesslog = 'a\\0b'", [/NUL/]],
  ["x".repeat(5000), []],
];

/* What is missing in the message about line 3 of a file. */
function faults(end, file, patterns) {
  const missing = patterns
    .filter((pattern) => !pattern.test(end.stderr))
    .map(String);

  if (end.status !== 1) missing.push(`status 1, not ${end.status}`);
  if (end.stdout !== "") missing.push("nothing on stdout");
  if (!end.stderr.includes(`${file}:3`)) missing.push("file and line");
  if (end.stderr.length > 6000) missing.push("brevity");
  return missing;
}

test("wrong settings in a file", async (t, scene) => {
  const wrong = [];

  for (const [text, patterns] of WRONG) {
    const file = scene.file("bad.conf", `# a comment\n\n${text}\n`);

    for (const more of [[], ["--check-config"], ["--print-config"]]) {
      const end = await run(scene, { args: ["-c", file, ...more, EXAMPLE] });

      for (const fault of faults(end, file, patterns))
        wrong.push(`${text.slice(0, 50)} ${more}: ${fault}: ${end.stderr}`);
    }
  }
  assert.deepEqual(wrong, []);
  t.diagnostic(`${WRONG.length} wrong lines: file, line and name are said`);
});

test("wrong arguments", async (t, scene) => {
  const table = [
    [["--wrkers", "3"], /wrkers.*workers/s],
    [["--workers"], /workers/],
    [["--workers", "x"], /workers.*x/s],
    [["--workers=0"], /workers/],
    [["-c", "/nowhere/at.all"], /\/nowhere\/at\.all/],
    [["-c", scene.dir()], /directory|not a/i],
    [["--bind", "localhost:x"], /localhost:x/],
    [["--chdir", "/nowhere"], /\/nowhere/],
    [[EXAMPLE], /EXAMPLE|one app|two|already|second|more than/i],
  ];

  for (const [args, pattern] of table) {
    const end = await run(scene, { args: [...args, EXAMPLE] });

    assert.equal(end.status, 1, String(args));
    assert.match(end.stderr, pattern, String(args));
  }
  t.diagnostic(`${table.length} wrong command lines refused`);
});

test("apps that cannot be loaded", async (t, scene) => {
  const text = scene.file("text.so", "not an ELF file\n");
  const library = fs
    .readFileSync("/proc/self/maps", "latin1")
    .match(/\/\S+libc\.so\.6/)[0];
  const table = [
    [[], /app/i],
    [["/nowhere/app.so"], /\/nowhere\/app\.so/],
    [[text], /text\.so/],
    [[library], /ph_app_app|PH_APP/],
    [[`${EXAMPLE}:other`], /ph_app_other/],
    [[scene.dir()], /ph-e2e/],
  ];

  for (const [args, pattern] of table) {
    for (const check of [[], ["--check-config"]]) {
      const end = await run(scene, {
        bind: check.length ? false : "127.0.0.1:0",
        cacheDir: path.join(scene.dir(), "cache"),
        args: [...check, ...args],
      });

      assert.equal(end.status, 1, `${args} ${check}`);
      assert.match(end.stderr, pattern, `${args} ${check}`);
    }
  }
});

test("--check-config refuses what a start would", async (t, scene) => {
  const table = [
    [["--access-logfile", "/nowhere/x.log"], /accesslog \/nowhere\/x\.log: No such/],
    [["--access-logfile", scene.dir()], /accesslog .*: Is a directory/],
    [["--forwarded-allow-ips", "300.1.1.1"], /forwarded_allow_ips.*300\.1\.1\.1/],
    [["--proxy-allow-from", "1.2.3.999"], /proxy_allow_ips.*1\.2\.3\.999/],
    [["--secure-scheme-header", "bad header"], /secure_scheme_headers: "bad header"/],
    [["--session-secret-file", "/nowhere"], /session_secret_file \/nowhere: No such/],
    [["--statsd-host", "nosuchhost.invalid:8125"], /statsd_host: nosuchhost\.invalid/],
    [["--statsd-host", "unix:///nowhere/s"], /statsd_host: .*: No such/],
    [
      ["--log-syslog", "--log-syslog-to", "udp://nosuchhost.invalid:514"],
      /syslog_addr: nosuchhost\.invalid/,
    ],
    [["--cache-dir", "/nowhere/below/cache"], /\/nowhere\/below\/cache: No such/],
    [["--cache-dir", "/proc/cache"], /\/proc\/cache: No such/],
    [["--tmp-upload-dir", "/nowhere"], /tmp_upload_dir \/nowhere: No such/],
    [["--http-protocols", "h3"], /http_protocols must be h1, or h2 and h1/],
    [["--allowed-host", "a b"], /allowed_hosts: "a b" is no host name/],
    [["--allowed-host", "https://a"], /allowed_hosts: "https:\/\/a" is no host name/],
    [["--allowed-host", "."], /allowed_hosts: "\." is no host name/],
  ];
  const wrong = [];

  for (const [args, pattern] of table) {
    for (const check of [[], ["--check-config"]]) {
      const end = await run(scene, {
        bind: "127.0.0.1:0",
        cacheDir: path.join(scene.dir(), "cache"),
        args: [...check, ...args, EXAMPLE],
      });

      if (end.status !== 1 || !pattern.test(end.stderr) || /\\x0a/.test(end.stderr))
        wrong.push(`${check} ${args}: ${end.status} ${end.stderr}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("--check-config", async (t, scene) => {
  const file = scene.file(
    "good.conf",
    'bind = "127.0.0.1:1"\nworkers = 3\nthreads = 2\n',
  );
  const cacheDir = path.join(scene.dir(), "cache");
  const end = await run(scene, {
    cacheDir,
    args: ["-c", file, "--check-config", EXAMPLE],
  });

  assert.doesNotMatch(end.stderr, /level=(warning|error|critical)/);
  assert.equal(end.status, 0);
  assert.match(end.stdout, /good/);
  /* Whoever checks may be another user than the one who serves. */
  assert.ok(!fs.existsSync(cacheDir), "a check leaves nothing behind");
});

test("--print-config tells each value's origin", async (t, scene) => {
  const file = scene.file(
    "some.conf",
    'workers = 3\nthreads = 2\nbind = ["127.0.0.1:0", "[::1]:0"]\n',
  );
  const end = await run(scene, {
    env: { PRONGHORN_CMD_ARGS: "--threads 5 --log-level debug" },
    args: ["-c", file, "--print-config", "--log-level", "warning", EXAMPLE],
  });

  assert.equal(end.status, 0, end.stderr);
  const lines = end.stdout.split("\n");
  const line = (name) => lines.find((text) => text.startsWith(`${name} = `));

  assert.match(line("workers"), /^workers = 3 +# .*some\.conf.*1/);
  assert.match(line("threads"), /^threads = 5 +# .*PRONGHORN_CMD_ARGS/);
  assert.match(line("loglevel"), /^loglevel = "warning" +# command line/);
  assert.match(line("backlog"), /^backlog = 2048 +# default/);
  assert.match(line("bind"), /"127\.0\.0\.1:0", "\[::1\]:0"/);

  /* What is printed is a config file that means the same. */
  const copy = scene.file("copy.conf", end.stdout);
  const again = await run(scene, { args: ["-c", copy, "--print-config"] });
  const values = (text) => text.split("\n").map((l) => l.replace(/ +# .*/, ""));

  assert.equal(again.status, 0, again.stderr);
  assert.deepEqual(values(again.stdout), values(end.stdout));
});

test("--version and --help", async (t, scene) => {
  const version = await run(scene, { args: ["--version"] });

  assert.equal(version.status, 0);
  for (const name of ["pronghorn", "libevent", "SQLite", "OpenSSL", "cJSON"])
    assert.match(version.stdout, new RegExp(`${name} .*\\d+\\.\\d+`));
  const help = await run(scene, { args: ["--help"] });

  assert.equal(help.status, 0);
  for (const flag of ["--bind", "--workers", "--cache-dir", "--check-config"])
    assert.ok(help.stdout.includes(flag), flag);
});

test("a gunicorn.conf.py starts this server", async (t, scene) => {
  const dir = scene.dir();
  const file = path.join(dir, "gunicorn.conf.py");

  fs.writeFileSync(
    file,
    `# Gunicorn configuration of the sales dashboard

bind = [
    "127.0.0.1:0",   # behind nginx
    "unix:${dir}/dash.sock",
]
backlog = 512

workers = 2
worker_class = "gthread"
threads = 4
worker_connections = 1_000
timeout = 120
graceful_timeout = 10
keepalive = 5

limit_request_line = 4094
limit_request_fields = 100
limit_request_field_size = 8190

preload_app = True
proc_name = 'dash' '-sales'
pidfile = r"${dir}/dash.pid"

accesslog = "${dir}/access.log"
errorlog = "-"
loglevel = 'info'
`,
  );
  const server = await scene.start({
    bind: false,
    workers: false,
    threads: false,
    args: ["-c", file],
  });

  assert.equal(server.workers().length, 2);
  assert.equal(
    fs.readFileSync(path.join(dir, "dash.pid"), "utf8").trim(),
    String(server.pid),
  );
  assert.equal((await scene.send(server, get("/"))).status, 200);
  const warnings = server.grep(/event=config\.warning/).join("\n");

  assert.match(warnings, /worker_class/);
  assert.deepEqual(server.addresses.slice(1), [`unix:${dir}/dash.sock`]);
  assert.deepEqual(await server.stop(), { status: 0, sig: null });
  assert.ok(!fs.existsSync(path.join(dir, "dash.pid")), "no stale pid file");
  assert.ok(!fs.existsSync(path.join(dir, "dash.sock")), "no stale socket");
});

test("the config file of the current folder", async (t, scene) => {
  const cwd = scene.dir();

  fs.writeFileSync(path.join(cwd, "pronghorn.conf"), "workers = 3\n");
  const end = await run(scene, { cwd, args: ["--print-config", EXAMPLE] });

  assert.match(end.stdout, /^workers = 3 +# .*pronghorn\.conf/m);
});

test("the config files that come with it are good", async (t, scene) => {
  for (const name of ["pronghorn.conf", "pronghorn-dev.conf"]) {
    const end = await run(scene, {
      program: path.join(BUILD, "pronghorn"),
      cwd: scene.dir(),
      cacheDir: path.join(scene.dir(), "cache"),
      args: [
        ...["-c", path.join(ROOT, "conf", name), "--check-config"],
        ...["--www-dir", path.join(BUILD, "www"), EXAMPLE],
      ],
    });

    assert.doesNotMatch(end.stderr, /level=(warning|error|critical)/, name);
    assert.equal(end.status, 0, name);
  }
});

test("cache directories that are refused", async (t, scene) => {
  const open = scene.dir();
  const file = scene.file("file", "");

  fs.chmodSync(open, 0o777);
  for (const [cacheDir, pattern] of [
    [open, /writ|mode|permission/i],
    [file, /file/],
    ["/proc/nowhere", /\/proc\/nowhere/],
  ]) {
    const end = await run(scene, {
      bind: "127.0.0.1:0",
      app: EXAMPLE,
      cacheDir,
    });

    assert.equal(end.status, 1, cacheDir);
    assert.match(end.stderr, pattern);
    assert.ok(end.stderr.includes(cacheDir), cacheDir);
  }
});
