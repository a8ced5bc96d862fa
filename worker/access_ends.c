/* SPDX-License-Identifier: MIT */

/*
 * The two ends of a connection, for formats of the access log that name them:
 * asked of the kernel for each line, as hardly anybody wants them. Behind a
 * proxy they are the proxy's connection; who is behind it is %(h)s.
 *
 * FAILURE  A connection that has been reset has no other end any more: "-".
 * THREADS  See access_format.h.
 */
#include <netdb.h>
#include <sys/socket.h>

#include "worker/access_format_int.h"

typedef int end_name(int fd, struct sockaddr *address, socklen_t *len);

/* The address and the port of an end as text; empty: it has none. */
struct end {
	char host[NI_MAXHOST];
	char port[8];
};

static void
ask_end(end_name *name_of, int fd, struct end *end)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	end->host[0] = '\0';
	end->port[0] = '\0';
	if (name_of(fd, (struct sockaddr *)&address, &len) == 0 &&
	    address.ss_family != AF_UNIX)
		(void)getnameinfo((struct sockaddr *)&address, len, end->host,
		    sizeof(end->host), end->port, sizeof(end->port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
}

static void
put_text(struct buf *out, const char *text)
{
	(void)buf_puts(out, text[0] != '\0' ? text : "-");
}

void
access_put_remote_port(const struct line *line, const struct step *step)
{
	struct end end;

	(void)step;
	ask_end(getpeername, line->entry->fd, &end);
	put_text(line->out, end.port);
}

void
access_put_server_port(const struct line *line, const struct step *step)
{
	struct end end;

	(void)step;
	ask_end(getsockname, line->entry->fd, &end);
	put_text(line->out, end.port);
}

void
access_put_server_name(const struct line *line, const struct step *step)
{
	struct end end;

	(void)step;
	ask_end(getsockname, line->entry->fd, &end);
	put_text(line->out, end.host);
}
