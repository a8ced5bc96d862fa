/* SPDX-License-Identifier: MIT */

/* Packages made ready for an app, from tarballs made here: no network. */

import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { childrenProps, readMetadata } from "../../www/metadata.mjs";
import { parseSpec } from "../../www/package.mjs";

const PROGRAM = fileURLToPath(new URL("../../www/package.mjs", import.meta.url));
const WWW = process.env.WWW ?? "build/www";
let scratch;

before(() => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), "package-test-"));
});
after(() => fs.rmSync(scratch, { recursive: true, force: true }));

const METADATA = {
  "src/lib/components/LightSwitch.react.js": {
    description: "A switch. It has two states.",
    displayName: "LightSwitch",
    props: {
      id: { type: { name: "string" }, required: false, description: "" },
      on: { type: { name: "bool" }, required: true, description: "Is it on?" },
      color: {
        type: { name: "enum", value: [{ value: "'red'" }, { value: "'blue'" }] },
        required: false,
        description: "Its colour",
      },
      label: { type: { name: "node" }, required: false, description: "" },
      items: {
        type: {
          name: "arrayOf",
          value: { name: "shape", value: { title: { name: "node" } } },
        },
        required: false,
        description: "",
      },
      setProps: { type: { name: "func" }, required: false, description: "" },
      onChange: { type: { name: "func" }, required: false, description: "" },
    },
  },
};

/* A folder with a pin and the tarball it pins. */
function folderWith(files, pin = {}) {
  const folder = fs.mkdtempSync(path.join(scratch, "app-"));
  const source = fs.mkdtempSync(path.join(scratch, "source-"));
  const tarballs = path.join(folder, "packages", "my_lights", "tarballs");
  const tarball = path.join(tarballs, "my-lights-1.2.3.tgz");
  const all = {
    "package.json": JSON.stringify({
      ...{ name: "my-lights", version: "1.2.3", license: "MIT" },
    }),
    ...files,
  };

  for (const [name, text] of Object.entries(all)) {
    const file = path.join(source, "package", name);

    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }
  fs.mkdirSync(tarballs, { recursive: true });
  execFileSync("tar", ["-czf", tarball, "-C", source, "package"]);
  const hash = createHash("sha512").update(fs.readFileSync(tarball));

  fs.writeFileSync(
    path.join(folder, "packages", "my_lights.json"),
    JSON.stringify({
      component: { namespace: "my_lights", prefix: "ml" },
      packages: [
        {
          ...{ name: "my-lights", version: "1.2.3" },
          integrity: `sha512-${hash.digest("base64")}`,
          serve: [
            {
              ...{ file: "my_lights/my_lights.min.js", load: 1 },
              url: "my_lights/my_lights.min.js",
            },
          ],
          ...pin,
        },
      ],
    }),
  );
  return folder;
}

const BUNDLE = { "my_lights/my_lights.min.js": "window.my_lights = {};\n" };

function make(...args) {
  return spawnSync(process.execPath, [PROGRAM, "--www", WWW, ...args], {
    encoding: "utf8",
  });
}

test("headers and files out of metadata.json", () => {
  const folder = folderWith({
    ...BUNDLE,
    "my_lights/metadata.json": JSON.stringify(METADATA),
  });
  const done = make(folder);

  assert.equal(done.stderr, "");
  assert.equal(done.status, 0);
  const header = fs.readFileSync(path.join(folder, "my_lights.h"), "utf8");

  assert.match(header, /^struct ml_light_switch \{/m);
  assert.match(header, /One of red, blue\./);
  assert.match(header, /"on", BOOL, PH_PROP_REQUIRED\)/);
  assert.match(header, /"label", VALUE, PH_PROP_CHILDREN\)/);
  assert.doesNotMatch(header, /onChange|setProps/);
  const builders = fs.readFileSync(path.join(folder, "my_lights.hpp"), "utf8");

  assert.match(builders, /#include "my_lights\.h"/);
  assert.match(builders, /LightSwitch &on\(bool v\)/);
  const served = path.join(folder, "packages", "my_lights");

  assert.deepEqual(
    JSON.parse(fs.readFileSync(path.join(served, "children.json"), "utf8")),
    { LightSwitch: ["label", "items[].title"] },
  );
  const [line] = fs
    .readFileSync(path.join(served, "manifest.tsv"), "utf8")
    .split("\n");

  assert.match(line, /^my_lights\/v[0-9a-f]{12}\/my_lights\.min\.js\t/);
});

