/* SPDX-License-Identifier: MIT */

/*
 * The config file from arbitrary bytes. Beyond not crashing: a refusal is
 * one line that starts with the name of the file, and what was read, printed
 * and read again is the same config.
 */
#include <stdlib.h>
#include <string.h>

#include "server/config_int.h"
#include "server/config_value.h"
#include "test/fuzz/fuzz.h"

static struct config *
fresh(void)
{
	char program[] = "pronghorn";
	char flag[] = "--print-config";
	char *argv[] = { program, flag, NULL };
	enum config_action action;
	struct config *config = NULL;
	struct buf why = BUF_EMPTY;

	FUZZ_CHECK(config_load(2, argv, &config, &action, &why) == 0);
	buf_free(&why);
	return config;
}

static void
check_round_trip(struct config *config, struct buf *why)
{
	struct config *again = fresh();
	struct buf out = BUF_EMPTY;
	size_t i;

	FUZZ_CHECK(config_print(CONFIG_PRINT, config, &out) == 0);
	FUZZ_CHECK(
	    config_file_parse(again, "again", out.data, out.len, why) == 0);
	for (i = 0; i < config_row_count; i++)
		FUZZ_CHECK(config_value_equal(&config_rows[i],
		    config_field(config, &config_rows[i]),
		    config_field(again, &config_rows[i])));
	buf_free(&out);
	config_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct config *config = fresh();
	struct buf why = BUF_EMPTY;
	int rc;

	rc = config_file_parse(config, "fuzz", (const char *)data, len, &why);
	if (rc < 0) {
		FUZZ_CHECK(why.len > 5 && memcmp(why.data, "fuzz:", 5) == 0);
		FUZZ_CHECK(memchr(why.data, '\n', why.len) == NULL);
	} else {
		FUZZ_CHECK(why.len == 0);
		check_round_trip(config, &why);
	}
	buf_free(&why);
	config_free(&config);
	return 0;
}
