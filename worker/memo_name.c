/* SPDX-License-Identifier: MIT */

/*
 * Names of memoized values. See memo_name.h.
 *
 * The arguments are encoded whole, since whoever computes the value needs
 * them all; what the key is hashed from may be less (ignored arguments) or
 * something else (a key function, a key text). Arguments and what a key
 * function gives stand in an array, a key text is a text, so the one is never
 * taken for the other.
 *
 * THREADS  Pool threads; memo_key_of() and memo_can_compute() any.
 */
#include "worker/memo_name.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cache/encode.h"
#include "cache/memo_key.h"
#include "server/base/err.h"
#include "worker/host.h"

#define SESSION "session:"
#define USER "user:"

bool
memo_scope(struct call *call, const struct computation *computation,
    struct buf *scope)
{
	const char *whose = NULL;
	bool session = computation->scope == PH_SCOPE_SESSION;

	buf_clear(scope);
	if (computation->scope == PH_SCOPE_GLOBAL)
		return buf_cstr(scope) != NULL;
	whose = session ? call_session(call) : call_user(call);
	if (whose == NULL) {
		call_error(call,
		    "%s: its values belong to a %s, and %s runs for none%s",
		    computation->name, session ? "session" : "user", call->name,
		    call->kind == CALL_FUNCTION
			? ": it is memoized for everybody"
			: "");
		return false;
	}
	if (buf_puts(scope, session ? SESSION : USER) < 0 ||
	    buf_puts(scope, whose) < 0 || buf_cstr(scope) == NULL) {
		call_error(call, "%s: out of memory", call->name);
		return false;
	}
	return true;
}

int
memo_scope_read(const char *scope, char **session, char **user)
{
	*session = NULL;
	*user = NULL;
	if (strncmp(scope, SESSION, sizeof(SESSION) - 1) == 0) {
		*session = strdup(scope + sizeof(SESSION) - 1);
		return *session != NULL ? 0 : -ENOMEM;
	}
	if (strncmp(scope, USER, sizeof(USER) - 1) == 0) {
		*user = strdup(scope + sizeof(USER) - 1);
		return *user != NULL ? 0 : -ENOMEM;
	}
	return 0;
}

int64_t
memo_code(const struct app *app, const struct computation *computation,
    bool is_callback)
{
	char digits[16];

	if (!is_callback)
		return computation->version;
	memcpy(digits, app->fingerprint, 15);
	digits[15] = '\0';
	return (int64_t)strtoull(digits, NULL, 16);
}

bool
memo_can_compute(const void *arg, const char *function, int64_t code)
{
	const struct app *app = arg;
	const struct callback *callback = NULL;
	const struct computation *computation =
	    app_find_computation(app, function, &callback);

	return computation != NULL &&
	       memo_code(app, computation, callback != NULL) == code;
}

int
memo_key_of(const struct toolkit *kit, const struct computation *computation,
    bool is_callback, const void *arguments, size_t len,
    uint8_t key[CACHE_KEY_LEN])
{
	/* A fingerprint is 64 characters, so no scope name equals one. */
	return memo_key(kit->cache_options->cache_key_prefix, computation->name,
	    computation->version, is_callback ? kit->app->fingerprint : "",
	    arguments, len, key);
}

static bool
has_bad_number(const struct value *value)
{
	uint32_t i;

	switch (value->kind) {
	case VALUE_DOUBLE:
		return !isfinite(value->u.number);
	case VALUE_ARRAY:
		for (i = 0; i < value->count; i++) {
			if (has_bad_number(&value->u.items[i]))
				return true;
		}
		return false;
	case VALUE_OBJECT:
		for (i = 0; i < value->count; i++) {
			if (has_bad_number(&value->u.members[i].value))
				return true;
		}
		return false;
	default:
		return false;
	}
}

