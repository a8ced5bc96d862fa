/* SPDX-License-Identifier: MIT */
#ifndef WORKER_HOST_SESSION_H
#define WORKER_HOST_SESSION_H

#include <pronghorn/app.h>

#include "worker/call.h"

/* The other side of <pronghorn/session.h>. */
extern const struct ph_session_host host_session_table;

/* Bytes of all lines that a call may set together: heads have a bound. */
#define HOST_FIELDS_MAX 3500

/* host_fields.c: what a callback says about its answer's head. */
void host_set_header(struct ph_call *call, const char *name, const char *value);
void host_set_cookie(struct ph_call *call, const char *name, const char *value,
    const struct ph_cookie_options *options);

/*
 * May a callback give a header this value? Printable ASCII only (RFC 9110
 * section 5.5): no CR, LF, NUL, and nothing that is read in other ways by
 * others.
 */
bool host_field_ok(const char *value);

/* Append the lines a call has set. 0, or the call has failed. */
int host_fields_write(struct call *call, struct buf *out);

#endif