test("types out of the bundle, or of the sources when it hides them", () => {
  const react = "const C = () => null;";
  const plain = folderWith({
    "my_lights/my_lights.min.js":
      `${react} C.propTypes = { on: window.PropTypes.bool.isRequired };` +
      "window.my_lights = { Lamp: C, helper: {} };",
  });
  const done = make(plain);

  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stderr, /left out, as they have no propTypes: helper/);
  assert.match(
    fs.readFileSync(path.join(plain, "my_lights.h"), "utf8"),
    /"on", BOOL, PH_PROP_REQUIRED\)/,
  );
  const hidden = folderWith({
    "my_lights/my_lights.min.js":
      `${react} const any = () => {}; C.propTypes = { on: any, size: any };` +
      "window.my_lights = { Lamp: C };",
    "src/components/Lamp.js":
      "Lamp.propTypes = {\n  /** Is it on? */\n  on: PropTypes.bool,\n" +
      "  size: PropTypes.string\n};\n",
  });

  assert.equal(make(hidden).status, 0);
  const header = fs.readFileSync(path.join(hidden, "my_lights.h"), "utf8");

  assert.match(header, /\(bool\) Is it on\?/);
  assert.match(header, /"size", TEXT, 0\)/);
  /* Without sources, what every component has is known all the same. */
  const bare = folderWith({
    "my_lights/my_lights.min.js":
      `${react} const any = () => {}; ` +
      "C.propTypes = { id: any, size: any, setProps: any };" +
      "window.my_lights = { Lamp: C };",
  });

  assert.equal(make(bare).status, 0);
  const plainer = fs.readFileSync(path.join(bare, "my_lights.h"), "utf8");

  assert.match(plainer, /"id", TEXT, 0\)/);
  assert.match(plainer, /"size", VALUE, 0\)/);
  assert.doesNotMatch(plainer, /setProps/);
});

test("what is wrong is one line", () => {
  const cases = [
    [folderWith(BUNDLE), /no component of my_lights says what properties/],
    [
      folderWith({ "my_lights/my_lights.min.js": "throw new Error('broken');" }),
      /its bundle does not run here: broken/,
    ],
    [
      folderWith(BUNDLE, { integrity: "sha512-AAAA" }),
      /my-lights@1\.2\.3: wrong integrity, expected sha512-AAAA, got sha512-/,
    ],
    [scratch, /has no packages\/\*\.json: name a package/],
  ];

  for (const [folder, message] of cases) {
    const done = make(folder);

    assert.equal(done.status, 1);
    assert.match(done.stderr, message);
    assert.equal(done.stderr.trim().split("\n").length, 1, done.stderr);
  }
  assert.equal(make().status, 2);
  assert.match(make("--style", "nothing", "x", scratch).stderr, /FILE\.css/);
});

test("specs and nodes", () => {
  assert.deepEqual(parseSpec("@a/b-c@1.2.3"), { name: "@a/b-c", version: "1.2.3" });
  assert.deepEqual(parseSpec("x"), { name: "x", version: undefined });
  assert.throws(() => parseSpec("../x y"), /no name of a package/);
  const [[, { types }]] = readMetadata(JSON.stringify(METADATA), (text) => text);

  assert.deepEqual(childrenProps(types), ["label", "items[].title"]);
});

