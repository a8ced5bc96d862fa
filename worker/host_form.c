/* SPDX-License-Identifier: MIT */

/*
 * Forms that a ph_route() handler reads, and files that came with them.
 *
 * OWNERSHIP  Parts point into the body; what has to end with a NUL is copied
 *            into the arena of the call.
 * THREADS    The thread that runs the call.
 * FAILURE    What a client sends wrongly is its mistake (4xx).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"
#include "worker/host.h"
#include "worker/routes.h"
#include "worker/routes_int.h"
#include "worker/scratch.h"

#define PARTS_MAX 1000
#define PART_HEAD_MAX 8192

static const char *
why_not(int status)
{
	switch (status) {
	case 413:
		return "the form has too many parts";
	case 415:
		return "the body is not announced as a form";
	case 431:
		return "the head of a part of the form is too long";
	case 503:
		return "out of memory";
	default:
		return "the form is malformed";
	}
}

/* The form of the call, read at the first time. NULL: call_error set. */
static const struct form *
form_of(struct ph_call *ph, const char *function)
{
	static const struct form_limits limits = { PARTS_MAX, PART_HEAD_MAX };
	struct call *call = route_call(ph, function);
	struct route_call *route;
	struct http_span type;
	int rc;

	if (call == NULL)
		return NULL;
	route = call->route;
	if (!route->form_read) {
		route->form_read = true;
		type.data = host_header(ph, "Content-Type");
		type.len = strlen(type.data);
		rc = form_parse(type, route->body, route->body_len, &limits,
		    scratch_lasting_arena(call), &route->form);
		if (rc < 0)
			memset(&route->form, 0, sizeof(route->form));
		/* No form at all has no fields: that is no mistake. */
		if (rc < 0 && rc != -415)
			route_bad_request(call, -rc, why_not(-rc));
	}
	return call->failed ? NULL : &route->form;
}

static const char *
copy_of(struct call *call, struct http_span span)
{
	const char *copy;

	if (span.len == 0)
		return "";
	copy = arena_strndup(call->arena, span.data, span.len);
	if (copy == NULL)
		call_error(call, "%s: a part of the form: out of memory",
		    call->name);
	return copy != NULL ? copy : "";
}

const char *
route_form_arg(struct ph_call *ph, const char *name)
{
	const struct form *form = form_of(ph, "ph_form_arg");
	const struct form_part *part =
	    form != NULL ? form_find(form, name) : NULL;

	if (part == NULL || part->value.len == 0)
		return "";
	/* Half of it would pass for the whole. */
	if (memchr(part->value.data, '\0', part->value.len) != NULL) {
		route_bad_request(host_call(ph), 400,
		    "a field of the form has a NUL");
		return "";
	}
	return copy_of(host_call(ph), part->value);
}

size_t
route_form_count(struct ph_call *ph)
{
	const struct form *form = form_of(ph, "ph_form_count");

	return form != NULL ? form->count : 0;
}

static void
give_part(struct call *call, const struct form_part *from, struct ph_part *to)
{
	to->name = copy_of(call, from->name);
	to->file_name = from->file_name.data != NULL
			    ? copy_of(call, from->file_name)
			    : NULL;
	to->type = copy_of(call, from->type);
	to->bytes = from->value.data != NULL ? from->value.data : "";
	to->len = from->value.len;
}

bool
route_form_part(struct ph_call *ph, size_t index, struct ph_part *part)
{
	const struct form *form = form_of(ph, "ph_form_part");

	memset(part, 0, sizeof(*part));
	if (form == NULL || index >= form->count)
		return false;
	give_part(host_call(ph), &form->parts[index], part);
	return true;
}

bool
route_form_file(struct ph_call *ph, const char *name, struct ph_part *part)
{
	const struct form *form = form_of(ph, "ph_form_file");
	const struct form_part *at;
	size_t i;

	memset(part, 0, sizeof(*part));
	for (i = 0; form != NULL && i < form->count; i++) {
		at = &form->parts[i];
		if (at->file_name.data == NULL ||
		    at->name.len != strlen(name) ||
		    memcmp(at->name.data, name, at->name.len) != 0)
			continue;
		give_part(host_call(ph), at, part);
		return true;
	}
	return false;
}

enum ph_status
route_save(struct ph_call *ph, const void *bytes, size_t len, const char *path)
{
	struct call *call = host_call(ph);
	int rc = 0;
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd < 0)
		rc = -errno;
	if (rc == 0)
		rc = fd_write_full(fd, bytes, len);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	if (rc < 0 && fd >= 0)
		(void)unlink(path);
	fd_close(&fd);
	if (rc < 0)
		call_error(call, "ph_save(\"%s\"): %s", path, err_str(rc));
	return rc < 0 ? PH_ERROR : PH_OK;
}
