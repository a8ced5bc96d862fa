/* SPDX-License-Identifier: MIT */

/*
 * Taking a PROXY header off a socket.
 *
 * What comes behind the header may be for OpenSSL, which reads the socket
 * itself, so not one byte too many may be taken: bytes are looked at first
 * and taken when it is known that they belong to the header.
 *
 * THREADS  The loop only.
 */
#include "worker/conn_proxy.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/log.h"
#include "worker/conn_int.h"
#include "worker/conn_peers.h"
#include "worker/forwarded.h"
#include "worker/proxy_header.h"
#include "worker/trust.h"
#include "worker/worker_int.h"

static const struct choice {
	const char *name;
	unsigned versions;
} choices[] = {
	{ "off", 0 },
	{ "False", 0 },
	{ "v1", PROXY_HEADER_V1 },
	{ "v2", PROXY_HEADER_V2 },
	{ "auto", PROXY_HEADER_V1 | PROXY_HEADER_V2 },
	{ "True", PROXY_HEADER_V1 | PROXY_HEADER_V2 },
};

static int
read_settings(const struct worker_options *options, unsigned *versions,
    struct trust **peers, struct buf *why)
{
	const char *name = options->proxy_protocol;
	size_t i;

	for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		if (strcasecmp(choices[i].name, name) != 0)
			continue;
		*versions = choices[i].versions;
		return trust_open(peers, &options->proxy_allow_ips,
		    "proxy_allow_ips", why);
	}
	(void)buf_printf(why,
	    "proxy_protocol: \"%s\" is none of off, v1, v2, auto\n", name);
	return ERR_SYNTAX;
}

int
conn_proxy_open(struct worker *worker, struct buf *why)
{
	return read_settings(worker->options, &worker->proxy_versions,
	    &worker->proxy_peers, why);
}

int
conn_proxy_check_settings(const struct worker_options *options, struct buf *why)
{
	struct trust *peers = NULL;
	unsigned versions;
	int rc = read_settings(options, &versions, &peers, why);

	trust_close(&peers);
	return rc;
}

void
conn_proxy_close(struct worker *worker)
{
	trust_close(&worker->proxy_peers);
}

void
conn_proxy_begin(struct conn *conn)
{
	const struct worker *worker = conn->worker;

	conn->proxy_pending = worker->proxy_versions != 0;
	conn->trusted = forwarded_trusts(worker->forwarded, conn->peer);
	conn->counted = worker->peers != NULL && conn->peer[0] != '\0' &&
			!conn->proxy_pending;
}

void
conn_proxy_check(struct conn *conn)
{
	conn->doomed = (double)(clock_mono_us() - conn->phase_us) >
		       conn->worker->options->header_timeout * 1e6;
}

static bool
refuse(struct conn *conn, const char *why)
{
	static struct log_gate gate;
	unsigned suppressed;

	if (log_gate_open(&gate, &suppressed))
		log_warn(0, "proxy.refused",
		    "peer=%s note=\"%s\" suppressed=%u",
		    conn->peer[0] != '\0' ? conn->peer : "unix", why,
		    suppressed);
	conn->doomed = true;
	return false;
}

/*
 * The header says who the client is; now its limit counts. Fields like
 * X-Forwarded-Proto may be the proxy's own; an address in X-Forwarded-For
 * counts only if the client of the header is a proxy, too.
 */
static bool
adopt(struct conn *conn, const struct proxy_header *header)
{
	struct worker *worker = conn->worker;

	if (header->client[0] != '\0') {
		memcpy(conn->peer, header->client, sizeof(conn->peer));
		conn->proxied_client =
		    !forwarded_trusts(worker->forwarded, conn->peer);
		conn->trusted = conn->trusted || !conn->proxied_client;
	}
	conn->proxied_tls = header->tls;
	conn->proxy_pending = false;
	buf_free(&conn->in);
	if (worker->peers == NULL || conn->peer[0] == '\0')
		return true;
	conn->counted =
	    conn_peers_add(worker->peers, conn->peer,
		(size_t)worker->options->limit_client_connections) == 0;
	if (conn->counted)
		return true;
	if (conn->tls != NULL || conn_turn_away(conn) < 0)
		return refuse(conn, "limit_client_connections");
	return false;
}

bool
conn_proxy_read(struct conn *conn)
{
	struct worker *worker = conn->worker;
	uint8_t *data = (uint8_t *)worker->read_buffer;
	size_t kept = conn->in.len;
	struct proxy_header header;
	ssize_t got;
	size_t take;
	int rc;

	if (!trust_has(worker->proxy_peers, conn->peer))
		return refuse(conn, "not in proxy_allow_ips");
	if (kept > 0)
		memcpy(data, conn->in.data, kept);
	got = recv(conn->fd, data + kept, PROXY_HEADER_MAX, MSG_PEEK);
	if (got < 0) {
		conn->doomed = errno != EAGAIN && errno != EINTR;
		return false;
	}
	if (got == 0) { /* a probe of the port, or a change of mind */
		conn->doomed = true;
		return false;
	}
	rc = proxy_header_parse(data, kept + (size_t)got,
	    worker->proxy_versions, &header);
	if (rc < 0)
		return refuse(conn, "no valid PROXY header");
	take = rc > 0 ? (size_t)rc - kept : (size_t)got;
	if (recv(conn->fd, data + kept, take, 0) != (ssize_t)take)
		return refuse(conn, "cannot be read");
	if (rc > 0)
		return adopt(conn, &header);
	if (buf_put(&conn->in, data + kept, take) < 0)
		conn->doomed = true;
	return false;
}
