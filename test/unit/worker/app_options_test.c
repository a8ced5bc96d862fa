/* SPDX-License-Identifier: MIT */

/*
 * Options that another option, or its absence, makes meaningless: each is told
 * with a sentence, and what is meant stays allowed. Pages and titles that no
 * browser would show.
 */
#include "test/unit/worker/app_fixture.h"

#include <math.h>

static struct app_fixture fixture;
static struct ph_app *app;

static enum ph_status
run(struct ph_call *call)
{
	(void)call;
	return PH_OK;
}

static const struct ph_value *
page(struct ph_call *call)
{
	(void)call;
	return ph_null();
}

static int
set_up(void **state)
{
	(void)state;
	fixture_init(&fixture);
	app = fixture_ph(&fixture);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	fixture_fini(&fixture);
	return 0;
}

static void
check_problems(const char *want)
{
	assert_string_equal(buf_cstr(&fixture.app->problems), want);
	buf_clear(&fixture.app->problems);
}

#define NEEDS_MEMOIZE                                                         \
	"ph_callback(run): .timeout is how long an answer is kept: it needs " \
	".memoize (to end a callback that takes too long, see the setting "   \
	"request_timeout)\n"
#define OF_KEPT                                                            \
	"ph_callback(run): .stale and .version are of kept answers: they " \
	"need .memoize\n"
#define FOR_EVER \
	".stale would begin when .timeout ends: PH_FOREVER does not end\n"

#define SECONDS ": a time is 0 or more seconds, or PH_FOREVER\n"

static void
times_without_memoize(void **state)
{
	(void)state;
	ph_callback(app, run, PH_OUTPUT("a.x"), PH_INPUT("i.v"), .timeout = 5);
	check_problems(NEEDS_MEMOIZE);
	ph_callback(app, run, PH_OUTPUT("a.x"), PH_INPUT("i.v"),
	    .timeout = PH_FOREVER);
	check_problems(NEEDS_MEMOIZE);
	ph_callback(app, run, PH_OUTPUT("a.x"), PH_INPUT("i.v"), .stale = 5);
	check_problems(OF_KEPT);
	ph_callback(app, run, PH_OUTPUT("a.x"), PH_INPUT("i.v"), .version = 1);
	check_problems(OF_KEPT);
	/* The result of a background callback waits that long for its page. */
	ph_callback(app, run, PH_OUTPUT("a.x"), PH_INPUT("i.v"), .timeout = 5,
	    .background = true);
	check_problems("");
	ph_callback(app, run, PH_OUTPUT("a.x"), PH_INPUT("i.v"), .stale = 5,
	    .background = true);
	check_problems(OF_KEPT);
	ph_callback(app, run, PH_OUTPUT("a.x"), PH_INPUT("i.v"), .timeout = 5,
	    .stale = 2, .version = 1, .memoize = true);
	check_problems("");
}

static void
nothing_follows_for_ever(void **state)
{
	(void)state;
	ph_callback(app, run, PH_OUTPUT("a.x"), PH_INPUT("i.v"),
	    .timeout = PH_FOREVER, .stale = 5, .memoize = true);
	check_problems("ph_callback(run): " FOR_EVER);
	ph_memoize(app, run, .timeout = PH_FOREVER, .stale = 5);
	check_problems("ph_memoize(run): " FOR_EVER);
	ph_memoize(app, run, .timeout = 5, .stale = PH_FOREVER);
	check_problems("");
}

/* -1 is PH_FOREVER; any other was taken for it. */
static void
times_below_zero(void **state)
{
	(void)state;
	ph_memoize(app, run, .timeout = -5, .stale = -0.5, .null_timeout = -2,
	    .error_timeout = -3);
	check_problems("ph_memoize(run): .timeout = -5" SECONDS
		       "ph_memoize(run): .stale = -0.5" SECONDS
		       "ph_memoize(run): .null_timeout = -2" SECONDS
		       "ph_memoize(run): .error_timeout = -3" SECONDS);
	ph_callback(app, run, PH_OUTPUT("a.x"), PH_INPUT("i.v"), .timeout = -5,
	    .stale = -7, .memoize = true);
	check_problems("ph_callback(run): .timeout = -5" SECONDS
		       "ph_callback(run): .stale = -7" SECONDS);
	ph_callback(app, run, PH_OUTPUT("a.x"), PH_INPUT("i.v"), .timeout = -5,
	    .background = true);
	check_problems("ph_callback(run): .timeout = -5" SECONDS);
	ph_memoize(app, run, .timeout = PH_FOREVER, .null_timeout = PH_FOREVER,
	    .error_timeout = PH_FOREVER);
	check_problems("");
}

