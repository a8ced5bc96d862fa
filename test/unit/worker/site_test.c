/* SPDX-License-Identifier: MIT */

/*
 * The front end's files from a manifest and the page from a template, made
 * here in a folder; and everything that can be wrong with them.
 */
#include "test/unit/worker/app_fixture.h"

#include <errno.h>
#include <sys/stat.h>
#include <zlib.h>

#include "worker/site.h"
#include "worker/site_int.h"

/* The style sheet of a site lives as long as the process: site_close(). */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *
__lsan_default_suppressions(void)
{
	return "leak:add_style_sheet\n";
}

static struct app_fixture fixture;
static struct site *site;
static struct buf why;

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ROW(url, file, len, gzip_len, load)                            \
	url "\t" file "\ttext/javascript\t" len "\t" gzip_len "\t" SHA \
	    "\t" load "\t" load
#define MANIFEST                                                        \
	ROW("dash/v2/b.js", "dash/b.js", "7", "0", "2")                 \
	"\n" ROW("dash/v1/a.js", "dash/a.js", "10", "4", "1") "\n" ROW( \
	    "plotly/v3/plotly.min.js", "p.js", "3", "0", "0") "\n"
#define TEMPLATE                                                      \
	"<html>{%metas%}<title>{%title%}</title>{%favicon%}{%css%}"   \
	"<body>{%app_entry%}{%config%}{%scripts%}{%renderer%}</body>" \
	"</html>\n"

static int
set_up(void **state)
{
	char folder[128];

	(void)state;
	fixture_init(&fixture);
	fixture.options.www_dir = fixture.dir;
	(void)snprintf(folder, sizeof(folder), "%s/dash", fixture.dir);
	assert_int_equal(mkdir(folder, 0700), 0);
	fixture_write(&fixture, "manifest.tsv", MANIFEST);
	fixture_write(&fixture, "dash/a.js", "a();a();a;");
	fixture_write(&fixture, "dash/a.js.gz", "gzip");
	fixture_write(&fixture, "dash/b.js", "b();b()");
	fixture_write(&fixture, "p.js", "p()");
	fixture_write(&fixture, "pronghorn.css", "body { margin: 0 }\n");
	fixture_write(&fixture, "pronghorn.js", "o();\n");
	fixture_write(&fixture, "favicon.ico", "icon");
	fixture_write(&fixture, "index.html", TEMPLATE);
	site = NULL;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	site_close(&site);
	buf_free(&why);
	fixture_fini(&fixture);
	return 0;
}

static int
open_site(void)
{
	site_close(&site);
	buf_clear(&why);
	return site_open(&site, &fixture.options, fixture.app, &why);
}

static const struct site_file *
find(const char *url)
{
	return site_find(site, url, strlen(url));
}

static void
check_file(const struct site_file *file, const char *content)
{
	assert_non_null(file);
	assert_int_equal(file->len, strlen(content));
	assert_memory_equal(file->data, content, file->len);
}

static void
files_of_the_manifest(void **state)
{
	const struct site_file *file;

	(void)state;
	assert_int_equal(open_site(), 0);
	assert_int_equal(why.len, 0);
	assert_int_equal(site->file_count, 5); /* with two of our own */
	file = find("dash/v1/a.js");
	check_file(file, "a();a();a;");
	assert_string_equal(file->url, "dash/v1/a.js");
	assert_string_equal(file->mime, "text/javascript");
	assert_string_equal(file->etag, "\"0123456789abcdef\"");
	assert_int_equal(file->gzip_len, 4);
	assert_memory_equal(file->gzip_data, "gzip", 4);
	assert_int_equal(file->load, 1);
	file = find("dash/v2/b.js");
	check_file(file, "b();b()");
	assert_null(file->gzip_data);
	check_file(find("plotly/v3/plotly.min.js"), "p()");
}

