/* SPDX-License-Identifier: MIT */

/* A new user's way: pronghorn new, pronghorn dev, make test; and its faults. */
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { certificate } from "../lib/certificate.mjs";
import { dev, edit, PROGRAM } from "../lib/dev.mjs";
import { BUILD, now, ROOT, test, until, within } from "../lib/harness.mjs";

const ask = (cwd, ...args) =>
  spawnSync(PROGRAM, args, { cwd, encoding: "utf8", timeout: 60000 });

const NAMES = "it may have letters without accents, digits, _ and -, and begins with no -";

test("new, dev and make test", { seconds: 240 }, async (t, scene) => {
  const cwd = scene.dir();
  const made = ask(cwd, "new", "demo");

  assert.equal(made.status, 0, made.stderr);
  assert.match(made.stdout, /dev --open demo/);
  /* By a way that leads back, it is told the straight one. */
  const back = path.join(cwd, "demo");
  const other = spawnSync(`${path.relative(back, PROGRAM)}`, ["new", "x"], { cwd: back, encoding: "utf8" });

  assert.match(other.stdout, /^Next: \/[^ ]*pronghorn dev --open x$/m);
  assert.doesNotMatch(other.stdout, /\.\./);
  fs.rmSync(path.join(back, "x"), { recursive: true });
  assert.equal(ask(cwd, "new", "demo").status, 1);
  /* As a shell completes the name of a folder. */
  assert.match(ask(cwd, "new", "slash//").stdout, /dev --open slash$/m);
  assert.match(fs.readFileSync(path.join(cwd, "slash/app.c"), "utf8"), /"slash"/);
  for (const wrong of ["a b", "-x", "/", "", "é"])
    assert.deepEqual(
      (({ status, stderr }) => [status, stderr.split("\n")[0]])(ask(cwd, "new", wrong)),
      [2, `pronghorn new: "${wrong}" is no name for an app: ${NAMES}`],
    );
  assert.match(ask(cwd, "new").stderr, /^usage: pronghorn new NAME/);
  const folder = path.join(cwd, "demo");
  /* Its test needs no program that a small system has not. */
  const fewer = scene.dir();

  for (const name of ["curl", "wget", "nc", "node", "python3"])
    fs.writeFileSync(path.join(fewer, name), "#!/bin/sh\nexit 9\n", { mode: 0o755 });
  const tested = execFileSync("make", ["-s", "test"], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, MAKEFLAGS: "", PATH: `${fewer}:${process.env.PATH}` },
  });

  assert.equal(tested.match(/^ok: /gm).length, 2, tested);
  /* A header beside it counts, too. */
  const mtime = () => fs.statSync(path.join(folder, "app.so")).mtimeMs;
  const before = mtime();
  const later = new Date(Date.now() + 60000);
  const make = () =>
    execFileSync("make", ["-s", "app.so"], { cwd: folder, env: { ...process.env, MAKEFLAGS: "" } });

  make();
  assert.equal(mtime(), before, "nothing has changed");
  fs.mkdirSync(path.join(folder, "inc"));
  fs.writeFileSync(path.join(folder, "inc/title.h"), "");
  edit(path.join(folder, "app.c"), "<math.h>", '<math.h>\n#include "inc/title.h"');
  make();
  const with_header = mtime();

  assert.notEqual(with_header, before);
  fs.utimesSync(path.join(folder, "inc/title.h"), later, later);
  make();
  assert.notEqual(mtime(), with_header);
  /* Nor is it missed when nobody includes it any more. */
  fs.rmSync(path.join(folder, "inc"), { recursive: true });
  edit(path.join(folder, "app.c"), '\n#include "inc/title.h"', "");
  make();
  /* It can fail. */
  edit(path.join(folder, "app.c"), "Frequency %g", "Frequenz %g");
  assert.throws(
    () => execFileSync("make", ["-s", "test"], { cwd: folder, encoding: "utf8", env: { ...process.env, MAKEFLAGS: "" } }),
    ({ stdout }) => /FAILED: the callback draws: no Frequency 5 in:/.test(stdout),
  );
  edit(path.join(folder, "app.c"), "Frequenz %g", "Frequency %g");
  /* A browser that writes down what it is to show. */
  const seen = path.join(cwd, "seen");
  const browser = path.join(cwd, "browser.sh");

  fs.writeFileSync(browser, `#!/bin/sh\n[ "$1$3$#" = --new-x3 ] && echo "$2" >'${seen}'\n`, {
    mode: 0o755,
  });
  const server = await dev(scene, "./demo", {
    cwd,
    args: ["--open"],
    env: { BROWSER: `/nowhere/browser:${browser} --new %s -x` },
  });

  await until("the browser", () => fs.existsSync(seen), 60);
  await until(
    "its address",
    () => fs.readFileSync(seen, "utf8") === `${server.url}/\n`,
    60,
  );
  const layout = async () => (await fetch(`${server.url}/_dash-layout`)).text();

  assert.match(await layout(), /"children":"demo"/);
  /* Its config file counts, and is watched. */
  const [, threads] = await server.waitFor(/master\.ready .*threads=(\d+)/);

  assert.equal(threads, "1", "the command line wins over the file");
  const from = server.lines.length;

  edit(path.join(folder, "pronghorn.conf"), "workers = 2", "workers = 3");
  await server.waitFor(/event=master\.restarted/, { from, seconds: 60 });
  const end = await server.stop();

  assert.equal(end.status, 0);
  assert.deepEqual(leftOvers(server), []);
});

