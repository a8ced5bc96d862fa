/* SPDX-License-Identifier: MIT */

/*
 * The config file: what is read as what, and every refusal word for word.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/err.h"
#include "server/config_int.h"
#include "server/config_value.h"

/* A config with defaults only, to parse into. */
static struct config *
fresh(void)
{
	char program[] = "pronghorn";
	char flag[] = "--print-config";
	char *argv[] = { program, flag, NULL };
	enum config_action action;
	struct config *config = NULL;
	struct buf why = BUF_EMPTY;

	assert_int_equal(0, config_load(2, argv, &config, &action, &why));
	buf_free(&why);
	return config;
}

static int
setup(void **state)
{
	(void)state;
	(void)unsetenv("PORT");
	(void)unsetenv("WEB_CONCURRENCY");
	(void)unsetenv("PRONGHORN_CMD_ARGS");
	return chdir("/"); /* no pronghorn.conf there */
}

/* Parse `text`; one setting of it, printed, must be `printed`. */
struct good {
	const char *text;
	const char *name;
	const char *printed;
};

static const struct good goods[] = {
	{ "", "threads", "1" },
	{ "\n \t\n# only a comment", "threads", "1" },
	{ "threads = 2", "threads", "2" },
	{ "threads=2", "threads", "2" },
	{ "threads\t =\t2   # two\n", "threads", "2" },
	{ "\xEF\xBB\xBFthreads = 2\n", "threads", "2" },
	{ "threads = 2\r\nbacklog = 3\r\n", "backlog", "3" },
	{ "\"\"\"Doc\nstring.\"\"\"\nthreads = 2\n", "threads", "2" },
	{ "'doc'\nthreads = (2)\n", "threads", "2" },
	{ "threads = ((\n2\n)) # c", "threads", "2" },
	{ "threads = 1_0", "threads", "10" },
	{ "threads = 0x10", "threads", "16" },
	{ "threads = 0o17", "threads", "15" },
	{ "threads = +5", "threads", "5" },
	{ "threads = '5'", "threads", "5" },
	{ "threads = \\\n  5", "threads", "5" },
	{ "threads \\\r\n= 5", "threads", "5" },
	{ "threads: int = 2", "threads", "2" },
	{ "bind : list[str] | None = ['a:1']", "bind", "[\"a:1\"]" },
	{ "keepalive = .5", "keepalive", "0.5" },
	{ "keepalive = 5.", "keepalive", "5" },
	{ "keepalive = 1_0.2_5e-1", "keepalive", "1.025" },
	{ "keepalive = 25E+1", "keepalive", "250" },
	{ "keepalive = '250ms'", "keepalive", "0.25" },
	{ "timeout = \"2h\"", "timeout", "7200" },
	{ "limit_request_body = \"1GiB\"", "limit_request_body", "\"1GiB\"" },
	{ "limit_request_body = 1048576", "limit_request_body", "\"1MiB\"" },
	{ "bind = 'a:1'", "bind", "[\"a:1\"]" },
	{ "bind = 'a:1,b:2'", "bind", "[\"a:1\", \"b:2\"]" },
	{ "bind = 'a:1', 'b:2'", "bind", "[\"a:1\", \"b:2\"]" },
	{ "bind = 'a:1', 'b:2', # end\n", "bind", "[\"a:1\", \"b:2\"]" },
	{ "bind = 'a:1',", "bind", "[\"a:1\"]" },
	{ "bind = ['a:1',\n\t# one\n  \"[::1]:2\" , ]\n", "bind",
	    "[\"a:1\", \"[::1]:2\"]" },
	{ "bind = ('a'\n  ':1'\n)", "bind", "[\"a:1\"]" },
	{ "bind = ('a:1',)", "bind", "[\"a:1\"]" },
	{ "proc_name = 'a' \"b\" r'c'", "proc_name", "\"abc\"" },
	{ "proc_name = 'it''s'", "proc_name", "\"its\"" },
	{ "proc_name = '''it's'''", "proc_name", "\"it's\"" },
	{ "proc_name = \"\"\"a\"b\"\"\"", "proc_name", "\"a\\\"b\"" },
	{ "proc_name = '''a\\\nb'''", "proc_name", "\"ab\"" },
	{ "proc_name = '\\x41\\u00e9\\101\\\\\\'\\\"'", "proc_name",
	    "\"A\xC3\xA9"
	    "A\\\\'\\\"\"" },
	{ "proc_name = '\\U0001F98C'", "proc_name", "\"\xF0\x9F\xA6\x8C\"" },
	{ "proc_name = '\\d'", "proc_name", "\"\\\\d\"" },
	{ "proc_name = r'a\\d'", "proc_name", "\"a\\\\d\"" },
	{ "proc_name = R\"a\\\"b\"", "proc_name", "\"a\\\\\\\"b\"" },
	{ "proc_name = u'x'", "proc_name", "\"x\"" },
	{ "proc_name = '# x ; ='", "proc_name", "\"# x ; =\"" },
	{ "proc_name = None", "proc_name", "\"pronghorn\"" },
	{ "pidfile = None", "pidfile", "\"\"" },
	{ "sendfile = None", "sendfile", "True" },
	{ "user = 1000", "user", "\"1000\"" },
	{ "group = 0", "group", "\"0\"" },
	{ "accesslog = '-'", "accesslog", "\"-\"" },
	{ "loglevel = 'DEBUG'", "loglevel", "\"debug\"" },
	{ "logconfig_dict = {'a': [1, 2.5, {}], \"b\": (None,), }\nthreads = 2",
	    "threads", "2" },
	{ "logconfig_dict = {\n 'a': {'b': {1, 2}},\n}\nthreads = 2", "threads",
	    "2" },
};

