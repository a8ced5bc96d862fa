/* SPDX-License-Identifier: MIT */

/* pronghorn dev sees all that changes what the app is made of. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { dev, edit } from "../lib/dev.mjs";
import { ROOT, test, until } from "../lib/harness.mjs";

const PLAIN = fs
  .readFileSync(path.join(ROOT, "server/dev/text/app.c.in"), "utf8")
  .replaceAll('"@NAME@"', "TITLE");

/* An app whose title is `title`, in a folder with the files `more`. */
function write(scene, title, more = {}) {
  const folder = scene.dir();

  for (const [name, text] of Object.entries({ "app.c": title + PLAIN, ...more })) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
  return (name) => path.join(folder, name);
}

/* What the page of `server` shows. */
const page = (server) => {
  const text = async (what) => (await fetch(server.url + what)).text();
  const wait = (what, where, is) =>
    until(what, async () => is(await text(where)), 60);

  return {
    title: (title) =>
      wait(`the title ${title}`, "/_dash-layout", (got) => got.includes(`"children":"${title}"`)),
    error: (pattern) => wait(`${pattern}`, "/_ph/debug.js", (got) => pattern.test(got)),
    good: () => wait("no error", "/_ph/debug.js", (got) => !/"title":/.test(got)),
  };
};

/* Give a file the times of long ago, as who restores one does. */
const age = (file) => fs.utimesSync(file, 1e9, 1e9);

test("a file that is restored is older, and new", { seconds: 240 }, async (t, scene) => {
  const at = write(scene, '#include "title.h"\n', {
    "title.h": '#define TITLE "one"\n',
    "b.c": "int b(void);\nint b(void)\n{\n\treturn 1;\n}\n",
  });
  const keep = (name) => {
    fs.copyFileSync(at(name), at(`${name}.bak`));
    age(at(`${name}.bak`));
  };

  for (const name of ["app.c", "title.h"]) keep(name);
  const server = await dev(scene, [at("app.c"), at("b.c")]);
  const { title } = page(server);

  await title("one");
  /* By mv. */
  edit(at("app.c"), "ph_text(TITLE)", 'ph_text("bad")');
  await title("bad");
  fs.renameSync(at("app.c.bak"), at("app.c"));
  await title("one");
  edit(at("title.h"), "one", "worse");
  await title("worse");
  fs.renameSync(at("title.h.bak"), at("title.h"));
  await title("one");
  /* By cp -p. */
  keep("title.h");
  edit(at("title.h"), "one", "two");
  await title("two");
  fs.copyFileSync(at("title.h.bak"), at("title.h"));
  age(at("title.h"));
  await title("one");
  await server.stop();
});

test("a folder of headers goes, comes back and is swapped", { seconds: 240 }, async (t, scene) => {
  const header = (title) => `#define TITLE "${title}"\n`;
  const at = write(scene, '#include "inc/title.h"\n', {
    "inc/title.h": header("one"),
    "inc_b/title.h": header("three"),
  });
  /* By a path from where it was started: nothing of it is watched as such. */
  const server = await dev(scene, "app.c", { cwd: at(".") });
  const { title, error, good } = page(server);

  await title("one");
  fs.rmSync(at("inc"), { recursive: true });
  await error(/inc\/title\.h: No such file/);
  fs.mkdirSync(at("inc"));
  fs.writeFileSync(at("inc/title.h"), header("two"));
  await title("two");
  await good();
  edit(at("inc/title.h"), "two", "two and a half");
  await title("two and a half");
  /* Another in its place, as a generator has it. */
  fs.renameSync(at("inc"), at("inc_old"));
  fs.renameSync(at("inc_b"), at("inc"));
  await title("three");
  await good();
  edit(at("inc/title.h"), "three", "four");
  await title("four");
  fs.renameSync(at("inc"), at("inc2"));
  await error(/inc\/title\.h: No such file/);
  await server.stop();
});