static void
nothing_else_is_found(void **state)
{
	static const char *const urls[] = { "", "d", "dash", "dash/",
		"dash/v1/a.j", "dash/v1/a.jsx", "dash/v1/a.js/",
		"/dash/v1/a.js", "dash/v2/a.js", "a.js", "dash/a.js",
		"manifest.tsv", "index.html", "favicon.ico", "../p.js", "p.js",
		"zzz", "pronghorn.css" };
	size_t i;

	(void)state;
	assert_int_equal(open_site(), 0);
	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		assert_null(find(urls[i]));
	/* Only `len` bytes count. */
	assert_non_null(site_find(site, "dash/v1/a.js?x", 12));
	assert_null(site_find(site, "dash/v1/a.js", 11));
}

/* Whatever the order in the manifest: each is found, also first and last. */
static void
many_files(void **state)
{
	struct buf manifest = BUF_EMPTY;
	char url[32];
	unsigned i;

	(void)state;
	for (i = 0; i < 97; i++)
		(void)buf_printf(&manifest,
		    "f%u\tp.js\ttext/plain\t3\t0\t" SHA "\t0\t0\n",
		    i * 31 % 97);
	fixture_write(&fixture, "manifest.tsv", buf_cstr(&manifest));
	assert_int_equal(open_site(), 0);
	assert_int_equal(site->file_count, 99);
	for (i = 0; i < 97; i++) {
		(void)snprintf(url, sizeof(url), "f%u", i);
		assert_string_equal(find(url)->url, url);
	}
	assert_null(find("f97"));
	assert_null(find("f"));
	buf_free(&manifest);
}

static void
the_style_sheet_and_the_icon(void **state)
{
	const struct site_file *css = NULL;
	char url[64];
	size_t i;

	(void)state;
	assert_int_equal(open_site(), 0);
	for (i = 0; i < site->file_count; i++)
		if (strstr(site->files[i].url, "/pronghorn.css") != NULL)
			css = &site->files[i];
	check_file(css, "body { margin: 0 }\n");
	assert_string_equal(css->mime, "text/css; charset=utf-8");
	assert_int_equal(strlen(css->etag), 18);
	/* The address changes with the content. */
	assert_int_equal(strlen(css->url), 11 + 12 + 14);
	assert_memory_equal(css->url + 11, css->etag + 1, 12);
	assert_string_equal(css->url + 23, "/pronghorn.css");
	(void)snprintf(url, sizeof(url), "%s", css->url);
	check_file(&site->favicon, "icon");
	assert_string_equal(site->favicon.mime, "image/x-icon");
	fixture_write(&fixture, "pronghorn.css", "body { margin: 1 }\n");
	assert_int_equal(open_site(), 0);
	assert_null(find(url));
}

/* The page's part between two texts, compared. */
static void
check_between(const char *before, const char *after, const char *want)
{
	struct buf page = BUF_EMPTY;
	char *from;
	char *to;

	assert_int_equal(buf_put(&page, site->index.data, site->index.len), 0);
	(void)buf_cstr(&page);
	from = strstr(page.data, before);
	assert_non_null(from);
	from += strlen(before);
	to = strstr(from, after);
	assert_non_null(to);
	*to = '\0';
	assert_string_equal(from, want);
	buf_free(&page);
}

static void
the_page_is_filled_in(void **state)
{
	char css[96];
	char script[160];
	size_t i;

	(void)state;
	ph_title(fixture_ph(&fixture), "My app");
	assert_int_equal(open_site(), 0);
	assert_string_equal(site->index.mime, "text/html; charset=utf-8");
	check_between("<html>", "\n", "<meta charset=\"UTF-8\">");
	check_between("<title>", "</title>", "My app");
	check_between("</title>", "<link rel=\"stylesheet\"",
	    "<link rel=\"icon\" type=\"image/x-icon\" "
	    "href=\"/_favicon.ico\">");
	for (i = 0; i < site->file_count; i++) {
		if (strstr(site->files[i].url, "pronghorn.css") != NULL)
			(void)snprintf(css, sizeof(css),
			    "\"/_dash-component-suites/%s\">",
			    site->files[i].url);
		if (strstr(site->files[i].url, "pronghorn.js") != NULL)
			(void)snprintf(script, sizeof(script),
			    "\"/_dash-component-suites/%s\"></script>",
			    site->files[i].url);
	}
	check_between("<link rel=\"stylesheet\" href=", "<body>", css);
	check_between("\"plotlyjs_url\":", ",",
	    "\"/_dash-component-suites/plotly/v3/plotly.min.js\"");
	/* In the order of their numbers, not of the manifest, after our own. */
	check_between("</script><script src=", "\n", script);
	check_between("pronghorn.js\"></script>",
	    "\n      <script src=\"/_dash-"
	    "component-suites/dash/v2",
	    "\n      <script src=\"/_dash-"
	    "component-suites/dash/v1/a.js\"></script>");
	check_between("v1/a.js\"></script>", "<script>(function(){var nothing",
	    "\n      <script src=\"/_dash-component-suites/dash/v2/b.js\">"
	    "</script>");
	check_between("new DashRenderer();</script>", "\n", "</body></html>");
}

