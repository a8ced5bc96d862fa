/* SPDX-License-Identifier: MIT */

/*
 * All else that the SDK has, in C++: memoized functions and the cache, data,
 * pages, routes, sessions, files, hooks. Routes answer what they found.
 */
#include <atomic>
#include <cstdio>
#include <stdexcept>
#include <thread>

#include <pronghorn/app.hpp>
#include <pronghorn/dcc.hpp>
#include <pronghorn/html.hpp>

/* ---- memoized functions ---------------------------------------------------- */

/* Its argument, and a number that differs with each run in this process. */
static void
stamped(ph::Call call)
{
	static std::atomic<int> runs;

	call.tag("stamps");
	call.progress(0.5);
	if (call.arg(0).str() == "never")
		call.no_store();
	call.log("run stamped " + call.arg(0).str());
	call.result(ph::Value::object(
	    { { "of", call.arg(0) }, { "run", ++runs } }));
}

static ph::Value
first_letter(ph::Call call)
{
	return call.arg(0).str().substr(0, 1);
}

static bool
is_secret(ph::Call call)
{
	return call.arg(0).str() == "secret";
}

static void
keyed(ph::Call call)
{
	call.log("run keyed " + call.arg(0).str());
	call.result(call.arg(0));
}

static void
open_one(ph::Call call)
{
	call.log("run open " + call.arg(0).str());
	call.result(call.arg(0).str() + "/" + call.arg(1).str());
}

static void
get_memo(ph::Call call)
{
	ph::Request request(call);
	std::string how = request.path_arg("how");
	std::string what = request.query_arg("of");
	ph::Value found;

	if (how == "plain")
		found = call.memo<stamped>(what);
	else if (how == "new")
		found = call.memo_new<stamped>(what);
	else if (how == "young")
		found = call.memo_with<stamped>(
		    ph::MemoOptions().max_age(1000).timeout(60).stale(1), what);
	else if (how == "alone")
		found = call.memo_with<stamped>(
		    ph::MemoOptions().unless(true), what);
	else if (how == "named")
		found = call.memo_with<stamped>(
		    ph::MemoOptions().key("one"), what);
	else if (how == "state")
		found = call.memo_state<stamped>(what);
	else if (how == "forget")
		found = call.forget<stamped>();
	else if (how == "forget-args")
		found = call.forget_args<stamped>(what);
	else if (how == "keyed")
		found = call.memo<keyed>(what);
	else if (how == "open")
		found = call.memo<open_one>(what, request.query_arg("by"));
	request.json(200, found);
}

/* ---- the cache -------------------------------------------------------------- */

static void
get_cache(ph::Call call)
{
	ph::Cache cache(call);
	ph::Value found = ph::Value::object({
	    { "absent", cache.get("a").has_value() },
	    { "set", cache.set("a", { 1, 2 }, ph::Keep(60).tag("t")) },
	    { "added", cache.add("a", 3) },
	    { "many", cache.set_many(ph::Value::object({ { "b", "B" } })) },
	    { "touched", cache.touch("b", 30) },
	    { "sum", cache.increment("n", 5).value_or(-1) },
	    { "next", cache.increment("n").value_or(-1) },
	    { "no number", cache.increment("b").has_value() },
	    { "all", cache.get_many({ "a", "b", "c" }) },
	    { "got", cache.get(std::string("a")).value() },
	    { "forgot", cache.forget_tag("t") },
	    { "after", cache.get("a").has_value() },
	    { "swapped", cache.cas("b", ph::Value("B"), "C", 60) },
	    { "not again", cache.cas("b", ph::Value("B"), "C") },
	    { "made", cache.cas("d", std::nullopt, "D") },
	    { "popped", cache.pop("d").value() },
	    { "gone", cache.pop("d").has_value() },
	    { "removed", cache.remove("b") },
	    { "again", cache.remove("b") },
	    { "nothing", cache.forget_all() },
	});

	ph::Request(call).json(200, found);
}

/* Texts with a NUL, on every way; as a name it is refused. */
static void
get_nul(ph::Call call)
{
	using namespace std::string_literals;
	ph::Cache cache(call);
	ph::Session session(call);
	std::string bytes = "\xff\0\xfe"s;
	std::string text = "a\0b"s;
	std::string why;

	cache.set("bin", bytes);
	session.set("bin", bytes);
	try {
		cache.set(text, 1);
	} catch (const std::invalid_argument &error) {
		why = error.what();
	}
	try {
		html::P().id(text);
		why = "a property is cut";
	} catch (const std::invalid_argument &) {
	}
	try {
		ph::Value::object_of({ { text, 1 } });
		why = "a member's name is cut";
	} catch (const std::invalid_argument &) {
	}
	if (call.query_arg("as") == "text")
		return ph::Request(call).text(200, text);
	ph::Request(call).json(200, ph::Value::object({ { "text", text },
	    { "made", ph::Value(text).str() == text },
	    { "view", ph::Value(std::string_view(text)).str() == text },
	    { "cache", cache.get("bin")->str() == bytes },
	    { "session", session.get("bin").str() == bytes },
	    { "memo", call.memo<keyed>(text).str() == text },
	    { "sql", call.query("SELECT ?1 AS t", text).cell(0, "t").str() == text },
	    { "table", ph::table({ { "t", { text } } }).cell(0, "t").str() == text },
	    { "why", why } }));
}

