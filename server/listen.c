/* SPDX-License-Identifier: MIT */

/*
 * Listening sockets.
 *
 * INVARIANT  fds[i] belongs to sockets[i]. Every fd is non-blocking and
 *            close-on-exec.
 * OWNERSHIP  struct listen_set owns all.
 * THREADS    Master only.
 *
 * See listen_unix.c, listen_inherit.c (descriptors that others have opened).
 */
#include "server/listen_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"

int
listen_add(struct listen_set *set, int fd,
    const struct listen_socket *listen_socket)
{
	struct listen_socket *sockets;
	int *fds;

	sockets = realloc(set->sockets, (set->count + 1) * sizeof(*sockets));
	if (sockets == NULL)
		return -ENOMEM;
	set->sockets = sockets;
	fds = realloc(set->fds, (set->count + 1) * sizeof(*fds));
	if (fds == NULL)
		return -ENOMEM;
	set->fds = fds;
	set->sockets[set->count] = *listen_socket;
	set->fds[set->count] = fd;
	set->count++;
	return 0;
}

int
listen_new_socket(int family, int *out)
{
	*out = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return *out < 0 ? -errno : 0;
}

static int
set_on(int fd, int level, int option)
{
	int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on)) < 0 ? -errno : 0;
}

/* Host and port the kernel gave us, as numbers. */
static int
read_back(int fd, struct listen_address *address)
{
	struct sockaddr_storage storage = { 0 };
	socklen_t len = sizeof(storage);
	char port[8];

	if (getsockname(fd, (struct sockaddr *)&storage, &len) < 0)
		return -errno;
	if (getnameinfo((struct sockaddr *)&storage, len, address->host,
		sizeof(address->host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return -EINVAL;
	address->ipv6 = storage.ss_family == AF_INET6;
	address->port = (uint16_t)strtoul(port, NULL, 10);
	return 0;
}

static int
bind_tcp(int fd, const struct addrinfo *info, const struct listen_rules *rules)
{
	int rc;

	rc = set_on(fd, SOL_SOCKET, SO_REUSEADDR);
	if (rc == 0 && rules->reuse_port)
		rc = set_on(fd, SOL_SOCKET, SO_REUSEPORT);
	if (rc == 0 && info->ai_family == AF_INET6)
		rc = set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	if (rc == 0) /* accepted sockets inherit it */
		rc = set_on(fd, IPPROTO_TCP, TCP_NODELAY);
	if (rc < 0)
		return rc;
	if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 ||
	    listen(fd, rules->backlog) < 0)
		return -errno;
	return 0;
}

static int
open_tcp_one(struct listen_set *set, const struct listen_address *asked,
    const struct addrinfo *info, const struct listen_rules *rules)
{
	struct listen_socket made = { .asked = *asked,
		.address.kind = LISTEN_TCP };
	int fd = -1;
	int rc;

	rc = listen_new_socket(info->ai_family, &fd);
	if (rc == 0)
		rc = bind_tcp(fd, info, rules);
	if (rc == 0)
		rc = read_back(fd, &made.address);
	if (rc == 0)
		rc = listen_add(set, fd, &made);
	if (rc < 0)
		fd_close(&fd);
	return rc;
}

/* The other addresses of a name get the port that the first one got. */
static void
set_port(const struct addrinfo *info, uint16_t port)
{
	if (info->ai_family == AF_INET6)
		((struct sockaddr_in6 *)info->ai_addr)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)info->ai_addr)->sin_port = htons(port);
}

static int
open_tcp(struct listen_set *set, const struct listen_address *address,
    const struct listen_rules *rules, struct buf *why)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE };
	struct addrinfo *list = NULL;
	const struct addrinfo *info;
	size_t before = set->count;
	char port[8];
	int failed = 0;
	int rc;

	(void)snprintf(port, sizeof(port), "%u", (unsigned)address->port);
	rc = getaddrinfo(address->host, port, &hints, &list);
	if (rc != 0) {
		(void)buf_puts(why, gai_strerror(rc));
		return ERR_UNKNOWN;
	}
	for (info = list; info != NULL; info = info->ai_next) {
		if (address->port == 0 && set->count > before)
			set_port(info, set->sockets[before].address.port);
		rc = open_tcp_one(set, address, info, rules);
		if (rc == 0)
			continue;
		failed = rc;
		/* "localhost" may name a family this machine has not got. */
		if (rc != -EAFNOSUPPORT && rc != -EADDRNOTAVAIL)
			break;
	}
	freeaddrinfo(list);
	if (info == NULL && set->count > before)
		return 0;
	(void)buf_puts(why, err_str(failed));
	return failed;
}

static bool
is_same(const struct listen_address *a, const struct listen_address *b)
{
	return a->kind == b->kind && a->port == b->port &&
	       strcmp(a->host, b->host) == 0 && strcmp(a->path, b->path) == 0;
}