static void
the_config_names_the_token_only_when_there_is_one(void **state)
{
	(void)state;
	assert_int_equal(open_site(), 0);
	check_between("\"validate_callbacks\":false,", ":",
	    "\"plotly_cloud_installed\"");
	fixture.options.csrf_token = true;
	fixture.options.csrf_token_name = "my_token";
	fixture.options.csrf_header_name = "X-Token";
	assert_int_equal(open_site(), 0);
	check_between("\"validate_callbacks\":false,", "\"plotly_cloud",
	    "\"csrf_token_name\":\"my_token\","
	    "\"csrf_header_name\":\"X-Token\",");
}

static void
the_title_is_escaped(void **state)
{
	static const struct {
		const char *title;
		const char *html;
	} cases[] = {
		{ "a < b & c > \"d\" 'e'",
		    "a &lt; b &amp; c &gt; &quot;d&quot; 'e'" },
		{ "</title><script>alert(1)</script>",
		    "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;" },
		{ "{%config%}", "{%config%}" }, /* filled in only once */
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "", "" },
	};
	size_t i;

	(void)state;
	assert_int_equal(open_site(), 0);
	check_between("<title>", "</title>", "Pronghorn");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ph_title(fixture_ph(&fixture), cases[i].title);
		assert_int_equal(open_site(), 0);
		check_between("<title>", "</title>", cases[i].html);
	}
}

static enum ph_status
draw(struct ph_call *call)
{
	(void)call;
	return PH_OK;
}

static void
the_dependency_list_is_ready(void **state)
{
	struct buf want = BUF_EMPTY;

	(void)state;
	ph_callback(fixture_ph(&fixture), draw, PH_OUTPUT("a.x"),
	    PH_INPUT("b.y"));
	assert_int_equal(app_dependencies_json(fixture.app, &want), 0);
	assert_int_equal(open_site(), 0);
	assert_int_equal(site->dependencies.len, want.len);
	assert_memory_equal(site->dependencies.data, want.data, want.len);
	buf_free(&want);
}

static void
the_page_is_packed_and_tagged(void **state)
{
	unsigned char page[20000];
	z_stream stream = { .next_in = NULL };
	char etag[24];

	(void)state;
	assert_int_equal(open_site(), 0);
	assert_non_null(site->index.gzip_data);
	assert_true(site->index.gzip_len < site->index.len);
	assert_true(site->index.len < sizeof(page));
	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	stream.next_in = (unsigned char *)(uintptr_t)site->index.gzip_data;
	stream.avail_in = (unsigned)site->index.gzip_len;
	stream.next_out = page;
	stream.avail_out = sizeof(page);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.total_out, site->index.len);
	assert_memory_equal(page, site->index.data, site->index.len);
	(void)inflateEnd(&stream);
	assert_null(site->favicon.gzip_data); /* would only grow */
	memcpy(etag, site->index.etag, sizeof(etag));
	assert_int_equal(open_site(), 0);
	assert_string_equal(site->index.etag, etag);
	ph_title(fixture_ph(&fixture), "Another");
	assert_int_equal(open_site(), 0);
	assert_string_not_equal(site->index.etag, etag);
}

