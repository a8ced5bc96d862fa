/* SPDX-License-Identifier: MIT */

/*
 * Which callbacks run, and when: the rules of dash-renderer.
 *
 * A change requests every callback that has the property as an input. A
 * requested callback is sent as soon as no callback that is requested or
 * running writes one of its inputs or states. An answer changes properties,
 * also when their values stay equal; no answer, or none for an output, leaves
 * them, and callbacks of a fresh page that waited only for those are dropped.
 *
 * INVARIANT  The round ends when nothing is requested and nothing running.
 * THREADS    The loop only.
 * FAILURE    A circle in which nothing can start, or one that does not end,
 *            is counted as a callback loop and ends the round.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "test/bench/browser.h"
#include "test/bench/browser_int.h"
#include "test/bench/load.h"
#include "test/bench/slice.h"

#define ASKED_MAX 1000u /* callbacks in one round */

static void pump(struct browser *browser, enum meter_step step,
    int64_t start_us);

/* ---- the request
 * ----------------------------------------------------------------- */

static void
put_key(struct buf *out, const char *key)
{
	(void)buf_putc(out, '"');
	for (; *key != '\0'; key++) {
		if (*key == '"' || *key == '\\')
			(void)buf_putc(out, '\\');
		(void)buf_putc(out, *key);
	}
	(void)buf_putc(out, '"');
}

static void
put_property(struct browser *browser, struct buf *out, unsigned index)
{
	const struct graph_slot *slot = &browser->model->graph.slots[index];

	(void)buf_putl(out, "{\"id\":");
	if (slot->id[0] == '{')
		(void)buf_puts(out, slot->id);
	else
		put_key(out, slot->id);
	(void)buf_putl(out, ",\"property\":");
	put_key(out, slot->property);
	if (browser->values[index] != NULL) {
		(void)buf_putl(out, ",\"value\":");
		(void)buf_puts(out, browser->values[index]);
	}
	(void)buf_putc(out, '}');
}

static void
put_changed(struct browser *browser, struct buf *out,
    const struct graph_callback *callback, uint64_t changed, bool parsed)
{
	const struct graph_slot *slot;
	bool first = true;
	unsigned i;

	for (i = 0; i < callback->input_count; i++) {
		if (!(changed >> i & 1))
			continue;
		slot = &browser->model->graph.slots[callback->inputs[i]];
		if (!first)
			(void)buf_putc(out, ',');
		first = false;
		if (parsed && slot->id[0] == '{')
			(void)buf_puts(out, slot->id);
		else
			put_key(out, slot->key);
	}
}

static void
put_body(struct browser *browser, struct buf *out, unsigned index)
{
	const struct graph_callback *callback =
	    &browser->model->graph.callbacks[index];
	uint64_t changed = browser->changed[index];
	unsigned i;

	buf_clear(out);
	(void)buf_puts(out, callback->start);
	for (i = 0; i < callback->input_count; i++) {
		if (i > 0)
			(void)buf_putc(out, ',');
		put_property(browser, out, callback->inputs[i]);
	}
	(void)buf_putl(out, "],\"changedPropIds\":[");
	put_changed(browser, out, callback, changed, false);
	(void)buf_putl(out, "],\"parsedChangedPropsIds\":[");
	put_changed(browser, out, callback, changed, true);
	(void)buf_putc(out, ']');
	if (callback->state_count > 0)
		(void)buf_putl(out, ",\"state\":[");
	for (i = 0; i < callback->state_count; i++) {
		if (i > 0)
			(void)buf_putc(out, ',');
		put_property(browser, out, callback->states[i]);
	}
	if (callback->state_count > 0)
		(void)buf_putc(out, ']');
	(void)buf_putc(out, '}');
}

/* ---- the answer
 * ------------------------------------------------------------------- */

