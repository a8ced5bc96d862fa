/* SPDX-License-Identifier: MIT */

/*
 * Syslog. See syslog_out.h.
 *
 * Datagram sockets are shared with children as they are. A stream would mix
 * the bytes of several processes, so each process opens its own; it is opened
 * again, once a second at most, when it has broken.
 *
 * THREADS  A lock is held around a stream's writes only, which never wait.
 */
#include "server/base/syslog_out.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/sink.h"

#define LINE_MAX_BYTES 8192
#define CONNECT_MS 200
#define AGAIN_MS 1000

struct target {
	int family; /* AF_UNSPEC: none */
	int type;   /* SOCK_DGRAM, SOCK_STREAM; 0: either (unix) */
	struct sockaddr_storage address;
	socklen_t len;
	int facility;
	char name[64];
	char host[64];
};

static struct target target;
static char opened[256]; /* the address that it was made of */
static int out_fd = -1;
static pid_t out_pid;
static long again_ms;
static pthread_mutex_t stream_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct facility {
	const char *name;
	int code;
} facilities[] = {
	{ "kern", 0 },
	{ "user", 1 },
	{ "mail", 2 },
	{ "daemon", 3 },
	{ "auth", 4 },
	{ "security", 4 },
	{ "syslog", 5 },
	{ "lpr", 6 },
	{ "news", 7 },
	{ "uucp", 8 },
	{ "cron", 9 },
	{ "authpriv", 10 },
	{ "ftp", 11 },
	{ "local0", 16 },
	{ "local1", 17 },
	{ "local2", 18 },
	{ "local3", 19 },
	{ "local4", 20 },
	{ "local5", 21 },
	{ "local6", 22 },
	{ "local7", 23 },
};

static int
parse_facility(const char *name, struct buf *why)
{
	size_t i;

	for (i = 0; i < sizeof(facilities) / sizeof(facilities[0]); i++) {
		if (strcasecmp(facilities[i].name, name) == 0)
			return facilities[i].code;
	}
	(void)buf_printf(why,
	    "syslog_facility: \"%s\" is none; write user, daemon, local0 .. "
	    "local7 or another of syslog's names\n",
	    name);
	return ERR_SYNTAX;
}

static int
parse_unix(const char *path, struct target *made, struct buf *why)
{
	struct sockaddr_un *un = (void *)&made->address;
	const char *mark = strrchr(path, '#');
	size_t len = mark != NULL ? (size_t)(mark - path) : strlen(path);

	if (mark != NULL && strcmp(mark, "#dgram") == 0)
		made->type = SOCK_DGRAM;
	else if (mark != NULL && strcmp(mark, "#stream") == 0)
		made->type = SOCK_STREAM;
	else if (mark != NULL)
		len = 0;
	if (len == 0 || len >= sizeof(un->sun_path)) {
		(void)buf_printf(why,
		    "syslog_addr: \"unix://%s\" is no path of a socket; only "
		    "#dgram or #stream may follow it\n",
		    path);
		return ERR_SYNTAX;
	}
	made->family = AF_UNIX;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, len);
	un->sun_path[len] = '\0';
	made->len = sizeof(*un);
	return 0;
}

/* "host:port"; the port may be left out. `look` false: do not look it up. */
static int
parse_host(const char *text, bool look, struct target *made, struct buf *why)
{
	const char *colon = strrchr(text, ':');
	const struct addrinfo hints = { .ai_socktype = made->type };
	struct addrinfo *found = NULL;
	char host[256];
	const char *port = "514";
	size_t len = strlen(text);
	int rc;

	if (colon != NULL && strchr(colon, ']') == NULL) {
		len = (size_t)(colon - text);
		port = colon + 1;
	}
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(host) || port[0] == '\0' ||
	    strspn(port, "0123456789") != strlen(port)) {
		(void)buf_printf(why,
		    "syslog_addr: \"%s\" is not of the form HOST:PORT\n", text);
		return ERR_SYNTAX;
	}
	memcpy(host, text, len);
	host[len] = '\0';
	if (!look)
		return 0;
	rc = getaddrinfo(host, port, &hints, &found);
	if (rc != 0) {
		(void)buf_printf(why, "syslog_addr: %s: %s\n", host,
		    gai_strerror(rc));
		return ERR_UNKNOWN;
	}
	made->family = found->ai_family;
	memcpy(&made->address, found->ai_addr, found->ai_addrlen);
	made->len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int
parse(const char *address, bool look, struct target *made, struct buf *why)
{
	if (strncmp(address, "unix://", 7) == 0)
		return parse_unix(address + 7, made, why);
	made->type = SOCK_DGRAM;
	if (strncmp(address, "udp://", 6) == 0)
		return parse_host(address + 6, look, made, why);
	made->type = SOCK_STREAM;
	if (strncmp(address, "tcp://", 6) == 0)
		return parse_host(address + 6, look, made, why);
	(void)buf_printf(why,
	    "syslog_addr: \"%s\" must begin with unix://, udp:// or tcp://\n",
	    address);
	return ERR_SYNTAX;
}

/* A connected socket that does not wait; negative: -errno. */
static int
connect_as(int type)
{
	struct pollfd poll_fd = { .events = POLLOUT };
	int fd = socket(target.family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;
	socklen_t len = sizeof(error);

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&target.address, target.len) < 0)
		error = errno;
	if (error == EINPROGRESS) {
		poll_fd.fd = fd;
		error = ETIMEDOUT;
		if (poll(&poll_fd, 1, CONNECT_MS) == 1)
			(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error,
			    &len);
	}
	if (error != 0) {
		(void)close(fd);
		return -error;
	}
	return fd;
}