static void
test_reads(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
		const struct config_row *row = config_row_find(goods[i].name);
		struct config *config = fresh();
		struct buf why = BUF_EMPTY;
		struct buf out = BUF_EMPTY;

		assert_non_null(row);
		if (config_file_parse(config, "f", goods[i].text,
			strlen(goods[i].text), &why) < 0)
			fail_msg("%s: %s", goods[i].text, buf_cstr(&why));
		config_value_print(row, config_field(config, row), &out);
		assert_string_equal(goods[i].printed, buf_cstr(&out));
		buf_free(&out);
		buf_free(&why);
		config_free(&config);
	}
}

struct bad {
	const char *text;
	const char *why;
};

static const struct bad bads[] = {
	/* values */
	{ "# c\n\nthreads = 0", "f:3: threads = 0: must be 1..256" },
	{ "threads = 257 # c", "f:1: threads = 257: must be 1..256" },
	{ "threads = -1", "f:1: threads = -1: must be 1..256" },
	{ "threads = 'x'",
	    "f:1: threads = \"x\": not a whole number; must be 1..256" },
	{ "threads = [1, [2]]",
	    "f:1: threads = [1, [2]]: a list is not a value here; must be "
	    "1..256" },
	{ "threads = (2,)",
	    "f:1: threads = [2]: a list is not a value here; must be 1..256" },
	{ "threads = {'a': 1}",
	    "f:1: threads = {...}: a dict is not a value here; must be "
	    "1..256" },
	{ "bind = [\n 'a',\n 1]",
	    "f:1: bind = [\"a\", 1]: every item is a text in quotes; must be "
	    "1..64 items" },
	{ "keepalive = '2MiB'",
	    "f:1: keepalive = \"2MiB\": not a duration such as 1.5, 250ms, "
	    "90s, 15m or 2h; must be 0..3600 seconds" },
	{ "proc_name = '"
	  "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"
	  "ggggg'",
	    "f:1: proc_name = "
	    "\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffffffff..."
	    ": must be 1..64 bytes long" },
	{ "proc_name = 'a\\nb'",
	    "f:1: proc_name = \"a\\nb\": holds a control character" },
	{ "threads = 99999999999999999999",
	    "f:1:11: 99999999999999999999: the number is too large for "
	    "threads" },
	/* names */
	{ "timout = 3", "f:1: timout: no such setting; did you mean timeout?" },
	{ "nonsense = 3", "f:1: nonsense: no such setting" },
	{ "CACHE_TYPE = 'x'",
	    "f:1: CACHE_TYPE: settings are written in lower case here: "
	    "cache_type" },
	{ "CACHE_REDIS_URL = 'x'",
	    "f:1: CACHE_REDIS_URL: settings are written in lower case here: "
	    "cache_redis_url" },
	{ "Threads = 2",
	    "f:1: Threads: settings are written in lower case here: threads" },
	{ "CACHE_DIRR = 'x'",
	    "f:1: CACHE_DIRR: no such setting; did you mean cache_dir?" },
	{ "threads = 2\n\nthreads = 2", "f:3: threads: already set on line 1" },
	{ "bind = [\n'a',\n'b']\nbind = 'c'",
	    "f:4: bind: already set on line 1" },
	{ "spew = None\nspew = None", "f:2: spew: already set on line 1" },
	{ "app = 'x.so'\nwsgi_app = 'y.so'",
	    "f:2: app: already set on line 1" },
	/* code */
	{ "import os",
	    "f:1:1: code is not run: import os: write the values themselves; "
	    "workers = \"auto\" makes one worker per CPU" },
	{ "threads = 2\nfrom x import y",
	    "f:2:1: code is not run: from x import y: write the values "
	    "themselves; workers = \"auto\" makes one worker per CPU" },
	{ "def post_fork(server, worker):\n    pass\n",
	    "f:1:1: code is not run: def post_fork(server, worker):: hooks "
	    "are Python functions and have no place here" },
	{ "if True:\n  threads = 1",
	    "f:1:1: code is not run: if True:: write name = value with the "
	    "value itself" },
	{ "workers = multiprocessing.cpu_count() * 2 + 1",
	    "f:1:11: code is not run: multiprocessing.cpu_count() * 2 + 1: "
	    "write the value itself; workers = \"auto\" makes one worker per "
	    "CPU" },
	{ "bind = os.environ['X']",
	    "f:1:8: code is not run: os.environ['X']: write the value "
	    "itself; from the environment come PORT, WEB_CONCURRENCY and "
	    "PRONGHORN_CMD_ARGS" },
	{ "threads = int('3')",
	    "f:1:11: code is not run: int('3'): write the value itself" },
	{ "threads = 2 * 3",
	    "f:1:13: code is not run: * 3: write the result itself" },
	{ "threads = (1 +\n 2)",
	    "f:1:14: code is not run: +: write the result itself" },
	{ "threads = -x",
	    "f:1:11: code is not run: -x: write the value itself" },
	{ "threads = ~1",
	    "f:1:11: code is not run: ~1: write the value itself" },
	{ "threads = 1 if x else 2",
	    "f:1:13: code is not run: if x else 2: write the result itself" },
	{ "bind = f'{x}:80'",
	    "f:1:8: code is not run: f'{x}:80': write the text without f and "
	    "braces" },
	{ "bind = 'a' rf'b'",
	    "f:1:12: code is not run: rf'b': write the text without f and "
	    "braces" },
	{ "bind = 'x'.strip()",
	    "f:1:11: code is not run: .strip(): write the result itself" },
	{ "bind = ['a'][0]",
	    "f:1:13: code is not run: [0]: write the result itself" },
	{ "bind = [x for x in y]",
	    "f:1:9: code is not run: x for x in y]: write the value itself" },
	{ "bind = ['a' for x in y]",
	    "f:1:13: code is not run: for x in y]: write the result itself" },
	{ "bind = lambda: 1",
	    "f:1:8: code is not run: lambda: 1: write the value itself" },
	{ "server.x = 1",
	    "f:1:1: code is not run: server.x = 1: write name = value with "
	    "the value itself" },
	{ "threads += 1",
	    "f:1:1: code is not run: threads += 1: write name = value with "
	    "the value itself" },
	{ "threads: int", "f:1:1: '= value' is missing after threads" },
	{ "threads: max(1, 2) = 1",
	    "f:1:1: code is not run: threads: max(1, 2) = 1: write name = "
	    "value with the value itself" },
	{ "print('x')",
	    "f:1:1: code is not run: print('x'): write name = value with the "
	    "value itself" },
	{ "threads == 1",
	    "f:1:1: code is not run: threads == 1: write name = value with "
	    "the value itself" },
	{ "threads = backlog = 1",
	    "f:1:11: code is not run: backlog = 1: write the value itself" },
	{ "threads = 1 = 2", "f:1:13: code is not run: = 2: one name a value" },
	{ "caf\xC3\xA9 = 'x' + 'y'",
	    "f:1:12: code is not run: + 'y': write the result itself" },
	/* form */
	{ "threads", "f:1:1: '= value' is missing after threads" },
	{ "threads # 3", "f:1:1: '= value' is missing after threads" },
	{ "threads 3", "f:1:9: '=' must follow threads" },
	{ "threads =", "f:1:10: a value is missing" },
	{ "threads = # 3", "f:1:11: a value is missing" },
	{ "threads =\n3", "f:1:10: a value is missing" },
	{ "threads = 1; backlog = 2",
	    "f:1:12: one setting a line; ';' is not read" },
	{ "threads = 1 2", "f:1:13: '2' is out of place behind the value" },
	{ "threads = 1]", "f:1:12: ']' is out of place behind the value" },
	{ "threads = 1\n  backlog = 2", "f:2:3: the line is indented" },
	{ "3 = 4", "f:1:1: a line starts with the name of a setting" },
	{ "= 4", "f:1:1: a line starts with the name of a setting" },
	{ "bind = 127.0.0.1:8000",
	    "f:1:8: 127.0.0.1: not a number (a text stands in quotes)" },
	{ "threads = 08",
	    "f:1:11: 08: not a number (a text stands in quotes)" },
	{ "threads = 1__0",
	    "f:1:11: 1__0: not a number (a text stands in quotes)" },
	{ "keepalive = 1e999",
	    "f:1:13: 1e999: the number is too large for keepalive" },
	{ "bind = 'abc", "f:1:8: the quote ' is not closed" },
	{ "bind = 'abc\n'", "f:1:8: the quote ' is not closed" },
	{ "bind = 'abc\\", "f:1:8: the quote ' is not closed" },
	{ "bind = \"\"\"abc\n\"\"", "f:1:8: the quote \"\"\" is not closed" },
	{ "bind = r'a\\'", "f:1:9: the quote ' is not closed" },
	{ "bind = b'x'",
	    "f:1:8: b in front of a text makes bytes; leave it out" },
	{ "bind = '\\xg0'", "f:1:9: \\x needs 2 hexadecimal digits" },
	{ "bind = '\\u12'", "f:1:9: \\u needs 4 hexadecimal digits" },
	{ "bind = '\\ud800'", "f:1:9: U+D800 is not a character" },
	{ "bind = '\\U00110000'", "f:1:9: U+110000 is not a character" },
	{ "bind = '\\0'", "f:1:9: a text cannot hold a NUL" },
	{ "bind = '\\N{BULLET}'",
	    "f:1:9: \\N{NAME} is not known here; write the character" },
	{ "bind = ['a'\n\nthreads = 2", "f:1:8: '[' is not closed" },
	{ "bind = [\n'a',\nthreads = 2",
	    "f:3:1: code is not run: threads = 2: write the value itself" },
	{ "bind = {'a': 1: 2}", "f:1:15: ',' or '}' must follow a value" },
	{ "bind = ['a',\n", "f:1:8: '[' is not closed" },
	{ "bind = ('a'", "f:1:8: '(' is not closed" },
	{ "bind = ['a' 1]", "f:1:13: ',' or ']' must follow a value" },
	{ "bind = ['a',,]", "f:1:13: a value is missing before ','" },
	{ "bind = [,]", "f:1:9: a value is missing before ','" },
	{ "bind = ['a')", "f:1:12: ',' or ']' must follow a value" },
	{ "bind = {'a': }", "f:1:14: '}' cannot start a value" },
	{ "threads = 1\n\xFF", "f:2:1: byte 0xff is not UTF-8" },
	{ "# \xC3\x28", "f:1:3: byte 0xc3 is not UTF-8" },
};

