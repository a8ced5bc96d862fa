/* SPDX-License-Identifier: MIT */

/*
 * A browser from arrival to a loaded page: the page, its files when asked
 * for, then layout and dependencies at once, as the renderer does.
 *
 * INVARIANT  waiting is the number of requests whose end has not been seen.
 * OWNERSHIP  Requests go from `spare` to the client and back.
 * THREADS    The loop only.
 * FAILURE    A page that does not load is told to load.c, which tries again.
 */
#include "test/bench/browser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "test/bench/browser_int.h"
#include "test/bench/load.h"

int
browser_init(struct browser *browser, struct load *load, unsigned index)
{
	memset(browser, 0, sizeof(*browser));
	browser->load = load;
	browser->index = index;
	browser->random = schedule_stream(load->options->seed, index);
	buf_init(&browser->layout, 0);
	buf_init(&browser->dependencies, 0);
	return client_init(&browser->client, &load->common,
	    load->options->connections);
}

static void
free_values(struct browser *browser)
{
	unsigned i;

	if (browser->values != NULL) {
		for (i = 0; i < browser->model->graph.slot_count; i++)
			free(browser->values[i]);
	}
	free(browser->values);
	free(browser->requested);
	free(browser->running);
	free(browser->changed);
	browser->values = NULL;
	browser->requested = NULL;
	browser->running = NULL;
	browser->changed = NULL;
}

void
browser_free(struct browser *browser)
{
	struct client_request *request;

	if (browser->load == NULL)
		return;
	if (event_initialized(&browser->timer))
		(void)event_del(&browser->timer);
	while ((request = client_take_back(&browser->client)) != NULL) {
		buf_free(&request->bytes);
		free(request);
	}
	while ((request = browser->spare) != NULL) {
		browser->spare = request->next;
		buf_free(&request->bytes);
		free(request);
	}
	client_free(&browser->client);
	free_values(browser);
	buf_free(&browser->layout);
	buf_free(&browser->dependencies);
}

double
browser_random(struct browser *browser)
{
	return schedule_random(&browser->random);
}

/* ---- requests
 * ------------------------------------------------------------------ */

struct client_request *
browser_ask(struct browser *browser, enum meter_step step, int64_t start_us,
    client_done *done)
{
	struct client_request *request = browser->spare;

	if (request != NULL) {
		browser->spare = request->next;
		buf_clear(&request->bytes);
	} else {
		request = calloc(1, sizeof(*request));
		if (request == NULL) {
			load_give_up(browser->load, "out of memory");
			return NULL;
		}
	}
	request->next = NULL;
	request->owner = browser;
	request->step = (int)step;
	request->start_us = start_us;
	request->done = done;
	request->discard = false;
	browser->waiting++;
	return request;
}

void
browser_send(struct browser *browser, struct client_request *request)
{
	client_send(&browser->client, request);
}

static int
failure_of(enum client_error error, const struct answer *answer)
{
	if (error != CLIENT_OK)
		return (int)error;
	if (answer->status == 200 || answer->status == 204)
		return 0;
	if (answer->status >= 500)
		return METER_STATUS_5XX;
	return answer->status >= 400 ? METER_STATUS_4XX : METER_STATUS_OTHER;
}

bool
browser_take(struct browser *browser, struct client_request *request,
    enum client_error error, const struct answer *answer)
{
	struct meter *meter = &browser->load->meter;
	int failure = failure_of(error, answer);

	browser->waiting--;
	request->next = browser->spare;
	browser->spare = request;
	if (failure != 0) {
		browser->failed = true;
		meter_fail(meter, failure);
		return false;
	}
	if (answer->cookies[0] != '\0')
		memcpy(browser->cookies, answer->cookies,
		    sizeof(browser->cookies));
	if (browser != &browser->load->primer)
		meter_done(meter, (enum meter_step)request->step,
		    request->start_us, clock_mono_us());
	return true;
}

static void
get(struct browser *browser, const char *path, size_t len, enum meter_step step,
    client_done *done)
{
	struct load *load = browser->load;
	struct client_request *request;

	request = browser_ask(browser, step, clock_mono_us(), done);
	if (request == NULL)
		return;
	(void)buf_putl(&request->bytes, "GET ");
	(void)buf_put(&request->bytes, path, len);
	(void)buf_putl(&request->bytes, " HTTP/1.1\r\n");
	(void)buf_put(&request->bytes, load->get_fields.data,
	    load->get_fields.len);
	if (browser->cookies[0] != '\0')
		(void)buf_printf(&request->bytes, "Cookie: %s\r\n",
		    browser->cookies);
	(void)buf_putl(&request->bytes, "\r\n");
	request->body_at = request->bytes.len;
	request->discard = step == STEP_BUNDLE;
	browser_send(browser, request);
}