/* Take over what `old` has for this item. *found: how many. 0 or negative. */
static int
take_over(struct listen_set *set, const struct listen_set *old,
    const struct listen_address *asked, int backlog, size_t *found)
{
	size_t i;
	int fd;
	int rc;

	*found = 0;
	for (i = 0; i < old->count; i++) {
		if (!is_same(&old->sockets[i].asked, asked))
			continue;
		fd = fcntl(old->fds[i], F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return -errno;
		rc = listen_add(set, fd, &old->sockets[i]);
		if (rc == 0 && listen(fd, backlog) < 0)
			rc = -errno;
		else if (rc < 0)
			fd_close(&fd);
		if (rc < 0)
			return rc;
		(*found)++;
	}
	return 0;
}

static int
open_item(struct listen_set *set, const struct listen_set *old,
    const char *item, const struct listen_rules *rules, struct buf *reason)
{
	struct listen_address address;
	size_t found = 0;
	int rc;

	rc = listen_address_parse(item, &address, reason);
	if (rc == 0)
		rc = take_over(set, old, &address, rules->backlog, &found);
	if (rc < 0 || found > 0)
		return rc;
	if (address.kind == LISTEN_UNIX)
		return listen_open_unix(set, &address, rules, reason);
	if (address.kind == LISTEN_FD)
		return listen_take_fd(set, &address, reason);
	return open_tcp(set, &address, rules, reason);
}

int
listen_renew(struct listen_set *set, const struct listen_set *old,
    const struct opt_list *bind, const struct listen_rules *rules,
    struct buf *why)
{
	struct buf reason = BUF_EMPTY;
	size_t i;
	int rc = 0;

	*set = (struct listen_set){ .count = 0 };
	for (i = 0; rc == 0 && i < bind->count; i++) {
		rc = open_item(set, old, bind->items[i], rules, &reason);
		if (rc < 0)
			(void)buf_printf(why, "cannot listen on %s: %s",
			    bind->items[i],
			    reason.len > 0 ? buf_cstr(&reason) : err_str(rc));
	}
	buf_free(&reason);
	if (rc < 0)
		listen_drop(set, old);
	return rc;
}

int
listen_open(struct listen_set *set, const struct opt_list *bind,
    const struct listen_rules *rules, struct buf *why)
{
	const struct listen_set none = { .count = 0 };

	return listen_renew(set, &none, bind, rules, why);
}

int
listen_copy(struct listen_set *set, const struct listen_set *old)
{
	size_t i;
	int fd;
	int rc = 0;

	*set = (struct listen_set){ .count = 0 };
	for (i = 0; i < old->count && rc == 0; i++) {
		fd = fcntl(old->fds[i], F_DUPFD_CLOEXEC, 3);
		rc = fd < 0 ? -errno : listen_add(set, fd, &old->sockets[i]);
		if (rc < 0)
			fd_close(&fd);
	}
	if (rc < 0)
		listen_forget(set);
	return rc;
}

static bool
serves(const struct listen_set *set, const struct listen_socket *made)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		if (set->sockets[i].address.kind == LISTEN_UNIX &&
		    set->sockets[i].dev == made->dev &&
		    set->sockets[i].ino == made->ino)
			return true;
	}
	return false;
}

void
listen_drop(struct listen_set *set, const struct listen_set *kept)
{
	const struct listen_socket *made;
	struct stat st;
	size_t i;

	for (i = 0; i < set->count; i++) {
		made = &set->sockets[i];
		if (made->address.kind == LISTEN_UNIX && !made->shared &&
		    !serves(kept, made) &&
		    lstat(made->address.path, &st) == 0 &&
		    st.st_dev == made->dev && st.st_ino == made->ino)
			(void)unlink(made->address.path);
	}
	listen_forget(set);
}

void
listen_forget(struct listen_set *set)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		fd_close(&set->fds[i]);
	free(set->sockets);
	free(set->fds);
	*set = (struct listen_set){ .count = 0 };
}

void
listen_set_mode(const struct listen_set *set, mode_t mode)
{
	const struct listen_socket *made;
	struct stat st;
	size_t i;

	for (i = 0; i < set->count; i++) {
		made = &set->sockets[i];
		if (made->address.kind == LISTEN_UNIX && made->ino != 0 &&
		    lstat(made->address.path, &st) == 0 &&
		    st.st_dev == made->dev && st.st_ino == made->ino)
			(void)chmod(made->address.path, mode);
	}
}

void
listen_own(struct listen_set *set)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		set->sockets[i].shared = false;
}

void
listen_close(struct listen_set *set)
{
	const struct listen_set none = { .count = 0 };

	listen_drop(set, &none);
}

int
listen_queue(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -1;
	return info.tcpi_state == TCP_LISTEN ? (int)info.tcpi_unacked : -1;
}

int
listen_backlog_max(void)
{
	FILE *file = fopen("/proc/sys/net/core/somaxconn", "re");
	int most = -1;

	if (file == NULL)
		return -1;
	if (fscanf(file, "%d", &most) != 1)
		most = -1;
	(void)fclose(file);
	return most;
}

int
listen_print_url(const struct listen_address *address, bool secure,
    struct buf *out)
{
	struct listen_address shown = *address;
	int rc;

	if (address->kind != LISTEN_TCP)
		return listen_address_print(address, out);
	/* "Every address" is nothing a browser can open. */
	if (strcmp(shown.host, "0.0.0.0") == 0)
		(void)snprintf(shown.host, sizeof(shown.host), "127.0.0.1");
	else if (strcmp(shown.host, "::") == 0)
		(void)snprintf(shown.host, sizeof(shown.host), "::1");
	rc = buf_puts(out, secure ? "https://" : "http://");
	return rc < 0 ? rc : listen_address_print(&shown, out);
}