/* The property has a (new) value: whoever reads it is to run. */
static void
change(struct browser *browser, unsigned index)
{
	const struct graph *graph = &browser->model->graph;
	const struct graph_slot *slot = &graph->slots[index];
	const struct graph_callback *reader;
	unsigned r;
	unsigned i;

	for (r = 0; r < slot->reader_count; r++) {
		reader = &graph->callbacks[slot->readers[r]];
		if (!reader->driven)
			continue;
		browser->requested[slot->readers[r]] = 1;
		for (i = 0; i < reader->input_count; i++) {
			if (reader->inputs[i] == index)
				browser->changed[slot->readers[r]] |=
				    UINT64_C(1) << i;
		}
	}
}

/* The output stays: drop what waited for its first value only. */
static void
drop_waiting(struct browser *browser, unsigned index)
{
	const struct graph *graph = &browser->model->graph;
	const struct graph_slot *slot = &graph->slots[index];
	unsigned reader;
	unsigned r;
	unsigned i;

	for (r = 0; r < slot->reader_count; r++) {
		reader = slot->readers[r];
		if (!browser->requested[reader] ||
		    browser->changed[reader] != 0)
			continue;
		browser->requested[reader] = 0;
		for (i = 0; i < graph->callbacks[reader].output_count; i++)
			drop_waiting(browser,
			    graph->callbacks[reader].outputs[i]);
	}
}

static void
set_value(struct browser *browser, unsigned index, struct slice value)
{
	if (browser->model->graph.slots[index].carried) {
		free(browser->values[index]);
		browser->values[index] = strndup(value.data, value.len);
	}
	change(browser, index);
}

/* What set_props changed: {"id":{"property":value}}. */
static void
apply_side(struct browser *browser, struct slice side)
{
	const struct graph *graph = &browser->model->graph;
	const struct graph_slot *slot;
	struct slice value;
	unsigned i;

	for (i = 0; i < graph->slot_count; i++) {
		slot = &graph->slots[i];
		value =
		    slice_member(slice_member(side, slot->id, strlen(slot->id)),
			slot->property, strlen(slot->property));
		if (value.data != NULL)
			set_value(browser, i, value);
	}
}

static void
apply_outputs(struct browser *browser, const struct graph_callback *callback,
    struct slice response)
{
	const struct graph_slot *slot;
	struct slice component;
	struct slice value;
	unsigned i;

	for (i = 0; i < callback->output_count; i++) {
		slot = &browser->model->graph.slots[callback->outputs[i]];
		component = slice_member(response, slot->id, strlen(slot->id));
		if (component.data == NULL && callback->output_count == 1)
			component = slice_member(response, "props", 5);
		value = slice_member(component, slot->property,
		    strlen(slot->property));
		if (value.data != NULL)
			set_value(browser, callback->outputs[i], value);
		else
			drop_waiting(browser, callback->outputs[i]);
	}
}

static void
drop_outputs(struct browser *browser, const struct graph_callback *callback)
{
	unsigned i;

	for (i = 0; i < callback->output_count; i++)
		drop_waiting(browser, callback->outputs[i]);
}

/* Take the answer's values; false when it is not what the protocol says. */
static bool
apply(struct browser *browser, const struct graph_callback *callback,
    struct slice body, bool known, bool may_side)
{
	struct slice side;

	if (!known && !slice_is_whole(body))
		return false;
	if (may_side &&
	    memmem(body.data, body.len, "\"sideUpdate\"", 12) != NULL) {
		side = slice_member(body, "sideUpdate", 10);
		if (side.data != NULL)
			apply_side(browser, side);
	}
	if (callback->writes_carried)
		apply_outputs(browser, callback,
		    slice_member(body, "response", 8));
	return true;
}

/* Is the answer right, as far as can be told? Else counts it as wrong. */
static enum oracle_verdict
check(struct browser *browser, const struct client_request *request,
    const struct answer *answer, bool *side)
{
	struct load *load = browser->load;
	enum oracle_verdict verdict;

	verdict =
	    oracle_check(&load->oracle, request->bytes.data + request->body_at,
		request->bytes.len - request->body_at, answer->body,
		answer->body_len, side);
	if (verdict == ORACLE_WRONG) {
		meter_fail(&load->meter, METER_WRONG);
		browser->failed = true;
	}
	return verdict;
}

