/* SPDX-License-Identifier: MIT */

/*
 * Handles of the server-side store: 57 bytes in base64.
 *
 *   version 1, name 16, expires 8 (seconds, little endian), HMAC-SHA256 32
 *
 * INVARIANT  The row's key holds the scope, too, so even a handle with a good
 *            code finds nothing of another session.
 */
#include "worker/session_store.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "cache/encode.h"
#include "cache/now.h"
#include "server/base/err.h"
#include "server/base/log.h"
#include "worker/base64.h"
#include "worker/host.h"
#include "worker/memo.h"
#include "worker/visit.h"

#define MEMBER "_ph_handle"
#define VERSION 1
#define NAME_LEN 16
#define SIGNED_LEN (1 + NAME_LEN + 8)
#define RAW_LEN (SIGNED_LEN + SESSION_MAC_LEN)
#define TEXT_LEN (RAW_LEN / 3 * 4)

_Static_assert(RAW_LEN % 3 == 0, "one spelling only");

/* What is signed: the bytes of the handle, then the scope. */
static void
signed_text(const uint8_t raw[SIGNED_LEN], const char *scope,
    uint8_t out[SIGNED_LEN + SESSION_SCOPE_LEN])
{
	memcpy(out, raw, SIGNED_LEN);
	memcpy(out + SIGNED_LEN, scope, SESSION_SCOPE_LEN);
}

static void
name_of(const uint8_t *raw, char name[2 * NAME_LEN + 1])
{
	unsigned i;

	for (i = 0; i < NAME_LEN; i++)
		(void)snprintf(name + 2 * i, 3, "%02x", raw[1 + i]);
}

const struct value *
session_store_handle(const struct value *value)
{
	const struct value_member *member;

	if (value->kind != VALUE_OBJECT || value->count != 1)
		return NULL;
	member = &value->u.members[0];
	if (strcmp(member->name, MEMBER) != 0 ||
	    member->value.kind != VALUE_TEXT)
		return NULL;
	return &member->value;
}

/* Write the bytes under a name of the session. 1 or negative. */
static int
keep(struct call *call, struct session_visit *visit, const char *name,
    const struct buf *bytes, int64_t expires_ms)
{
	struct session_entry entry = { .scope = visit->scope,
		.kind = SESSION_HANDLE,
		.name = name,
		.data = bytes->data,
		.len = bytes->len,
		.expires_ms = expires_ms };
	int64_t until_ms = 0;
	int rc;

	do
		rc = session_put(call->kit->cache, visit->ticket.id, &entry);
	while (memo_try_again(call->kit, rc, &until_ms));
	return rc == 0 ? ERR_STALE : rc;
}

/* The handle as a value in the arena of the call. */
static const struct value *
make_handle(struct call *call, const uint8_t raw[RAW_LEN])
{
	struct buf text = BUF_EMPTY;
	struct value *object = value_object(call->arena, 1);
	struct value *inside = NULL;

	if (object != NULL && base64_encode(raw, RAW_LEN, &text) == 0)
		inside = value_text(call->arena, text.data, text.len);
	buf_free(&text);
	if (inside == NULL) {
		call_error(call, "%s: out of memory", call->name);
		return NULL;
	}
	object->u.members[0].name = MEMBER;
	object->u.members[0].name_len = sizeof(MEMBER) - 1;
	object->u.members[0].value = *inside;
	return object;
}

