/* SPDX-License-Identifier: MIT */

/*
 * Fuzz target: comma-separated values.
 *
 * Property: fields lie inside the text or the reader's buffer, and a number
 * that a type promises can be read. The first byte chooses the separator.
 */
#include "test/fuzz/fuzz.h"

#include <math.h>
#include <string.h>

#include "server/base/err.h"
#include "worker/csv.h"

static void
check_field(const struct csv *csv, const struct csv_field *field,
    const char *text, size_t len)
{
	const char *unquoted = csv->unquoted.data;
	enum csv_type type;

	FUZZ_CHECK(
	    (field->text >= text && field->text + field->len <= text + len) ||
	    (unquoted != NULL && field->text >= unquoted &&
		field->text + field->len <= unquoted + csv->unquoted.len));
	type = csv_widen(CSV_EMPTY, field, '.');
	FUZZ_CHECK((type == CSV_EMPTY) == csv_is_missing(field));
	if (type == CSV_INTEGER || type == CSV_LONG || type == CSV_NUMBER)
		FUZZ_CHECK(!isnan(csv_number(field, '.')));
	if (type == CSV_INTEGER || type == CSV_LONG)
		FUZZ_CHECK(
		    (double)csv_integer(field) == csv_number(field, '.'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char separators[] = { '\0', ',', ';', '\t' };
	const char *text = (const char *)data + 1;
	struct csv csv;
	uint64_t line = 0;
	size_t i;
	int rc;

	if (size == 0)
		return 0;
	csv_init(&csv, text, size - 1, separators[data[0] % 4]);
	while ((rc = csv_next(&csv)) == 1) {
		FUZZ_CHECK(csv.count > 0 && csv.line > line);
		line = csv.line;
		for (i = 0; i < csv.count; i++)
			check_field(&csv, &csv.fields[i], text, size - 1);
	}
	FUZZ_CHECK(rc == 0 || rc == ERR_SYNTAX || rc == ERR_TOO_BIG);
	FUZZ_CHECK(rc != ERR_SYNTAX || csv.why != NULL);
	csv_free(&csv);
	return 0;
}