static void
intervals(void **state)
{
	static const char wrong[] =
	    "ph_callback(run): .interval is 0.02 to 3600 seconds\n";
	static const struct {
		double interval;
		bool good;
	} cases[] = { { 0, true }, { 0.02, true }, { 3600, true },
		{ 0.019, false }, { 3601, false }, { -1, false },
		{ NAN, false } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ph_callback(app, run, PH_OUTPUT("a.x"), PH_INPUT("i.v"),
		    .background = true, .interval = cases[i].interval);
		check_problems(cases[i].good ? "" : wrong);
	}
}

static void
clientside_callbacks(void **state)
{
	static const char wrong[] =
	    "ph_clientside(\"a.b\"): .memoize, .background, .running and "
	    ".on_error are for callbacks of the server\n";

	(void)state;
	ph_clientside(app, "a.b", PH_OUTPUT("a.x"), PH_INPUT("i.v"),
	    .running = PH_RUNNING(PH_WHILE("a.x", NULL, NULL)));
	check_problems(wrong);
	ph_clientside(app, "a.b", PH_OUTPUT("a.x"), PH_INPUT("i.v"),
	    .on_error = run);
	check_problems(wrong);
	ph_clientside(app, "a.b", PH_OUTPUT("a.x"), PH_INPUT("i.v"),
	    .prevent_initial_call = true);
	check_problems("");
}

static void
databases(void **state)
{
	(void)state;
	ph_database(app, "old", .path = "/a.db", .version = 2);
	check_problems("ph_database(old): .version is of what .create makes; a "
		       ".path is taken as it is\n");
	ph_database(app, "new", .create = run, .version = 2);
	check_problems("");
}

static void
options_of_the_page(void **state)
{
	(void)state;
	ph_options(app, .keep_title = true, .update_title = "Wait");
	check_problems("ph_options: with .keep_title there is no "
		       ".update_title\n");
	ph_options(app, .show_undo_redo = true);
	check_problems("ph_options: called twice\n");
	ph_on_error(app, run);
	check_problems("");
	ph_on_error(app, run);
	check_problems("ph_on_error: called twice\n");
}

static void
check_whole(const char *want)
{
	app_validate(fixture.app);
	check_problems(want);
	tear_down(NULL);
	set_up(NULL);
}

static void
what_needs_something_else(void **state)
{
	(void)state;
	ph_layout(app, page);
	ph_memoize(app, run, .scope = PH_SCOPE_SESSION);
	check_whole("ph_memoize(run): .scope needs sessions: call "
		    "ph_sessions(app)\n");
	ph_layout(app, page);
	ph_memoize(app, run, .scope = PH_SCOPE_USER);
	ph_sessions(app);
	check_whole("");
	ph_layout(app, page);
	ph_not_found(app, page);
	check_whole("ph_not_found: without ph_page() every address is the "
		    "page's\n");
	ph_page(app, "/", page, .title = "Home");
	ph_layout(app, page);
	ph_not_found(app, page);
	check_whole("");
}

static void
titles_are_utf8(void **state)
{
	(void)state;
	ph_title(app, "Mes\xc3\xa9");
	check_problems("");
	ph_title(app, "Mes\xe9");
	ph_page(app, "/a", page, .title = "\xff");
	ph_page(app, "/b", page, .name = "\xff");
	check_problems("ph_title(): the title is not valid UTF-8\n"
		       "ph_page(\"/a\"): its title is not valid UTF-8\n"
		       "ph_page(\"/b\"): its name is not valid UTF-8\n");
}

static void
pages_of_the_server(void **state)
{
	(void)state;
	ph_page(app, "/assets", page);
	ph_page(app, "/favicon", page);
	check_problems("");
	ph_page(app, "/assets/x", page);
	ph_page(app, "/_dash-layout", page);
	ph_page(app, "/_ph/health", page);
	ph_page(app, "/favicon.ico", page);
	ph_route(app, "GET", "/assets/x", run);
	check_problems(
	    "ph_page(\"/assets/x\"): such a path is the server's own\n"
	    "ph_page(\"/_dash-layout\"): such a path is the server's own\n"
	    "ph_page(\"/_ph/health\"): such a path is the server's own\n"
	    "ph_page(\"/favicon.ico\"): such a path is the server's own\n"
	    "ph_route(GET \"/assets/x\"): such a path is the server's own\n");
}

static void
origins_of_routes(void **state)
{
	(void)state;
	ph_route(app, "GET", "/a", run, .any_origin = true);
	check_problems("ph_route(GET \"/a\"): .any_origin is for methods that "
		       "change something: GET is answered to all\n");
	ph_route(app, "POST", "/a", run, .any_origin = true);
	check_problems("");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(times_without_memoize),
		TEST(nothing_follows_for_ever),
		TEST(times_below_zero),
		TEST(intervals),
		TEST(clientside_callbacks),
		TEST(databases),
		TEST(options_of_the_page),
		TEST(what_needs_something_else),
		TEST(titles_are_utf8),
		TEST(pages_of_the_server),
		TEST(origins_of_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