test("warnings of each of several sources are told", { seconds: 120 }, async (t, scene) => {
  const at = write(scene, '#define TITLE "one"\nstatic int in_app;\n', {
    "b.c": "static int in_b;\n",
    "c.c": "static int in_c;\n",
  });
  const server = await dev(scene, ["app.c", "b.c", "c.c"].map(at), { flags: ["-Wunused"] });

  for (const name of ["app", "b", "c"])
    assert.equal(server.grep(new RegExp(`${name}\\.c:.*warning: .*in_${name}`)).length, 1, name);
  await server.stop();
});

const isThere = (program) => spawnSync(program, ["--version"]).status === 0;

/* What no run of the compiler has read is in no rules of its. */
for (const CC of ["gcc", "clang"])
  test(`headers that a generator writes later, ${CC}`, { seconds: 240, skip: !isThere(CC) }, async (t, scene) => {
    const at = write(scene, '#include "gen/title.h"\n#include <more/more.h>\n');
    const server = await dev(scene, at("app.c"), {
      env: { CC, LC_ALL: "C.UTF-8" },
      flags: ["-I", at("out")],
    });
    const { title, error, good } = page(server);

    await error(/gen\/title\.h/);
    fs.mkdirSync(at("gen"));
    fs.writeFileSync(at("gen/title.h"), '#define TITLE "one"\n');
    await error(/more\/more\.h/);
    fs.mkdirSync(at("out/more"), { recursive: true });
    fs.writeFileSync(at("out/more/more.h"), "");
    await title("one");
    await good();
    await server.stop();
  });

/* Saved in the place where the file really is. */
test("linked sources, headers and settings", { seconds: 240 }, async (t, scene) => {
  const header = (title) => `#define TITLE "${title}"\n`;
  const at = write(scene, "", {
    "real/app.c": '#include "inc/sub/h.h"\n#define TAIL ""\n' + PLAIN.replace("ph_text(TITLE)", "ph_text(TITLE TAIL)"),
    "real/h.h": header("one"),
    "real/other.h": header("other"),
    "proj/conf.d/p.conf": "session_lifetime = 1100\n",
    "proj/inc/sub/README": "",
  });
  const write_in_place = (file, from, to) =>
    fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace(from, to));

  fs.symlinkSync("../real/app.c", at("proj/app.c"));
  fs.symlinkSync("../../../real/h.h", at("proj/inc/sub/h.h"));
  fs.symlinkSync("conf.d/p.conf", at("proj/pronghorn.conf"));
  const server = await dev(scene, at("proj/app.c"));
  const { title } = page(server);
  const reloads = () => server.grep(/pronghorn dev: serves/).length;
  const reloaded = async (what, change) => {
    const before = reloads();

    change();
    await until(what, () => reloads() > before, 30);
  };

  await title("one");
  write_in_place(at("real/h.h"), "one", "two");
  await title("two");
  edit(at("real/h.h"), "two", "three");
  await title("three");
  write_in_place(at("real/app.c"), 'TAIL ""', 'TAIL " a"');
  await title("three a");
  edit(at("real/app.c"), 'TAIL " a"', 'TAIL " b"');
  await title("three b");
  /* The link comes to lead elsewhere. */
  fs.symlinkSync("../../../real/other.h", at("new"));
  fs.renameSync(at("new"), at("proj/inc/sub/h.h"));
  await title("other b");
  write_in_place(at("real/other.h"), "other", "another");
  await title("another b");
  await reloaded("settings in place", () => write_in_place(at("proj/conf.d/p.conf"), "1100", "1200"));
  await reloaded("settings renamed", () => edit(at("proj/conf.d/p.conf"), "1200", "1300"));
  await server.stop();
});

