/* SPDX-License-Identifier: MIT */

/*
 * What `make install` gives: an app is built and served away from the tree.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { BUILD, ROOT, test } from "../lib/harness.mjs";
import { get } from "../lib/wire.mjs";

const APP = `#include <pronghorn/app.h>
#include <pronghorn/html.h>

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_p(.children = ph_text("from elsewhere"));
}

PH_APP(app)
{
	ph_layout(app, layout);
}
`;

const isThere = (command) =>
  spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;

/* What bash offers for a line. */
function complete(file, ...words) {
  const script = `
    source ${file}
    COMP_WORDS=(pronghorn ${words.map((word) => `'${word}'`).join(" ")})
    COMP_CWORD=${words.length}
    compopt() { :; }
    _pronghorn
    printf '%s\\n' "\${COMPREPLY[@]}"`;

  return execFileSync("bash", ["-c", script], { encoding: "utf8" })
    .trim()
    .split("\n");
}

/* The commands in a chapter of OPERATIONS, in their order. */
function printed(chapter) {
  const text = fs.readFileSync(path.join(ROOT, "docs/OPERATIONS.md"), "utf8");
  const [, block] = new RegExp(`\\n## ${chapter}\\n[^]*?\`\`\`sh\\n([^]*?)\`\`\``).exec(text);

  return block.trim().split("\n");
}

/*
 * The unit's server, with the installed config file, obeys the commands as
 * they are printed: but for the places, which are those of `prefix`.
 */
async function checkUnit(scene, prefix, app) {
  const root = scene.dir();
  const moved = (text) =>
    text
      .replaceAll("/etc/pronghorn/", `${prefix}/etc/pronghorn/`)
      .replaceAll(`${prefix}${prefix}`, prefix)
      .replaceAll("/run/pronghorn", `${root}/run`)
      .replaceAll("/var/cache/pronghorn", `${root}/cache`);
  const unit = moved(fs.readFileSync(path.join(prefix, "lib/systemd/system/pronghorn.service"), "utf8"));
  const [, start] = /^ExecStart=(.*)$/m.exec(unit);
  const [, reload] = /^ExecReload=(.*)$/m.exec(unit);
  const [program, ...args] = start.split(" ");

  for (const folder of ["run", "cache"]) fs.mkdirSync(path.join(root, folder), { mode: 0o700 });
  const file = path.join(prefix, "etc/pronghorn/pronghorn.conf");
  const installed = fs.readFileSync(file, "utf8");

  /* As the chapter on systemd has it: only the app is named. */
  fs.writeFileSync(file, `${moved(installed)}\napp = "${app}"\n`);
  const server = scene.server({ program, args, app: false, cacheDir: false });

  await server.ready();
  const run = (command) => {
    const [word, ...words] = command.split(" ");

    return spawnSync(word === "pronghorn" ? program : word, words, { cwd: root, encoding: "utf8", timeout: 60000 });
  };
  const commands = [...printed("pronghorn ctl").map(moved), reload];

  assert.ok(commands.length >= 3 && commands[0].includes(" -c "), commands.join("\n"));
  for (const command of commands) {
    const { status, stderr } = run(command);

    assert.equal(status, 0, `${command}: ${stderr}`);
  }
  /* What it reads itself is the server's, too. */
  assert.ok(fs.readdirSync(path.join(root, "cache")).length > 0);
  await server.stop();
  const { status, stdout } = run(commands[0].replace(/status$/, "cache"));

  assert.equal(status, 0, "without a server");
  assert.match(stdout, new RegExp(root));
  fs.writeFileSync(file, installed);
}

/* What the machine's own services look for, with the paths of this prefix. */
function checkSystem(t, prefix) {
  const at = (name) => path.join(prefix, name);
  const read = (name) => fs.readFileSync(at(name), "utf8");
  const unit = read("lib/systemd/system/pronghorn.service");

  assert.ok(unit.includes(`ExecStart=${prefix}/bin/pronghorn -c ${prefix}/etc`));
  assert.ok(unit.includes(`ExecReload=${prefix}/bin/pronghorn ctl`));
  assert.match(read("lib/systemd/system/pronghorn.socket"), /ListenStream=/);
  assert.ok(read("etc/logrotate.d/pronghorn").includes(`${prefix}/bin/pronghorn`));
  assert.ok(fs.existsSync(at("share/doc/pronghorn/examples/pronghorn.tmpfiles")));
  for (const page of ["man8/pronghorn.8", "man5/pronghorn.conf.5",
    "man1/pronghorn-bench.1"])
    assert.match(read(`share/man/${page}`), /^\.SH NAME$/m);
  assert.match(
    execFileSync(at("bin/pronghorn-bench"), ["--help"], { encoding: "utf8" }),
    /^Usage: pronghorn-bench/,
  );
  const completion = at("share/bash-completion/completions/pronghorn");

  assert.deepEqual(complete(completion, "--grace"), ["--graceful-timeout"]);
  assert.deepEqual(complete(completion, "ctl", "re"), ["reload", "reopen-logs"]);
  assert.deepEqual(complete(completion, "ctl", "log-level", "d"), ["debug"]);
  if (!isThere("systemd-analyze")) {
    t.diagnostic("systemd-analyze is not there: units not verified");
    return;
  }
  const verified = spawnSync(
    "systemd-analyze",
    ["verify", "--man=no", at("lib/systemd/system/pronghorn.service"),
      at("lib/systemd/system/pronghorn.socket")],
    { encoding: "utf8" },
  );

  assert.doesNotMatch(verified.stderr, /pronghorn/);
}

test("an installed server serves an app built outside the tree", async (t, scene) => {
  const prefix = scene.dir();
  const source = scene.file("app.c", APP);
  const folder = path.dirname(source);
  const env = {
    ...process.env,
    PKG_CONFIG_PATH: path.join(prefix, "share/pkgconfig"),
  };

  execFileSync(
    "make",
    ["-C", ROOT, `BUILD=${BUILD}`, `PREFIX=${prefix}`, "install"],
    { stdio: "pipe" },
  );
  execFileSync(
    "sh",
    ["-c", "cc -shared $(pkg-config --cflags pronghorn) -o app.so app.c"],
    { cwd: folder, env },
  );
  const server = await scene.start({
    program: path.join(prefix, "bin/pronghorn"),
    app: path.join(folder, "app.so"),
    args: ["-c", path.join(prefix, "etc/pronghorn/pronghorn.conf"), "--pid", ""],
  });
  const wire = await scene.connect(server);

  wire.write(get("/_dash-layout"));
  assert.match((await wire.answer()).body.toString(), /from elsewhere/);
  checkSystem(t, prefix);
  await checkUnit(scene, prefix, path.join(folder, "app.so"));
  execFileSync(
    "make",
    ["-C", ROOT, `BUILD=${BUILD}`, `PREFIX=${prefix}`, "uninstall"],
    { stdio: "pipe" },
  );
  assert.deepEqual(
    fs
      .readdirSync(prefix, { recursive: true })
      .filter((name) => fs.statSync(path.join(prefix, name)).isFile()),
    [],
  );
});