static void
test_refuses_word_for_word(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct config *config = fresh();
		struct buf why = BUF_EMPTY;

		if (config_file_parse(config, "f", bads[i].text,
			strlen(bads[i].text), &why) == 0)
			fail_msg("was read: %s", bads[i].text);
		assert_string_equal(bads[i].why, buf_cstr(&why));
		buf_free(&why);
		config_free(&config);
	}
}

static int
parse(const char *text, size_t len, struct buf *why)
{
	struct config *config = fresh();
	int rc = config_file_parse(config, "f", text, len, why);

	config_free(&config);
	return rc;
}

static void
test_refuses_nul_bytes(void **state)
{
	struct buf why = BUF_EMPTY;

	(void)state;
	assert_int_equal(ERR_SYNTAX, parse("threads = 1\n\0", 13, &why));
	assert_string_equal("f:2:1: a NUL byte: this is not a text file",
	    buf_cstr(&why));
	buf_free(&why);
}

static void
test_bounds_nesting(void **state)
{
	struct buf text = BUF_EMPTY;
	struct buf why = BUF_EMPTY;
	int i;

	(void)state;
	(void)buf_puts(&text, "logconfig_dict = ");
	for (i = 0; i < LITERAL_DEPTH_MAX; i++)
		(void)buf_putc(&text, '[');
	for (i = 0; i < LITERAL_DEPTH_MAX; i++)
		(void)buf_putc(&text, ']');
	assert_int_equal(0, parse(text.data, text.len, &why));
	buf_clear(&text);
	(void)buf_puts(&text, "logconfig_dict = ");
	for (i = 0; i < 100000; i++)
		(void)buf_putc(&text, i % 2 == 0 ? '(' : '{');
	assert_int_equal(ERR_TOO_BIG, parse(text.data, text.len, &why));
	assert_string_equal("f:1:50: nested deeper than 32 brackets",
	    buf_cstr(&why));
	buf_free(&text);
	buf_free(&why);
}