/* ---- data ---------------------------------------------------------------------- */

static void
create(ph::Call call)
{
	std::FILE *file = std::fopen(ph::app_file("in.csv").c_str(), "w");

	if (file == nullptr)
		ph::fail("cannot write in.csv");
	std::fputs("x;name\n1,5;a\n2;b\n3;c\n", file);
	std::fclose(file);
	ph::import_csv(call, "t",
	    ph::Csv(ph::app_file("in.csv")).separator(';').decimal(','));
}

static void
get_data(ph::Call call)
{
	ph::Value t = call.query("SELECT x, name FROM t WHERE x > ?1", 1);
	ph::Value own = ph::read_csv(call, ph::app_file("in.csv"));
	ph::Value text = ph::read_csv(call,
	    ph::Csv::of_text("1\t02\n").no_header().texts_only());
	ph::TablePage page("t");
	ph::Value rows = page.size(2).page(0).order("x DESC")
			     .columns("name").read(call);
	std::vector<double> wave;

	for (int i = 0; i < 1000; i++)
		wave.push_back(i % 50);
	ph::Value long_one = ph::Value::array(wave);
	std::vector<std::pair<std::string, ph::Value>> members = {
	    { "split", t.split() }, { "columns", t.columns() },
	    { "cell", t.cell(2, "name") }, { "rows", t.size() },
	    { "again", t.split().json_text().json_parse().table() },
	    { "own", own.size() }, { "text", text },
	    { "csv", ph::csv(t, ph::Csv().separator(';').no_header()) },
	    { "page", rows }, { "pages", page.pages() }, { "all", page.rows() },
	    { "min", ph::downsample(call, nullptr, long_one, 100, PH_MIN_MAX)
			 .size() <= 110 },
	    { "lttb", ph::downsample(call, long_one, long_one, 100).size() },
	    { "numbers", ph::Value(t.member("x").numbers()) },
	    { "list", ph::Value::array(std::vector<int64_t>{ 7 }).list() },
	    { "date", ph::date(1.5) }, { "back", ph::date(1.5).seconds() },
	    { "none", ph::Value("{").json_parse().is_null() },
	    { "second", ph::Value::object({ { "a", 1 }, { "b", 2 } })
			    .name_at(1) },
	    { "big", 1ULL << 40 }, { "nothing", {} },
	    { "empty", ph::Value::list({}) },
	    { "empties", { PH_LIST(), PH_OBJECT(), ph::Value::list({ 1 }) } },
	    { "thousand", ph::Value(std::vector<int>(1000, 7)).size() } };

	ph::Request(call).json(200, ph::Value::object_of(members));
}

/* ---- routes ----------------------------------------------------------------------- */

static void
get_csv(ph::Call call)
{
	ph::Request request(call);

	request.respond(200, "text/csv", "");
	request.csv("SELECT name FROM t WHERE x < ?1 ORDER BY x", 2.5);
}

static void
get_file(ph::Call call)
{
	ph::Request(call).file(ph::app_file("in.csv"), "text/csv", "out.csv");
}

static std::size_t
size_of(const std::string &path)
{
	std::FILE *file = std::fopen(path.c_str(), "rb");
	std::size_t size = 0;

	while (file != nullptr && std::fgetc(file) != EOF)
		size++;
	if (file != nullptr)
		(void)std::fclose(file);
	return size;
}

static void
post_form(ph::Call call)
{
	ph::Request request(call);
	auto file = request.file("up");
	std::string path = ph::app_file(("saved-" +
	    request.query_arg("as")).c_str());

	if (!file) {
		request.text(422, "no file\n");
		return;
	}
	std::string_view bytes(static_cast<const char *>(file->bytes), file->len);

	request.save(bytes, path);
	if (size_of(request.path_of(bytes)) != file->len ||
	    size_of(request.body_path()) != request.body().size())
		return request.text(500, "another file\n");
	request.set_cookie("sent", "1");
	request.text(200, std::string(file->file_name) + " by " +
	    request.client() + " " + request.cookie("who"));
}

static void
post_hook(ph::Call call)
{
	ph::Request(call).json(200, ph::Request(call).body_json());
}

/* ---- files through the page, sessions --------------------------------------------- */

