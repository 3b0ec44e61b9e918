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

#include "core/http/ws_frame.h"

enum {
	MESSAGE_BYTES = 1 << 20
};

static void frames_of_the_specification(void **state)
{
	static const unsigned char masked_hello[] = { 0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f,
		0x9f, 0x4d, 0x51, 0x58 };
	struct buf out = buf_new(100);

	(void)state;
	ws_put_masked(&out, WS_TEXT, SLICE("Hello"), 0x3d21fa37);
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
	struct ws_reader r = ws_reader_new(false, MESSAGE_BYTES);

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
	static const size_t sizes[] = { 125, 126, 65535, 65536, MESSAGE_BYTES };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct buf out = buf_new(MESSAGE_BYTES + 100);
		struct ws_reader r = ws_reader_new(false, MESSAGE_BYTES);
		char *text = calloc(1, sizes[i]);
		assert_non_null(text);
		/* With a mask of 0 the payload stands as it is: only the bit has to go. */
		ws_put_masked(&out, WS_BINARY, SLICE_OF(text, sizes[i]), 0);
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
		{ "\x82\x7F\x00\x00\x00\x00\x00\x10\x00\x01x", 11 }, /* 1 MiB + 1 */
	};
	char ping[4 + 126] = "\x89\x7E\x00\x7E";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ws_reader r = ws_reader_new(false, MESSAGE_BYTES);
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

/* What clients send is masked; between frames nothing is kept. */
static void clients_mask_and_idle_readers_keep_nothing(void **state)
{
	struct ws_reader r = ws_reader_new(true, 1000);
	struct buf out = buf_new(2000);

	(void)state;
	ws_put_masked(&out, WS_TEXT, SLICE("Hello"), 0x3d21fa37);
	ws_put_masked(&out, WS_BINARY, SLICE(""), 0x01020304);
	ws_feed(&r, slice_sub(buf_slice(&out), 0, 3));
	expect_more(&r);
	assert_non_null(r.frames);
	ws_feed(&r, slice_sub(buf_slice(&out), 3, out.len));
	expect(&r, WS_TEXT, SLICE("Hello"));
	expect(&r, WS_BINARY, SLICE(""));
	expect_more(&r);
	assert_null(r.frames);
	ws_feed(&r, SLICE("\x81\x05Hello"));
	enum ws_opcode opcode;
	struct slice got;
	assert_int_equal(ws_next(&r, &opcode, &got), WS_WRONG);
	assert_int_equal(r.close_code, WS_CLOSE_PROTOCOL);
	buf_free(&out);
	ws_reader_free(&r);
}

static void why_it_is_closed(void **state)
{
	static const struct {
		enum ws_opcode opcode;
		const char *payload;
		size_t len;
		unsigned code;
	} rows[] = {
		{ WS_TEXT, "\xff", 1, WS_CLOSE_NOT_UTF8 },
		{ WS_TEXT, "\xed\xa0\x80", 3, WS_CLOSE_NOT_UTF8 },
		{ WS_CLOSE, "\x03\xed", 2, WS_CLOSE_PROTOCOL },
		{ WS_CLOSE, "\x03", 1, WS_CLOSE_PROTOCOL },
		{ WS_CLOSE, "\x03\xe8\xff", 3, WS_CLOSE_NOT_UTF8 },
		{ WS_BINARY, "0123456789a", 11, WS_CLOSE_TOO_BIG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ws_reader r = ws_reader_new(true, 10);
		struct buf out = buf_new(100);
		enum ws_opcode opcode;
		struct slice got;
		ws_put_masked(&out, rows[i].opcode, SLICE_OF(rows[i].payload, rows[i].len), 99);
		ws_feed(&r, buf_slice(&out));
		assert_int_equal(ws_next(&r, &opcode, &got), WS_WRONG);
		assert_int_equal(r.close_code, rows[i].code);
		buf_free(&out);
		ws_reader_free(&r);
	}
}

static void heads_and_close_frames(void **state)
{
	unsigned char head[WS_HEAD_BYTES];
	char payload[WS_CONTROL_BYTES];

	(void)state;
	assert_int_equal(ws_put_head(head, WS_TEXT, 125), 2);
	assert_int_equal(ws_put_head(head, WS_TEXT, 126), 4);
	assert_int_equal(ws_put_head(head, WS_TEXT, 65535), 4);
	assert_int_equal(ws_put_head(head, WS_TEXT, 65536), 10);
	struct slice close = ws_close_payload(payload, WS_CLOSE_GOING_AWAY, SLICE("bye"));
	assert_true(slice_eq(close, SLICE("\x03\xe9"
					  "bye")));
	assert_int_equal(ws_close_code_of(close), WS_CLOSE_GOING_AWAY);
	assert_int_equal(ws_close_payload(payload, WS_CLOSE_NO_CODE, SLICE("x")).len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_of_the_specification),
		cmocka_unit_test(pieces_are_put_together),
		cmocka_unit_test(long_ones_both_ways),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(clients_mask_and_idle_readers_keep_nothing),
		cmocka_unit_test(why_it_is_closed),
		cmocka_unit_test(heads_and_close_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
