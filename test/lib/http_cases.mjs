/* SPDX-License-Identifier: MIT */

/*
 * Requests as attackers write them, and some that only look like it: what a
 * strict server says to each, however it is cut into packets. One table for
 * all tests that send them. [7], [H13]: the row of the table of attacks in
 * test/e2e/README.md that a case is of.
 */
import zlib from "node:zlib";

const JSON_BODY = JSON.stringify({
  output: "echo.out",
  outputs: { id: "echo", property: "out" },
  inputs: [{ id: "in", property: "value", value: "hi" }],
});
const LENGTH = JSON_BODY.length;
const HEX = LENGTH.toString(16);
const UPDATE = "POST /_dash-update-component HTTP/1.1\r\nHost: a\r\n";
const TYPED = `${UPDATE}Content-Type: application/json\r\n`;
const chunked = (body) => `${TYPED}Transfer-Encoding: chunked\r\n\r\n${body}`;
const lengths = (...fields) =>
  `${TYPED}${fields.map((field) => `${field}\r\n`).join("")}\r\n${JSON_BODY}`;
const field = (text) => `GET / HTTP/1.1\r\nHost: a\r\n${text}\r\n\r\n`;
const line = (text) => `${text}\r\nHost: a\r\n\r\n`;

/* [what, bytes, status]: one answer, then the server closes. */
export const REFUSED = [
  /* Where does the message end? */
  ["two lengths [18]", lengths(`Content-Length: ${LENGTH}`, "Content-Length: 0"), 400],
  [
    "the same length twice [18]",
    lengths(`Content-Length: ${LENGTH}`, `Content-Length: ${LENGTH}`),
    400,
  ],
  ["a list of lengths [7]", lengths(`Content-Length: ${LENGTH}, ${LENGTH}`), 400],
  ["length +3 [4]", lengths("Content-Length: +3"), 400],
  ["length +1_0 [4]", lengths("Content-Length: +1_0"), 400],
  ["length -48 [22]", lengths("Content-Length: -48"), 400],
  ["length 0x10 [14]", lengths("Content-Length: 0x10"), 400],
  ["length 1_0 [4]", lengths("Content-Length: 1_0"), 400],
  ["length 1 0 [4]", lengths("Content-Length: 1 0"), 400],
  ["no length", lengths("Content-Length:"), 400],
  ["length 2^64 [19]", lengths("Content-Length: 18446744073709551616"), 400],
  ["length 2^64-1 [19]", lengths("Content-Length: 18446744073709551615"), 400],
  ["length 2^63 [19]", lengths("Content-Length: 9223372036854775808"), 400],
  ["length 2^63-1 [19]", lengths("Content-Length: 9223372036854775807"), 413],
  ["blank before the colon [18]", lengths(`Content-Length : ${LENGTH}`), 400],
  ["length and chunked [21]", `${TYPED}Content-Length: 3\r\n${chunkedHead()}`, 400],
  ["chunked and length [21]", `${TYPED}${chunkedHead("Content-Length: 3\r\n")}`, 400],
  ["chunked in HTTP/1.0 [21]", chunked("0\r\n\r\n").replace("1.1", "1.0"), 400],
  ["chunked twice [1]", `${TYPED}Transfer-Encoding: chunked\r\n${chunkedHead()}`, 400],
  ["chunked and identity [1]", coding("chunked, identity"), 400],
  ["identity, chunked in two [1]", coding("identity\r\nTransfer-Encoding: chunked"), 501],
  ["chunked, identity in two [1]", coding("chunked\r\nTransfer-Encoding: identity"), 400],
  ["chunked, gzip [1]", coding("chunked, gzip"), 400],
  ["gzip, chunked [17]", coding("gzip, chunked"), 501],
  ["gzip [17]", coding("gzip"), 501],
  ["xchunked [1]", coding("xchunked"), 501],
  ["chunked with a VT [2]", coding("chunked\x0b"), 400],
  ["comma, chunked [36]", coding(",chunked"), 400],
  ["a NBSP, chunked [36]", coding("\xa0chunked"), 400],
  ["a quoted coding", coding('"chunked"'), 400],
  ["chunked with a VT and a length [2]", `${TYPED}Content-Length: 3\r\nTransfer-Encoding: chunked\x0b\r\n\r\nabc`, 400],
  ["a lone CR for chunked [36]", coding("chunk\red"), 400],
  /* Chunks. */
  ["chunk size 0x3 [14]", chunked("0x3\r\nabc\r\n0\r\n\r\n"), 400],
  ["chunk size +3 [14]", chunked("+3\r\nabc\r\n0\r\n\r\n"), 400],
  ["chunk size -0 [14]", chunked("-0\r\n\r\n"), 400],
  ["chunk size 0_2e [32]", chunked("0_2e\r\n\r\n"), 400],
  ["a blank before the size [14]", chunked(" 3\r\nabc\r\n0\r\n\r\n"), 400],
  ["no chunk size", chunked("\r\nabc\r\n0\r\n\r\n"), 400],
  ["a size over 64 bits [19]", chunked("10000000000000000\r\nabc"), 400],
  ["a size of 64 bits [19]", chunked("ffffffffffffffff\r\nabc"), 400],
  ["a signed size [33]", chunked("fffffffffffffff0\r\nabc"), 400],
  ["a bare LF after the size [32]", chunked("3\nabc\r\n0\r\n\r\n"), 400],
  ["a bare LF after the data [32]", chunked("3\r\nabc\n0\r\n\r\n"), 400],
  ["a bare CR after the size [36]", chunked("3\rxabc\r\n0\r\n\r\n"), 400],
  ["more data than the size", chunked("3\r\nabcd\r\n0\r\n\r\n"), 400],
  ["a spill after the last chunk [36]", chunked("0\r\nX:POST\r\r\n\r\n"), 400],
  ["a length in a trailer [7]", chunked("0\r\nContent-Length: 3\r\n\r\n"), 400],
  ["a huge trailer [H7]", chunked(`0\r\nA: ${"x".repeat(10000)}\r\n\r\n`), 431],
  ["a huge extension [H7]", chunked(`3;${"x".repeat(5000)}\r\nabc\r\n0\r\n\r\n`), 400],
  ["a bare CR in an extension [36]", chunked("3;a\rb\r\nabc\r\n0\r\n\r\n"), 400],
  ["a coding in a trailer", chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400],
  ["a folded trailer", chunked("0\r\nA: b\r\n c\r\n\r\n"), 400],
  /* Lines and fields. */
  ["no host [18] [H13]", "GET / HTTP/1.1\r\n\r\n", 400],
  ["two hosts [6] [H13]", field("Host: b"), 400],
  ["an empty host [H13]", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400],
  ["a list of hosts [H13]", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400],
  ["user and host [H13]", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400],
  ["port 99999 [H13]", "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400],
  ["half an address [20] [H13]", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400],
  ["100 KB in a value [30]", field(`A: filename*=${"%20".repeat(34000)}`), 431],
  ["300 A [20]", `GET / HTTP/1.1\r\nHost: [${"A".repeat(300)}]\r\n\r\n`, 400],
  ["another host [H13]", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["two types [6]", `${TYPED}Content-Type: text/plain\r\n\r\n`, 400],
  ["an escape in a value [H11]", field("User-Agent: \x1b[31mred"), 400],
  ["a DEL in a value [H11]", field("Referer: a\x7f"), 400],
  ["a NUL in a value [13]", field("User: admin\0x"), 400],
  ["a NUL in the host [13]", "GET / HTTP/1.1\r\nHost: good\0.evil\r\n\r\n", 400],
  ["a NUL in the path", line("GET /\0 HTTP/1.1"), 400],
  ["a CR in a value [36]", field("A: b\rc"), 400],
  ["a bare LF [18]", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400],
  ["a bare LF at the end [18]", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400],
  ["a folded line [18]", field("A: b\r\n c"), 400],
  ["a folded name [36]", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400],
  ["an empty name [16]", field(": x"), 400],
  ["a blank in a name", field("A B: x"), 400],
  ["no colon", field("AB"), 400],
  ["a name of other bytes", field("A\xe4: x"), 400],
  ["version 1.32 [15]", line("GET / HTTP/1.32"), 400],
  ["version 4294967295.255 [15]", line("GET / HTTP/4294967295.255"), 400],
  ["version 2.0 [15]", line("GET / HTTP/2.0"), 505],
  ["version 1.2", line("GET / HTTP/1.2"), 505],
  ["version 0.9", line("GET / HTTP/0.9"), 505],
  ["no version", line("GET /"), 400],
  ["a small version", line("GET / http/1.1"), 400],
  ["the preface of HTTP/2 [35]", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
  ["two blanks", line("GET  / HTTP/1.1"), 400],
  ["a blank in front", line(" GET / HTTP/1.1"), 400],
  ["a TAB", line("GET\t/ HTTP/1.1"), 400],
  ["a blank at the end", line("GET / HTTP/1.1 "), 400],
  ["no target", line("GET HTTP/1.1"), 400],
  ["a relative target [7]", line("GET index.html HTTP/1.1"), 400],
  ["a fragment", line("GET /#x HTTP/1.1"), 400],
  ["other bytes in the target", line("GET /\xe4 HTTP/1.1"), 400],
  ["an asterisk [7]", line("GET * HTTP/1.1"), 400],
  ["an authority [7]", line("GET a:80 HTTP/1.1"), 400],
  ["a method with a colon", line("GE:T / HTTP/1.1"), 400],
  ["three empty lines in front", `\r\n\r\n\r\n${field("A: b")}`, 400],
  ["a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400],
];

/*
 * The same, of lines that have no end yet: it is known at the byte that is wrong
 * or too many, with nothing behind it.
 */
const OPEN = "GET / HTTP/1.1\r\nHost: a\r\n";

export const UNFINISHED = [
  ["a control byte in a method", "G\x01", 400],
  ["a NUL in a target", "GET /\0", 400],
  ["HTTP/9.9 and a space", "GET / HTTP/9.9 ", 400],
  ["a bare CR behind the line", "GET / HTTP/1.1\rX", 400],
  ["a bare CR behind a field", `${OPEN}A: b\rX`, 400],
  ["a bare CR in place of a field", `${OPEN}\rX`, 400],
  ["a control byte in a name", `${OPEN}X\x01`, 400],
  ["a control byte in a value", `${OPEN}X: \x01`, 400],
  ["a space before a colon", `${OPEN}X `, 400],
  ["a folded line", `${OPEN}X: a\r\n `, 400],
  ["a second Host, and no more", `${OPEN}Host: b\r\n`, 400],
  ["a long line without an end", `GET /${"a".repeat(4090)}`, 414],
  ["a long field without an end", `${OPEN}X: ${"a".repeat(8188)}`, 431],
  ["a field too many", `${OPEN}${"A: b\r\n".repeat(99)}A`, 431],
];

function chunkedHead(more = "") {
  return `Transfer-Encoding: chunked\r\n${more}\r\n0\r\n\r\n`;
}

function coding(value) {
  return `${TYPED}Transfer-Encoding: ${value}\r\n\r\n0\r\n\r\n`;
}

/*
 * [what, bytes, statuses]: what comes behind a request is the next one, and
 * ends the connection when it is none.
 */
export const FOLLOWED = [
  ["a key of WebSockets hides no body [4]", `${field("Upgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key1: 4 @1  46546xW%0l 1 5").replace("GET / ", "GET /_ph/health ")}\0\0\0\0\0\0\0\0`, [200, 400]],
  ["a body behind a length of 0", `${lengths("Content-Length: 0").replace(JSON_BODY, "GE")}`, [400]],
  ["a form with a NUL [26]", `${UPDATE}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 5\r\n\r\na=\0&b`, [415]],
  ["an upgrade to h2c", field("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__").replace("GET / ", "GET /_ph/health "), [200]],
  ["a body of another request [36]", `${lengths(`Content-Length: ${LENGTH}`)}${line("GET /_ph/health HTTP/1.1")}`, [200, 200]],
];

/*
 * [what, bytes, statuses]: the head alone refuses a request with a body: the
 * connection ends, and what comes behind the body is not answered, however
 * much of it had come when the head was read.
 */
const BEHIND = line("GET /_ph/health HTTP/1.1");
const refusedBody = (method, target, fields, body = JSON_BODY) =>
  [`${method} ${target} HTTP/1.1`, "Host: a", ...fields].join("\r\n") +
  `\r\nContent-Length: ${body.length}\r\n\r\n${body}${BEHIND}`;
const refusedChunks = (method, target, fields) =>
  [`${method} ${target} HTTP/1.1`, "Host: a", ...fields].join("\r\n") +
  `\r\nTransfer-Encoding: chunked\r\n\r\n${HEX}\r\n${JSON_BODY}\r\n0\r\n\r\n${BEHIND}`;
const AT = "/_dash-update-component";
const JSON_TYPE = "Content-Type: application/json";

export const REFUSED_BODIES = [
  ["a type that is not JSON", "POST", AT, ["Content-Type: text/plain"], 415],
  ["no type", "POST", AT, [], 415],
  ["an unknown coding [H9]", "POST", AT, [JSON_TYPE, "Content-Encoding: zstd"], 415],
  ["a form [H14]", "POST", AT, ["Content-Type: application/x-www-form-urlencoded"], 415],
  ["a form of parts [H14]", "POST", AT, ["Content-Type: multipart/form-data; boundary=x"], 415],
  ["a page of another site [H14]", "POST", AT, [JSON_TYPE, "Sec-Fetch-Site: cross-site"], 403],
  ["a page of the same site [H14]", "POST", AT, [JSON_TYPE, "Sec-Fetch-Site: same-site"], 403],
  ["another origin [H14]", "POST", AT, [JSON_TYPE, "Origin: https://evil.example"], 403],
  ["no origin at all [H14]", "POST", AT, [JSON_TYPE, "Origin: null"], 403],
  ["an origin that begins alike [H14]", "POST", AT, [JSON_TYPE, "Origin: http://a.evil"], 403],
  ["POST to the page", "POST", "/", [JSON_TYPE], 405],
  ["PUT", "PUT", AT, [JSON_TYPE], 405],
  ["GET of the callbacks", "GET", AT, [JSON_TYPE], 405],
  ["DELETE of an asset", "DELETE", "/assets/x.css", [], 405],
  ["TRACE", "TRACE", "/", [], 405],
  ["an unknown method", "BREW", "/", [], 501],
  ["OPTIONS", "OPTIONS", AT, [], 204],
].flatMap(([what, method, target, fields, status]) => [
  [what, refusedBody(method, target, fields), [status]],
  [`${what}, in chunks`, refusedChunks(method, target, fields), [status]],
]);
REFUSED_BODIES.push(
  ["a form with a NUL, and a request behind it [26]", refusedBody("POST", AT, ["Content-Type: application/x-www-form-urlencoded"], "a=\0&b"), [415]],
);

/* A callback whose value is this JSON, or whose whole body is. */
const body = (text, fields = "") =>
  `${TYPED}${fields}Content-Length: ${text.length}\r\n\r\n${text}`;
const value = (text) => body(JSON_BODY.replace('"hi"', text));

/*
 * What an app says about the head of its answer (test/apps/zoo.c): a callback
 * that sets a header or a cookie, a route that responds.
 */
const inAscii = (value) =>
  JSON.stringify(value).replace(/[^ -~]/g, (c) =>
    `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
const sets = (...what) =>
  body(inAscii({
    output: "fields.out",
    outputs: { id: "fields", property: "out" },
    inputs: [{ id: "in", property: "value", value: what }],
  }));
const responds = (what) =>
  body(inAscii({ status: 200, type: "text/plain", name: "", ...what }))
    .replace("/_dash-update-component", "/zoo/respond");
const FRAMING = [
  "Content-Length", "transfer-encoding", "Connection", "Keep-Alive", "TE",
  "Trailer", "Upgrade", "Proxy-Connection", "Content-Encoding", "Content-Type",
  "Date",
];
/* [what, name, value] that no head may get. */
const BROKEN_FIELDS = [
  ["CR and LF in the value", "X-A", "b\r\nX-Evil: c"],
  ["LF in the value", "X-A", "b\nX-Evil: c"],
  ["CR in the value", "X-A", "b\rX-Evil: c"],
  ["the head's end in the value", "X-A", "b\r\n\r\nHTTP/1.1 200 OK"],
  ["a control character in the value", "X-A", "\x01"],
  ["DEL in the value", "X-A", "\x7f"],
  ["a byte that is not ASCII in the value", "X-A", "caf\u00e9"],
  ["CR and LF in the name", "X-A\r\nX-Evil", "c"],
  ["a colon in the name", "X-A: b", "c"],
  ["a colon behind the name", "X-Evil:", "c"],
  ["a blank in the name", "X A", "b"],
  ["other bytes in the name", "X-\u00e4", "b"],
  ["a value without end", "X-A", "x".repeat(5000)],
  ...FRAMING.map((name) => [name, name, "1"]),
];
const APP_HEADS = [
  ["a header", sets("header", "X-A", "b: c"), 200],
  ["a cookie", sets("cookie", "a", "b"), 200],
  ["a header of a route", responds({ name: "X-A", value: "b: c" }), 200],
  ...BROKEN_FIELDS.flatMap(([what, name, value]) => [
    [what, sets("header", name, value), 500],
    [`${what}, by a route`, responds({ name, value }), 500],
  ]),
  ["a header without a name", sets("header", "", "b"), 500],
  ["a cookie by hand", sets("header", "Set-Cookie", "a=b"), 500],
  ["a NUL", sets("header", "X-A", "b\0c"), 422],
  ...[
    ["a b", "c"], ["a=b", "c"], ["", "c"], ["a\r\nX-Evil", "c"], ["a:b", "c"],
    ["a", "b; Domain=x"], ["a", "b\r\nX-Evil: c"], ["a", "b c"], ["a", '"b'],
    ["a", "\u00e9"], ["__Host-a", "b"],
  ].map(([name, value]) => [
    `the cookie ${JSON.stringify(name)} with ${JSON.stringify(value)}`,
    sets("cookie", name, value), 500,
  ]),
  ...[999, 600, 199, 101, 99, 0, -1].map((status) => [
    `status ${status}`, responds({ status }), 500,
  ]),
  ["a type of two lines", responds({ type: "a/b\r\nX-Evil: c" }), 500],
  ["status 299", responds({ status: 299 }), 299],
  ["status 404", responds({ status: 404 }), 404],
].map(([what, bytes, status]) => [`${what} [H12]`, bytes, status]);

/* [what, bytes, status]: answered, and the connection goes on. */
export const ACCEPTED = [
  ...APP_HEADS,
  ["nested as deep as may be [H8]", value(`${"[".repeat(50)}${"]".repeat(50)}`), 200],
  ["nested too deep [H8]", value(`${"[".repeat(70)}${"]".repeat(70)}`), 400],
  ["1001 deep [H8]", value(`${"[".repeat(1001)}${"]".repeat(1001)}`), 400],
  ["a thousand open brackets [H8]", body("[".repeat(1000)), 400],
  ["1e400 [H8]", value("1e400"), 400],
  ["-0 [H8]", value("-0"), 200],
  ["a number without end [H8]", value("1e"), 400],
  ["22 digits [H8]", value("9999999999999999999999"), 200],
  ["half a surrogate [H8]", value('"\\ud800"'), 422],
  ["a bad escape [H8]", value('"\\uZZZZ"'), 400],
  ["an escaped NUL [H8]", value('"\\u0000"'), 422],
  ["a byte order mark [H8]", body(`\xef\xbb\xbf${JSON_BODY}`), 400],
  ["bytes that are no UTF-8 [H8]", value('"\xff\xfe"'), 400],
  ["an overlong form [H8]", value('"\xc0\xaf"'), 400],
  ["no end [H8]", body('{"1":1,'), 400],
  ["a text without end [H8]", body('{"output":"echo'), 400],
  ["a key twice [H8]", body(JSON_BODY.replace("{", '{"output":"x",')), 400],
  ["something behind it [H8]", body(`${JSON_BODY}x`), 400],
  ["gzip that is none [H9]", body(JSON_BODY, "Content-Encoding: gzip\r\n"), 400],
  ["half a gzip [H9]", body("\x1f\x8b\b\0\0\0\0\0\0\x03\xab", "Content-Encoding: gzip\r\n"), 400],
  ["a gzip of nothing [H9]", body("", "Content-Encoding: gzip\r\n"), 400],
  ["an encoded slash [H10]", line("GET /assets/..%2f..%2fetc/passwd HTTP/1.1"), 400],
  ["an encoded backslash [H10]", line("GET /assets/..%5cetc/passwd HTTP/1.1"), 400],
  ["an encoded NUL [H10]", line("GET /assets/a%00.css HTTP/1.1"), 400],
  ["an overlong dot [H10]", line("GET /assets/%c0%ae%c0%ae/x HTTP/1.1"), 400],
  ["dots in a suite [H10]", line("GET /_dash-component-suites/../../etc/passwd HTTP/1.1"), 404],
  ["two slashes [H10]", line("GET //etc/passwd HTTP/1.1"), 200],
  ["a forged line [H11]", line("GET /x%0d%0a127.0.0.1%20-%20- HTTP/1.1"), 400],
  ["formats [H11]", field("User-Agent: %s%n%x%(h)s"), 200],
  ["quotes [H11]", field('User-Agent: "} {\\"a\\": 1'), 200],
  ["a small length", lengths(`content-length: ${LENGTH}`), 200],
  ["length 0..0n", lengths(`Content-Length: 000${LENGTH}`), 200],
  ["one chunk", chunked(`${HEX}\r\n${JSON_BODY}\r\n0\r\n\r\n`), 200],
  ["a size in capitals", chunked(`00${HEX.toUpperCase()}\r\n${JSON_BODY}\r\n0\r\n\r\n`), 200],
  ["chunks of one byte", chunked(`${[...JSON_BODY].map((c) => `1\r\n${c}\r\n`).join("")}0\r\n\r\n`), 200],
  ["extensions", chunked(`${HEX};a=b;c="d e"\r\n${JSON_BODY}\r\n0;x\r\n\r\n`), 200],
  ["trailers", chunked(`${HEX}\r\n${JSON_BODY}\r\n0\r\nA: b\r\nC: d\r\n\r\n`), 200],
  ["no chunk but the last", chunked("0\r\n\r\n"), 400],
  ["Chunked", lengths().replace("\r\n\r\n", "\r\nTransfer-Encoding: Chunked\r\n\r\n").replace(JSON_BODY, `${HEX}\r\n${JSON_BODY}\r\n0\r\n\r\n`), 200],
  ["obs-text in a value", field("A: caf\xe9"), 200],
  ["an empty line in front", `\r\n${field("A: b")}`, 200],
  ["an absolute target", "GET http://a/_ph/health HTTP/1.1\r\nHost: a\r\n\r\n", 200],
  ["a query", line("GET /?a=b&c=%00 HTTP/1.1"), 200],
  ["a body behind GET", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 200],
  ["ranges [25]", field("Range: bytes=5-2,0-1,99999999999999999999-"), 200],
  ["an XFF without address [29]", field("X-Forwarded-For: ,"), 200],
  ["an empty XFF [29]", field("X-Forwarded-For: "), 200],
  ["an XFF that is unknown [29]", field("X-Forwarded-For: unknown"), 200],
  ["an XFF of half an address [20] [29]", field(`X-Forwarded-For: [${":".repeat(300)}`), 200],
  ["dots [34]", line("GET /assets/.%2e/%2e%2e/etc/passwd HTTP/1.1"), 400],
  ["dots encoded twice [34]", line("GET /assets/.%%32%65/etc/passwd HTTP/1.1"), 400],
  ["dots encoded twice, well [34]", line("GET /assets/%252e%252e/etc/passwd HTTP/1.1"), 404],
  ["an encoded CRLF [28]", field("X: a%0d%0aB: c"), 200],
  ["an encoded CRLF, read by the app [28]", field("X: a%0d%0aB: c%00").replace("GET / ", "GET /zoo/fields "), 200, '{"x":"a%0d%0aB: c%00","b":""}'],
  ["OPTIONS *", line("OPTIONS * HTTP/1.1"), 204],
  ["an unknown expectation", field("Expect: 100-continued"), 200],
];

/*
 * A server with small limits, a list of names and a token: [what, bytes,
 * status]. One answer; each on a connection of its own.
 */
export const GUARDED_ARGS = [
  "--allowed-host", "app.example", "--csrf-token",
  "--limit-request-line", "100", "--limit-request-fields", "10",
  "--limit-request-field_size", "300", "--limit-request-head", "1000",
  "--limit-request-body", "2000", "--limit-chunk-line", "64",
  "--limit-json-depth", "8", "--limit-json-nodes", "100",
];
const TOKEN = "0123456789abcdef".repeat(2);
const WITH_TOKEN = [`Cookie: a=b; _csrf_token=${TOKEN}`, `X-CSRFToken: ${TOKEN}`];
const asks = (fields, target = "/") =>
  [`GET ${target} HTTP/1.1`, "Host: app.example", ...fields, "", ""].join("\r\n");
const updates = (fields, content = JSON_BODY, { host = "app.example", framed = true } = {}) =>
  [
    `POST ${AT} HTTP/1.1`, `Host: ${host}`, JSON_TYPE, ...fields,
    ...(framed ? [`Content-Length: ${content.length}`] : []), "", content,
  ].join("\r\n");
const inChunks = (content) =>
  updates([...WITH_TOKEN, "Transfer-Encoding: chunked"], content, { framed: false });
const packed = (content, change = (bytes) => bytes) =>
  updates(
    [...WITH_TOKEN, "Content-Encoding: gzip"],
    change(zlib.gzipSync(Buffer.from(content, "latin1"), { level: 9 })).toString("latin1"),
  );
const crcOff = (bytes) => {
  bytes[bytes.length - 8] ^= 1;
  return bytes;
};
const holds = (text) => JSON_BODY.replace('"hi"', text);
const ones = (count) => holds(`[${Array(count).fill(1)}]`);

export const GUARDED = [
  ["the right name [H13]", asks([]), 200],
  ["the right name and a port [H13]", asks([]).replace("example", "EXAMPLE:80"), 200],
  ["another name [H13]", asks([]).replace("app.", "evil."), 421],
  ["a longer name [H13]", asks([]).replace("example", "example.evil"), 421],
  ["an address [H13]", asks([]).replace("app.example", "127.0.0.1"), 421],
  ["another name in the target [H13]", asks([], "http://evil/").replace("app.example", "evil"), 421],
  ["a probe by address [H13]", asks([], "/_ph/health").replace("app.example", "10.0.0.1"), 200],
  ["a callback for another name [H13]", updates(WITH_TOKEN, JSON_BODY, { host: "evil" }), 421],
  ["a token [H14]", updates(WITH_TOKEN), 200],
  ["no token [H14]", updates([]), 403],
  ["a token in the cookie only [H14]", updates([WITH_TOKEN[0]]), 403],
  ["a token in the header only [H14]", updates([WITH_TOKEN[1]]), 403],
  ["another token [H14]", updates([WITH_TOKEN[0], `X-CSRFToken: ${"0".repeat(32)}`]), 403],
  ["empty tokens [H14]", updates(["Cookie: _csrf_token=", "X-CSRFToken: "]), 403],
  ["a token without its name [H14]", updates([`Cookie: =_csrf_token=${TOKEN}`, WITH_TOKEN[1]]), 403],
  ["a token from another site [H14]", updates([...WITH_TOKEN, "Sec-Fetch-Site: cross-site"]), 403],
  ["a token of another origin [H14]", updates([...WITH_TOKEN, "Origin: https://evil.example"]), 403],
  ["the longest line [H7]", asks([], `/${"x".repeat(86)}`), 200],
  ["a line too long [H7]", asks([], `/${"x".repeat(87)}`), 414],
  ["a line without end [H7]", `GET /${"x".repeat(3000)}`, 414],
  ["the longest field [H7]", asks([`A: ${"x".repeat(297)}`]), 200],
  ["a field too long [H7]", asks([`A: ${"x".repeat(298)}`]), 431],
  ["a name too long [H7]", asks([`${"A".repeat(301)}: x`]), 431],
  ["as many fields as may be [H7]", asks(Array(9).fill("A: b")), 200],
  ["a field too many [H7]", asks(Array(10).fill("A: b")), 431],
  ["a head too long [H7]", asks(Array(5).fill(`A: ${"x".repeat(250)}`)), 431],
  ["the largest body [H7]", updates(WITH_TOKEN, JSON_BODY.padEnd(2000)), 200],
  ["a body too large [H7]", updates(WITH_TOKEN, JSON_BODY.padEnd(2001)), 413],
  ["a body too large that is expected [H7]", updates([...WITH_TOKEN, "Expect: 100-continue"], JSON_BODY.padEnd(2001)), 413],
  ["the largest body in chunks [H7]", inChunks(`7d0\r\n${JSON_BODY.padEnd(2000)}\r\n0\r\n\r\n`), 200],
  ["a chunk too large [31] [H7]", inChunks(`7d1\r\n${JSON_BODY.padEnd(2001)}\r\n0\r\n\r\n`), 413],
  ["chunks without end [31] [H7]", inChunks("64\r\n".padEnd(104, " ").concat("\r\n").repeat(21)), 413],
  ["the longest line of a chunk [H7]", inChunks(`${`${HEX};${"x".repeat(60)}`.slice(0, 64)}\r\n${JSON_BODY}\r\n0\r\n\r\n`), 200],
  ["a line of a chunk too long [H7]", inChunks(`${`${HEX};${"x".repeat(90)}`.slice(0, 70)}\r\n${JSON_BODY}\r\n0\r\n\r\n`), 400],
  ["an extension without end [H7]", inChunks(`5;${"x".repeat(1000)}`), 400],
  ["trailers without end [H7]", inChunks(`0\r\n${`A: ${"x".repeat(250)}\r\n`.repeat(40)}`), 431],
  ["as deep as may be [H8]", updates(WITH_TOKEN, holds("[[[[[]]]]]")), 200],
  ["a level too deep [H8]", updates(WITH_TOKEN, holds("[[[[[[]]]]]]")), 400],
  ["as many values as may be [H8]", updates(WITH_TOKEN, ones(80)), 200],
  ["values too many [H8]", updates(WITH_TOKEN, ones(120)), 413],
  ["a packed body [H9]", packed(JSON_BODY), 200],
  ["a bomb over the limit [H9]", packed(" ".repeat(100000)), 413],
  ["a bomb in a bomb [H9]", packed(zlib.gzipSync(Buffer.alloc(1e6)).toString("latin1")), 400],
  ["a wrong checksum [H9]", packed(JSON_BODY, crcOff), 400],
  ["bytes behind the packed ones [H9]", packed(JSON_BODY, (bytes) => Buffer.concat([bytes, Buffer.from("x")])), 400],
  ["two packed members [H9]", packed(JSON_BODY, (bytes) => Buffer.concat([bytes, bytes])), 400],
  ["packed bytes cut short [H9]", packed(JSON_BODY, (bytes) => bytes.subarray(0, -1)), 400],
];

/* The ways to cut bytes into packets. */
export const CUTS = {
  whole: (bytes) => [bytes],
  "by line": (bytes) =>
    bytes
      .toString("latin1")
      .split(/(?<=\n)/)
      .map((text) => Buffer.from(text, "latin1")),
  "by byte": (bytes) => [...bytes].map((byte) => Buffer.from([byte])),
};

