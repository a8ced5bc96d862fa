/* SPDX-License-Identifier: MIT */

/*
 * Large bodies: to a file as they come, so that an upload takes no memory,
 * and back as memory that is the kernel's cache of the file.
 *
 * The file system is written to on the loop thread, 64 KiB at a time into
 * the kernel's cache; tmp_upload_dir should be a local disk or memory.
 *
 * INVARIANT  conn->spool is the body of the request that is being received
 *            or handled, and of no other.
 * THREADS    The loop only.
 */
#include <errno.h>

#include "server/base/err.h"
#include "server/base/log.h"
#include "worker/conn_int.h"
#include "worker/worker_int.h"

/* The file failed: what the client is told, and the operator. */
static int
failed(const struct conn *conn, int rc)
{
	static struct log_gate gate;
	unsigned suppressed;

	if (log_gate_open(&gate, &suppressed))
		log_warn(rc, "body.spool", "folder=%s suppressed=%u",
		    conn_spool_dir(conn->worker), suppressed);
	if (rc == ERR_FULL || rc == -ENOSPC || rc == -EDQUOT || rc == -EFBIG)
		return -507;
	return -503;
}

const char *
conn_spool_dir(const struct worker *worker)
{
	return worker->options->tmp_upload_dir[0] != '\0'
		   ? worker->options->tmp_upload_dir
		   : worker->cache_options->cache_dir;
}

int
conn_spool_start(struct conn *conn)
{
	int rc = spool_new(&conn->spool, conn_spool_dir(conn->worker),
	    (size_t)conn->worker->options->limit_upload_total);

	return rc < 0 ? failed(conn, rc) : 0;
}

int
conn_spool_put(struct conn *conn, const char *data, size_t len)
{
	int rc = spool_put(conn->spool, data, len);

	return rc < 0 ? failed(conn, rc) : 0;
}

int
conn_spool_map(struct conn *conn, const char **data, size_t *len)
{
	int rc = spool_map(conn->spool, data);

	*len = spool_len(conn->spool);
	return rc < 0 ? failed(conn, rc) : 0;
}

struct spool *
conn_take_spool(struct conn *conn)
{
	struct spool *spool = conn->spool;

	conn->spool = NULL;
	return spool;
}
