/* SPDX-License-Identifier: MIT */

/* What the master keeps of files, for workers that come later. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/stock.h"

static char folder[64];
static char paths[4][96]; /* app, cert, key, ca */
static struct worker_options options;
static struct buf why = BUF_EMPTY;

static void
put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int
set_up(void **state)
{
	static const char *const names[] = { "app.so", "cert", "key", "ca" };
	size_t i;

	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/stock_test.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	for (i = 0; i < 4; i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "%s/%s", folder,
		    names[i]);
		put(paths[i], names[i]);
	}
	options = (struct worker_options){ .app = paths[0],
		.certfile = paths[1],
		.keyfile = paths[2],
		.ca_certs = paths[3],
		.cert_reqs = 1 };
	return 0;
}

static int
tear_down(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		(void)unlink(paths[i]);
	buf_free(&why);
	return rmdir(folder);
}

static void
texts_stay_as_they_were_taken(void **state)
{
	struct stock *stock;
	struct stock *other;
	const struct stock_file *file;
	char app[8] = "";

	(void)state;
	assert_int_equal(stock_take(&stock, &options, &why), 0);
	put(paths[2], "another key");
	assert_int_equal(stock_take(&other, &options, &why), 0);
	assert_int_equal(unlink(paths[0]), 0);
	file = stock_find(stock, paths[2]);
	assert_non_null(file);
	assert_string_equal(file->data, "key");
	assert_int_equal(file->len, 3);
	assert_string_equal(stock_find(other, paths[2])->data, "another key");
	assert_string_equal(stock_find(stock, paths[3])->data, "ca");
	assert_null(stock_find(stock, "elsewhere"));
	assert_null(stock_find(NULL, paths[2]));
	assert_int_equal(read(stock->app_fd, app, sizeof(app) - 1), 6);
	assert_string_equal(app, "app.so");
	put(paths[0], "app.so");
	stock_free(&stock);
	assert_null(stock);
	assert_string_equal(stock_find(other, paths[1])->data, "cert");
	stock_free(&other);
	stock_free(&other);
}

static void
a_child_gives_up_all_of_them(void **state)
{
	struct stock *stocks[3];
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(stock_take(&stocks[i], &options, &why), 0);
	stock_free(&stocks[1]);
	stock_wipe();
	assert_null(stock_find(stocks[0], paths[2]));
	assert_null(stock_find(stocks[2], paths[1]));
	assert_true(fcntl(stocks[0]->app_fd, F_GETFD) >= 0);
	stock_empty(stocks[0]);
	assert_int_equal(stocks[0]->app_fd, -1);
	stock_free(&stocks[0]);
	stock_free(&stocks[2]);
}

static void
what_cannot_be_read_is_named(void **state)
{
	static const char *pairs[] = { "/nowhere/c.pem:/nowhere/k.pem" };
	struct worker_options wrong = options;
	struct stock *stock;

	(void)state;
	wrong.keyfile = "/nowhere/key";
	assert_true(stock_take(&stock, &wrong, &why) < 0);
	assert_null(stock);
	assert_string_equal(buf_cstr(&why),
	    "keyfile /nowhere/key: No such file or directory");
	buf_clear(&why);
	wrong = options;
	wrong.sni_certfiles.items = pairs;
	wrong.sni_certfiles.count = 1;
	assert_true(stock_take(&stock, &wrong, &why) < 0);
	assert_string_equal(buf_cstr(&why),
	    "certfile /nowhere/c.pem: No such file or directory");
	buf_clear(&why);
	/* Loading it says why, and without certfile nothing is asked for. */
	wrong.app = "/nowhere/app.so:name";
	wrong.certfile = "";
	assert_int_equal(stock_take(&stock, &wrong, &why), 0);
	assert_int_equal(stock->app_fd, -1);
	assert_int_equal(stock->count, 0);
	stock_free(&stock);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_stay_as_they_were_taken),
		cmocka_unit_test(a_child_gives_up_all_of_them),
		cmocka_unit_test(what_cannot_be_read_is_named),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