/* Say which of the arguments cannot be a key, and why. */
static void
explain(struct call *call, const struct computation *computation,
    const struct value *args, int rc)
{
	struct buf scratch = BUF_EMPTY;
	uint32_t i = 0;

	while (
	    i < args->count && encode_value(&args->u.items[i], &scratch) == 0)
		i++;
	buf_free(&scratch);
	call_error(call, "ph_memo(%s): argument %u cannot be part of a key: %s",
	    computation->name, i,
	    i < args->count && has_bad_number(&args->u.items[i])
		? "it is or has a number that is NaN or infinite"
	    : rc == -EINVAL ? "it is or has a component, or a name twice"
			    : err_str(rc));
}

/* What the app's key function makes of the arguments. NULL: call failed. */
static const struct value *
run_key(struct call *call, const struct computation *computation,
    const struct value *args)
{
	const struct ph_value *made;
	struct call inner;

	call_init(&inner, call->kit, call->arena, CALL_FUNCTION,
	    computation->name, args);
	inner.computation = computation;
	inner.no_memo = true;
	call_enter(&inner);
	made = call_make(&inner, computation->key_of);
	call_leave(&inner);
	if (inner.failed)
		call_error(call, "%s: its key function: %s", computation->name,
		    inner.error);
	return call->failed ? NULL : host_take(made);
}

/* The arguments without those that the key does not depend on. */
static const struct value *
without_ignored(struct call *call, const struct computation *computation,
    const struct value *args)
{
	struct value *kept = value_array(call->arena, args->count);
	uint32_t i;

	if (kept == NULL) {
		call_error(call, "%s: out of memory", call->name);
		return NULL;
	}
	for (i = 0; i < args->count; i++)
		kept->u.items[i] = i < 32 && computation->ignore & UINT32_C(1)
								       << i
				       ? call_null_value
				       : args->u.items[i];
	return kept;
}

/* What the key is hashed from; NULL: the call has failed. */
static const struct value *
key_material(struct call *call, const struct computation *computation,
    const struct value *args, const char *key_text)
{
	const struct value *material = args;
	struct value *list;

	if (key_text != NULL) {
		material =
		    host_take(host_make_text(key_text, strlen(key_text)));
	} else if (computation->key_of != NULL) {
		material = run_key(call, computation, args);
		list = value_array(call->arena, 1);
		if (material == NULL || list == NULL)
			return NULL;
		list->u.items[0] = *material;
		material = list;
	} else if (computation->ignore != 0) {
		material = without_ignored(call, computation, args);
	}
	return material;
}

int
memo_name(struct call *call, const struct computation *computation,
    const struct value *args, const char *key_text, struct memo_name *name)
{
	const struct value *material;
	struct buf key = BUF_EMPTY;
	int rc;

	if (!memo_scope(call, computation, &name->scope))
		return -EINVAL;
	material = key_material(call, computation, args, key_text);
	if (material == NULL) {
		call_error(call, "%s: out of memory", call->name);
		return -EINVAL;
	}
	rc = encode_value(args, &name->arguments);
	if (rc < 0)
		explain(call, computation, args, rc);
	else if (material != args)
		rc = encode_value(material, &key);
	if (rc < 0 && !call->failed)
		call_error(call, "%s: its key has no canonical form: %s",
		    computation->name, err_str(rc));
	if (rc == 0)
		rc = memo_key(call->kit->cache_options->cache_key_prefix,
		    computation->name, computation->version, name->scope.data,
		    material != args ? key.data : name->arguments.data,
		    material != args ? key.len : name->arguments.len,
		    name->key);
	buf_free(&key);
	return rc;
}

void
memo_name_free(struct memo_name *name)
{
	buf_free(&name->arguments);
	buf_free(&name->scope);
}

int
memo_private_key(const struct call *call, const uint8_t key[CACHE_KEY_LEN],
    uint8_t out[CACHE_KEY_LEN])
{
	uint8_t both[CACHE_KEY_LEN + sizeof(call->nonce)];

	memcpy(both, key, CACHE_KEY_LEN);
	memcpy(both + CACHE_KEY_LEN, &call->nonce, sizeof(call->nonce));
	/* No function has an empty name. */
	return memo_key("", "", 0, "\1private", both, sizeof(both), out);
}
