/* SPDX-License-Identifier: MIT */
#ifndef TEST_UNIT_WORKER_HTTP_CASES_H
#define TEST_UNIT_WORKER_HTTP_CASES_H

#include <stddef.h>

/*
 * Request heads and what a strict server says to them. One table, so that
 * the parser alone, a whole connection and a server on a socket can be held
 * to the same verdicts.
 *
 * status  0: accepted. HTTP_CASE_MORE: not complete, no fault so far.
 *         Else the status of the refusal.
 * rest    bytes at the end that belong to the body or to the next request.
 */

#define HTTP_CASE_MORE (-1)

struct http_case {
	const char *name;
	const char *bytes;
	size_t len;
	int status;
	size_t rest;
};

#define CASE(name, bytes, status)                         \
	{                                                 \
		name, bytes, sizeof(bytes) - 1, status, 0 \
	}
#define CASE_REST(name, bytes, rest)                                          \
	{                                                                     \
		name, bytes rest, sizeof(bytes rest) - 1, 0, sizeof(rest) - 1 \
	}

#define GET11 "GET / HTTP/1.1\r\n"
#define GET10 "GET / HTTP/1.0\r\n"
#define POST11 "POST / HTTP/1.1\r\nHost: a\r\n"
#define HOST "Host: a\r\n"
#define END "\r\n"

