/* SPDX-License-Identifier: MIT */

/*
 * URLs of servers. Names are looked up once, so that a slow resolver never
 * shows in a latency.
 *
 * FAILURE  An unreadable URL or unknown name is a sentence for the user.
 */
#include "test/bench/target.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static int
parse_local(struct target *target, const char *path, char *why, size_t why_len)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&target->address;

	if (*path == '\0' || strlen(path) >= sizeof(un->sun_path)) {
		(void)snprintf(why, why_len,
		    "unix: needs the path of a socket of less than %zu bytes",
		    sizeof(un->sun_path));
		return -EINVAL;
	}
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path) + 1);
	target->address_len = sizeof(*un);
	target->local = true;
	(void)snprintf(target->host, sizeof(target->host), "localhost");
	return 0;
}

static int
look_up(struct target *target, const char *name, const char *port, char *why,
    size_t why_len)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int rc;

	rc = getaddrinfo(name, port, &hints, &found);
	if (rc != 0) {
		(void)snprintf(why, why_len, "%s port %s: %s", name, port,
		    gai_strerror(rc));
		return -ENOENT;
	}
	memcpy(&target->address, found->ai_addr, found->ai_addrlen);
	target->address_len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

/* Cut `authority` into name and port: host, host:port, [v6], [v6]:port. *port
 * is left as it is when there is none. */
static int
split_authority(char *authority, const char **name, const char **port)
{
	char *colon = strrchr(authority, ':');
	char *close = strchr(authority, ']');

	*name = authority;
	if (authority[0] == '[') {
		if (close == NULL || (close[1] != '\0' && close[1] != ':'))
			return -EINVAL;
		*name = authority + 1;
		if (close[1] == ':')
			*port = close + 2;
		*close = '\0';
	} else if (colon != NULL) {
		*colon = '\0';
		*port = colon + 1;
	}
	return **name != '\0' && **port != '\0' ? 0 : -EINVAL;
}

int
target_parse(struct target *target, const char *url, char *why, size_t why_len)
{
	const char *rest;
	const char *name;
	const char *port;
	char authority[256];
	size_t len;

	memset(target, 0, sizeof(*target));
	if (strncmp(url, "unix:", 5) == 0)
		return parse_local(target, url + 5, why, why_len);
	target->tls = strncmp(url, "https://", 8) == 0;
	rest = target->tls                       ? url + 8
	       : strncmp(url, "http://", 7) == 0 ? url + 7
						 : url;
	len = strcspn(rest, "/");
	if (len == 0 || len >= sizeof(authority) ||
	    strlen(rest + len) >= sizeof(target->prefix) ||
	    strcspn(rest, " \t\r\n?#@") != strlen(rest)) {
		(void)snprintf(why, why_len,
		    "%s: expected http[s]://HOST[:PORT][/PREFIX] or unix:/PATH",
		    url);
		return -EINVAL;
	}
	memcpy(authority, rest, len);
	authority[len] = '\0';
	memcpy(target->host, authority, len + 1);
	memcpy(target->prefix, rest + len, strlen(rest + len) + 1);
	len = strlen(target->prefix);
	if (len > 0 && target->prefix[len - 1] == '/')
		target->prefix[len - 1] = '\0';
	port = target->tls ? "443" : "80";
	if (split_authority(authority, &name, &port) < 0) {
		(void)snprintf(why, why_len, "%s: no host or no port", url);
		return -EINVAL;
	}
	/* getaddrinfo() would take it modulo 65536. */
	if (strspn(port, "0123456789") == strlen(port) &&
	    (strlen(port) > 5 || atoi(port) < 1 || atoi(port) > 65535)) {
		(void)snprintf(why, why_len,
		    "%s: expected a port from 1 to 65535", url);
		return -EINVAL;
	}
	return look_up(target, name, port, why, why_len);
}

int
target_connect(const struct target *target)
{
	int one = 1;
	int rc;
	int fd;

	fd = socket(target->address.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!target->local)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
		    sizeof(one));
	do {
		rc = connect(fd, (const struct sockaddr *)&target->address,
		    target->address_len);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0 && errno != EINPROGRESS) {
		rc = -errno;
		(void)close(fd);
		return rc;
	}
	return fd;
}
