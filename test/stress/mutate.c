/* SPDX-License-Identifier: MIT */

/*
 * Mutated requests over sockets: is the server still there, does every
 * connection come to its end, does a canary always get its answer?
 *
 *   mutate COUNT SEED PORT [TLS-PORT]
 *
 * Most inputs go to PORT as HTTP/1.1. One in twenty goes to TLS-PORT as it
 * is (mutated hellos among them), one in twenty as HTTP/2 frames through
 * TLS. Each is a seed changed by one to four of thirteen operators, sent in
 * up to three pieces; then our side of the connection is closed, and the
 * server's answers are read to the end.
 *
 * Prints one line of JSON. Exit status 1: a hang, a refused connection, an
 * answer that is none, or a canary without its answer; the first input that
 * did it goes to stderr in C syntax. The same SEED makes the same inputs.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define THREADS 8
#define INPUT_MAX 65536
#define PATIENCE_MS 30000 /* longer than any limit of the server */
#define CANARY_EVERY 1000

struct bytes {
	size_t len;
	char data[INPUT_MAX];
};

struct hunter {
	pthread_t thread;
	uint64_t state; /* of the random numbers */
	struct bytes input;
	struct bytes other;
	long answers[6]; /* by first digit of the status; 0: none came */
};

#define HOST "Host: a\r\n"
#define UPDATE "POST /_dash-update-component HTTP/1.1\r\n" HOST
#define JSON "Content-Type: application/json\r\n"
#define ECHO                                                            \
	"{\"output\":\"echo.out\",\"outputs\":{\"id\":\"echo\","        \
	"\"property\":\"out\"},\"inputs\":[{\"id\":\"in\",\"property\"" \
	":\"value\",\"value\":\"hi\"}]}"

#define SEED(text)                     \
	{                              \
		text, sizeof(text) - 1 \
	}