/* Folders of dev that are still there; their names are in its log. */
function leftOvers(server) {
  return server
    .grep(/control\.bound path=(\S+)\/control/)
    .map((line) => /path=(\S+)\/control/.exec(line)[1])
    .filter((dir) => fs.existsSync(dir));
}

test("an app that has never compiled", { seconds: 240 }, async (t, scene) => {
  const good = fs.readFileSync(
    path.join(ROOT, "server/dev/text/app.c.in"),
    "utf8",
  );
  const source = scene.file("app.c", good.replace("static enum", "statics enum"));
  const header = path.join(path.dirname(source), "text.h");
  const server = await dev(scene, source);
  const text = async (what) => (await fetch(server.url + what)).text();

  assert.match(await text("/_ph/debug.js"), /app\.c:\d+:\d+: error/);
  assert.match(await text("/_dash-layout"), /has not been loaded yet/);
  /* Mended, with a header that does not exist yet. */
  fs.writeFileSync(source, `#include "text.h"\n${good.replaceAll('"@NAME@"', "TEXT")}`);
  await until(
    "the next error",
    async () => /text\.h: No such file/.test(await text("/_ph/debug.js")),
    60,
  );
  fs.writeFileSync(header, '#define TEXT "one"\n');
  await until(
    "the app",
    async () => /"children":"one"/.test(await text("/_dash-layout")),
    60,
  );
  await until(
    "the notice to go",
    async () => !/"title":"/.test(await text("/_ph/debug.js")),
    60,
  );
  fs.writeFileSync(header, '#define TEXT "two"\n');
  await until(
    "the header's change",
    async () => /"children":"two"/.test(await text("/_dash-layout")),
    60,
  );
  /* A text where a value is meant: C would only warn of it. */
  edit(source, ".max = ph_int(10)", '.max = "10"');
  await until(
    "what is wrong with it",
    async () => /app\.c:\d+:\d+: error: .*incompatible pointer/.test(await text("/_ph/debug.js")),
    60,
  );
  edit(source, '.max = "10"', ".max = ph_int(10)");
  await until(
    "it to go",
    async () => !/"title":"/.test(await text("/_ph/debug.js")),
    60,
  );
  /* One that compiles and cannot be loaded changes nothing. */
  edit(source, "ph_layout(app, layout);", "(void)layout;");
  await until(
    "the reason",
    async () => /not loaded/.test(await text("/_ph/debug.js")),
    60,
  );
  assert.ok((await text("/_ph/debug.js")).includes(`The app is not loaded: app ${source} is not valid`));
  assert.match(await text("/_dash-layout"), /"children":"two"/);
  /* Of one that ends the check by a crash or by exit() it says where. */
  const crash = "*(volatile int *)argument = 1;";
  const begin = "layout(struct ph_call *call)\n{";
  const argument = "static int *argument;\nstatic const struct ph_value *\nlayout(";

  edit(source, "(void)layout;", "ph_layout(app, layout);");
  edit(source, "static const struct ph_value *\nlayout(", argument);
  edit(source, begin, `${begin}\n\t${crash}`);
  const line = fs.readFileSync(source, "utf8").split(crash)[0].split("\n").length;

  await until(
    "where it crashes",
    async () =>
      new RegExp(`crashed while it was being loaded \\(signal=SIGSEGV\\), in layout at \\S*app\\.c:${line}".*layout at \\S*app\\.c:${line}\\b`).test(
        await text("/_ph/debug.js"),
      ),
    60,
  );
  edit(source, crash, "_exit(3);");
  edit(source, "<math.h>", "<math.h>\n#include <unistd.h>");
  await until(
    "where it ends",
    async () => /ended the program while it was being loaded: exit\(3\) called by the app, in layout/.test(await text("/_ph/debug.js")),
    60,
  );
  const from = server.lines.length;

  edit(source, "_exit(3);", "");
  await server.waitFor(/event=master\.restarted/, { from, seconds: 60 });
  await until(
    "the notice to go",
    async () => !/not loaded/.test(await text("/_ph/debug.js")),
    60,
  );
  /* It ends with the server, and the server with it. */
  process.kill(server.grep(/event=master\.ready/)[0].match(/pid=(\d+)/)[1], "SIGTERM");
  assert.equal((await server.exited).status, 1);
  assert.deepEqual(leftOvers(server), []);
});

