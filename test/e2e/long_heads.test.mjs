/* SPDX-License-Identifier: MIT */

/*
 * Heads with as many lines and bytes as an app may give them: HTTP/1.1 and
 * HTTP/2 send the same, and the worker goes on.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import http2 from "node:http2";
import { certificate } from "../lib/certificate.mjs";
import { test } from "../lib/harness.mjs";
import { get } from "../lib/wire.mjs";

/*
 * ph_respond_header() takes 4096 bytes in all, a line with its name, ": " and
 * CRLF; ph_set_header() 3500 in 16 lines, each with 16 bytes more.
 */
const RESPOND_MAX = "lines=1&bytes=4087";
const SET_MAX = "set=16&set_bytes=193";
const SHORT_MAX = "lines=455&bytes=0";

const CASES = [
  ["/head?lines=58&bytes=3", 58],
  ["/head?lines=80&bytes=3", 80],
  [`/head?${SHORT_MAX}`, 455],
  ["/head?lines=1&bytes=4000", 1],
  [`/head?${RESPOND_MAX}`, 1],
  [`/head?${RESPOND_MAX}&session=1`, 1],
  [`/head?${RESPOND_MAX}&session=1&${SET_MAX}`, 17],
  [`/head?${SHORT_MAX}&session=1&${SET_MAX}`, 471],
  ["/saved?letters=503&session=1", 0],
  [`/saved?letters=463&session=1&lines=3&bytes=100&${SET_MAX}`, 19],
];

function begin(scene, file, args) {
  return scene.start({ app: "long_heads", threads: 2, env: { ROUTE_FILE: file }, args });
}

/* Status, names with values, and body of an answer of HTTP/2. */
function ask(session, path) {
  return new Promise((done, fail) => {
    const stream = session.request({ ":path": path });
    let text = "";
    let fields;

    stream.on("response", (got) => (fields = got));
    stream.setEncoding("utf8");
    stream.on("data", (chunk) => (text += chunk));
    stream.on("error", fail);
    stream.on("close", () =>
      fields ? done({ status: fields[":status"], fields, text }) : fail(new Error("no answer")));
    stream.end();
  });
}

/* What does not differ by time or protocol. */
const lasting = (fields) =>
  fields.filter(([name]) => !/^(:status|date|set-cookie|connection)$/.test(name)).sort();

test("as many bytes and lines as an app may give, HTTP/1.1 and HTTP/2", { seconds: 60 }, async (t, scene) => {
  const file = scene.file("saved.txt", "body\n");
  const plain = await begin(scene, file, []);
  const secure = await begin(scene, file, certificate(scene.dir()).args);
  const workers = secure.workers();
  const session = http2.connect(`https://127.0.0.1:${secure.address.port}`, {
    rejectUnauthorized: false,
    maxHeaderListPairs: 2000,
  });

  session.on("error", () => {});
  scene.later(() => session.destroy());
  for (const [path, lines] of CASES) {
    const first = await scene.send(plain, get(path));
    const second = await ask(session, path);

    assert.equal(first.status, 200, path);
    assert.equal(first.text, "body\n");
    assert.equal([...first.fields.keys()].filter((name) => /^x-(set-)?\d/.test(name)).length, lines, path);
    assert.equal(second.status, 200, path);
    assert.equal(second.text, "body\n");
    assert.deepEqual(lasting(Object.entries(second.fields)), lasting([...first.fields]), path);
    assert.equal(first.cookies.length, path.includes("session") ? 1 : 0);
    assert.equal(second.fields["set-cookie"]?.length ?? 0, first.cookies.length);
  }
  assert.deepEqual(secure.workers(), workers);
  /* One byte more is the app's mistake, and told so. */
  for (const path of ["/head?lines=1&bytes=4088", "/head?lines=456&bytes=0", "/saved?letters=504"]) {
    assert.equal((await scene.send(plain, get(path))).status, 500, path);
    assert.equal((await ask(session, path)).status, 500, path);
  }
});

test("HTTP/1.1: the largest heads in one turn", async (t, scene) => {
  const server = await begin(scene, "/dev/null", []);
  const path = `/head?${RESPOND_MAX}&session=1&${SET_MAX}`;
  const answers = await scene.send(server, Buffer.concat(Array.from({ length: 20 }, () => Buffer.from(get(path)))), 20);

  for (const answer of answers) assert.equal(answer.status, 200);
});
