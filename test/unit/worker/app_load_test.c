/* SPDX-License-Identifier: MIT */

/*
 * Shared objects as an author makes them, compiled here against nothing but
 * the SDK: what loads, what does not, and the sentence that says why.
 */
#include "test/unit/worker/app_fixture.h"

#include <errno.h>
#include <sys/stat.h>

static struct app_fixture fixture;
static struct app *app;
static struct buf why;

static int
set_up(void **state)
{
	(void)state;
	fixture_init(&fixture);
	app = NULL;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	app_free(&app);
	buf_free(&why);
	fixture_fini(&fixture);
	return 0;
}

/* Compile `source` to `name`.so in the fixture's folder. */
static void
compile(const char *name, const char *source)
{
	const char *cc = getenv("CC");
	char command[512];
	char file[64];

	(void)snprintf(file, sizeof(file), "%s.c", name);
	fixture_write(&fixture, file, source);
	(void)snprintf(command, sizeof(command),
	    "%s -std=c11 -Wall -Wextra -Werror -fPIC -shared "
	    "-fvisibility=hidden -Wl,-z,defs -Iworker/sdk -o %s/%s.so %s/%s.c",
	    cc != NULL ? cc : "cc", fixture.dir, name, fixture.dir, name);
	assert_int_equal(system(command), 0);
}

static int
load(const char *spec)
{
	char path[192];

	app_free(&app);
	buf_clear(&why);
	(void)snprintf(path, sizeof(path), "%s/%s", fixture.dir, spec);
	return app_load(path, -1, &app, &why);
}

static void
check_why(const char *want)
{
	const char *folder = strstr(want, "%s");
	const char *said = buf_cstr(&why);
	size_t before = (size_t)(folder - want);

	/* Every sentence names the file; %s stands for its folder. */
	assert_non_null(folder);
	assert_true(why.len > before + strlen(fixture.dir));
	assert_memory_equal(said, want, before);
	assert_memory_equal(said + before, fixture.dir, strlen(fixture.dir));
	assert_string_equal(said + before + strlen(fixture.dir), folder + 2);
}

#define HEAD                                                         \
	"#include <pronghorn/app.h>\n"                               \
	"static const struct ph_value *page(struct ph_call *call)\n" \
	"{ (void)call; return ph_text(\"hello\"); }\n"               \
	"static enum ph_status draw(struct ph_call *call)\n"         \
	"{ return ph_output(call, \"a.x\", ph_input(call, \"b.y\")); }\n"

static void
a_whole_app(void **state)
{
	char path[128];

	(void)state;
	compile("good",
	    HEAD "PH_APP(app) { ph_title(app, \"Good\"); ph_layout(app, page);"
		 "ph_callback(app, draw, PH_OUTPUT(\"a.x\"), "
		 "PH_INPUT(\"b.y\")); }\n");
	assert_int_equal(load("good.so"), 0);
	assert_int_equal(why.len, 0);
	assert_non_null(app);
	assert_string_equal(app->title, "Good");
	assert_int_equal(app->callback_count, 1);
	assert_int_equal(app->problems.len, 0);
	(void)snprintf(path, sizeof(path), "%s/good.so", fixture.dir);
	assert_string_equal(app->path, path);
}

/* The host's functions work through the object's own pointer to them. */
static void
its_functions_run(void **state)
{
	struct toolkit kit = fixture.kit;
	const struct value *outputs[1] = { NULL };
	struct call call;
	const struct value *page;

	(void)state;
	compile("run", HEAD "PH_APP(app) { ph_layout(app, page);"
			    "ph_callback(app, draw, PH_OUTPUT(\"a.x\"), "
			    "PH_INPUT(\"b.y\")); }\n");
	assert_int_equal(load("run.so"), 0);
	kit.app = app;
	call_init(&call, &kit, &fixture.arena, CALL_LAYOUT, "layout", NULL);
	call_enter(&call);
	page = host_take(app->layout((struct ph_call *)(void *)&call));
	call_leave(&call);
	assert_false(call.failed);
	fixture_check(page, "\"hello\"");
	call_fini(&call);
	call_init(&call, &kit, &fixture.arena, CALL_CALLBACK, "draw",
	    fixture_json(&fixture, "[[1,2]]"));
	call.callback = app->callbacks[0];
	call.outputs = outputs;
	call_enter(&call);
	assert_int_equal(
	    app->callbacks[0]->computation.run((struct ph_call *)(void *)&call),
	    PH_OK);
	call_leave(&call);
	assert_false(call.failed);
	fixture_check(outputs[0], "[1,2]");
	call_fini(&call);
}

static void
a_symbol_can_be_chosen(void **state)
{
	(void)state;
	compile("two", HEAD "PH_APP(app) { ph_title(app, \"One\"); "
			    "ph_layout(app, page); (void)draw; }\n"
			    "PH_APP(other) { ph_title(other, \"Two\"); "
			    "ph_layout(other, page); }\n");
	assert_int_equal(load("two.so"), 0);
	assert_string_equal(app->title, "One");
	assert_int_equal(load("two.so:app"), 0);
	assert_string_equal(app->title, "One");
	assert_int_equal(load("two.so:other"), 0);
	assert_string_equal(app->title, "Two");
	assert_int_equal(load("two.so:third"), ERR_PLUGIN);
	check_why("app %s/two.so has no PH_APP(third): symbol ph_app_third is "
		  "missing\n");
	assert_int_equal(load("two.so:"), ERR_PLUGIN);
	check_why("app %s/two.so has no PH_APP(): symbol ph_app_ is "
		  "missing\n");
	assert_null(app);
}

