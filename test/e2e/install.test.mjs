/* SPDX-License-Identifier: MIT */

/* What `make install` gives: an app is built and served away from the tree. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
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
    args: ["-c", path.join(prefix, "etc/pronghorn/pronghorn.conf")],
  });
  const wire = await scene.connect(server);

  wire.write(get("/_dash-layout"));
  assert.match((await wire.answer()).body.toString(), /from elsewhere/);
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