const struct value *
session_store_put(struct call *call, const struct value *value)
{
	static const char verb[] = "ph_store_on_server()";
	struct session_visit *visit = session_open(call, verb);
	uint8_t text[SIGNED_LEN + SESSION_SCOPE_LEN];
	uint8_t raw[RAW_LEN] = { VERSION };
	char name[2 * NAME_LEN + 1];
	struct buf bytes = BUF_EMPTY;
	const char *why = NULL;
	int64_t seconds;
	unsigned i;
	int rc;

	if (visit == NULL)
		return NULL;
	if (call->kit->on_loop) {
		call_error(call, "%s: %s: a page function cannot keep values",
		    call->name, verb);
		return NULL;
	}
	seconds = cache_now_ms() / 1000 +
		  (int64_t)call->kit->options->session_store_timeout;
	for (i = 0; i < 8; i++)
		raw[1 + NAME_LEN + i] = (uint8_t)((uint64_t)seconds >> 8 * i);
	rc = encode_stored(value, &bytes, &why);
	if (rc == 0)
		rc = RAND_bytes(raw + 1, NAME_LEN) == 1 ? 0 : ERR_UNKNOWN;
	name_of(raw, name);
	if (rc == 0)
		rc = keep(call, visit, name, &bytes, seconds * 1000);
	buf_free(&bytes);
	signed_text(raw, visit->scope, text);
	if (rc >= 0 &&
	    !session_mac(0, "handle", text, sizeof(text), raw + SIGNED_LEN))
		rc = ERR_UNKNOWN;
	if (rc < 0) {
		call_error(call, "%s: %s: %s", call->name, verb,
		    why != NULL ? why
		    : rc == ERR_TOO_BIG
			? "the value is larger than session_quota "
			  "leaves room for"
			: err_str(rc));
		return NULL;
	}
	return make_handle(call, raw);
}

/* Check the code; the name in *name, or a sentence. */
static const char *
verify(const struct value *handle, const char *scope,
    char name[2 * NAME_LEN + 1])
{
	uint8_t text[SIGNED_LEN + SESSION_SCOPE_LEN];
	struct buf bytes = BUF_EMPTY;
	const char *why = NULL;
	const uint8_t *raw;
	int64_t seconds = 0;
	unsigned i;

	if (handle->count != TEXT_LEN ||
	    base64_decode(handle->u.text, TEXT_LEN, &bytes) < 0 ||
	    bytes.len != RAW_LEN) {
		buf_free(&bytes);
		return "this is no handle of a value on the server";
	}
	raw = (const uint8_t *)bytes.data;
	signed_text(raw, scope, text);
	for (i = 0; i < 8; i++)
		seconds |= (int64_t)((uint64_t)raw[1 + NAME_LEN + i] << 8 * i);
	name_of(raw, name);
	if (raw[0] != VERSION ||
	    !session_mac_is(raw + SIGNED_LEN, "handle", text, sizeof(text)))
		why = "the handle is forged, or it belongs to another session";
	else if (seconds * 1000 <= cache_now_ms())
		why = "the value on the server has expired";
	buf_free(&bytes);
	return why;
}

static const struct value *
load(struct call *call, const char *scope, const char *name, const char **why)
{
	struct buf found = BUF_EMPTY;
	struct value *value = NULL;
	void *bytes;
	size_t len;
	int rc;

	rc = session_get(call->kit->cache, scope, SESSION_HANDLE, name, &found);
	if (rc <= 0) {
		*why = rc == 0 ? "the value on the server has made room for "
				 "newer ones"
			       : "the store cannot be read";
		buf_free(&found);
		return NULL;
	}
	bytes = buf_detach(&found, &len);
	rc = call_keep(call, bytes);
	if (rc == 0)
		rc = encode_decode(bytes, len, call->arena, &value);
	if (rc < 0)
		*why = "the value on the server cannot be read";
	return rc < 0 ? NULL : value;
}

const struct value *
session_store_get(struct call *call, const struct value *handle,
    const char **why)
{
	static struct log_gate gate;
	struct session_visit *visit = session_open(call, "ph_input()");
	const struct value *value = NULL;
	char name[2 * NAME_LEN + 1];
	unsigned suppressed;

	*why = "there is no session";
	if (visit == NULL)
		return NULL;
	*why = verify(handle, visit->scope, name);
	if (*why == NULL) {
		*why = "";
		value = load(call, visit->scope, name, why);
	}
	if (value == NULL && log_gate_open(&gate, &suppressed))
		log_info("session.handle",
		    "callback=%s why=\"%s\" suppressed=%u", call->name, *why,
		    suppressed);
	return value;
}