static void
files_that_are_no_apps(void **state)
{
	char folder[128];

	(void)state;
	assert_int_equal(load("missing.so"), -ENOENT);
	check_why("cannot read app %s/missing.so: No such file or "
		  "directory\n");
	(void)snprintf(folder, sizeof(folder), "%s/folder", fixture.dir);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(load("folder"), -EISDIR);
	check_why("cannot read app %s/folder: Is a directory\n");
	fixture_write(&fixture, "text.so", "this is no shared object\n");
	assert_int_equal(load("text.so"), ERR_PLUGIN);
	assert_non_null(strstr(buf_cstr(&why), "cannot load app "));
	assert_non_null(strstr(buf_cstr(&why), "text.so: "));
	fixture_write(&fixture, "empty.so", "");
	assert_int_equal(load("empty.so"), ERR_PLUGIN);
	buf_clear(&why);
	assert_int_equal(app_load("", -1, &app, &why), -EINVAL);
	assert_string_equal(buf_cstr(&why),
	    "no app given: pronghorn path/app.so\n");
	assert_null(app);
}

static void
a_symbol_that_is_missing(void **state)
{
	(void)state;
	compile("bare", "int answer(void);\nint answer(void) { return 42; }\n");
	assert_int_equal(load("bare.so"), ERR_PLUGIN);
	check_why("app %s/bare.so has no PH_APP(app): symbol ph_app_app is "
		  "missing\n");
}

#define AGAIN "compile it again"
#define NEWER                                                          \
	"the server is too old for it; or compile it with the SDK of " \
	"this server"

static void
another_sdk(void **state)
{
	static const struct {
		const char *name;
		const char *info; /* size, major, minor */
		const char *version;
		const char *advice;
	} cases[] = {
		{ "major", "sizeof(struct ph_app_info), 3, 0", "3.0", NEWER },
		{ "older", "sizeof(struct ph_app_info), 1, 9", "1.9", AGAIN },
		{ "minor", "sizeof(struct ph_app_info), 2, 6", "2.6", NEWER },
		{ "short", "8, 2, 0", "2.0", AGAIN },
	};
	char source[512];
	char want[256];
	char spec[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(source, sizeof(source),
		    "#include <pronghorn/app.h>\n"
		    "static void define(struct ph_app *app)\n"
		    "{ (void)app; __builtin_trap(); }\n" /* must not run */
		    "PH_EXPORT_ const struct ph_app_info ph_app_app;\n"
		    "const struct ph_app_info ph_app_app = { %s, \"app\", "
		    "define, &ph_host_ };\n",
		    cases[i].info);
		compile(cases[i].name, source);
		(void)snprintf(spec, sizeof(spec), "%s.so", cases[i].name);
		assert_int_equal(load(spec), ERR_PLUGIN);
		(void)snprintf(want, sizeof(want),
		    "app %%s/%s.so was compiled for SDK %s, this server has "
		    "2.5: %s\n",
		    cases[i].name, cases[i].version, cases[i].advice);
		check_why(want);
		assert_null(app);
	}
}

static void
all_mistakes_are_shown(void **state)
{
	(void)state;
	compile("wrong", HEAD "PH_APP(app) {\n"
			      "(void)page;\n"
			      "ph_callback(app, draw, PH_OUTPUT(\"a.x\"));\n"
			      "ph_callback(app, draw, PH_OUTPUT(\"a.x\"), "
			      "PH_INPUT(\"no dot\"), PH_INPUT(\"b.y\"));\n"
			      "ph_memoize(app, draw, .timeout = 1e300);\n"
			      "ph_database(app, \"a b\", .path = \"x\"); }\n");
	assert_int_equal(load("wrong.so"), ERR_PLUGIN);
	check_why("app %s/wrong.so is not valid:\n"
		  "ph_callback(draw): \"no dot\" is not \"id.property\" (an id "
		  "has no dot and no brace)\n"
		  "ph_memoize(draw): the timeout is not a number of seconds\n"
		  "ph_database(a b): a name has letters, digits and _ only\n"
		  "the app has no page: call ph_layout(app, function)\n"
		  "ph_callback(draw): output \"a.x\" already belongs to "
		  "draw: PH_OUTPUT_DUPLICATE() allows that\n");
	assert_null(app);
}

/* Answers of other code must not be given: the key has the fingerprint. */
static void
the_fingerprint_follows_the_code(void **state)
{
	char first[65];
	size_t i;

	(void)state;
	compile("one",
	    HEAD "PH_APP(app) { ph_layout(app, page); (void)draw; }\n");
	assert_int_equal(load("one.so"), 0);
	assert_int_equal(strlen(app->fingerprint), 64);
	for (i = 0; i < 64; i++)
		assert_non_null(
		    strchr("0123456789abcdef", app->fingerprint[i]));
	memcpy(first, app->fingerprint, sizeof(first));
	assert_int_equal(load("one.so"), 0);
	assert_string_equal(app->fingerprint, first);
	compile("other", HEAD "PH_APP(app) { ph_layout(app, page); (void)draw; "
			      "ph_title(app, \"x\"); }\n");
	assert_int_equal(load("other.so"), 0);
	assert_string_not_equal(app->fingerprint, first);
}

static void
freeing_accepts_the_empty_one(void **state)
{
	struct app *none = NULL;

	(void)state;
	app_free(&none);
	assert_null(none);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_whole_app),
		TEST(its_functions_run),
		TEST(a_symbol_can_be_chosen),
		TEST(files_that_are_no_apps),
		TEST(a_symbol_that_is_missing),
		TEST(another_sdk),
		TEST(all_mistakes_are_shown),
		TEST(the_fingerprint_follows_the_code),
		TEST(freeing_accepts_the_empty_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