static void
odd_but_good_manifests(void **state)
{
	static const char *const manifests[] = {
		ROW("u", "p.js", "3", "0", "1"), /* no newline at the end */
		"\n\n" ROW("u", "p.js", "3", "0", "1") "\n\n",
		ROW("u", "p.js", "3", "0", "1") "\tone more column\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(manifests) / sizeof(manifests[0]); i++) {
		fixture_write(&fixture, "manifest.tsv", manifests[i]);
		assert_int_equal(open_site(), 0);
		check_file(find("u"), "p()");
	}
}

static void
bad_manifests_are_refused(void **state)
{
	static const struct {
		const char *manifest;
		int rc;
		const char *why;
	} cases[] = {
		{ "u", ERR_SYNTAX, "/manifest.tsv: a line has too few" },
		{ "u\tp.js\ttext/plain\t3\t0\t" SHA "\n", ERR_SYNTAX,
		    "/manifest.tsv: a line has too few columns: run make "
		    "deps" },
		{ MANIFEST "dash/v9/cu", ERR_SYNTAX, "too few columns" },
		{ ROW("u", "missing.js", "3", "0", "1"), -ENOENT,
		    "/missing.js: No such file or directory: run make deps" },
		{ ROW("u", "p.js", "2", "0", "1"), ERR_CORRUPT,
		    "/p.js: stored data is damaged: run make deps" },
		{ ROW("u", "p.js", "4", "0", "1"), ERR_CORRUPT, "/p.js: " },
		{ ROW("u", "p.js", "", "0", "1"), ERR_CORRUPT, "/p.js: " },
		{ ROW("u", "p.js", "x", "0", "1"), ERR_CORRUPT, "/p.js: " },
		{ ROW("u", "p.js", "99999999999999999999", "0", "1"),
		    ERR_CORRUPT, "/p.js: " },
		{ ROW("u", "dash", "3", "0", "1"), ERR_CORRUPT, "/dash: " },
		{ ROW("u", "p.js", "3", "5", "1"), -ENOENT, "/p.js.gz: " },
		{ ROW("u", "dash/a.js", "10", "5", "1"), ERR_CORRUPT,
		    "/dash/a.js.gz: stored data is damaged" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fixture_write(&fixture, "manifest.tsv", cases[i].manifest);
		assert_int_equal(open_site(), cases[i].rc);
		assert_null(site);
		assert_non_null(strstr(buf_cstr(&why), fixture.dir));
		assert_non_null(strstr(why.data, cases[i].why));
	}
}

static void
missing_files_are_named(void **state)
{
	static const struct {
		const char *file;
		const char *why;
	} cases[] = {
		{ "index.html", "cannot read " },
		{ "favicon.ico", "front-end file " },
		{ "pronghorn.js", "front-end file " },
		{ "pronghorn.css", "front-end file " },
		{ "dash/b.js", "front-end file " },
		{ "manifest.tsv", "front end missing: " },
	};
	char path[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", fixture.dir,
		    cases[i].file);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(open_site(), -ENOENT);
		assert_null(site);
		assert_memory_equal(buf_cstr(&why), cases[i].why,
		    strlen(cases[i].why));
		assert_non_null(strstr(why.data, path));
		/* From the last needed to the first: earlier ones stay. */
	}
}