static const struct http_case http_cases[] = {
	/* What must work. */
	CASE("smallest", GET11 HOST END, 0),
	CASE("smallest 1.0", GET10 END, 0),
	CASE("one empty line in front", "\r\n" GET11 HOST END, 0),
	CASE_REST("pipelined", GET11 HOST END, GET11 HOST END),
	CASE_REST("body", POST11 "Content-Length: 2\r\n" END, "{}"),
	CASE_REST("chunked body", POST11 "Transfer-Encoding: chunked\r\n" END,
	    "0\r\n\r\n"),
	CASE("chunked in any case", POST11 "Transfer-Encoding: CHUNKED\r\n" END,
	    0),
	CASE("value with blanks around it",
	    GET11 "Host: \t a \t \r\nName: \t v \t \r\n" END, 0),
	CASE("value without blanks", GET11 "Host:a\r\n" END, 0),
	CASE("empty value", GET11 HOST "X:\r\n" END, 0),
	CASE("empty value of blanks", GET11 HOST "X: \t\r\n" END, 0),
	CASE("TAB inside a value", GET11 HOST "X: a\tb\r\n" END, 0),
	CASE("obs-text in a value", GET11 HOST "X: \xe4\xff\x80\r\n" END, 0),
	CASE("every tchar in a name",
	    GET11 HOST "!#$%&'*+-.^_`|~09azAZ: v\r\n" END, 0),
	CASE("every visible byte in a value",
	    GET11 HOST "X: !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~\r\n" END,
	    0),
	CASE("repeated field that may repeat",
	    GET11 HOST "If-Match: a\r\nIf-Match: b\r\n" END, 0),
	CASE("unknown method is for the router", "BREW / HTTP/1.1\r\n" HOST END,
	    0),
	CASE("method in lower case is another method",
	    "get / HTTP/1.1\r\n" HOST END, 0),
	CASE("length with zeros in front is decimal",
	    POST11 "Content-Length: 010\r\n" END, 0),
	CASE("largest length",
	    POST11 "Content-Length: 9223372036854775807\r\n" END, 0),
	CASE("percent-encoded line end in a value stays as it is",
	    GET11 HOST "X: a%0d%0aB: c\r\n" END, 0),
	CASE("Sec-WebSocket-Key1 makes no body",
	    GET11 HOST "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n" END, 0),
	CASE("X-Forwarded-For without an address",
	    GET11 HOST "X-Forwarded-For: ,\r\n" END, 0),
	CASE("Range the wrong way round is not the parser's",
	    GET11 HOST "Range: bytes=5-2\r\n" END, 0),

	CASE("1.0 that stays open", GET10 HOST "Connection: keep-alive\r\n" END,
	    0),
	CASE("WebSocket",
	    GET11 HOST "Upgrade: websocket\r\nConnection: Upgrade\r\n" END, 0),
	CASE_REST("callback of a browser",
	    "POST /_dash-update-component HTTP/1.1\r\n"
	    "Host: 127.0.0.1:8000\r\nConnection: keep-alive\r\n"
	    "Content-Length: 2\r\nAccept: application/json\r\n"
	    "Content-Type: application/json\r\n"
	    "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
	    "Origin: http://127.0.0.1:8000\r\nSec-Fetch-Site: same-origin\r\n"
	    "Referer: http://127.0.0.1:8000/\r\n"
	    "Accept-Encoding: gzip, deflate, br\r\n"
	    "Cookie: sid=abc; _csrf_token=x\r\n" END,
	    "{}"),

	/* Not yet whole. */
	CASE("nothing", "", HTTP_CASE_MORE),
	CASE("half an empty line", "\r", HTTP_CASE_MORE),
	CASE("half a method", "GE", HTTP_CASE_MORE),
	CASE("half a version", "GET / HTTP/1", HTTP_CASE_MORE),
	CASE("a version that could go on", "GET / HTTP/1.3", HTTP_CASE_MORE),
	CASE("CR of the request line", "GET / HTTP/1.1\r", HTTP_CASE_MORE),
	CASE("no fields yet", GET11, HTTP_CASE_MORE),
	CASE("half a field", GET11 "Ho", HTTP_CASE_MORE),
	CASE("last CR", GET11 HOST "\r", HTTP_CASE_MORE),

	/* Line ends. */
	CASE("bare LF everywhere", "GET / HTTP/1.1\nHost: a\n\n", 400),
	CASE("bare LF after the request line", "GET / HTTP/1.1\n" HOST END,
	    400),
	CASE("bare LF after a field", GET11 "Host: a\n" END, 400),
	CASE("bare LF at the end", GET11 HOST "\n", 400),
	CASE("bare CR after a field", GET11 "Host: a\rX: b\r\n" END, 400),
	CASE("bare CR at the end", GET11 HOST "\rX", 400),
	CASE("CR in an empty value", GET11 HOST "X:\rContent-Length: 1\r\n" END,
	    400),
	CASE("CR CR LF", GET11 "Host: a\r\r\n" END, 400),
	CASE("two empty lines in front", "\r\n\r\n" GET11 HOST END, 400),
	CASE("LF in front", "\n" GET11 HOST END, 400),
	CASE("blank in front", " " GET11 HOST END, 400),

	/* Request line. */
	CASE("HTTP/0.9", "GET /\r\n", 400),
	CASE("HTTP/1.2", "GET / HTTP/1.2\r\n" HOST END, 505),
	CASE("HTTP/2.0", "GET / HTTP/2.0\r\n" HOST END, 505),
	CASE("HTTP/0.9 spelled out", "GET / HTTP/0.9\r\n" END, 505),
	CASE("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
	CASE("version of two digits", "GET / HTTP/1.32\r\n" HOST END, 400),
	CASE("version that overflows", "GET / HTTP/4294967295.255\r\n" HOST END,
	    400),
	CASE("version without minor", "GET / HTTP/1\r\n" HOST END, 400),
	CASE("version in lower case", "GET / http/1.1\r\n" HOST END, 400),
	CASE("version of another protocol", "GET / ICE/1.0\r\n" END, 400),
	CASE("blank after the version", "GET / HTTP/1.1 \r\n" HOST END, 400),
	CASE("two blanks after the method", "GET  / HTTP/1.1\r\n" HOST END,
	    400),
	CASE("two blanks before the version", "GET /  HTTP/1.1\r\n" HOST END,
	    400),
	CASE("TAB after the method", "GET\t/ HTTP/1.1\r\n" HOST END, 400),
	CASE("empty target", "GET HTTP/1.1\r\n" HOST END, 400),
	CASE("bytes of TLS", "\x16\x03\x01\x02", 400),
	CASE("colon in the method", "GET: / HTTP/1.1\r\n" HOST END, 400),
	CASE("NUL in the method", "G\0T / HTTP/1.1\r\n" HOST END, 400),

	/* Target. */
	CASE("absolute form", "GET http://a/x?y HTTP/1.1\r\n" HOST END, 0),
	CASE("absolute form with https",
	    "GET HTTPS://A/x HTTP/1.1\r\n" HOST END, 0),
	CASE("absolute form without path",
	    "GET http://a?y HTTP/1.1\r\n" HOST END, 0),
	CASE("absolute form in 1.0 without Host",
	    "GET http://a/ HTTP/1.0\r\n" END, 0),
	CASE("absolute form with IPv6",
	    "GET http://[::1]:8080/ HTTP/1.1\r\nHost: [::1]:8080\r\n" END, 0),
	CASE("absolute form, other Host", "GET http://b/ HTTP/1.1\r\n" HOST END,
	    400),
	CASE("absolute form, other port",
	    "GET http://a:80/ HTTP/1.1\r\n" HOST END, 400),
	CASE("absolute form, other Host in 1.0",
	    "GET http://b/ HTTP/1.0\r\n" HOST END, 400),
	CASE("absolute form with user", "GET http://u@a/ HTTP/1.1\r\n" HOST END,
	    400),
	CASE("absolute form without authority",
	    "GET http:///x HTTP/1.1\r\n" HOST END, 400),
	CASE("absolute form of another scheme",
	    "GET ftp://a/ HTTP/1.1\r\n" HOST END, 400),
	CASE("scheme without slashes", "GET http:a HTTP/1.1\r\n" HOST END, 400),
	CASE("relative target", "GET x HTTP/1.1\r\n" HOST END, 400),
	CASE("query without path", "GET ?x HTTP/1.1\r\n" HOST END, 400),
	CASE("OPTIONS *", "OPTIONS * HTTP/1.1\r\n" HOST END, 0),
	CASE("GET *", "GET * HTTP/1.1\r\n" HOST END, 400),
	CASE("OPTIONS **", "OPTIONS ** HTTP/1.1\r\n" HOST END, 400),
	CASE("CONNECT authority",
	    "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n" END, 0),
	CASE("CONNECT IPv6",
	    "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n" END, 0),
	CASE("CONNECT without port", "CONNECT a HTTP/1.1\r\n" HOST END, 400),
	CASE("CONNECT with a path", "CONNECT / HTTP/1.1\r\n" HOST END, 400),
	CASE("CONNECT, other Host", "CONNECT b:443 HTTP/1.1\r\n" HOST END, 400),
	CASE("authority for GET", "GET a:80 HTTP/1.1\r\n" HOST END, 400),
	CASE("fragment", "GET /#x HTTP/1.1\r\n" HOST END, 400),
	CASE("NUL in the target", "GET /\0 HTTP/1.1\r\n" HOST END, 400),
	CASE("ESC in the target", "GET /\x1b HTTP/1.1\r\n" HOST END, 400),
	CASE("DEL in the target", "GET /\x7f HTTP/1.1\r\n" HOST END, 400),
	CASE("TAB in the target", "GET /\t HTTP/1.1\r\n" HOST END, 400),
	CASE("CR in the target", "GET /\r HTTP/1.1\r\n" HOST END, 400),
	CASE("LF in the target", "GET /\n HTTP/1.1\r\n" HOST END, 400),
	CASE("UTF-8 in the target", "GET /\xc3\xa4 HTTP/1.1\r\n" HOST END, 400),

	/* Field syntax. */
	CASE("folded line", GET11 HOST "X: a\r\n b\r\n" END, 400),
	CASE("folded line with TAB", GET11 HOST "X: a\r\n\tb\r\n" END, 400),
	CASE("folded first line", GET11 " X: a\r\n" HOST END, 400),
	CASE("folded name", GET11 HOST "X\r\n Y: a\r\n" END, 400),
	CASE("blank before the colon", GET11 "Host : a\r\n" END, 400),
	CASE("TAB before the colon", GET11 "Host\t: a\r\n" END, 400),
	CASE("blank before the colon of a length",
	    POST11 "Content-Length : 3\r\n" END, 400),
	CASE("no colon", GET11 HOST "X\r\n" END, 400),
	CASE("empty name", GET11 HOST ": x\r\n" END, 400),
	CASE("blank in a name", GET11 HOST "X Y: a\r\n" END, 400),
	CASE("NUL in a name", GET11 HOST "X\0Y: a\r\n" END, 400),
	CASE("obs-text in a name", GET11 HOST "X\xa0: a\r\n" END, 400),
	CASE("NUL in a value", GET11 HOST "User: admin\0x\r\n" END, 400),
	CASE("0x01 in a value", GET11 HOST "X: a\x01\r\n" END, 400),
	CASE("VT in a value", GET11 HOST "X: a\x0b\r\n" END, 400),
	CASE("BEL late in a long value",
	    GET11 HOST "X: 0123456789abcdefghi\a0123456789\r\n" END, 400),
	CASE("DEL in a value", GET11 HOST "X: a\x7f\r\n" END, 400),

	/* Host. */
	CASE("no Host", GET11 END, 400),
	CASE("two Hosts", GET11 HOST HOST END, 400),
	CASE("two Hosts in 1.0", GET10 HOST HOST END, 400),
	CASE("empty Host", GET11 "Host:\r\n" END, 400),
	CASE("Host and port", GET11 "Host: a.example:8080\r\n" END, 0),
	CASE("Host of odd but legal bytes", GET11 "Host: 0.0.0.0=5000\r\n" END,
	    0),
	CASE("Host IPv6", GET11 "Host: [::1]\r\n" END, 0),
	CASE("Host IPv6 and port", GET11 "Host: [fe80::1]:80\r\n" END, 0),
	CASE("Host list", GET11 "Host: a,b\r\n" END, 400),
	CASE("Host with user", GET11 "Host: u@a\r\n" END, 400),
	CASE("Host with blank", GET11 "Host: a b\r\n" END, 400),
	CASE("Host with path", GET11 "Host: a/b\r\n" END, 400),
	CASE("Host with NUL", GET11 "Host: good\0.evil\r\n" END, 400),
	CASE("Host percent-encoded", GET11 "Host: %61\r\n" END, 400),
	CASE("Host not ASCII", GET11 "Host: \xc3\xa4\r\n" END, 400),
	CASE("port too large", GET11 "Host: a:99999\r\n" END, 400),
	CASE("port largest", GET11 "Host: a:65535\r\n" END, 0),
	CASE("port of six digits", GET11 "Host: a:000080\r\n" END, 400),
	CASE("port empty", GET11 "Host: a:\r\n" END, 400),
	CASE("port not a number", GET11 "Host: a:8o\r\n" END, 400),
	CASE("port without host", GET11 "Host: :80\r\n" END, 400),
	CASE("two ports", GET11 "Host: a:1:2\r\n" END, 400),
	CASE("bracket open", GET11 "Host: [::1\r\n" END, 400),
	CASE("bracket empty", GET11 "Host: []\r\n" END, 400),
	CASE("bracket with a name", GET11 "Host: [a]\r\n" END, 400),
	CASE("bracket with a zone", GET11 "Host: [fe80::1%25eth0]\r\n" END,
	    400),
	CASE("bracket and more", GET11 "Host: [::1]x\r\n" END, 400),
	CASE("bracket very long",
	    GET11 "Host: [1111111111111111111111111111111111111111111111"
		  "1111111111111111111111111111111111111111]\r\n" END,
	    400),

	/* Content-Length. */
	CASE("length +5", POST11 "Content-Length: +5\r\n" END, 400),
	CASE("length -48", POST11 "Content-Length: -48\r\n" END, 400),
	CASE("length -0", POST11 "Content-Length: -0\r\n" END, 400),
	CASE("length +1_0", POST11 "Content-Length: +1_0\r\n" END, 400),
	CASE("length 0x5", POST11 "Content-Length: 0x5\r\n" END, 400),
	CASE("length 5.0", POST11 "Content-Length: 5.0\r\n" END, 400),
	CASE("length 1 2", POST11 "Content-Length: 1 2\r\n" END, 400),
	CASE("length empty", POST11 "Content-Length:\r\n" END, 400),
	CASE("length list", POST11 "Content-Length: 5, 5\r\n" END, 400),
	CASE("length one too large",
	    POST11 "Content-Length: 9223372036854775808\r\n" END, 400),
	CASE("length of 64 bits",
	    POST11 "Content-Length: 18446744073709551615\r\n" END, 400),
	CASE("length of 60 digits",
	    POST11 "Content-Length: 111111111111111111111111111111"
		   "111111111111111111111111111111\r\n" END,
	    400),
	CASE("blanks around a length", POST11 "Content-Length: \t 5  \r\n" END,
	    0),
	CASE("TAB after a length", POST11 "Content-Length: 5 \t\r\n" END, 400),
	CASE("two lengths",
	    POST11 "Content-Length: 3\r\nContent-Length: 4\r\n" END, 400),
	CASE("two equal lengths",
	    POST11 "Content-Length: 3\r\nContent-Length: 3\r\n" END, 400),

	/* Transfer-Encoding. */
	CASE("length and coding",
	    POST11 "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n" END,
	    400),
	CASE("coding and length",
	    POST11 "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n" END,
	    400),
	CASE("coding in 1.0",
	    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END, 400),
	CASE("xchunked", POST11 "Transfer-Encoding: xchunked\r\n" END, 501),
	CASE("gzip", POST11 "Transfer-Encoding: gzip\r\n" END, 501),
	CASE("identity", POST11 "Transfer-Encoding: identity\r\n" END, 501),
	CASE("gzip, chunked", POST11 "Transfer-Encoding: gzip, chunked\r\n" END,
	    501),
	CASE("chunked, gzip", POST11 "Transfer-Encoding: chunked, gzip\r\n" END,
	    400),
	CASE("chunked twice",
	    POST11 "Transfer-Encoding: chunked, chunked\r\n" END, 400),
	CASE("comma chunked", POST11 "Transfer-Encoding: ,chunked\r\n" END,
	    400),
	CASE("chunked comma", POST11 "Transfer-Encoding: chunked,\r\n" END,
	    400),
	CASE("empty coding", POST11 "Transfer-Encoding:\r\n" END, 400),
	CASE("chunked with VT", POST11 "Transfer-Encoding: chunked\x0b\r\n" END,
	    400),
	CASE("chunked with VT and a length",
	    POST11 "Transfer-Encoding: chunked\x0b\r\n"
		   "Content-Length: 3\r\n" END,
	    400),
	CASE("chunked in no-break spaces",
	    POST11 "Transfer-Encoding: \xa0"
		   "chunked\x85\r\n" END,
	    400),
	CASE("chunked in quotes",
	    POST11 "Transfer-Encoding: \"chunked\"\r\n" END, 400),
	CASE("chunked with a parameter",
	    POST11 "Transfer-Encoding: chunked;q=1\r\n" END, 400),
	CASE("blanks around chunked",
	    POST11 "Transfer-Encoding: \t chunked  \r\n" END, 0),
	CASE("TAB after chunked", POST11 "Transfer-Encoding: chunked\t\r\n" END,
	    400),
	CASE("two codings",
	    POST11 "Transfer-Encoding: chunked\r\n"
		   "Transfer-Encoding: identity\r\n" END,
	    400),

	/* Fields that may not be repeated. */
	CASE("two Content-Types",
	    POST11 "Content-Type: a/b\r\nContent-Type: a/b\r\n" END, 400),
	CASE("two Content-Encodings",
	    POST11 "Content-Encoding: gzip\r\ncontent-encoding: br\r\n" END,
	    400),
	CASE("two Origins", GET11 HOST "Origin: a\r\nORIGIN: b\r\n" END, 400),
	CASE("two Ranges", GET11 HOST "Range: a\r\nRange: b\r\n" END, 400),
	CASE("two Sec-Fetch-Sites",
	    GET11 HOST "Sec-Fetch-Site: a\r\nSec-Fetch-Site: b\r\n" END, 400),
	CASE("two If-Modified-Sinces",
	    GET11 HOST "If-Modified-Since: a\r\nIf-Modified-Since: a\r\n" END,
	    400),
};

#define HTTP_CASES (sizeof(http_cases) / sizeof(http_cases[0]))

#undef CASE
#undef CASE_REST

#endif