test("a memoized value outlives a change, and dev says so", { seconds: 120 }, async (t, scene) => {
  const cwd = scene.dir();

  assert.equal(ask(cwd, "new", "demo").status, 0);
  const source = path.join(cwd, "demo/app.c");
  const elsewhere = scene.dir();
  const server = await dev(scene, source, { cwd: elsewhere, cacheDir: false });
  const draw = async () => {
    const answer = await fetch(`${server.url}/_dash-update-component`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        output: "..caption.children...graph.figure..",
        outputs: [
          { id: "caption", property: "children" },
          { id: "graph", property: "figure" },
        ],
        inputs: [{ id: "frequency", property: "value", value: 5 }],
        changedPropIds: ["frequency.value"],
      }),
    });
    const { bdata } = (await answer.json()).response.graph.figure.data[0].y;

    return Buffer.from(bdata, "base64").readDoubleLE(8);
  };
  const saved = async (from, to) => {
    const at = server.lines.length;

    edit(source, from, to);
    await server.waitFor(/event=master\.restarted/, { from: at, seconds: 60 });
  };
  const first = await draw();

  await saved("sin(frequency", "2 * sin(frequency");
  assert.equal(await draw(), first, "it is kept");
  /* In the app's folder, which has it in its .gitignore. */
  assert.ok(fs.existsSync(path.join(cwd, "demo/.pronghorn/cache-v1.db")));
  assert.deepEqual(fs.readdirSync(elsewhere), []);
  /* What it prints can be run as it is. */
  const [, program, socket] = await server.waitFor(
    /values of memoized functions stay .* or: (\S+) ctl --socket (\S+) cache delete function NAME/,
  );
  const args = ["ctl", "--socket", socket, "cache", "delete", "function", "wave"];

  execFileSync(program, args, { cwd });
  assert.equal(await draw(), 2 * first);
  /* Or by the source itself. */
  await saved(".timeout = PH_FOREVER)", ".timeout = PH_FOREVER, .version = 2)");
  await saved("2 * sin(frequency", "3 * sin(frequency");
  await saved(".version = 2", ".version = 3");
  assert.ok(Math.abs((await draw()) - 3 * first) < 1e-12);
  assert.equal(server.grep(/values of memoized functions stay/).length, 1);
});

/* A compiler that is killed, by the next change or by the end of it all, has
 * no time to remove its files, so that is done for it, and not only at the end.
 * A compiler cache would have none. */
test("a killed compiler leaves nothing behind", { seconds: 120 }, async (t, scene) => {
  const TMPDIR = scene.dir();
  const source = path.join(scene.dir(), "app.cpp");
  const text = fs.readFileSync(path.join(ROOT, "docs/examples/greeting_cpp/app.cpp"), "utf8");
  const isCompiling = () =>
    fs.readdirSync(TMPDIR, { recursive: true }).some((name) => /cc\w+\.(s|o)$/.test(name));

  const folders = () =>
    fs.readdirSync(TMPDIR, { recursive: true }).filter((name) => /\/step-\w+$/.test(name));

  fs.writeFileSync(source, text);
  const server = await dev(scene, source, { env: { TMPDIR, CCACHE_DISABLE: "1" } });

  for (const title of ["One", "Two", "Three", "Four"]) {
    fs.writeFileSync(source, text.replace('title("Two dice")', `title("${title}")`));
    await until("the compiler", isCompiling, 60);
    assert.ok(folders().length <= 1, "those of the killed are gone");
  }
  await server.stop();
  assert.deepEqual(fs.readdirSync(TMPDIR, { recursive: true }), []);
});

