/* SPDX-License-Identifier: MIT */

/*
 * Fuzz target: the body of an update, from the bytes of a browser to the
 * bytes of an answer.
 *
 * Properties: a refusal has a status of the protocol and a reason. What is
 * accepted has exactly the arguments its callback takes; they can be encoded,
 * decode to the same bytes again, and can always be written as the response,
 * which is valid JSON.
 */

#include "test/fuzz/fuzz.h"

#include <string.h>

#include "cache/encode.h"
#include "worker/app.h"
#include "worker/host.h"
#include "worker/json_scan.h"
#include "worker/json_write.h"
#include "worker/update.h"

static const struct worker_options options = {
	.limit_json_depth = 64,
	.limit_json_nodes = 20000,
};

static enum ph_status
nothing(struct ph_call *call)
{
	(void)call;
	return PH_OK;
}

/* One output with states, several outputs of two ids, and no state. */
static const struct app *
get_app(void)
{
	static struct app app;
	struct ph_app *ph = (struct ph_app *)(void *)&app;

	if (app.callback_count > 0)
		return &app;
	ph_host_ = &host_table;
	ph_callback(ph, nothing, PH_OUTPUT("graph.figure"),
	    PH_INPUT("drop.value"), PH_INPUT("slider.value"),
	    PH_STATE("store.data"));
	ph_callback(ph, nothing, PH_OUTPUT("a.x"), PH_OUTPUT("b.y"),
	    PH_OUTPUT("a.z"), PH_INPUT("drop.value"), PH_STATE("p.q"),
	    PH_STATE("r.s"));
	ph_callback(ph, nothing, PH_OUTPUT("m.children"),
	    PH_INPUT("drop.value"));
	FUZZ_CHECK(app.problems.len == 0);
	return &app;
}

static void
check_json(const struct buf *text)
{
	struct json_limits limits = { JSON_DEPTH_MAX, 10000000, 10000000, false,
		false };
	struct json_scan_result result;

	FUZZ_CHECK(
	    json_scan(text->data, text->len, &limits, &result) == JSON_OK);
}

/* Encoded, decoded and encoded again, the arguments are the same bytes. */
static void
check_encoding(const struct value *arguments, struct arena *arena)
{
	struct buf first = BUF_EMPTY;
	struct buf second = BUF_EMPTY;
	struct value *decoded = NULL;

	FUZZ_CHECK(encode_value(arguments, &first) == 0);
	FUZZ_CHECK(encode_decode(first.data, first.len, arena, &decoded) == 0);
	FUZZ_CHECK(encode_value(decoded, &second) == 0);
	FUZZ_CHECK(first.len == second.len);
	FUZZ_CHECK(memcmp(first.data, second.data, first.len) == 0);
	buf_free(&first);
	buf_free(&second);
}

/* Answer with the arguments, one after the other, some outputs left out. */
static void
check_response(const struct callback *callback, const struct value *arguments,
    struct arena *arena)
{
	struct update_slot *slots;
	uint32_t count;
	const struct value *outputs[PH_DEPENDENCIES_MAX];
	struct buf out = BUF_EMPTY;
	const char *why = NULL;
	uint32_t skip;
	uint32_t i;

	FUZZ_CHECK(update_slots(callback, NULL, arena, &slots, &count) == 0);
	for (skip = 0; skip <= callback->output_count; skip++) {
		for (i = 0; i < callback->output_count; i++)
			outputs[i] =
			    i == skip
				? NULL
				: &arguments->u.items[i % arguments->count];
		buf_clear(&out);
		FUZZ_CHECK(update_response(slots, count, outputs, NULL, &out,
			       &why) == 0);
		if (callback->output_count == 1 && skip == 0)
			FUZZ_CHECK(out.len == 0); /* none was set */
		else
			check_json(&out);
	}
	buf_clear(&out);
	FUZZ_CHECK(json_write(arguments, &out, &why) == 0);
	check_json(&out);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct app *app = get_app();
	struct update update;
	struct arena arena;

	arena_init(&arena, 0);
	update_parse(app, &options, (const char *)data, size, &arena, &update);
	if (update.status != 0) {
		FUZZ_CHECK(update.status == 400 || update.status == 413 ||
			   update.status == 422 || update.status == 500);
		FUZZ_CHECK(update.why != NULL && update.why[0] != '\0');
	} else {
		FUZZ_CHECK(update.callback != NULL);
		FUZZ_CHECK(update.arguments->kind == VALUE_ARRAY);
		FUZZ_CHECK(
		    update.arguments->count == update.callback->arg_count);
		check_encoding(update.arguments, &arena);
		check_response(update.callback, update.arguments, &arena);
	}
	arena_free(&arena);
	return 0;
}
