/* SPDX-License-Identifier: MIT */

/*
 * The many who wait for one answer: those of them who came in early enough for
 * what was made, and how they get it.
 *
 * THREADS  The loop only.
 */
#include "worker/dispatch_int.h"
#include "worker/packed.h"

struct request *
dispatch_take_until(struct parked *parked, int64_t until_us)
{
	struct request *request = parked->requests; /* newest first */
	struct request *late = NULL;

	while (request != NULL && request->asked_us > until_us) {
		late = request;
		request = request->next;
	}
	*(late != NULL ? &late->next : &parked->requests) = NULL;
	if (request != NULL)
		request->prev = NULL;
	if (late != NULL)
		parked->asked_us = late->asked_us;
	return request;
}

void
dispatch_refuse(struct request *request, int status, const char *why)
{
	struct request *next;

	for (; request != NULL; request = next) {
		next = request->next;
		request->parked = NULL;
		dispatch_finish_error(request, status, why);
	}
}

void
dispatch_answer(struct request *request, struct buf *bytes)
{
	struct request *next;
	struct packed packed;
	struct reply reply;
	struct blob *blob;
	size_t len;
	char *data;

	if (request == NULL)
		return;
	data = buf_detach(bytes, &len);
	blob = blob_new(data, len);
	if (blob == NULL || !packed_open(blob->data, len, &packed)) {
		blob_unref(blob);
		dispatch_refuse(request, 503, NULL);
		return;
	}
	for (; request != NULL; request = next) {
		next = request->next;
		request->parked = NULL;
		packed_reply(&packed, request->to.gzip, request->to.br, &reply);
		reply.blob = blob_ref(blob);
		dispatch_finish(request, &reply);
	}
	blob_unref(blob);
}