/* Has a process this file locked? */
const isHeld = (file) =>
  spawnSync("flock", ["-n", file, "true"]).status !== 0;

test("what a killed one leaves goes with the next", { seconds: 120 }, async (t, scene) => {
  const TMPDIR = scene.dir();
  const source = scene.file(
    "app.c",
    fs.readFileSync(path.join(ROOT, "server/dev/text/app.c.in"), "utf8").replaceAll("@NAME@", "plain"),
  );
  const folders = () => fs.readdirSync(TMPDIR).sort();
  /* Named as one of ours: the author's own all the same. */
  const mine = path.join(path.dirname(source), "ahead.h");

  fs.writeFileSync(mine, "/* mine */\n");
  const killed = await dev(scene, source, { env: { TMPDIR } });
  const [left] = folders();
  const other = await dev(scene, source, { env: { TMPDIR } });
  const [living] = folders().filter((name) => name !== left);

  await killed.waitFor(/headers are compiled ahead/, { seconds: 60 });
  assert.equal(fs.readFileSync(mine, "utf8"), "/* mine */\n");
  assert.deepEqual(killed.grep(/removed from/), []);
  assert.deepEqual(other.grep(/removed from/), []);
  killed.kill("SIGKILL");
  /* Its server notices, and holds the folder until it has ended. */
  await killed.exited;
  await until("the server", () => fs.existsSync(path.join(TMPDIR, left)) && !isHeld(path.join(TMPDIR, left, "lock")), 60);
  const next = await dev(scene, source, { env: { TMPDIR } });

  assert.equal(next.grep(/removed from .* what 1 killed run had left/).length, 1);
  assert.ok(!folders().includes(left) && folders().includes(living));
  assert.ok(fs.existsSync(source), "what the folder had links to is there");
  assert.equal((await (await fetch(`${other.url}/_dash-layout`)).text()).includes("plain"), true);
  await next.stop();
  await other.stop();
  assert.deepEqual(folders(), []);
});

test("a killed server is started again", { seconds: 120 }, async (t, scene) => {
  const source = scene.file(
    "app.c",
    fs.readFileSync(path.join(ROOT, "server/dev/text/app.c.in"), "utf8").replaceAll("@NAME@", "plain"),
  );
  const server = await dev(scene, source);
  const { port } = new URL(server.url);

  /* The same address, as it is when nobody says one. */
  await server.stop();
  const again = await dev(scene, source, { bind: `127.0.0.1:${port}` });
  const shows = (what) =>
    until(
      what,
      async () => {
        const answer = await fetch(`${again.url}/_dash-layout`).catch(() => null);

        return answer !== null && (await answer.text()).includes(what);
      },
      60,
    );

  await shows("plain");
  await again.waitFor(/headers are compiled ahead/, { seconds: 60 });
  const [, master] = await again.waitFor(/pid=(\d+) event=master\.ready/);
  const since = Date.now();

  /* It has to have served for a while, or it would be given up. */
  await until("two seconds", () => Date.now() > since + 2100);
  again.kill("SIGKILL", Number(master));
  await again.waitFor(/the server was killed and is started again/, { seconds: 30 });
  await again.waitFor(/serving on http/, { count: 2, seconds: 60 });
  await shows("plain");
  edit(source, '"plain"', '"mended"');
  await shows("mended");
  await again.stop();
});

/* What PH_APP begins with; `text` is that of the new app. */
const begins = (text, code) =>
  text
    .replace("PH_APP(app)\n{", `PH_APP(app)\n{\n\t${code}`)
    .replace("<math.h>", "<math.h>\n#include <unistd.h>");