static void
on_callback(struct client_request *request, enum client_error error,
    const struct answer *answer)
{
	struct browser *browser = request->owner;
	unsigned index = request->callback;
	const struct graph_callback *callback =
	    &browser->model->graph.callbacks[index];
	enum oracle_verdict verdict = ORACLE_UNKNOWN;
	struct slice body;
	bool side;

	browser->running[index]--;
	if (!browser_take(browser, request, error, answer)) {
		drop_outputs(browser, callback);
	} else if (answer->status == 204) {
		drop_outputs(browser, callback);
	} else if (!request->discard) {
		verdict = check(browser, request, answer, &side);
		body = (struct slice){ answer->body, answer->body_len };
		if (!apply(browser, callback, body, verdict == ORACLE_SAME,
			side)) {
			browser->failed = true;
			meter_fail(&browser->load->meter, METER_NOT_JSON);
			drop_outputs(browser, callback);
		}
	}
	pump(browser, STEP_DEPENDENT, clock_mono_us());
}

/* ---- what runs next
 * ----------------------------------------------------------------- */

static bool
is_ready(const struct browser *browser, unsigned index)
{
	const struct graph *graph = &browser->model->graph;
	const struct graph_callback *callback = &graph->callbacks[index];
	const struct graph_slot *slot;
	unsigned total = callback->input_count + callback->state_count;
	unsigned i;
	unsigned w;

	for (i = 0; i < total; i++) {
		slot =
		    &graph->slots
			 [i < callback->input_count
				 ? callback->inputs[i]
				 : callback->states[i - callback->input_count]];
		for (w = 0; w < slot->writer_count; w++) {
			if (slot->writers[w] != index &&
			    (browser->requested[slot->writers[w]] ||
				browser->running[slot->writers[w]]))
				return false;
		}
	}
	return true;
}

/* The last field; as buf_printf(), which takes several times as long. */
static void
put_length(struct buf *out, size_t len)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + len % 10);
		len /= 10;
	} while (len > 0);
	(void)buf_putl(out, "Content-Length: ");
	(void)buf_put(out, digits + at, sizeof(digits) - at);
	(void)buf_putl(out, "\r\n\r\n");
}

static void
ask(struct browser *browser, unsigned index, enum meter_step step,
    int64_t start_us)
{
	struct load *load = browser->load;
	struct client_request *request;

	request = browser_ask(browser, step, start_us, on_callback);
	if (request == NULL)
		return;
	put_body(browser, &load->body, index);
	browser->requested[index] = 0;
	browser->changed[index] = 0;
	browser->running[index]++;
	browser->asked++;
	request->callback = index;
	(void)buf_put(&request->bytes, load->post_fields.data,
	    load->post_fields.len);
	if (browser->cookies[0] != '\0')
		(void)buf_printf(&request->bytes, "Cookie: %s\r\n",
		    browser->cookies);
	put_length(&request->bytes, load->body.len);
	request->body_at = request->bytes.len;
	(void)buf_put(&request->bytes, load->body.data, load->body.len);
	/* What is neither carried on nor checked need not be read. */
	request->discard =
	    load->options->sample < 1 &&
	    !browser->model->graph.callbacks[index].writes_carried &&
	    browser_random(browser) >= load->options->sample;
	browser_send(browser, request);
}

static void
finish(struct browser *browser)
{
	struct load *load = browser->load;
	bool first = browser->phase == BROWSER_FIRST;
	bool good = !browser->failed;

	browser->phase = BROWSER_IDLE;
	if (good && browser != &load->primer)
		meter_done(&load->meter, first ? STEP_LOAD : STEP_ROUND,
		    first ? browser->load_us : browser->start_us,
		    clock_mono_us());
	if (first)
		load_on_loaded(browser, good);
	else
		load_on_round(browser, good);
}

/* Nothing can start any more, or it would never end. */
static void
break_loop(struct browser *browser)
{
	size_t count = browser->model->graph.callback_count;

	memset(browser->requested, 0, count);
	memset(browser->changed, 0, count * sizeof(*browser->changed));
	browser->failed = true;
	meter_fail(&browser->load->meter, METER_LOOP);
}