static void
test_bounds_items(void **state)
{
	struct buf text = BUF_EMPTY;
	struct buf why = BUF_EMPTY;
	int i;

	(void)state;
	(void)buf_puts(&text, "bind = [");
	for (i = 0; i < 65; i++)
		(void)buf_printf(&text, "':%d',", i + 1);
	(void)buf_puts(&text, "]");
	assert_int_equal(ERR_RANGE, parse(text.data, text.len, &why));
	assert_non_null(strstr(buf_cstr(&why), "...: must be 1..64 items"));
	buf_free(&text);
	buf_free(&why);
}

static void
test_bounds_the_file(void **state)
{
	char path[] = "/tmp/config_file_test.XXXXXX";
	int fd = mkstemp(path);
	struct config *config = fresh();
	struct buf why = BUF_EMPTY;

	(void)state;
	assert_true(fd >= 0);
	/* A hole reads as NUL bytes; the size is refused before. */
	assert_int_equal(0, ftruncate(fd, CONFIG_FILE_MAX + 1));
	assert_int_equal(ERR_TOO_BIG,
	    config_file_read(config, path, "big.conf", &why));
	assert_string_equal("big.conf: a config file is at most 1 MiB long",
	    buf_cstr(&why));
	assert_int_equal(0, ftruncate(fd, CONFIG_FILE_MAX));
	buf_clear(&why);
	assert_int_equal(ERR_SYNTAX,
	    config_file_read(config, path, "big.conf", &why));
	(void)close(fd);
	(void)unlink(path);
	buf_clear(&why);
	assert_int_equal(-ENOENT,
	    config_file_read(config, path, "big.conf", &why));
	assert_int_equal(0, why.len);
	assert_int_equal(-EISDIR,
	    config_file_read(config, "/tmp", "folder", &why));
	assert_string_equal("folder: Is a directory", buf_cstr(&why));
	buf_clear(&why);
	assert_int_equal(-EINVAL,
	    config_file_read(config, "/dev/null", "null", &why));
	assert_string_equal("null: not a regular file", buf_cstr(&why));
	buf_free(&why);
	config_free(&config);
}

static void
test_origin_is_file_and_line(void **state)
{
	static const char text[] = "'''\n\n'''\nbind = [\n\n'a',]\nthreads = 2";
	struct config *config = fresh();
	struct buf why = BUF_EMPTY;

	(void)state;
	assert_int_equal(0,
	    config_file_parse(config, "my.conf", text, strlen(text), &why));
	assert_string_equal("my.conf:4", config_origin(config, "bind"));
	assert_string_equal("my.conf:7", config_origin(config, "threads"));
	assert_string_equal("default", config_origin(config, "backlog"));
	assert_null(config_origin(config, "nonsense"));
	buf_free(&why);
	config_free(&config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_refuses_word_for_word),
		cmocka_unit_test(test_refuses_nul_bytes),
		cmocka_unit_test(test_bounds_nesting),
		cmocka_unit_test(test_bounds_items),
		cmocka_unit_test(test_bounds_the_file),
		cmocka_unit_test(test_origin_is_file_and_line),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