static void
get_below(struct browser *browser, const char *path, enum meter_step step,
    client_done *done)
{
	char full[1024];
	size_t prefix = strlen(browser->load->target.prefix);
	size_t len = strlen(path);

	memcpy(full, browser->load->target.prefix, prefix);
	memcpy(full + prefix, path, len);
	get(browser, full, prefix + len, step, done);
}

/* ---- loading
 * ------------------------------------------------------------------- */

static void
load_failed(struct browser *browser)
{
	if (browser->waiting > 0)
		return;
	browser->phase = BROWSER_AWAY;
	load_on_loaded(browser, false);
}

int
browser_set_model(struct browser *browser, const struct app_model *model)
{
	size_t count = model->graph.callback_count + 1;
	unsigned i;

	free_values(browser);
	browser->model = model;
	browser->values = calloc(model->graph.slot_count + 1, sizeof(char *));
	browser->requested = calloc(count, sizeof(*browser->requested));
	browser->running = calloc(count, sizeof(*browser->running));
	browser->changed = calloc(count, sizeof(*browser->changed));
	if (browser->values == NULL || browser->requested == NULL ||
	    browser->running == NULL || browser->changed == NULL)
		return -ENOMEM;
	for (i = 0; i < model->graph.slot_count; i++) {
		if (model->initial[i] != NULL)
			browser->values[i] = strdup(model->initial[i]);
	}
	return 0;
}

static void
setup_done(struct browser *browser)
{
	const struct app_model *model;

	model =
	    load_model(browser->load, &browser->layout, &browser->dependencies);
	buf_free(&browser->layout);
	buf_free(&browser->dependencies);
	if (model == NULL)
		return;
	if (browser_set_model(browser, model) < 0) {
		load_give_up(browser->load, "out of memory");
		return;
	}
	browser_first(browser);
}

static void
on_setup(struct client_request *request, enum client_error error,
    const struct answer *answer)
{
	struct browser *browser = request->owner;
	struct buf *to = request->step == STEP_LAYOUT ? &browser->layout
						      : &browser->dependencies;

	if (browser_take(browser, request, error, answer) &&
	    buf_put(to, answer->body, answer->body_len) < 0)
		load_give_up(browser->load, "out of memory");
	if (browser->failed)
		load_failed(browser);
	else if (browser->waiting == 0)
		setup_done(browser);
}

static void
set_up(struct browser *browser)
{
	browser->phase = BROWSER_SETUP;
	buf_clear(&browser->layout);
	buf_clear(&browser->dependencies);
	get_below(browser, "/_dash-layout", STEP_LAYOUT, on_setup);
	get_below(browser, "/_dash-dependencies", STEP_DEPENDENCIES, on_setup);
}

static void
on_file(struct client_request *request, enum client_error error,
    const struct answer *answer)
{
	struct browser *browser = request->owner;

	(void)browser_take(browser, request, error, answer);
	if (browser->failed)
		load_failed(browser);
	else if (browser->waiting == 0)
		set_up(browser);
}

static void
get_file(void *arg, const char *path, size_t len)
{
	get(arg, path, len, STEP_BUNDLE, on_file);
}

static void
on_page(struct client_request *request, enum client_error error,
    const struct answer *answer)
{
	struct browser *browser = request->owner;

	if (!browser_take(browser, request, error, answer)) {
		load_failed(browser);
		return;
	}
	browser->phase = BROWSER_FILES;
	if (browser->load->options->bundles)
		app_model_each_bundle(answer->body, answer->body_len, get_file,
		    browser);
	if (browser->waiting == 0 && !browser->failed &&
	    browser->phase == BROWSER_FILES)
		set_up(browser);
}

void
browser_open(struct browser *browser, int64_t start_us)
{
	browser->failed = false;
	browser->load_us = start_us;
	browser->phase = BROWSER_PAGE;
	get_below(browser, "/", STEP_PAGE, on_page);
}
