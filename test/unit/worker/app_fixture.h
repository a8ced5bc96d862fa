/* SPDX-License-Identifier: MIT */
#ifndef TEST_WORKER_APP_FIXTURE_H
#define TEST_WORKER_APP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* a member of the table of host functions */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/cache.h"
#include "cache/encode.h"
#include "server/base/arena.h"
#include "server/base/buf.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"
#include "server/config.h"
#include "worker/app.h"
#include "worker/call.h"
#include "worker/data.h"
#include "worker/host.h"
#include "worker/json_read.h"
#include "worker/json_write.h"
#include "worker/options.h"
#include "worker/update.h"

/*
 * An app whose functions are those of the test program, settings, a folder
 * of its own and, where wanted, a real cache. The test defines the app with
 * the SDK itself, as a shared object would.
 */
#define FIXTURE_SLOTS 2

struct app_fixture {
	char dir[64];
	struct config *config; /* the defaults */
	struct worker_options options;
	struct cache_options cache_options;
	int wake_fds[FIXTURE_SLOTS];
	_Atomic int64_t inline_until_ms;
	struct app *app;
	struct arena arena;
	struct toolkit kit;
	struct cache *other; /* a connection of another worker */
};

/* The definition part of the SDK takes a struct ph_app. */
static inline struct ph_app *
fixture_ph(struct app_fixture *fixture)
{
	return (struct ph_app *)(void *)fixture->app;
}

static inline void
fixture_init(struct app_fixture *fixture)
{
	char name[] = "pronghorn";
	char path[] = "app.so";
	char *argv[] = { name, path, NULL };
	struct buf why = BUF_EMPTY;
	enum config_action action;
	int i;

	memset(fixture, 0, sizeof(*fixture));
	(void)snprintf(fixture->dir, sizeof(fixture->dir),
	    "/tmp/pronghorn-app-XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	for (i = 0; i < FIXTURE_SLOTS; i++)
		fixture->wake_fds[i] = -1;
	(void)unsetenv("PRONGHORN_CMD_ARGS");
	assert_int_equal(config_load(2, argv, &fixture->config, &action, &why),
	    0);
	assert_int_equal(action, CONFIG_RUN);
	fixture->options = fixture->config->worker;
	fixture->options.limit_request_memory = 64 << 20;
	fixture->options.data_dir = fixture->dir;
	fixture->cache_options = fixture->config->cache;
	fixture->cache_options.cache_dir = fixture->dir;
	buf_free(&why);
	fixture->app = calloc(1, sizeof(*fixture->app));
	assert_non_null(fixture->app);
	memset(fixture->app->fingerprint, 'a', 64);
	fixture->app->abi_minor = PH_ABI_MINOR;
	arena_init(&fixture->arena, 0);
	fixture->kit.app = fixture->app;
	fixture->kit.options = &fixture->options;
	fixture->kit.cache_options = &fixture->cache_options;
	fixture->kit.inline_until_ms = &fixture->inline_until_ms;
	ph_host_ = &host_table; /* as app_load() does for an object */
	log_threshold = LOG_LEVEL_CRITICAL;
}

static inline struct cache_peer
fixture_peer(struct app_fixture *fixture, unsigned slot)
{
	struct cache_peer peer = { .slot = slot,
		.worker_id = 101 + (int)slot,
		.wake_fds = fixture->wake_fds,
		.slot_count = FIXTURE_SLOTS };

	return peer;
}

/* Make the cache and open two connections: the kit's and another's. */
static inline void
fixture_open_cache(struct app_fixture *fixture)
{
	struct buf why = BUF_EMPTY;
	struct cache_peer peer;
	int i;

	for (i = 0; i < FIXTURE_SLOTS; i++) {
		fixture->wake_fds[i] = fd_event_new();
		assert_true(fixture->wake_fds[i] >= 0);
	}
	assert_int_equal(cache_prepare(&fixture->cache_options, &why), 0);
	peer = fixture_peer(fixture, 0);
	assert_int_equal(
	    cache_open(&fixture->kit.cache, &fixture->cache_options, &peer), 0);
	peer = fixture_peer(fixture, 1);
	assert_int_equal(
	    cache_open(&fixture->other, &fixture->cache_options, &peer), 0);
	buf_free(&why);
}

/* Make the app's databases and open them for the kit. */
static inline void
fixture_open_data(struct app_fixture *fixture)
{
	struct buf why = BUF_EMPTY;

	assert_int_equal(data_prepare(&fixture->kit, &why), 0);
	assert_int_equal(data_open(&fixture->kit, &fixture->kit.data), 0);
	buf_free(&why);
}

static inline void
fixture_fini(struct app_fixture *fixture)
{
	char command[128];
	int i;

	data_close(&fixture->kit.data);
	cache_close(&fixture->kit.cache);
	cache_close(&fixture->other);
	for (i = 0; i < FIXTURE_SLOTS; i++)
		fd_close(&fixture->wake_fds[i]);
	arena_free(&fixture->arena);
	app_free(&fixture->app);
	config_free(&fixture->config);
	(void)snprintf(command, sizeof(command), "rm -rf %s", fixture->dir);
	assert_int_equal(system(command), 0);
}

/* A value from JSON, in the fixture's arena. */
static inline const struct value *
fixture_json(struct app_fixture *fixture, const char *json)
{
	struct json_limits limits = { 200, 1000000, 100000, false, false };
	struct value *value = NULL;
	const char *why;

	assert_int_equal(json_read(json, strlen(json), &limits, &fixture->arena,
			     &value, &why),
	    0);
	return value;
}

/* Compare a value with the JSON that is wanted. */
static inline void
fixture_check(const struct value *value, const char *want)
{
	struct buf out = BUF_EMPTY;
	const char *why;

	assert_non_null(value);
	assert_int_equal(json_write_typed(value, &out, &why), 0);
	assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

/* A function for callbacks that are not run. */
static inline enum ph_status
fixture_nothing(struct ph_call *call)
{
	(void)call;
	return PH_OK;
}

/* A memoized function runs from here on, until fixture_leave(). */
static inline struct ph_call *
fixture_enter(struct app_fixture *fixture, struct call *call)
{
	call_init(call, &fixture->kit, &fixture->arena, CALL_FUNCTION, "f",
	    NULL);
	call_enter(call);
	return (struct ph_call *)(void *)call;
}

/* The app's first callback runs, called "nothing"; `outputs` has a place for
 * each of its outputs. */
static inline struct ph_call *
fixture_enter_callback(struct app_fixture *fixture, struct call *call,
    const char *arguments, const struct value **outputs)
{
	struct update_slot *slots;

	call_init(call, &fixture->kit, &fixture->arena, CALL_CALLBACK,
	    "nothing", fixture_json(fixture, arguments));
	call->callback = fixture->app->callbacks[0];
	assert_int_equal(update_slots(call->callback, NULL, &fixture->arena,
			     &slots, &call->slot_count),
	    0);
	memset(outputs, 0, call->slot_count * sizeof(*outputs));
	call->outputs = outputs;
	call->slots = slots;
	call_enter(call);
	return (struct ph_call *)(void *)call;
}

static inline void
fixture_leave(struct app_fixture *fixture, struct call *call)
{
	call_leave(call);
	call_fini(call);
	fixture_fini(fixture);
}

/* Write a text into a file of the fixture's folder. */
static inline void
fixture_write(struct app_fixture *fixture, const char *name, const char *text)
{
	char path[192];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", fixture->dir, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

#endif
