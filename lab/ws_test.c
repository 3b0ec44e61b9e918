/*
 * Frames: the examples of RFC 6455 5.7 and 1.3, bytes one at a time, and what a server may not
 * send.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lab/ws.h"

static void frames_of_the_specification(void **state)
{
	static const unsigned char masked_hello[] = { 0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f,
		0x9f, 0x4d, 0x51, 0x58 };
	struct buf out = buf_new(100);

	(void)state;
	ws_put_frame(&out, WS_TEXT, SLICE("Hello"), 0x3d21fa37);
	assert_true(slice_eq(buf_slice(&out), SLICE_OF(masked_hello, sizeof(masked_hello))));
	buf_free(&out);
	assert_true(
	    ws_accepts(SLICE("dGhlIHNhbXBsZSBub25jZQ=="), SLICE("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
	assert_false(
	    ws_accepts(SLICE("dGhlIHNhbXBsZSBub25jZQ=="), SLICE("s3pPLMBiTxaQ9kYGzzhZRbK+xOO=")));
}

static void expect(struct ws_reader *r, enum ws_opcode want, struct slice payload)
{
	enum ws_opcode opcode = WS_CLOSE;
	struct slice got;

	assert_int_equal(ws_next(r, &opcode, &got), WS_TAKEN);
	assert_int_equal(opcode, want);
	assert_true(slice_eq(got, payload));
}

static void expect_more(struct ws_reader *r)
{
	enum ws_opcode opcode;
	struct slice got;

	assert_int_equal(ws_next(r, &opcode, &got), WS_MORE);
}

/* "Hello" in two frames with a ping between them, one byte at a time. */
static void pieces_are_put_together(void **state)
{
	static const char bytes[] = "\x01\x03Hel\x89\x01p\x80\x02lo\x82\x00";
	struct ws_reader r = ws_reader_new();

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		ws_feed(&r, SLICE_OF(bytes + i, 1));
		if (i == 7) {
			expect(&r, WS_PING, SLICE("p"));
		} else if (i == 11) {
			expect(&r, WS_TEXT, SLICE("Hello"));
		} else if (i == 13) {
			expect(&r, WS_BINARY, SLICE(""));
		}
		if (i < 14) {
			expect_more(&r);
		}
	}
	ws_reader_free(&r);
}

static void long_ones_both_ways(void **state)
{
	static const size_t sizes[] = { 125, 126, 65535, 65536, WS_MESSAGE_BYTES };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct buf out = buf_new(WS_MESSAGE_BYTES + 100);
		struct ws_reader r = ws_reader_new();
		char *text = calloc(1, sizes[i]);
		assert_non_null(text);
		/* With a mask of 0 the payload stands as it is: only the bit has to go. */
		ws_put_frame(&out, WS_BINARY, SLICE_OF(text, sizes[i]), 0);
		assert_false(out.failed);
		out.data[1] = (char)(out.data[1] & 0x7F);
		size_t head = out.len - sizes[i] - 4;
		ws_feed(&r, SLICE_OF(out.data, head));
		expect_more(&r);
		for (size_t at = head + 4; at < out.len; at += 60000) {
			ws_feed(&r, slice_sub(buf_slice(&out), at, at + 60000));
			if (at + 60000 < out.len) {
				expect_more(&r);
			}
		}
		expect(&r, WS_BINARY, SLICE_OF(text, sizes[i]));
		expect_more(&r);
		free(text);
		buf_free(&out);
		ws_reader_free(&r);
	}
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{ "\xC1\x00", 2 },		   /* reserved bit */
		{ "\x81\x80\x00\x00\x00\x00", 6 }, /* masked */
		{ "\x80\x00", 2 },		   /* continues nothing */
		{ "\x01\x00\x01\x00", 4 },	   /* another message inside one */
		{ "\x09\x00", 2 },		   /* ping in pieces */
		{ "\x89\x7E\x00\x7E", 4 },	   /* long ping, head only: see below */
		{ "\x83\x00", 2 },		   /* kind 3 */
		{ "\x82\x7F\x00\x00\x00\x00\x00\x10\x00\x01", 10 }, /* 1 MiB + 1 */
	};
	char ping[4 + 126] = "\x89\x7E\x00\x7E";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ws_reader r = ws_reader_new();
		enum ws_opcode opcode;
		struct slice got;
		ws_feed(&r,
		    i == 5 ? SLICE_OF(ping, sizeof(ping)) : SLICE_OF(rows[i].bytes, rows[i].len));
		enum ws_result found = ws_next(&r, &opcode, &got);
		assert_int_equal(found, WS_WRONG);
		assert_true(got.len > 0);
		ws_reader_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_of_the_specification),
		cmocka_unit_test(pieces_are_put_together),
		cmocka_unit_test(long_ones_both_ways),
		cmocka_unit_test(what_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
