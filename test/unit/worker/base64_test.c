/* SPDX-License-Identifier: MIT */

/* RFC 4648 section 10, round trips, and everything that is not base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/err.h"
#include "worker/base64.h"

static const struct {
	const char *bytes;
	size_t len;
	const char *text;
} vectors[] = {
	{ "", 0, "" },
	{ "f", 1, "Zg==" },
	{ "fo", 2, "Zm8=" },
	{ "foo", 3, "Zm9v" },
	{ "foob", 4, "Zm9vYg==" },
	{ "fooba", 5, "Zm9vYmE=" },
	{ "foobar", 6, "Zm9vYmFy" },
	{ "\0\0\0", 3, "AAAA" },
	{ "\0", 1, "AA==" },
	{ "\xff\xff\xff", 3, "////" },
	{ "\xfb\xef\xbe", 3, "++++" },
	{ "\xff", 1, "/w==" },
	{ "\x14\xfb\x9c\x03\xd9\x7e", 6, "FPucA9l+" },
	{ "\x00\x10\x83\x10\x51\x87\x20\x92\x8b", 9, "ABCDEFGHIJKL" },
};

static void
vectors_go_both_ways(void **state)
{
	struct buf out = BUF_EMPTY;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		buf_clear(&out);
		assert_int_equal(
		    base64_encode(vectors[i].bytes, vectors[i].len, &out), 0);
		assert_string_equal(buf_cstr(&out), vectors[i].text);
		buf_clear(&out);
		assert_int_equal(base64_decode(vectors[i].text,
				     strlen(vectors[i].text), &out),
		    0);
		assert_int_equal(out.len, vectors[i].len);
		if (out.len > 0)
			assert_memory_equal(out.data, vectors[i].bytes,
			    out.len);
	}
	buf_free(&out);
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

static void
random_bytes_round_trip(void **state)
{
	unsigned char bytes[1500];
	struct buf text = BUF_EMPTY;
	struct buf back = BUF_EMPTY;
	uint64_t seed = 42;
	size_t len;
	size_t i;
	int round;

	(void)state;
	for (round = 0; round < 2000; round++) {
		len = next_random(&seed) % sizeof(bytes);
		for (i = 0; i < len; i++)
			bytes[i] = (unsigned char)next_random(&seed);
		buf_clear(&text);
		buf_clear(&back);
		assert_int_equal(base64_encode(bytes, len, &text), 0);
		assert_int_equal(text.len, (len + 2) / 3 * 4);
		assert_int_equal(base64_decode(text.data, text.len, &back), 0);
		assert_int_equal(back.len, len);
		if (len > 0)
			assert_memory_equal(back.data, bytes, len);
	}
	buf_free(&text);
	buf_free(&back);
}

/* Each pair of bytes in front of each kind of end. */
static void
every_pair_round_trips(void **state)
{
	struct buf text = BUF_EMPTY;
	struct buf back = BUF_EMPTY;
	unsigned char bytes[2];
	unsigned i;

	(void)state;
	for (i = 0; i < 65536; i++) {
		bytes[0] = (unsigned char)(i >> 8);
		bytes[1] = (unsigned char)i;
		buf_clear(&text);
		buf_clear(&back);
		assert_int_equal(base64_encode(bytes, 2, &text), 0);
		assert_int_equal(base64_decode(text.data, text.len, &back), 0);
		assert_int_equal(back.len, 2);
		assert_memory_equal(back.data, bytes, 2);
	}
	buf_free(&text);
	buf_free(&back);
}

static void
both_append(void **state)
{
	struct buf out = BUF_EMPTY;

	(void)state;
	assert_int_equal(buf_puts(&out, "<"), 0);
	assert_int_equal(base64_encode("foob", 4, &out), 0);
	assert_int_equal(buf_puts(&out, ">"), 0);
	assert_int_equal(base64_decode("Zm8=", 4, &out), 0);
	assert_string_equal(buf_cstr(&out), "<Zm9vYg==>fo");
	buf_free(&out);
}

static void
malformed_is_refused(void **state)
{
	static const char *const texts[] = { "=", "==", "===", "====", "Z",
		"Zg", "Zg=", "Zg===", "Zg====", "Z===", "Z=g=", "=Zg=", "Zm=v",
		"Zm9v=", "Zm9vZ", "Zm9vZg", "Zm9vZg=",
		/* unused bits that are not zero */
		"Zh==", "Zi==", "Zw==\n", "Z/==", "Zm9=", "Zm+=", "Zm9vZh==",
		/* padding in the middle */
		"Zg==Zg==", "Zm8=Zm8=", "====Zm9v", "Zg==Zm9v",
		/* white space and the other alphabet */
		"Zm9v\n", "Zm\n9v", " Zm9v", "Zm9 ", "Zm9\t", "Zm-v", "Zm_v",
		"Zm9.", "Zm9*", "Z\x80==", "\xff\xff\xff\xff", "Zm9vZm9!" };
	struct buf out = BUF_EMPTY;
	size_t i;

	(void)state;
	assert_int_equal(buf_puts(&out, "kept"), 0);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(
		    base64_decode(texts[i], strlen(texts[i]), &out),
		    ERR_SYNTAX);
		assert_string_equal(buf_cstr(&out), "kept");
	}
	assert_int_equal(base64_decode("Zm\0v", 4, &out), ERR_SYNTAX);
	assert_int_equal(base64_decode("Zm9v", 3, &out), ERR_SYNTAX);
	buf_free(&out);
}

/* One byte of 256 in each of four places: only the alphabet passes. */
static void
only_the_alphabet_decodes(void **state)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789+/";
	struct buf out = BUF_EMPTY;
	char text[4];
	int place;
	int byte;
	int want;

	(void)state;
	for (place = 0; place < 4; place++) {
		for (byte = 0; byte < 256; byte++) {
			memset(text, 'A', sizeof(text));
			text[place] = (char)byte;
			want = byte != 0 && strchr(alphabet, byte) != NULL
				   ? 0
				   : ERR_SYNTAX;
			if (place == 3 && byte == '=')
				want = 0; /* AAA= is two zero bytes */
			assert_int_equal(base64_decode(text, 4, &out), want);
		}
	}
	buf_free(&out);
}

static void
decoding_keeps_the_bound(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 5);
	assert_int_equal(base64_decode("Zm9vYmFy", 8, &out), ERR_TOO_BIG);
	assert_int_equal(out.len, 0);
	buf_clear(&out);
	assert_int_equal(base64_decode("Zm9vYmE=", 8, &out), 0);
	assert_int_equal(out.len, 5);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_go_both_ways),
		cmocka_unit_test(random_bytes_round_trip),
		cmocka_unit_test(every_pair_round_trips),
		cmocka_unit_test(both_append),
		cmocka_unit_test(malformed_is_refused),
		cmocka_unit_test(only_the_alphabet_decodes),
		cmocka_unit_test(decoding_keeps_the_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