/* `npm` asks this registry, which has one package: a tarball of `files`. */
async function addFrom(files, ...args) {
  const folder = folderWith(files);
  const packed = path.join(folder, "packages/my_lights/tarballs/my-lights-1.2.3.tgz");
  const bytes = fs.readFileSync(packed);
  const origin = http.createServer((request, response) => {
    if (request.url.endsWith(".tgz")) return response.end(bytes);
    const base = `http://127.0.0.1:${origin.address().port}`;
    const version = {
      ...{ name: "my-lights", version: "1.2.3" },
      dist: { tarball: `${base}/my-lights-1.2.3.tgz` },
    };

    return response.end(
      JSON.stringify({
        name: "my-lights",
        "dist-tags": { latest: "1.2.3" },
        versions: { "1.2.3": version },
      }),
    );
  });
  const app = fs.mkdtempSync(path.join(scratch, "added-"));

  await new Promise((resolve) => origin.listen(0, "127.0.0.1", resolve));
  const env = {
    ...process.env,
    npm_config_registry: `http://127.0.0.1:${origin.address().port}/`,
    npm_config_cache: path.join(app, "npm-cache"),
  };
  const done = await new Promise((resolve) => {
    execFile(
      process.execPath,
      [PROGRAM, "--www", WWW, ...args, "my-lights", app],
      { encoding: "utf8", env },
      (error, stdout, stderr) => resolve({ status: error?.code ?? 0, stderr }),
    );
  });

  origin.close();
  origin.closeAllConnections();
  return { ...done, app };
}

const COMPONENT = "const C = () => null; C.propTypes = { on: PropTypes.bool };";
/* As those bundles do that bring polyfills along. */
const DOM =
  "class Mine extends HTMLButtonElement {} new Mine().observe();" +
  "HTMLDivElement.prototype.hide = 1; window.SVGPathElement.prototype.hide = 1;" +
  "if (HTMLDivElement !== window.HTMLDivElement || !('UIEvent' in self)) " +
  "throw new Error('two windows'); Array.isArray([]); new MouseEvent('click');" +
  "if (typeof Buffer !== 'undefined') throw new Error('no browser');";

test("a bundle finds every class of the DOM", async () => {
  const { status, stderr, app } = await addFrom({
    "my_lights/my_lights.min.js": `${DOM}${COMPONENT} window.my_lights = { Lamp: C };`,
  });

  assert.equal(stderr, "");
  assert.equal(status, 0);
  assert.match(
    fs.readFileSync(path.join(app, "my_lights.h"), "utf8"),
    /"on", BOOL, 0\)/,
  );
});

test("a bundle of any name is found by what it makes", async () => {
  const about = { name: "my-lights", version: "1.2.3", main: "build/index.js" };
  const bundle = `${COMPONENT} window["my_lights"] = { Lamp: C };`;
  const files = {
    "package.json": JSON.stringify(about),
    "my_lights/bundle.js": bundle,
    "my_lights/async-lamp.js": "window.my_lights_lamp = 'my_lights';",
    "my_lights/my_lights-shared.js": "window.my_lights_shared = [];",
    "my_lights/helper.js": "window.about_my_lights = 1;",
    "my_lights/broken.js": "throw new Error('my_lights');",
  };
  const { status, stderr, app } = await addFrom(files);

  assert.equal(stderr, "");
  assert.equal(status, 0);
  assert.deepEqual(
    JSON.parse(
      fs.readFileSync(path.join(app, "packages/my_lights.json"), "utf8"),
    ).packages[0].serve.map(({ file, load }) => [file, load]),
    [
      ["my_lights/bundle.js", 1],
      ["my_lights/async-lamp.js", 0],
      ["my_lights/my_lights-shared.js", 0],
    ],
  );
  /* As the bundles of older packages ask for what they load. */
  const parted = await addFrom({
    ...files,
    "my_lights/bundle.js": `${bundle} (n) => n.splice(1,0,"v1_0_2m1647653451")`,
  });

  assert.equal(parted.status, 0, parted.stderr);
  assert.match(
    fs.readFileSync(
      path.join(parted.app, "packages/my_lights/manifest.tsv"),
      "utf8",
    ),
    /\/async-lamp\.v1_0_2m1647653451\.js\t/,
  );
  const twice = { ...files, "my_lights/second.js": bundle };
  const unsure = await addFrom(twice);

  assert.equal(unsure.status, 1);
  assert.match(
    unsure.stderr,
    /several scripts make window\.my_lights: my_lights\/bundle\.js, my_lights\/second\.js/,
  );
  /* Unless the package says which is its own. */
  const told = await addFrom({
    ...twice,
    "package.json": JSON.stringify({ ...about, main: "./my_lights/second.js" }),
  });

  assert.equal(told.status, 0, told.stderr);
  const none = await addFrom(files, "--namespace", "my_lamps");

  assert.equal(none.status, 1);
  assert.match(
    none.stderr,
    /no script in it makes window\.my_lamps \(--namespace\?\)$/m,
  );
});
