/* SPDX-License-Identifier: MIT */

/*
 * What is printed: --print-config reads back, every default lies inside its
 * own bounds, --help fits the terminal, and the generated files in the
 * repository are the ones this program generates. Run from the top folder.
 */
#include "server/config.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/fd.h"
#include "server/config_int.h"
#include "server/config_value.h"

static char top[PATH_MAX]; /* the folder with conf/ and docs/ */

/* Away from a pronghorn.conf that may lie in the top folder. */
static int
setup(void **state)
{
	(void)state;
	(void)unsetenv("PORT");
	(void)unsetenv("WEB_CONCURRENCY");
	(void)unsetenv("PRONGHORN_CMD_ARGS");
	return getcwd(top, sizeof(top)) == NULL || chdir("/") < 0;
}

static struct config *
load(const char *flag)
{
	char program[] = "pronghorn";
	char print[] = "--print-config";
	char *copy = strdup(flag);
	char *argv[] = { program, print, copy, NULL };
	enum config_action action;
	struct config *config = NULL;
	struct buf why = BUF_EMPTY;
	int argc = flag[0] == '\0' ? 2 : 3;

	assert_non_null(copy);
	if (config_load(argc, argv, &config, &action, &why) < 0)
		fail_msg("%s", buf_cstr(&why));
	buf_free(&why);
	free(copy);
	return config;
}

static void
test_secrets_are_not_printed(void **state)
{
	struct config *config =
	    load("--session-secret=swordfish-swordfish-swordfish");
	struct buf text = BUF_EMPTY;

	(void)state;
	assert_int_equal(config_print(CONFIG_PRINT, config, &text), 0);
	assert_non_null(strstr(buf_cstr(&text), "session_secret = '(hidden)'"));
	assert_null(strstr(text.data, "swordfish"));
	buf_free(&text);
	config_free(&config);
}

static void
test_defaults_lie_inside_their_bounds(void **state)
{
	struct arena arena;
	size_t i;

	(void)state;
	arena_init(&arena, 0);
	for (i = 0; i < config_row_count; i++) {
		const struct config_row *row = &config_rows[i];
		union {
			int64_t whole;
			double number;
			struct opt_list list;
			const char *text;
		} field;
		struct buf why = BUF_EMPTY;

		memset(&field, 0, sizeof(field));
		if (config_value_from_texts(row, &row->default_text, 1, &arena,
			&field, &why) < 0)
			fail_msg("%s: %s", row->name, buf_cstr(&why));
		buf_free(&why);
	}
	arena_free(&arena);
}

static void
test_rows_are_sound(void **state)
{
	size_t i;
	size_t k;
	size_t len;

	(void)state;
	for (i = 0; i < config_row_count; i++) {
		const struct config_row *row = &config_rows[i];
		const char *flags = row->flags;
		char flag[CONFIG_NAME_MAX];

		assert_ptr_equal(row, config_row_find(row->name));
		assert_true(row->min <= row->max);
		assert_true(strlen(row->help) > 10);
		assert_int_equal('.', row->help[strlen(row->help) - 1]);
		for (k = 0;; k++, flags += len) {
			flags = config_next_flag(flags, &len);
			if (len == 0)
				break;
			assert_true(len < sizeof(flag));
			memcpy(flag, flags, len);
			flag[len] = '\0';
			/* No other row has the same flag. */
			assert_ptr_equal(row, config_row_find_flag(flag));
		}
		assert_true(k > 0);
	}
}

/* What --print-config prints is a config file that means the same. */
static void
test_printed_config_reads_back(void **state)
{
	static const char *const flags[] = { "", "--workers=7",
		"--bind=unix:/tmp/a b,[::1]:80", "--timeout=90s",
		"--keep-alive=0.1", "--limit-request-body=12345",
		"--name=a\"b\\c # d", "--log-level=debug",
		"--cache-key-prefix=\xC3\xBC" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct config *config = load(flags[i]);
		struct config *again = load("");
		struct buf first = BUF_EMPTY;
		struct buf why = BUF_EMPTY;
		size_t k;

		assert_int_equal(0, config_print(CONFIG_PRINT, config, &first));
		if (config_file_parse(again, "p", first.data, first.len, &why) <
		    0)
			fail_msg("%s", buf_cstr(&why));
		for (k = 0; k < config_row_count; k++) {
			if (!config_value_equal(&config_rows[k],
				config_field(config, &config_rows[k]),
				config_field(again, &config_rows[k])))
				fail_msg("%s", config_rows[k].name);
		}
		buf_free(&first);
		buf_free(&why);
		config_free(&config);
		config_free(&again);
	}
}

static void
test_print_config_is_sorted_and_says_where(void **state)
{
	struct config *config = load("--workers=7");
	struct buf out = BUF_EMPTY;
	const char *line;
	const char *next;
	size_t lines = 0;

	(void)state;
	assert_int_equal(0, config_print(CONFIG_PRINT, config, &out));
	line = buf_cstr(&out);
	assert_non_null(
	    strstr(line, "\nworkers = 7  # command line --workers\n"));
	assert_non_null(strstr(line, "\nbacklog = 2048  # default\n"));
	for (; *line != '\0'; line = next) {
		next = strchr(line, '\n') + 1;
		lines++;
		if (*next != '\0')
			assert_true(strcmp(line, next) < 0);
	}
	assert_int_equal(config_row_count, lines);
	buf_free(&out);
	config_free(&config);
}