test("an app that never returns", { seconds: 240 }, async (t, scene) => {
  const plain = fs
    .readFileSync(path.join(ROOT, "server/dev/text/app.c.in"), "utf8")
    .replaceAll("@NAME@", "plain");
  const hangs = begins(plain, "for (;;) (void)pause();");
  const source = scene.file("app.c", hangs);
  const start = now();
  const server = await dev(scene, source);
  const text = async (what) => (await fetch(server.url + what)).text();
  const shows = (what, wanted, pattern) =>
    until(wanted, async () => pattern.test(await text(what)), 60);
  const slow = /app\.c: still loading after 2 s: PH_APP has not returned/;
  const settled = () =>
    until("no notice", async () => !/"title":/.test(await text("/_ph/debug.js")), 60);

  /* There is a page, and it says so; not after boot_timeout, a minute. */
  assert.match(await text("/_ph/debug.js"), slow);
  assert.match(await text("/_dash-layout"), /has not been loaded yet/);
  within(t, "start to notice", now() - start, 30000);
  /* What is saved then takes its place at once. */
  const saved = now();

  fs.writeFileSync(source, plain);
  await shows("/_dash-layout", "the app", /"children":"plain"/);
  within(t, "mended to served", now() - saved, 30000);
  await settled();
  /* The same when an older one serves; this time it does not compile. */
  fs.writeFileSync(source, hangs);
  await shows("/_ph/debug.js", "the notice", slow);
  assert.match(await text("/_dash-layout"), /"children":"plain"/);
  fs.writeFileSync(source, hangs.replace("static enum", "statics enum"));
  await shows("/_ph/debug.js", "the error", /app\.c:\d+:.* error/);
  await until("the first one to be given up", () =>
    server.grep(/master\.restarted/).length === 2, 30);
  assert.match(await text("/_dash-layout"), /"children":"plain"/);
  /* One that needs its time has it: from the start, and later. */
  fs.writeFileSync(source, begins(plain.replace('"plain"', '"slow"'), "sleep(4);"));
  await shows("/_ph/debug.js", "the notice", slow);
  await shows("/_dash-layout", "the slow app", /"children":"slow"/);
  await settled();
  assert.deepEqual(server.grep(/reload_failed/), []);
  assert.equal((await server.stop()).status, 0);
  assert.deepEqual(leftOvers(server), []);
  const again = await dev(scene, source);

  await until(
    "the slow app from the start",
    async () =>
      /"children":"slow"/.test(await (await fetch(`${again.url}/_dash-layout`)).text()),
    60,
  );
  assert.equal((await again.stop()).status, 0);
});

/* [what of the app, code in front of PH_APP, a change of the rest, what is
 * told]. */