static void
templates(void **state)
{
	static const struct {
		const char *template;
		int rc;
		const char *text; /* of the page or of the reason */
	} cases[] = {
		{ "plain", 0, "plain" },
		{ "{%title%}{%title%}", 0, "PronghornPronghorn" },
		{ "a { b % } {{title}} %} {", 0, "a { b % } {{title}} %} {" },
		{ "x{%unknown%}", ERR_SYNTAX, "unknown mark {%unknown%}" },
		{ "{%title", ERR_SYNTAX, "unknown mark {%title" },
		{ "{%title%", ERR_SYNTAX, "unknown mark {%title%" },
		{ "{% title %}", ERR_SYNTAX, "unknown mark {% title %}" },
		{ "{%titles%}", ERR_SYNTAX, "unknown mark {%titles%}" },
		{ "{%%}", ERR_SYNTAX, "unknown mark {%%}" },
		{ "{%", ERR_SYNTAX, "unknown mark {%" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fixture_write(&fixture, "index.html", cases[i].template);
		assert_int_equal(open_site(), cases[i].rc);
		if (cases[i].rc == 0) {
			check_file(&site->index, cases[i].text);
			continue;
		}
		assert_non_null(strstr(buf_cstr(&why), "index.html: "));
		assert_non_null(strstr(why.data, cases[i].text));
	}
}

/* The packages of an app: after the server's own, and what they miss. */
static void
packages(void **state)
{
	static const struct {
		const char *manifest;
		const char *children;
		const char *why;
	} bad[] = {
		{ NULL, "{}",
		    "p/manifest.tsv: No such file or directory: make "
		    "it with node www/package.mjs" },
		{ ROW("p/v1/p.js", "p.js", "3", "0", "1"), NULL,
		    "package p: " },
		{ ROW("p/v1/p.js", "p.js", "3", "0", "1"), "[]",
		    "children.json: stored data is damaged" },
		{ ROW("p/v1/p.js", "p.js", "3", "0", "1"),
		    "{\"A\":[\"</script>\"]}", "children.json: " },
		{ ROW("p/v1/p.js", "p.js", "9", "0", "1"), "{}", "/p.js: " },
	};
	static const char *names[] = { "p" };
	char folder[160];
	size_t i;

	(void)state;
	fixture.options.packages_folder = fixture.dir;
	fixture.app->packages = names;
	fixture.app->package_count = 1;
	(void)snprintf(folder, sizeof(folder), "%s/p", fixture.dir);
	assert_int_equal(mkdir(folder, 0700), 0);
	fixture_write(&fixture, "p/p.js", "p()");
	fixture_write(&fixture, "p/p.css", "p{}");
	fixture_write(&fixture, "p/children.json", "{\"A\":[\"b\"]}");
	fixture_write(&fixture, "p/manifest.tsv",
	    ROW("p/v1/p.js", "p.js", "3", "0",
		"1") "\np/v1/p.css\tp.css\t"
		     "text/css; charset=utf-8\t3\t0\t" SHA "\t1\t1\n");
	assert_int_equal(open_site(), 0);
	check_file(find("p/v1/p.js"), "p()");
	assert_non_null(strstr(site->index.data, "/p/v1/p.css\"><body>"));
	assert_non_null(strstr(site->index.data,
	    "/dash/v2/b.js\"></script>\n      <script "
	    "src=\"/_dash-component-suites/p/v1/p.js\"></script>"));
	assert_non_null(strstr(site->index.data, ",\"p\":{\"A\":[\"b\"]}}"));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(folder, sizeof(folder), "%s/p/manifest.tsv",
		    fixture.dir);
		(void)unlink(folder);
		(void)snprintf(folder, sizeof(folder), "%s/p/children.json",
		    fixture.dir);
		(void)unlink(folder);
		if (bad[i].manifest != NULL)
			fixture_write(&fixture, "p/manifest.tsv",
			    bad[i].manifest);
		if (bad[i].children != NULL)
			fixture_write(&fixture, "p/children.json",
			    bad[i].children);
		assert_true(open_site() < 0);
		assert_non_null(strstr(buf_cstr(&why), bad[i].why));
	}
	fixture.app->packages = NULL;
	fixture.app->package_count = 0;
}

static void
closing_accepts_nothing(void **state)
{
	struct site *none = NULL;

	(void)state;
	site_close(&none);
	assert_null(none);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(files_of_the_manifest),
		TEST(nothing_else_is_found),
		TEST(many_files),
		TEST(the_style_sheet_and_the_icon),
		TEST(the_page_is_filled_in),
		TEST(the_config_names_the_token_only_when_there_is_one),
		TEST(the_title_is_escaped),
		TEST(the_dependency_list_is_ready),
		TEST(the_page_is_packed_and_tagged),
		TEST(odd_but_good_manifests),
		TEST(bad_manifests_are_refused),
		TEST(missing_files_are_named),
		TEST(templates),
		TEST(packages),
		TEST(closing_accepts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