/* Send what may be sent; at the end of the round, tell. */
static void
pump(struct browser *browser, enum meter_step step, int64_t start_us)
{
	unsigned count = browser->model->graph.callback_count;
	unsigned ready[256];
	unsigned ready_count = 0;
	bool left = false;
	unsigned i;

	if (browser->phase != BROWSER_FIRST && browser->phase != BROWSER_ROUND)
		return;
	/* Chosen before any is sent: those do not wait for each other. */
	for (i = 0; i < count; i++) {
		if (!browser->requested[i])
			continue;
		if (ready_count < 256 && is_ready(browser, i))
			ready[ready_count++] = i;
		else
			left = true;
	}
	if (browser->asked + ready_count > ASKED_MAX ||
	    (left && ready_count == 0 && browser->waiting == 0)) {
		break_loop(browser);
		ready_count = 0;
	}
	for (i = 0; i < ready_count; i++) {
		/* One that failed at once may have set off the others. */
		if (browser->requested[ready[i]])
			ask(browser, ready[i], step, start_us);
	}
	if (ready_count == 0 && browser->waiting == 0)
		finish(browser);
}

void
browser_first(struct browser *browser)
{
	const struct graph *graph = &browser->model->graph;
	unsigned i;

	browser->phase = BROWSER_FIRST;
	browser->asked = 0;
	for (i = 0; i < graph->callback_count; i++)
		browser->requested[i] = graph->callbacks[i].driven &&
					graph->callbacks[i].initial &&
					!browser->load->options->no_initial;
	pump(browser, STEP_SIGNAL, clock_mono_us());
}

/* ---- a change
 * ---------------------------------------------------------------------- */

/* One of the values that is not the present one. */
static const char *
choose(struct browser *browser, const struct control *control)
{
	const char *now = browser->values[control->slot];
	unsigned i;

	if (browser->load->options->scenario == BENCH_COLD &&
	    browser->rounds == 0)
		return control->values[browser->index % control->count];
	i = (unsigned)(browser_random(browser) * control->count);
	if (now != NULL && strcmp(control->values[i], now) == 0 &&
	    control->count > 1)
		i = (i + 1 +
			(unsigned)(browser_random(browser) *
				   (control->count - 1))) %
		    control->count;
	return control->values[i];
}

static void
change_control(struct browser *browser)
{
	const struct app_model *model = browser->model;
	const struct control *control = &model->controls[0];
	const char *json = browser->forced;
	char clicks[32];

	if (json != NULL)
		control = &model->controls[browser->forced_control];
	else if (model->control_count > 1)
		control +=
		    (unsigned)(browser_random(browser) * model->control_count);
	if (control->count == 0) {
		(void)snprintf(clicks, sizeof(clicks), "%u",
		    browser->rounds + 1);
		json = clicks;
	} else if (json == NULL) {
		json = choose(browser, control);
	}
	set_value(browser, control->slot, (struct slice){ json, strlen(json) });
}

static void
on_plain(struct client_request *request, enum client_error error,
    const struct answer *answer)
{
	struct browser *browser = request->owner;
	struct load *load = browser->load;
	bool good = browser_take(browser, request, error, answer);

	if (good && load->options->check_same)
		good = check(browser, request, answer, NULL) != ORACLE_WRONG;
	browser->phase = BROWSER_IDLE;
	load_on_round(browser, good);
}

static void
ask_plain(struct browser *browser)
{
	struct load *load = browser->load;
	struct client_request *request;

	request =
	    browser_ask(browser, STEP_REQUEST, browser->start_us, on_plain);
	if (request == NULL)
		return;
	(void)buf_put(&request->bytes, load->plain.data, load->plain.len);
	request->body_at = load->plain_body_at;
	request->discard = !load->options->check_same;
	browser_send(browser, request);
}

void
browser_round(struct browser *browser, int64_t start_us)
{
	browser->phase = BROWSER_ROUND;
	browser->failed = false;
	browser->start_us = start_us;
	browser->asked = 0;
	if (browser->load->options->path != NULL) {
		browser->rounds++;
		ask_plain(browser);
		return;
	}
	change_control(browser);
	browser->rounds++;
	pump(browser, STEP_SIGNAL, start_us);
}
