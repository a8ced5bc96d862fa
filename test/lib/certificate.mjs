/* SPDX-License-Identifier: MIT */

/* Certificates for a test, made by openssl on the spot. */
import { execFileSync } from "node:child_process";
import path from "node:path";

/*
 * Make the files `file`.pem and `file`.key in `dir`: a certificate for `name`
 * that signs itself, or is signed by `ca`, a pair from here; `alt` are its
 * other names as openssl writes them ("DNS:a,IP:127.0.0.1"). Gives their
 * paths and the arguments that make a server use them.
 */
export function certificate(dir, name = "localhost", { file = name, alt, ca } = {}) {
  const cert = path.join(dir, `${file}.pem`);
  const key = path.join(dir, `${file}.key`);

  execFileSync(
    "openssl",
    [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
      "-nodes", "-keyout", key, "-out", cert, "-days", "30",
      "-subj", `/CN=${name}`,
      ...(alt ? ["-addext", `subjectAltName=${alt}`] : []),
      ...(ca ? ["-CA", ca.cert, "-CAkey", ca.key] : []),
    ],
    { stdio: "ignore" },
  );
  return { cert, key, args: ["--certfile", cert, "--keyfile", key] };
}