static const struct {
	const char *text;
	size_t len;
} seeds[] = {
	SEED("GET /_ph/health HTTP/1.1\r\n" HOST "\r\n"),
	SEED("GET / HTTP/1.1\r\n" HOST "Accept-Encoding: gzip, br\r\n"
	     "If-None-Match: \"a\", W/\"b\"\r\nCookie: a=b; c=\"d\"\r\n\r\n"),
	SEED("HEAD /_dash-layout HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
	SEED("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"),
	SEED("GET http://a/assets/x.css?m=1 HTTP/1.1\r\n" HOST
	     "Range: bytes=0-1,5-2,-3\r\nIf-Range: \"x\"\r\n"
	     "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"),
	SEED(UPDATE JSON "Content-Length: 117\r\n\r\n" ECHO),
	SEED(UPDATE JSON "Transfer-Encoding: chunked\r\n\r\n"
			 "75;a=\"b\"\r\n" ECHO "\r\n0\r\nT: u\r\n\r\n"),
	SEED(UPDATE JSON
	    "Expect: 100-continue\r\nOrigin: http://a\r\n"
	    "Sec-Fetch-Site: same-origin\r\nContent-Length: 117\r\n\r\n" ECHO
	    "GET /_ph/health HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"),
	SEED(UPDATE JSON
	    "Content-Encoding: gzip\r\nContent-Length: 22\r\n\r\n"
	    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43"
	    "\xbf\xa6\xa3\x02\x00\x00\x00"),
	SEED("PUT /assets/../%2e%2e/%00 HTTP/1.1\r\n" HOST
	     "X-Forwarded-For: [::, unknown\r\nUpgrade: h2c\r\n"
	     "Connection: close, upgrade\r\n\r\n"),
	SEED("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	     "\0\0\0\4\0\0\0\0\0"),
	SEED("\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"
	     "0123456789abcdef0123456789abcdef\x00\x00\x08\x13\x02\x13\x01"
	     "\xc0\x2b\xc0\x2f\x01\x00\x00\x20\x00\x0b\x00\x02\x01\x00\x00"
	     "\x0a\x00\x04\x00\x02\x00\x17\x00\x10\x00\x05\x00\x03\x02h2"
	     "\x00\x2b\x00\x05\x04\x03\x04\x03\x03"),
};

#define SEED_COUNT (sizeof(seeds) / sizeof(seeds[0]))

/* SETTINGS, HEADERS of GET /_ph/health, WINDOW_UPDATE, PING, HEADERS + DATA
 * of a POST, RST_STREAM, CONTINUATION. */
static const char h2_seed[] =
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    "\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x64"
    "\0\0\x13\1\5\0\0\0\1\x82\x87\x41\1a\x44\x0c/_ph/health\0"
    "\0\0\4\x8\0\0\0\0\0\0\0\1\0"
    "\0\0\x8\6\0\0\0\0\0"
    "12345678"
    "\0\0\x05\1\4\0\0\0\3\x83\x87\x84\x41\1"
    "\0\0\4\0\1\0\0\0\3abcd"
    "\0\0\4\3\0\0\0\0\3\0\0\0\x8"
    "\0\0\1\x9\4\0\0\0\5\x82";

static const char *const tokens[] = { "\r", "\n", "\r\n", "\0", " ", "\t", ":",
	";", ",", "chunked", "Transfer-Encoding: chunked\r\n",
	"Content-Length: 5\r\n", "Host: b\r\n", "0", "-1", "+1", "0x1",
	"18446744073709551616", "ffffffffffffffff", "identity", "\x0b", "\xa0",
	"\xff", "HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "/", "..", "%00", "%2e",
	"%", "*", "\r\n\r\n", "0\r\n\r\n", "{", "[", "\"", "\\u0000", "1e999",
	"null", "gzip", "bytes=", "\x1b[31m" };

#define TOKEN_COUNT (sizeof(tokens) / sizeof(tokens[0]))

static int ports[2];
static long count;
static uint64_t seed;
static SSL_CTX *tls;
static atomic_long next_number;
static atomic_long hangs;
static atomic_long wrong;
static pthread_mutex_t print_lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t
draw(struct hunter *hunter)
{
	uint64_t z = (hunter->state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static size_t
below(struct hunter *hunter, size_t bound)
{
	return bound == 0 ? 0 : (size_t)(draw(hunter) % bound);
}

/* Replace `old` bytes at `at` by others. */
static void
splice(struct bytes *bytes, size_t at, size_t old, const char *data, size_t len)
{
	if (at > bytes->len)
		at = bytes->len;
	if (old > bytes->len - at)
		old = bytes->len - at;
	if (bytes->len - old + len > INPUT_MAX)
		return;
	memmove(bytes->data + at + len, bytes->data + at + old,
	    bytes->len - at - old);
	memcpy(bytes->data + at, data, len);
	bytes->len = bytes->len - old + len;
}

/* The line at a random place: where it starts, its length with the LF. */
static size_t
pick_line(struct hunter *hunter, size_t *len)
{
	const struct bytes *in = &hunter->input;
	size_t from = below(hunter, in->len);
	size_t to;

	while (from > 0 && in->data[from - 1] != '\n')
		from--;
	to = from;
	while (to < in->len && in->data[to] != '\n')
		to++;
	*len = to + (to < in->len) - from;
	return from;
}

static void
mutate_lines(struct hunter *hunter, size_t how)
{
	struct bytes *in = &hunter->input;
	char line[2048];
	size_t len;
	size_t at = pick_line(hunter, &len);

	if (len > sizeof(line))
		return;
	memcpy(line, in->data + at, len);
	if (how == 0) {
		splice(in, at, 0, line, len); /* twice */
	} else if (how == 1) {
		splice(in, at, len, "", 0); /* gone */
	} else {                            /* elsewhere */
		splice(in, at, len, "", 0);
		at = pick_line(hunter, &len);
		len = (size_t)(strchr(line, '\n') != NULL
				   ? strchr(line, '\n') - line + 1
				   : 0);
		splice(in, at, 0, line, len);
	}
}

static void
mutate_number(struct hunter *hunter)
{
	struct bytes *in = &hunter->input;
	size_t at = below(hunter, in->len);
	size_t end;
	char text[32];
	int len;

	while (at < in->len && !isdigit((unsigned char)in->data[at]))
		at++;
	for (end = at; end < in->len && isdigit((unsigned char)in->data[end]);)
		end++;
	len = snprintf(text, sizeof(text), "%lld",
	    (long long)(draw(hunter) >> below(hunter, 64)));
	splice(in, at, end - at, text, (size_t)len);
}

static void
mutate(struct hunter *hunter)
{
	struct bytes *in = &hunter->input;
	size_t at = below(hunter, in->len + 1);
	const char *token = tokens[below(hunter, TOKEN_COUNT)];
	char byte = (char)draw(hunter);
	char run[4096];
	size_t len;

	switch (below(hunter, 13)) {
	case 0: /* a bit */
		if (at < in->len)
			in->data[at] =
			    (char)(in->data[at] ^ (1 << below(hunter, 8)));
		break;
	case 1: /* a byte */
		splice(in, at, 1, &byte, 1);
		break;
	case 2: /* one more */
		splice(in, at, 0, &byte, 1);
		break;
	case 3: /* some less */
		splice(in, at, 1 + below(hunter, 20), "", 0);
		break;
	case 4: /* the end cut off */
		in->len = at;
		break;
	case 5: /* a token put in */
		splice(in, at, 0, token, token[0] ? strlen(token) : 1);
		break;
	case 6: /* or over others */
		splice(in, at, strlen(token), token,
		    token[0] ? strlen(token) : 1);
		break;
	case 7: /* a long run */
		len = 1 + below(hunter, sizeof(run));
		memset(run, byte, len);
		splice(in, at, 0, run, len);
		break;
	case 8:
	case 9:
		mutate_lines(hunter, below(hunter, 3));
		break;
	case 10:
		mutate_number(hunter);
		break;
	case 11: /* another case */
		if (at < in->len && isalpha((unsigned char)in->data[at]))
			in->data[at] = (char)(in->data[at] ^ 0x20);
		break;
	default: /* another seed behind it */
		len = below(hunter, SEED_COUNT);
		splice(in, at, in->len, seeds[len].text, seeds[len].len);
	}
}

static void
make_input(struct hunter *hunter, const char *text, size_t len)
{
	size_t times = 1 + below(hunter, 1 + below(hunter, 4));

	memcpy(hunter->input.data, text, len);
	hunter->input.len = len;
	while (times-- > 0)
		mutate(hunter);
}

static void
report(const struct hunter *hunter, const char *what, long number)
{
	size_t i;

	(void)pthread_mutex_lock(&print_lock);
	(void)fprintf(stderr, "%s, number %ld: \"", what, number);
	for (i = 0; i < hunter->input.len && i < 4000; i++) {
		unsigned char c = (unsigned char)hunter->input.data[i];

		if (isprint(c) && c != '"' && c != '\\')
			(void)fputc(c, stderr);
		else
			(void)fprintf(stderr, "\\%03o", c);
	}
	(void)fprintf(stderr, "\"\n");
	(void)pthread_mutex_unlock(&print_lock);
}

static int
dial(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	const void *any = &address;
	struct timeval patience = { PATIENCE_MS / 1000, 0 };
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 && connect(fd, any, sizeof(address)) < 0) {
		(void)close(fd);
		return -1;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
	    sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
	    sizeof(patience));
	return fd;
}

/* Read to the end into `first`; false: it does not come. */
static bool
read_all(int fd, struct bytes *first)
{
	char rest[16384];
	ssize_t got;

	first->len = 0;
	for (;;) {
		got = recv(fd, rest, sizeof(rest), 0);
		if (got <= 0)
			return got == 0 ||
			       (errno != EAGAIN && errno != EWOULDBLOCK);
		if (first->len < 4096) {
			size_t part = (size_t)got < 4096 - first->len
					  ? (size_t)got
					  : 4096 - first->len;

			memcpy(first->data + first->len, rest, part);
			first->len += part;
		}
	}
}

/* Send in up to three pieces, say that it was all. */
static void
send_pieces(struct hunter *hunter, int fd)
{
	const struct bytes *in = &hunter->input;
	size_t at = 0;
	size_t part;
	int piece;
	int pieces = 1 + (int)below(hunter, 3);

	for (piece = 1; piece <= pieces && at < in->len; piece++) {
		part = piece == pieces ? in->len - at
				       : below(hunter, in->len - at + 1);
		if (part > 0 && send(fd, in->data + at, part, MSG_NOSIGNAL) < 0)
			break; /* refused before we were done */
		at += part;
	}
	(void)shutdown(fd, SHUT_WR);
}

/* Is this the start of an answer? Counts it by its class. */
static bool
is_answer(struct hunter *hunter)
{
	const struct bytes *first = &hunter->other;

	if (first->len == 0) {
		hunter->answers[0]++;
		return true;
	}
	if (first->len < 13 || memcmp(first->data, "HTTP/1.1 ", 9) != 0 ||
	    first->data[9] < '1' || first->data[9] > '5' ||
	    first->data[12] != ' ')
		return false;
	hunter->answers[first->data[9] - '0']++;
	return true;
}

static void
hunt_plain(struct hunter *hunter, long number, bool is_tls)
{
	size_t pick = below(hunter, SEED_COUNT);
	bool ended;
	int fd;

	make_input(hunter, seeds[pick].text, seeds[pick].len);
	fd = dial(ports[is_tls]);
	if (fd < 0) {
		if (atomic_fetch_add(&wrong, 1) == 0)
			report(hunter, "no connection", number);
		return;
	}
	send_pieces(hunter, fd);
	ended = read_all(fd, &hunter->other);
	(void)close(fd);
	if (!ended && atomic_fetch_add(&hangs, 1) == 0)
		report(hunter, "it hangs", number);
	if (ended && !is_tls && !is_answer(hunter) &&
	    atomic_fetch_add(&wrong, 1) == 0)
		report(hunter, "no answer of HTTP", number);
}

static void
hunt_h2(struct hunter *hunter, long number)
{
	char answer[16384];
	SSL *ssl;
	int got;
	int fd = dial(ports[1]);

	make_input(hunter, h2_seed, sizeof(h2_seed) - 1);
	if (fd < 0)
		return;
	ssl = SSL_new(tls);
	(void)SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) == 1 && hunter->input.len > 0 &&
	    SSL_write(ssl, hunter->input.data, (int)hunter->input.len) > 0) {
		(void)SSL_shutdown(ssl);
		(void)shutdown(fd, SHUT_WR);
		while ((got = SSL_read(ssl, answer, sizeof(answer))) > 0)
			continue;
		if (SSL_get_error(ssl, got) == SSL_ERROR_WANT_READ &&
		    atomic_fetch_add(&hangs, 1) == 0)
			report(hunter, "it hangs in HTTP/2", number);
	}
	SSL_free(ssl);
	(void)close(fd);
}

static void
ask_canary(struct hunter *hunter, long number)
{
	static const char end[] = "\r\n\r\nok\n";
	const struct bytes *first = &hunter->other;
	int fd = dial(ports[0]);
	bool good = false;

	hunter->input.len = seeds[0].len;
	memcpy(hunter->input.data, seeds[0].text, seeds[0].len);
	if (fd >= 0) {
		send_pieces(hunter, fd);
		good = read_all(fd, &hunter->other) &&
		       first->len > sizeof(end) &&
		       memcmp(first->data, "HTTP/1.1 200 ", 13) == 0 &&
		       memcmp(first->data + first->len - 7, end, 7) == 0;
		(void)close(fd);
	}
	if (!good && atomic_fetch_add(&wrong, 1) == 0)
		report(hunter, "the canary", number);
}

static void *
hunt(void *arg)
{
	struct hunter *hunter = arg;
	long number;

	while ((number = atomic_fetch_add(&next_number, 1)) < count) {
		hunter->state = seed + (uint64_t)number;
		switch (ports[1] != 0 ? below(hunter, 20) : 9) {
		case 0:
			hunt_plain(hunter, number, true);
			break;
		case 1:
			hunt_h2(hunter, number);
			break;
		default:
			hunt_plain(hunter, number, false);
		}
		if (number % CANARY_EVERY == 0)
			ask_canary(hunter, number);
		if (atomic_load(&hangs) + atomic_load(&wrong) > 20)
			break;
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	static struct hunter hunters[THREADS];
	static const unsigned char alpn[] = "\x02h2";
	long answers[6] = { 0 };
	int i;
	int k;

	if (argc < 4) {
		(void)fprintf(stderr,
		    "usage: mutate COUNT SEED PORT [TLS-PORT]\n");
		return 2;
	}
	count = atol(argv[1]);
	seed = strtoull(argv[2], NULL, 10) << 32;
	ports[0] = atoi(argv[3]);
	ports[1] = argc > 4 ? atoi(argv[4]) : 0;
	(void)signal(SIGPIPE, SIG_IGN);
	tls = SSL_CTX_new(TLS_client_method());
	(void)SSL_CTX_set_alpn_protos(tls, alpn, sizeof(alpn) - 1);
	for (i = 0; i < THREADS; i++) {
		if (pthread_create(&hunters[i].thread, NULL, hunt,
			&hunters[i]) != 0)
			return 2;
	}
	for (i = 0; i < THREADS; i++) {
		(void)pthread_join(hunters[i].thread, NULL);
		for (k = 0; k < 6; k++)
			answers[k] += hunters[i].answers[k];
	}
	SSL_CTX_free(tls);
	(void)printf("{\"sent\":%ld,\"hangs\":%ld,\"wrong\":%ld,"
		     "\"none\":%ld,\"1xx\":%ld,\"2xx\":%ld,\"3xx\":%ld,"
		     "\"4xx\":%ld,\"5xx\":%ld}\n",
	    count, atomic_load(&hangs), atomic_load(&wrong), answers[0],
	    answers[1], answers[2], answers[3], answers[4], answers[5]);
	return atomic_load(&hangs) + atomic_load(&wrong) > 0;
}
