/* SPDX-License-Identifier: MIT */

/*
 * A gunicorn.conf.py as a real project has it, without code, starts this
 * server as it is.
 *
 * BESIDE  Other files may run at the same time.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import https from "node:https";
import path from "node:path";
import { certificate } from "../lib/certificate.mjs";
import { EXAMPLE, test, until } from "../lib/harness.mjs";

/* What fetch would do, but for the certificate. */
function getStatus(port, target) {
  return new Promise((done, fail) => {
    https
      .get({ port, path: target, rejectUnauthorized: false }, (answer) => {
        answer.resume();
        answer.on("end", () => done(answer.statusCode));
      })
      .on("error", fail);
  });
}

test("bind list, workers, logs, recycling and TLS", async (t, s) => {
  const dir = s.dir();
  const file = path.join(dir, "gunicorn.conf.py");

  certificate(dir, "dash.example");
  fs.writeFileSync(
    file,
    `# gunicorn.conf.py -- production settings of the plant dashboard
# started by: gunicorn -c gunicorn.conf.py app:server

bind = ["127.0.0.1:0", "unix:${dir}/plant.sock"]

# Worker processes
workers = 3
worker_class = "gthread"
threads = 2
worker_connections = 1000
max_requests = 1200
max_requests_jitter = 50
timeout = 120
graceful_timeout = 30
keepalive = 5

# Security
limit_request_line = 4096
limit_request_fields = 100
limit_request_field_size = 8190
umask = 0o007

# Server mechanics
preload_app = True
daemon = False
pidfile = "${dir}/plant.pid"
raw_env = ["PLANT=north", "PLANT_SITE=7"]
user = None
group = None
tmp_upload_dir = None

# Logging
accesslog = "${dir}/access.log"
errorlog = "-"
loglevel = "info"
capture_output = False

# Process naming
proc_name = "plant-dashboard"

# SSL
certfile = "${dir}/dash.example.pem"
keyfile = "${dir}/dash.example.key"
`,
  );
  const server = await s.start({
    app: EXAMPLE,
    bind: false,
    workers: false,
    threads: false,
    args: ["-c", file],
  });

  assert.equal(server.workers().length, 3);
  assert.equal(await getStatus(server.address.port, "/"), 200);
  assert.equal(await getStatus(server.address.port, "/_dash-layout"), 200);
  const pid = Number(fs.readFileSync(path.join(dir, "plant.pid"), "utf8"));

  assert.equal(pid, server.pid);
  await until("two lines of the access log", () =>
    fs.readFileSync(path.join(dir, "access.log"), "utf8").split("\n").length > 2);
  /* What means nothing here is said once, with what to do instead. */
  const warnings = server.grep(/event=config\.warning/);

  for (const line of warnings) assert.match(line, /is ignored: .+/);
  assert.equal(warnings.filter((line) => /worker_class/.test(line)).length, 1);
  assert.deepEqual(await server.stop(), { status: 0, sig: null });
});