/* By each way of naming a folder, and a header that a macro names. */
for (const CC of ["gcc", "clang"])
  test(`where missing headers may come, ${CC}`, { seconds: 240, skip: !isThere(CC) }, async (t, scene) => {
    const NAMES = ["a.h", "b.h", "c.h", "d.h", "e.h", "f.h", "sub/m.h", "sub/q.h"];
    const lines = NAMES.slice(0, 6).map((name) => `#include "x/${name}"\n`);
    const at = write(scene, '#include "names.h"\n#include MACRO\n#include Q(sub)\n' + lines.join(""), {
      "names.h": '#define MACRO "sub/m.h"\n#define Q(folder) <folder/q.h>\n',
    });
    const server = await dev(scene, at("app.c"), {
      env: { CC: `${CC} -I ${at("f")}`, LC_ALL: "C.UTF-8", CPATH: `/nowhere:${at("e")}` },
      flags: ["-isystem", at("a"), `-isystem${at("b")}`, `-iquote${at("c")}`, "-idirafter", at("d")],
    });
    const { title, error, good } = page(server);
    const come = async (name, file, text = "") => {
      await error(new RegExp(`(?<![./\\w])'?${name}`));
      fs.mkdirSync(path.dirname(at(file)), { recursive: true });
      fs.writeFileSync(at(file), text);
    };

    await come("sub/m.h", "sub/m.h");
    await come("sub/q.h", "a/sub/q.h");
    for (const name of "abcde") await come(`x/${name}.h`, `${name}/x/${name}.h`);
    await come("x/f.h", "f/x/f.h", '#define TITLE "one"\n');
    await title("one");
    await good();
    await server.stop();
  });

test("a header that need not be there comes", { seconds: 120 }, async (t, scene) => {
  const at = write(
    scene,
    '#if __has_include("opt/o.h")\n#include "opt/o.h"\n#else\n#define TITLE "none"\n#endif\n',
    { "b.c": "int b(void);\nint b(void)\n{\n\treturn 1;\n}\n" },
  );
  const server = await dev(scene, [at("app.c"), at("b.c")], {
    env: { CCACHE_NODIRECT: "1" }, /* else it does not look for what was not there */
    flags: ["-iquote", at("inc")],
  });
  const { title } = page(server);

  await title("none");
  fs.mkdirSync(at("inc/opt"), { recursive: true });
  fs.writeFileSync(at("inc/opt/o.h"), '#define TITLE "one"\n');
  await title("one");
  /* Nearer than the one that was read. */
  fs.mkdirSync(at("opt"));
  fs.writeFileSync(at("opt/o.h"), '#define TITLE "two"\n');
  await title("two");
  fs.rmSync(at("opt"), { recursive: true });
  await title("one");
  await server.stop();
});

for (const CXX of ["g++", "clang++"])
  test(`C beside C++, ${CXX}`, { seconds: 120, skip: !isThere(CXX) }, async (t, scene) => {
    const at = write(scene, "const char *title(void);\n#define TITLE title()\n", {
      "m.cpp": '#include <string>\nstatic std::string one("one");\nextern "C" const char *title();\nconst char *title()\n{\n\treturn one.c_str();\n}\n',
    });
    const server = await dev(scene, [at("m.cpp"), at("app.c")], {
      env: { CXX, CC: CXX === "g++" ? "gcc" : "clang" },
      flags: ["-std=c++20", "-std=gnu17"],
    });

    await page(server).title("one");
    assert.deepEqual(server.grep(/warning:/), []);
    await server.stop();
  });

test("all sources with errors are told of", { seconds: 120 }, async (t, scene) => {
  const at = write(scene, '#define TITLE "one"\n', {
    "b.c": "#error first\n",
    "c.c": "static int fine;\n",
    "d.c": "#error second\n",
  });
  const server = await dev(scene, ["app.c", "b.c", "c.c", "d.c"].map(at));
  const { title, error } = page(server);

  await error(/b\.c:1.*first[^]*d\.c:1.*second/);
  assert.equal(server.grep(/does not compile/).length, 1);
  fs.writeFileSync(at("d.c"), "");
  await error(/^(?![^]*second)[^]*b\.c:1.*first/);
  fs.writeFileSync(at("b.c"), "");
  await title("one");
  await server.stop();
});
