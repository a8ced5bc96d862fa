/* SPDX-License-Identifier: MIT */

/*
 * ph_bytes_path(): bytes that a call holds, as a file with a name, for what
 * can only read files.
 *
 * The body of a request that is in a file already (spool.h) gets a name and is
 * not copied; any other bytes are written once.
 *
 * OWNERSHIP  The call has a list of the files it made and takes their names
 *            away at its end; the file of a body belongs to the task.
 * THREADS    The thread that runs the call.
 */
#include <errno.h>

#include "server/base/err.h"
#include "worker/host.h"
#include "worker/routes_int.h"
#include "worker/scratch.h"
#include "worker/spool.h"

struct call_file {
	struct call_file *next;
	struct spool *spool;
};

static bool
is_body(const struct route_call *route, const void *bytes, size_t len)
{
	return route != NULL && bytes == route->body && len == route->body_len;
}

/* Write them to a file that the call keeps. 0, -errno, ERR_FULL. */
static int
write_file(struct call *call, const void *bytes, size_t len,
    struct spool **spool)
{
	struct call_file *file =
	    arena_alloc(scratch_lasting_arena(call), sizeof(*file));
	int rc = -ENOMEM;

	if (file != NULL)
		rc = spool_new(&file->spool, call_folder(call),
		    (size_t)call->kit->options->limit_upload_total);
	if (rc < 0)
		return rc;
	file->next = call->files;
	call->files = file;
	*spool = file->spool;
	return len > 0 ? spool_put(file->spool, bytes, len) : 0;
}

const char *
host_bytes_path(struct ph_call *ph, const void *bytes, size_t len)
{
	struct call *call = host_call(ph);
	bool body = is_body(call->route, bytes, len);
	struct spool *spool = body ? call->route->spool : NULL;
	const char *path = "";
	int rc = 0;

	if (call->failed || call_is_early(call))
		return path;
	if (call->kit->on_loop) {
		call_error(call,
		    "%s: ph_bytes_path(): a page function must not wait for "
		    "a disk",
		    call->name);
		return path;
	}
	if (spool == NULL)
		rc = write_file(call, bytes, len, &spool);
	if (rc == 0 && body)
		call->route->spool = spool; /* asked again: the same file */
	if (rc == 0)
		rc = spool_name(spool, call_folder(call), &path);
	if (rc < 0)
		call_error(call, "%s: ph_bytes_path(): %s", call->name,
		    err_str(rc));
	return rc < 0 ? "" : path;
}

void
call_files_free(struct call *call)
{
	struct call_file *file;

	for (file = call->files; file != NULL; file = file->next)
		spool_unref(&file->spool);
	call->files = NULL;
}
