/* SPDX-License-Identifier: MIT */
#ifndef TEST_UNIT_WORKER_HTTP_CHUNK_CASES_H
#define TEST_UNIT_WORKER_HTTP_CHUNK_CASES_H

#include <stddef.h>

/*
 * Chunked bodies and what a strict server makes of them, with limits of 1000
 * bytes for the body, 256 for a size line, 16384 for all extensions and 8192
 * for the trailers.
 *
 * verdict  1: whole, `body` is what it says and `rest` bytes are left over.
 *          0: not complete, no fault so far. Else minus the status.
 */

struct http_chunk_case {
	const char *name;
	const char *bytes;
	size_t len;
	int verdict;
	const char *body; /* also for 0: what there is so far */
	size_t rest;
};

#define WHOLE(name, bytes, body)                           \
	{                                                  \
		name, bytes, sizeof(bytes) - 1, 1, body, 0 \
	}
#define REST(name, bytes, body, rest)                              \
	{                                                          \
		name, bytes rest, sizeof(bytes rest) - 1, 1, body, \
		    sizeof(rest) - 1                               \
	}
#define MORE(name, bytes, body)                            \
	{                                                  \
		name, bytes, sizeof(bytes) - 1, 0, body, 0 \
	}
#define WRONG(name, bytes, status)                                 \
	{                                                          \
		name, bytes, sizeof(bytes) - 1, -(status), NULL, 0 \
	}