static void
test_help_fits_80_columns_and_names_all(void **state)
{
	struct buf out = BUF_EMPTY;
	const char *line;
	const char *end;
	size_t i;

	(void)state;
	assert_int_equal(0, config_print(CONFIG_HELP, NULL, &out));
	for (line = buf_cstr(&out); *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		if (end - line > 79)
			fail_msg("%.*s", (int)(end - line), line);
	}
	for (i = 0; i < config_row_count; i++) {
		size_t len;
		const char *flag = config_next_flag(config_rows[i].flags, &len);
		char word[CONFIG_NAME_MAX];

		memcpy(word, flag, len);
		word[len] = '\0';
		assert_non_null(strstr(out.data, word));
	}
	buf_free(&out);
}

static void
test_run_and_check_print_nothing(void **state)
{
	struct buf out = BUF_EMPTY;

	(void)state;
	assert_int_equal(-EINVAL, config_print(CONFIG_RUN, NULL, &out));
	assert_int_equal(-EINVAL, config_print(CONFIG_CHECK, NULL, &out));
	assert_int_equal(-EINVAL, config_print(CONFIG_PRINT, NULL, &out));
	assert_int_equal(0, out.len);
	buf_free(&out);
}

/* The whole generated file, uncommented, is a config of defaults. */
static void
test_generated_conf_loads(void **state)
{
	struct config *config = load("");
	struct config *again = load("");
	struct buf out = BUF_EMPTY;
	struct buf text = BUF_EMPTY;
	struct buf why = BUF_EMPTY;
	const char *line;
	const char *end;
	size_t k;

	(void)state;
	assert_int_equal(0, config_print(CONFIG_OPTIONS_CONF, NULL, &out));
	for (line = buf_cstr(&out); *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		assert_true(end - line < 120);
		line += line[0] == '#' && line[1] != ' ';
		(void)buf_put(&text, line, (size_t)(end - line) + 1);
	}
	if (config_file_parse(again, "g", text.data, text.len, &why) < 0)
		fail_msg("%s", buf_cstr(&why));
	for (k = 0; k < config_row_count; k++) {
		assert_true(config_value_equal(&config_rows[k],
		    config_field(config, &config_rows[k]),
		    config_field(again, &config_rows[k])));
		assert_int_equal(0,
		    strncmp("g:", again->origins[k], strlen("g:")));
	}
	buf_free(&out);
	buf_free(&text);
	buf_free(&why);
	config_free(&config);
	config_free(&again);
}

/* `path`, between the markers when there are some, must be what we print. */
static void
check_file(const char *path, enum config_action action, const char *format)
{
	static const char begin[] = "<!-- options: begin -->\n";
	static const char finish[] = "<!-- options: end -->\n";
	struct buf full = BUF_EMPTY;
	struct buf out = BUF_EMPTY;
	char *data = NULL;
	const char *from;
	const char *to;
	size_t len = 0;

	(void)buf_printf(&full, "%s/%s", top, path);
	if (fd_read_file(buf_cstr(&full), 1 << 20, &data, &len) < 0)
		fail_msg("%s: cannot be read", path);
	from = data;
	to = data + len;
	if (action == CONFIG_OPTIONS_MD) {
		from = strstr(data, begin);
		to = strstr(data, finish);
		assert_non_null(from);
		assert_non_null(to);
		from += strlen(begin);
	}
	assert_int_equal(0, config_print(action, NULL, &out));
	if ((size_t)(to - from) != out.len ||
	    memcmp(from, out.data, out.len) != 0)
		fail_msg("%s is not up to date; it is made with "
			 "pronghorn --print-options=%s",
		    path, format);
	free(data);
	buf_free(&full);
	buf_free(&out);
}

static void
test_generated_files_are_up_to_date(void **state)
{
	(void)state;
	check_file("conf/pronghorn.conf", CONFIG_OPTIONS_CONF, "conf");
	check_file("conf/pronghorn.bash", CONFIG_OPTIONS_BASH, "bash");
	check_file("docs/CONFIGURATION.md", CONFIG_OPTIONS_MD, "md");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secrets_are_not_printed),
		cmocka_unit_test(test_defaults_lie_inside_their_bounds),
		cmocka_unit_test(test_rows_are_sound),
		cmocka_unit_test(test_printed_config_reads_back),
		cmocka_unit_test(test_print_config_is_sorted_and_says_where),
		cmocka_unit_test(test_help_fits_80_columns_and_names_all),
		cmocka_unit_test(test_run_and_check_print_nothing),
		cmocka_unit_test(test_generated_conf_loads),
		cmocka_unit_test(test_generated_files_are_up_to_date),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