const HANGING = [
  ["its layout", "", (text) => text.replace(/(\nlayout\(struct ph_call \*call\)\n{)/, "$1\n\tfor (;;) (void)pause();"), /layout has not returned/],
  ["a constructor", "__attribute__((constructor)) static void\nwake(void)\n{\n\tfor (;;) (void)pause();\n}\n\n", null, /a constructor has not returned/],
];

test("it says which part never returns", { seconds: 240 }, async (t, scene) => {
  const plain = fs
    .readFileSync(path.join(ROOT, "server/dev/text/app.c.in"), "utf8")
    .replaceAll("@NAME@", "plain");
  const source = scene.file("app.c", plain);
  const server = await dev(scene, source);
  const text = async (what) => (await fetch(server.url + what)).text();

  for (const [what, before, inside, wanted] of HANGING) {
    const with_unistd = plain.replace("<math.h>", "<math.h>\n#include <unistd.h>");
    const bad = (inside ?? String)(with_unistd).replace("PH_APP(app)", `${before}PH_APP(app)`);
    const from = server.lines.length;
    const saved = now();

    assert.notEqual(bad, with_unistd, what);
    fs.writeFileSync(source, bad);
    /* In the terminal and in the page, long before boot_timeout, a minute. */
    const slow = new RegExp(`app\\.c: still loading after 2 s: ${wanted.source}`);

    await server.waitFor(slow, { from, seconds: 60 });
    within(t, `${what}: saved to told`, now() - saved, 20000);
    await until("the notice", async () => slow.test(await text("/_ph/debug.js")), 30);
    assert.match(await text("/_dash-layout"), /"children":"plain"/);
    /* Saved again, it is well again. */
    const mended = now();

    fs.writeFileSync(source, plain);
    await until("no notice", async () => !/"title":/.test(await text("/_ph/debug.js")), 60);
    within(t, `${what}: mended to served`, now() - mended, 20000);
  }
  assert.equal((await server.stop()).status, 0);
});

test("what cannot begin says why", async (t, scene) => {
  const cwd = scene.dir();

  fs.writeFileSync(path.join(cwd, "app.c"), "int x;\n");
  for (const [args, pattern] of [
    [["dev"], /no source is named/],
    [["dev", "gone.c"], /gone\.c: No such file/],
    [["dev", "app.so"], /app\.so is neither a source .* nor a folder with an app\.c/],
    [["dev", "folder", "--workers", "1"], /folder is neither a source/],
    [["dev", "--no-such-flag", "app.c"], /--no-such-flag: no such option/],
    [["dev", "app.c", "--workers"], /--workers: a value is missing/],
    [["dev", "--workers", "app.c"], /--workers: a value is missing/],
    [["dev", "app.c", "--workers", "0"], /workers = 0: .*must be 1\.\./],
  ]) {
    const { status, stderr } = ask(cwd, ...args);

    assert.equal(status, 1, args.join(" "));
    assert.match(stderr, pattern);
    assert.doesNotMatch(stderr, /compile|\/tmp\/pronghorn-/, "before it has begun");
  }
  /* An address that is taken is no fault of the app: no second try without it. */
  assert.equal(ask(cwd, "new", "demo").status, 0);
  const other = await scene.start();
  const taken = ask(cwd, "dev", "demo", "--bind", other.host);

  assert.equal(taken.status, 1);
  assert.match(taken.stderr, /the server did not start, see above/);
  assert.equal(taken.stderr.match(/event=master\.start/g).length, 1);
  const [, free] = /Address already in use; free: --bind (\S+)"/.exec(taken.stderr);

  assert.equal((await (await dev(scene, "demo", { cwd, bind: free })).stop()).status, 0);
  const blind = spawnSync(PROGRAM, ["dev", "demo"], { cwd, encoding: "utf8", env: { ...process.env, CC: "no-such-cc" } });

  assert.match(blind.stderr, /cannot run no-such-cc: .*\n.*not even an empty app compiles/);
  assert.match(ask(cwd, "dev", "--help").stdout, /usage: pronghorn dev/);
  assert.match(ask(cwd, "dev", "--cflags").stdout, /^-I\/.*\n$/);
  assert.match(ask(cwd, "new", "--help").stdout, /usage: pronghorn new/);
});

test("it says where the page is", { seconds: 120 }, async (t, scene) => {
  const cwd = scene.dir();

  assert.equal(ask(cwd, "new", "demo").status, 0);
  certificate(cwd);
  const said = async (...args) => {
    const child = spawn(PROGRAM, ["dev", "demo", "--workers", "1", ...args], { cwd });
    let text = "";

    child.stderr.on("data", (more) => (text += more));
    scene.later(() => child.kill("SIGINT"));
    await until("the address", () => /serving on .*\n/.test(text), 60);
    const ended = once(child, "exit");

    child.kill("SIGINT");
    await ended;
    return /serving on (.*); Ctrl-C ends it/.exec(text)[1];
  };

  assert.match(
    await said("--bind", "127.0.0.1:0", "--url-base-pathname", "/dash/"),
    /^http:\/\/127\.0\.0\.1:\d+\/dash\/$/,
  );
  assert.match(
    await said("--bind", "0.0.0.0:0", "--certfile", "localhost.pem", "--keyfile", "localhost.key"),
    /^https:\/\/127\.0\.0\.1:\d+\/$/,
  );
  assert.equal(await said("--bind", "unix:page.sock"), "unix:page.sock");
});

test("a program in a folder with a space", { seconds: 120 }, async (t, scene) => {
  const cwd = scene.dir();
  const place = path.join(cwd, "sp ace/bin");
  const program = path.join(place, "pronghorn");

  fs.mkdirSync(place, { recursive: true });
  fs.copyFileSync(PROGRAM, program);
  fs.symlinkSync(path.join(ROOT, "worker"), path.join(cwd, "sp ace/worker"));
  fs.symlinkSync(path.join(BUILD, "www"), path.join(place, "www"));
  const made = spawnSync(program, ["new", "demo"], { cwd, encoding: "utf8" });

  assert.match(made.stdout, /^Next: '.*sp ace\/bin\/pronghorn' dev --open demo$/m);
  const tested = execFileSync("make", ["-s", "test"], {
    cwd: path.join(cwd, "demo"),
    encoding: "utf8",
    env: { ...process.env, MAKEFLAGS: "" },
  });

  assert.equal(tested.match(/^ok: /gm).length, 2, tested);
});
