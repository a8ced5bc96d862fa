/* SPDX-License-Identifier: MIT */

/*
 * What pronghorn ctl is told of those who wait for computations.
 */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/board.h"
#include "server/master_int.h"

static int
set_up(void **state)
{
	*state = calloc(1, sizeof(struct board));
	return *state != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	free(*state);
	return 0;
}

/* How many wait for the key that begins with these digits; -1: not named. */
static double
count_of(const cJSON *answer, const char *digits)
{
	const cJSON *waits = cJSON_GetObjectItemCaseSensitive(answer, "waits");
	const cJSON *found = cJSON_GetObjectItemCaseSensitive(waits, digits);

	return found != NULL ? cJSON_GetNumberValue(found) : -1;
}

static void
each_key_has_the_sum_of_all_workers(void **state)
{
	struct board *board = *state;
	uint8_t keys[3][HANDOFF_WAIT_KEY] = { { 0xa1 }, { 0xb2 }, { 0xc3 } };
	cJSON *answer = cJSON_CreateObject();
	const cJSON *waits;

	board->worker_count = 2;
	board_note_wait(&board->workers[0].waits, keys[0], 3);
	board_note_wait(&board->workers[1].waits, keys[0], 20);
	board_note_wait(&board->workers[1].waits, keys[1], 7);
	/* Nobody waits for the third but the computation of the second. */
	board_note_chain(&board->workers[0].waits, keys[1], keys[2]);
	control_waits(board, answer);
	assert_true(count_of(answer, "a10000000000000000000000") == 23);
	assert_true(count_of(answer, "b20000000000000000000000") == 7);
	assert_true(count_of(answer, "c30000000000000000000000") == 7);
	waits = cJSON_GetObjectItemCaseSensitive(answer, "waits");
	assert_int_equal(cJSON_GetArraySize(waits), 3);
	assert_true(
	    cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(answer, "more")));
	cJSON_Delete(answer);
}

static void
that_some_are_not_named_is_said(void **state)
{
	struct board *board = *state;
	cJSON *answer = cJSON_CreateObject();
	uint8_t key[HANDOFF_WAIT_KEY] = { 0 };
	int i;

	board->worker_count = 1;
	for (i = 0; i <= HANDOFF_WAITS; i++) {
		key[0] = (uint8_t)i;
		board_note_wait(&board->workers[0].waits, key, 1);
	}
	control_waits(board, answer);
	assert_int_equal(cJSON_GetArraySize(
			     cJSON_GetObjectItemCaseSensitive(answer, "waits")),
	    HANDOFF_WAITS);
	assert_true(
	    cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "more")));
	cJSON_Delete(answer);
}

static void
nobody_waits(void **state)
{
	cJSON *answer = cJSON_CreateObject();

	control_waits(*state, answer);
	assert_int_equal(cJSON_GetArraySize(
			     cJSON_GetObjectItemCaseSensitive(answer, "waits")),
	    0);
	cJSON_Delete(answer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    each_key_has_the_sum_of_all_workers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(that_some_are_not_named_is_said,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_waits, set_up,
		    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