static void
files(ph::Call call)
{
	std::string_view bytes = call.upload(call.input("up.contents"));

	if (bytes.data() == nullptr)
		ph::no_update();
	call.download("down.data", "copy.bin", "application/octet-stream",
	    bytes);
	call.download_text("down-text.data", "t.csv",
	    ph::csv(call.query("SELECT name FROM t")));
}

static void
keeps(ph::Call call)
{
	call.output("store.data", ph::Session(call).store(
	    call.query("SELECT * FROM t")));
}

static void
reads(ph::Call call)
{
	ph::Value value = call.input("store.data");
	std::string lost = ph::Session(call).lost("store.data");

	call.output("count.children", lost.empty()
	    ? ph::Value(value.size())
	    : ph::Value("lost: " + lost));
}

/* ---- pages ------------------------------------------------------------------------- */

static ph::Value
site(ph::Call call)
{
	std::vector<ph::Value> links;

	for (const struct ph_page_info &page : ph::pages(call))
		if (!page.has_variables)
			links.push_back(dcc::Link().href(ph::href(page.path))
			    .children(page.name));
	return html::Div().children({ html::Nav().id("menu").children(links),
	    ph::page_container(), dcc::Store().id("store"),
	    dcc::Upload().id("up"), dcc::Download().id("down"),
	    dcc::Download().id("down-text"), html::P().id("count"),
	    html::P().id("lost"),
	    html::Button().id("go").children("go") });
}

static ph::Value
home(ph::Call)
{
	return html::P().id("home").children("welcome");
}

static ph::Value
asset(ph::Call call)
{
	return html::P().id("asset").children(
	    call.path_arg("id") + "?" + call.query_arg("q"));
}

static ph::Value
lost(ph::Call)
{
	return html::P().id("lost").children("nothing here");
}

static ph::Value
everything(ph::Call call)
{
	return html::Div().children({ site(call), html::P().id("home"),
	    html::P().id("asset") });
}

/* ---- hooks ----------------------------------------------------------------------------- */

static int
after_fork(const ph_server &server)
{
	ph::server_log(std::string("hook ") + server.hook);
	return 0;
}

static int
before_request(ph::Incoming request)
{
	if (request.header("X-Throw") == "yes")
		throw std::runtime_error("thrown by a hook");
	return request.path() == "/secret" ? 403 : 0;
}

static int
after_request(ph::Incoming request)
{
	ph::server_log("hook answered " + request.method() + " " +
	    request.path() + " for " + request.client() + " with " +
	    std::to_string(request.status()) +
	    (request.seconds() >= 0 ? "" : " early"));
	return 0;
}

/* Nobody catches it. Nobody clicks so often, either: who uses the page in a
 * browser has other callbacks of the button in mind. */
static void
loses(ph::Call call)
{
	if (call.input("go.n_clicks").integer() >= 1000)
		std::thread([] {
			throw std::runtime_error("it is \"nowhere\"");
		}).join();
}

PH_APP(app)
{
	ph::App whole(app);

	whole.title("The rest").sessions().layout<site>(true)
	    .validation_layout<everything>().not_found<lost>()
	    .meta("theme-color", "#123456").database<create>("t", 1);
	whole.page<home>("/", "Home page").name("Home").order(1)
	    .description("all of it").redirect_from("/old")
	    .redirect_from("/older");
	whole.page<asset>("/asset/<id>").title("One asset");
	whole.page<asset>("/other").order(2);
	whole.memoize<stamped>("stamped", 60).stale(5).null_timeout(1)
	    .error_timeout(1).cancel();
	whole.memoize<keyed>("keyed").key<first_letter>().timeout(60)
	    .version(2);
	whole.memoize<open_one>("open_one").unless<is_secret>().ignore(1)
	    .scope(PH_SCOPE_GLOBAL);
	whole.route<get_memo>("GET", "/memo/<how>", "get_memo");
	whole.route<get_cache>("GET", "/cache", "get_cache");
	whole.route<get_nul>("GET", "/nul", "get_nul");
	whole.route<get_data>("GET", "/data", "get_data");
	whole.route<get_csv>("GET", "/csv", "get_csv");
	whole.route<get_file>("GET", "/file", "get_file");
	whole.route<post_form>("POST", "/form", "post_form").max_body(2000);
	whole.route<post_hook>("POST", "/hook", "post_hook").any_origin();
	whole.callback<files>("files").output("down.data")
	    .output("down-text.data").input("up.contents");
	whole.callback<keeps>("keeps").output("store.data")
	    .input("go.n_clicks").prevent_initial_call();
	whole.callback<loses>("loses").output("lost.children")
	    .input("go.n_clicks").prevent_initial_call();
	whole.callback<reads>("reads").output("count.children")
	    .input("store.data");
	whole.hooks().post_fork<after_fork>().pre_request<before_request>()
	    .post_request<after_request>();
}