/* Be connected; false: not now. */
static bool
have_socket(void)
{
	long now;

	if (out_fd >= 0 && (target.type == SOCK_DGRAM || out_pid == getpid()))
		return true;
	now = (long)clock_boot_ms();
	if (out_pid == getpid() && now < again_ms)
		return false;
	again_ms = now + AGAIN_MS;
	fd_close(&out_fd); /* a parent's, which keeps its own */
	out_pid = getpid();
	if (target.type != 0) {
		out_fd = connect_as(target.type);
		return out_fd >= 0;
	}
	out_fd = connect_as(SOCK_DGRAM);
	if (out_fd == -EPROTOTYPE) {
		out_fd = connect_as(SOCK_STREAM);
		if (out_fd >= 0)
			target.type = SOCK_STREAM;
	} else if (out_fd >= 0) {
		target.type = SOCK_DGRAM;
	}
	return out_fd >= 0;
}

int
syslog_out_check(const char *address, const char *facility, struct buf *why)
{
	struct target made = { 0 };
	int rc = parse_facility(facility, why);
	/* One in use is not looked up again: a reload needs no name server. */
	bool look = !syslog_out_is_on() || strcmp(opened, address) != 0;

	return rc < 0 ? rc : parse(address, look, &made, why);
}

int
syslog_out_open(const char *address, const char *facility, const char *name,
    struct buf *why)
{
	struct target made = { 0 };
	int rc;

	rc = parse_facility(facility, why);
	made.facility = rc;
	if (rc >= 0)
		rc = parse(address, true, &made, why);
	if (rc < 0)
		return rc;
	(void)snprintf(made.name, sizeof(made.name), "%s", name);
	if (gethostname(made.host, sizeof(made.host) - 1) < 0 ||
	    made.host[0] == '\0')
		(void)snprintf(made.host, sizeof(made.host), "-");
	syslog_out_close();
	target = made;
	(void)snprintf(opened, sizeof(opened), "%s", address);
	again_ms = 0;
	(void)have_socket(); /* a daemon that is not there yet may come */
	return 0;
}

void
syslog_out_close(void)
{
	fd_close(&out_fd);
	target.family = AF_UNSPEC;
}

bool
syslog_out_is_on(void)
{
	return target.family != AF_UNSPEC;
}

static size_t
format_line(enum syslog_severity severity, const char *line, size_t len,
    char out[LINE_MAX_BYTES])
{
	int64_t now = clock_wall_ms();
	time_t seconds = (time_t)(now / 1000);
	int priority = target.facility * 8 + (int)severity;
	char stamp[40];
	struct tm tm;
	int size;

	if (target.family == AF_UNIX) {
		static const char months[] =
		    "JanFebMarAprMayJunJulAugSepOctNovDec";

		(void)localtime_r(&seconds, &tm);
		size = snprintf(out, LINE_MAX_BYTES,
		    "<%d>%.3s %2d %02d:%02d:%02d %s[%ld]: ", priority,
		    months + 3 * tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min,
		    tm.tm_sec, target.name, (long)getpid());
	} else {
		(void)gmtime_r(&seconds, &tm);
		(void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
		size = snprintf(out, LINE_MAX_BYTES,
		    "<%d>1 %s.%03dZ %s %s %ld - - ", priority, stamp,
		    (int)(now % 1000), target.host, target.name,
		    (long)getpid());
	}
	if (size < 0 || size >= LINE_MAX_BYTES)
		return 0;
	if (len > LINE_MAX_BYTES - (size_t)size - 1)
		len = LINE_MAX_BYTES - (size_t)size - 1;
	memcpy(out + size, line, len);
	return (size_t)size + len;
}

/* A stream takes all of it or is given up: half a line would spoil more. */
static void
send_stream(char *text, size_t len)
{
	char size[24];
	struct iovec pieces[2] = { { size, 0 }, { text, len } };
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = 2 };
	ssize_t sent;

	if (target.family == AF_UNIX) {
		text[len++] = '\n';
		pieces[1].iov_len = len;
	} else {
		pieces[0].iov_len =
		    (size_t)snprintf(size, sizeof(size), "%zu ", len);
	}
	(void)pthread_mutex_lock(&stream_lock);
	if (!have_socket()) {
		sink_count_drop();
	} else {
		sent = sendmsg(out_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent != (ssize_t)(pieces[0].iov_len + len)) {
			sink_count_drop();
			if (sent >= 0 || errno != EAGAIN)
				fd_close(&out_fd);
		}
	}
	(void)pthread_mutex_unlock(&stream_lock);
}

void
syslog_out(enum syslog_severity severity, const char *line, size_t len)
{
	char text[LINE_MAX_BYTES];
	int saved = errno;

	if (!syslog_out_is_on())
		return;
	len = format_line(severity, line, len, text);
	if (target.type != SOCK_DGRAM && target.type != 0) {
		send_stream(text, len);
	} else if (!have_socket() ||
		   send(out_fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		sink_count_drop();
		/* The daemon was restarted: its socket is another one. */
		if (errno != EAGAIN && errno != ENOBUFS &&
		    target.family == AF_UNIX)
			fd_close(&out_fd);
	}
	errno = saved;
}