static const struct http_chunk_case http_chunk_cases[] = {
	WHOLE("empty", "0\r\n\r\n", ""),
	WHOLE("one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello"),
	WHOLE("two chunks", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
	    "hello world"),
	WHOLE("upper and lower case hex",
	    "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
	    "01234567890123456789"),
	WHOLE("zeros in front", "0005\r\nhello\r\n0\r\n\r\n", "hello"),
	WHOLE("eight digits", "00000005\r\nhello\r\n00000000\r\n\r\n", "hello"),
	WHOLE("line ends inside a chunk", "4\r\n\r\n\r\n\r\n0\r\n\r\n",
	    "\r\n\r\n"),
	WHOLE("extensions", "5; some; parameters=stuff\r\nhello\r\n0;x\r\n\r\n",
	    "hello"),
	WHOLE("quoted extension", "5;foo=\"bar ; baz\"\r\nhello\r\n0\r\n\r\n",
	    "hello"),
	WHOLE("escapes in a quoted extension",
	    "5;foo=\"\\\"\\\\;\tx\"; a=b;c\r\nhello\r\n0\r\n\r\n", "hello"),
	WHOLE("empty quoted extension", "0;a=\"\"\r\n\r\n", ""),
	WHOLE("TAB in an extension", "5;\tfoo\r\nhello\r\n0\r\n\r\n", "hello"),
	WHOLE("trailers", "0\r\nVary: *\r\nContent-Type: text/plain\r\n\r\n",
	    ""),
	WHOLE("empty trailer value", "0\r\nX:\r\n\r\n", ""),
	WHOLE("trailer named like a forbidden one, but longer",
	    "0\r\nContent-Lengths: 1\r\nHosts: 1\r\n"
	    "Transfer-Encodings-And-More: 1\r\n\r\n",
	    ""),
	REST("pipelined", "1\r\nx\r\n0\r\n\r\n", "x", "GET / HTTP/1.1\r\n"),
	REST("an empty line after the end", "0\r\n\r\n", "", "\r\n"),

	MORE("nothing", "", ""),
	MORE("half a size", "5", ""),
	MORE("half a line end", "5\r", ""),
	MORE("half a chunk", "5\r\nhel", "hel"),
	MORE("no line end after a chunk", "5\r\nhello", "hello"),
	MORE("no last chunk", "5\r\nhello\r\n", "hello"),
	MORE("cut after the last chunk", "5\r\nhello\r\n0\r\n", "hello"),
	MORE("cut in the last line end", "0\r\n\r", ""),
	MORE("cut in a trailer", "0\r\nX: y", ""),

	/* Sizes. */
	WRONG("size 0x5", "0x5\r\nhello\r\n0\r\n\r\n", 400),
	WRONG("size +5", "+5\r\nhello\r\n0\r\n\r\n", 400),
	WRONG("size -5", "-5\r\nhello\r\n0\r\n\r\n", 400),
	WRONG("size -0", "-0\r\n\r\n", 400),
	WRONG("size 0_2e", "0_2e\r\n", 400),
	WRONG("size with a blank in front", " 5\r\nhello\r\n0\r\n\r\n", 400),
	WRONG("size with a blank behind", "5 \r\nhello\r\n0\r\n\r\n", 400),
	WRONG("size with a TAB behind", "5\t\r\nhello\r\n0\r\n\r\n", 400),
	WRONG("blank before an extension", "5 ;x\r\nhello\r\n0\r\n\r\n", 400),
	WRONG("last size with a blank behind", "0 \r\n\r\n", 400),
	WRONG("size missing", "\r\nhello\r\n0\r\n\r\n", 400),
	WRONG("size missing at the end", "\r\n\r\n", 400),
	WRONG("size missing before an extension at the end", ";x\r\n\r\n", 400),
	WRONG("size missing before an extension", ";x\r\n0\r\n\r\n", 400),
	WRONG("size of no digit", "g\r\n", 400),
	WRONG("size in quotes", "\"5\"\r\n", 400),
	WRONG("size with NUL", "5\0\r\nhello\r\n", 400),
	WRONG("nine digits", "000000005\r\nhello\r\n0\r\n\r\n", 400),
	WRONG("16 digits", "ffffffffffffffff\r\n", 400),
	WRONG("16 digits, signed", "fffffffffffffff0\r\n", 400),
	WRONG("17 digits", "10000000000000000\r\n", 400),
	WRONG("size of 31 bits", "7fffffff\r\n", 413),
	WRONG("size of 32 bits", "ffffffff\r\n", 413),
	WRONG("size just over the limit", "3e9\r\n", 413),
	WRONG("size over the limit with an extension", "3e9;x\r\n", 413),

	/* Line ends. */
	WRONG("bare LF after a size", "5\nhello\r\n0\r\n\r\n", 400),
	WRONG("bare CR after a size", "5\rhello\r\n0\r\n\r\n", 400),
	WRONG("CR CR LF after a size", "5\r\r\nhello\r\n0\r\n\r\n", 400),
	WRONG("bare LF after a chunk", "5\r\nhello\n0\r\n\r\n", 400),
	WRONG("bare CR after a chunk", "5\r\nhello\r0\r\n\r\n", 400),
	WRONG("chunk longer than its size", "4\r\nhello\r\n0\r\n\r\n", 400),
	WRONG("chunk shorter than its size", "6\r\nhello\r\n0\r\n\r\n", 400),
	WRONG("bare LF after the last size", "0\n\r\n", 400),
	WRONG("bare LF at the end", "0\r\n\n", 400),
	WRONG("bare CR at the end", "0\r\n\rX", 400),
	WRONG("request after the last size", "0\r\nX:POST / HTTP/1.1\r\nGET /",
	    400),

	/* Extensions. */
	WRONG("LF in an extension", "5;x\nhello\r\n0\r\n\r\n", 400),
	WRONG("CR in an extension", "5;x\ry\r\nhello\r\n0\r\n\r\n", 400),
	WRONG("NUL in an extension", "5;x\0\r\nhello\r\n0\r\n\r\n", 400),
	WRONG("ESC in an extension", "5;\x1b\r\nhello\r\n0\r\n\r\n", 400),
	WRONG("DEL in an extension", "5;\x7f\r\nhello\r\n0\r\n\r\n", 400),
	WRONG("obs-text in an extension", "5;\xa0\r\nhello\r\n0\r\n\r\n", 400),

	WRONG("empty extension", "0;\r\n\r\n", 400),
	WRONG("empty second extension", "0;a;\r\n\r\n", 400),
	WRONG("extension without name", "0;=a\r\n\r\n", 400),
	WRONG("extension without value", "0;a=\r\n\r\n", 400),
	WRONG("extension with two values", "0;a=b=c\r\n\r\n", 400),
	WRONG("blank in an extension", "0;a b\r\n\r\n", 400),
	WRONG("blank after an extension", "0;a \r\n\r\n", 400),
	WRONG("blank before an equals sign", "0;a =b\r\n\r\n", 400),
	WRONG("blank after an equals sign", "0;a= b\r\n\r\n", 400),
	WRONG("quote not closed", "0;a=\"b\r\n\r\n", 400),
	WRONG("closing quote escaped", "0;a=\"b\\\"\r\n\r\n", 400),
	WRONG("bytes after a quote", "0;a=\"b\"c\r\n\r\n", 400),
	WRONG("quote in a token", "0;a=b\"c\"\r\n\r\n", 400),
	WRONG("obs-text in quotes", "0;a=\"\xa0\"\r\n\r\n", 400),
	WRONG("LF in quotes", "0;a=\"\n\"\r\n\r\n", 400),

	/* Trailers. */
	WRONG("length as a trailer", "0\r\nContent-Length: 5\r\n\r\n", 400),
	WRONG("coding as a trailer", "0\r\nTRANSFER-encoding: chunked\r\n\r\n",
	    400),
	WRONG("Host as a trailer", "0\r\nX: y\r\nhost: a\r\n\r\n", 400),
	WRONG("blank before the colon", "0\r\nX : y\r\n\r\n", 400),
	WRONG("empty name", "0\r\n: y\r\n\r\n", 400),
	WRONG("no colon", "0\r\nX\r\n\r\n", 400),
	WRONG("folded trailer", "0\r\nX: y\r\n z\r\n\r\n", 400),
	WRONG("bare LF in a trailer", "0\r\nX: y\n\r\n", 400),
	WRONG("bare CR in a trailer", "0\r\nX: \ry\r\n\r\n", 400),
	WRONG("NUL in a trailer", "0\r\nX: \0\r\n\r\n", 400),
	WRONG("obs-text in a trailer's name", "0\r\nX\xa0: y\r\n\r\n", 400),
};

#define HTTP_CHUNK_CASES \
	(sizeof(http_chunk_cases) / sizeof(http_chunk_cases[0]))

#undef WHOLE
#undef REST
#undef MORE
#undef WRONG

#endif
