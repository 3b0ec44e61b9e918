/*
 * Role messages: round trip, and truncation at every byte.
 */
#include "core/base/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void write_message(struct buf *b)
{
	wire_put_u8(b, 0xab);
	wire_put_u32(b, 0x01020304);
	wire_put_u64(b, UINT64_MAX);
	wire_put_i64(b, INT64_MIN);
	wire_put_bytes(b, SLICE("bytes\0with nul"));
	wire_put_bytes(b, SLICE_EMPTY);
}

/* Reads what write_message() wrote; true if all of it was there and right. */
static bool read_message(struct slice message)
{
	struct wire_reader r = wire_reader_new(message);
	uint8_t a = wire_take_u8(&r);
	uint32_t b = wire_take_u32(&r);
	uint64_t c = wire_take_u64(&r);
	int64_t d = wire_take_i64(&r);
	struct slice e = wire_take_bytes(&r), f = wire_take_bytes(&r);

	return wire_done(&r) && a == 0xab && b == 0x01020304 && c == UINT64_MAX && d == INT64_MIN &&
	       slice_eq(e, SLICE("bytes\0with nul")) && f.len == 0;
}

static void test_what_is_put_is_taken(void **state)
{
	struct buf b = buf_new(1000);

	(void)state;
	write_message(&b);
	assert_true(read_message(buf_slice(&b)));
	buf_free(&b);
}

static void test_integers_are_little_endian(void **state)
{
	struct buf b = buf_new(1000);

	(void)state;
	wire_put_u32(&b, 0x01020304);
	assert_true(slice_eq(buf_slice(&b), SLICE("\x04\x03\x02\x01")));
	buf_free(&b);
}

static void test_truncation_at_every_byte_is_noticed(void **state)
{
	struct buf b = buf_new(1000);

	(void)state;
	write_message(&b);
	for (size_t len = 0; len < b.len; len++) {
		/* A copy of just that length, so that the sanitizer sees a read beyond. */
		char *copy = malloc(len == 0 ? 1 : len);
		assert_non_null(copy);
		memcpy(copy, b.data, len);
		assert_false(read_message(SLICE_OF(copy, len)));
		free(copy);
	}
	buf_free(&b);
}

static void test_bytes_left_over_are_noticed(void **state)
{
	struct buf b = buf_new(1000);

	(void)state;
	write_message(&b);
	wire_put_u8(&b, 0);
	assert_false(read_message(buf_slice(&b)));
	buf_free(&b);
}

static void test_reading_past_the_end_gives_zeros_and_stays_bad(void **state)
{
	struct wire_reader r = wire_reader_new(SLICE("\xff\xff\xff"));

	(void)state;
	assert_int_equal(wire_take_u32(&r), 0);
	assert_true(r.bad);
	assert_int_equal(wire_take_u8(&r), 0);
	assert_int_equal(wire_take_bytes(&r).len, 0);
	assert_false(wire_done(&r));
}

static void test_length_beyond_the_message_is_bad(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = { { "\x05\0\0\0abcd", 8 }, { "\xff\xff\xff\xff", 4 },
		{ "\xff\xff\xff\x7f"
		  "a",
		    5 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_reader r = wire_reader_new(SLICE_OF(rows[i].bytes, rows[i].len));
		assert_int_equal(wire_take_bytes(&r).len, 0);
		assert_true(r.bad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_put_is_taken),
		cmocka_unit_test(test_integers_are_little_endian),
		cmocka_unit_test(test_truncation_at_every_byte_is_noticed),
		cmocka_unit_test(test_bytes_left_over_are_noticed),
		cmocka_unit_test(test_reading_past_the_end_gives_zeros_and_stays_bad),
		cmocka_unit_test(test_length_beyond_the_message_is_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
