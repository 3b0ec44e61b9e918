/*
 * The grammar of Socket.IO's packets: what the specification's examples mean, what is refused, and
 * that writing gives back what was read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/realtime/socketio_packet.h"

static const struct {
	const char *text;
	enum socketio_kind kind;
	const char *nsp;
	unsigned attachments;
	int64_t id; /* -1: none */
	const char *json;
} good[] = {
	{ "0", SOCKETIO_CONNECT, "/", 0, -1, "" },
	{ "0/chat,{\"token\":\"x\"}", SOCKETIO_CONNECT, "/chat", 0, -1, "{\"token\":\"x\"}" },
	{ "0/custom", SOCKETIO_CONNECT, "/custom", 0, -1, "" },
	{ "0/a?b=1,", SOCKETIO_CONNECT, "/a?b=1", 0, -1, "" },
	{ "1", SOCKETIO_DISCONNECT, "/", 0, -1, "" },
	{ "1/chat,", SOCKETIO_DISCONNECT, "/chat", 0, -1, "" },
	{ "2[\"hug\",{\"to\":7}]", SOCKETIO_EVENT, "/", 0, -1, "[\"hug\",{\"to\":7}]" },
	{ "2/chat,[\"x\"]", SOCKETIO_EVENT, "/chat", 0, -1, "[\"x\"]" },
	{ "217[\"hug\",{}]", SOCKETIO_EVENT, "/", 0, 17, "[\"hug\",{}]" },
	{ "2", SOCKETIO_EVENT, "/", 0, -1, "" },
	{ "2[5,1]", SOCKETIO_EVENT, "/", 0, -1, "[5,1]" },
	{ "29007199254740991[\"a\"]", SOCKETIO_EVENT, "/", 0, 9007199254740991, "[\"a\"]" },
	{ "317[{\"ok\":true}]", SOCKETIO_ACK, "/", 0, 17, "[{\"ok\":true}]" },
	{ "4{\"message\":\"no\"}", SOCKETIO_CONNECT_ERROR, "/", 0, -1, "{\"message\":\"no\"}" },
	{ "4\"no\"", SOCKETIO_CONNECT_ERROR, "/", 0, -1, "\"no\"" },
	{ "51-[\"p\",{\"_placeholder\":true,\"num\":0}]", SOCKETIO_BINARY_EVENT, "/", 1, -1,
	    "[\"p\",{\"_placeholder\":true,\"num\":0}]" },
	{ "52-/chat,3[\"p\",[{\"a\":{\"num\":1,\"_placeholder\":true}}]]", SOCKETIO_BINARY_EVENT,
	    "/chat", 2, 3, "[\"p\",[{\"a\":{\"num\":1,\"_placeholder\":true}}]]" },
	{ "52-[\"p\"]", SOCKETIO_BINARY_EVENT, "/", 2, -1, "[\"p\"]" },
	{ "61-17[{\"_placeholder\":true,\"num\":0}]", SOCKETIO_BINARY_ACK, "/", 1, 17,
	    "[{\"_placeholder\":true,\"num\":0}]" },
};

static void what_packets_mean(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct arena arena = arena_new(1 << 20);
		struct buf out = buf_new(1000);
		struct socketio_packet p;
		assert_int_equal(socketio_parse(slice_str(good[i].text), &p), ERR_OK);
		assert_int_equal(p.kind, good[i].kind);
		assert_true(slice_eq(p.nsp, slice_str(good[i].nsp)));
		assert_int_equal(p.attachments, good[i].attachments);
		assert_int_equal(p.has_id ? (int64_t)p.id : -1, good[i].id);
		assert_true(slice_eq(p.json, slice_str(good[i].json)));
		assert_int_equal(socketio_check(&arena, &p), ERR_OK);
		socketio_put_head(&out, &p);
		buf_append_slice(&out, p.json);
		struct slice again = slice_sub(buf_slice(&out), 1, out.len);
		/* The comma behind a namespace is put even where nothing follows. */
		assert_true(slice_starts(again, slice_str(good[i].text)));
		assert_true(again.len <= slice_str(good[i].text).len + 1);
		buf_free(&out);
		arena_reset(&arena);
	}
}

static void what_is_refused(void **state)
{
	static const char *const rows[] = { "", "7", "abc", "0[]", "0\"x\"", "0{", "1{}", "2{}",
		"2[]", "2[{}]", "2[null]", "2[\"connect\"]", "2[\"connect_error\",1]",
		"2[\"disconnect\"]", "2[\"disconnecting\"]", "2[\"newListener\"]",
		"2[\"removeListener\"]", "2[\"a\"", "2-1[\"a\"]", "2abc[\"a\"]",
		"29007199254740992[\"a\"]", "299999999999999999999[\"a\"]", "3777{}", "3[1]", "4",
		"4[]", "50-[\"a\"]", "5[\"a\"]", "5-[\"a\"]", "51[\"a\"]", "5x-[\"a\"]", "51-",
		"61-1", "599999-[\"a\"]", "51-[\"a\",{\"_placeholder\":true,\"num\":1}]",
		"51-[\"a\",{\"_placeholder\":true,\"num\":-1}]",
		"51-[\"a\",{\"_placeholder\":true,\"num\":\"0\"}]",
		"51-[\"a\",{\"_placeholder\":true}]",
		"51-[\"a\",{\"b\":[{\"_placeholder\":true,\"num\":1}]}]", "2[\"a\"]x" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena = arena_new(1 << 20);
		struct socketio_packet p;
		enum err e = socketio_parse(slice_str(rows[i]), &p);
		if (e == ERR_OK) {
			e = socketio_check(&arena, &p);
		}
		assert_int_not_equal(e, ERR_OK);
		arena_reset(&arena);
	}
}

static void what_stands_behind_the_name(void **state)
{
	static const struct {
		const char *json, *rest;
	} rows[] = {
		{ "[\"a\"]", "" },
		{ "[\"a\",1,\"2\",{\"3\":[true]}]", "1,\"2\",{\"3\":[true]}" },
		{ " [ \"a\\\",]\" , [1,2] ] ", " [1,2] " },
		{ "[5,1]", "1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(
		    slice_eq(socketio_rest(slice_str(rows[i].json)), slice_str(rows[i].rest)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_packets_mean),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(what_stands_behind_the_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
