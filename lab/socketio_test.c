/*
 * Packets as realtime.md 2.7 writes them, and what a client must not take for one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab/socketio.h"

static void packets_on_the_wire(void **state)
{
	static const struct {
		const char *text;
		enum socketio_kind kind;
		bool has_id;
		uint64_t id;
		const char *json;
	} rows[] = {
		{ "0{\"sid\":\"x\"}", SOCKETIO_CONNECT, false, 0, "{\"sid\":\"x\"}" },
		{ "1", SOCKETIO_DISCONNECT, false, 0, "" },
		{ "2[\"hug\",{\"to\":7}]", SOCKETIO_EVENT, false, 0, "[\"hug\",{\"to\":7}]" },
		{ "217[\"hug\",{}]", SOCKETIO_EVENT, true, 17, "[\"hug\",{}]" },
		{ "317[{\"ok\":true}]", SOCKETIO_ACK, true, 17, "[{\"ok\":true}]" },
		{ "4{\"message\":\"unauthorized\"}", SOCKETIO_CONNECT_ERROR, false, 0,
		    "{\"message\":\"unauthorized\"}" },
	};
	static const char *const wrong[] = { "", "7", "2", "2{}", "3[1]", "51-[\"a\"]", "61-1[]",
		"2/chat,[\"a\"]", "299999999999999999[\"a\"]", "x" };
	struct socketio_packet p;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(socketio_parse_plain(slice_str(rows[i].text), &p), ERR_OK);
		assert_int_equal(p.kind, rows[i].kind);
		assert_int_equal(p.has_id, rows[i].has_id);
		assert_int_equal(p.id, rows[i].id);
		assert_true(slice_eq(p.json, slice_str(rows[i].json)));
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(socketio_parse_plain(slice_str(wrong[i]), &p), ERR_SYNTAX);
	}
}

static void first_packets(void **state)
{
	struct arena arena = arena_new(1 << 20);
	struct engineio_open o;

	(void)state;
	assert_int_equal(engineio_parse_open(&arena,
			     SLICE("{\"sid\":\"lv_VI97HAXpY6yYWAAAC\",\"upgrades\":[\"websocket\"],"
				   "\"pingInterval\":300,\"pingTimeout\":200,\"maxPayload\":1000}"),
			     &o),
	    ERR_OK);
	assert_string_equal(o.sid, "lv_VI97HAXpY6yYWAAAC");
	assert_true(o.upgrades && o.ping_interval_ms == 300 && o.ping_timeout_ms == 200);
	assert_int_equal(o.max_payload, 1000);
	assert_int_equal(
	    engineio_parse_open(&arena, SLICE("{\"sid\":\"a\",\"upgrades\":[]}"), &o), ERR_OK);
	assert_false(o.upgrades);
	assert_int_equal(engineio_parse_open(&arena, SLICE("{\"sid\":\"a b\"}"), &o), ERR_SYNTAX);
	assert_int_equal(engineio_parse_open(&arena, SLICE("{\"sid\":1}"), &o), ERR_SYNTAX);
	assert_int_equal(engineio_parse_open(&arena, SLICE("ok"), &o), ERR_SYNTAX);
	arena_reset(&arena);
}

static void names_of_events(void **state)
{
	struct slice name;

	(void)state;
	assert_true(socketio_event_name(SLICE("[\"activity\",{\"seq\":1}]"), &name));
	assert_true(slice_eq(name, SLICE("activity")));
	assert_false(socketio_event_name(SLICE("[5,1]"), &name));
	assert_false(socketio_event_name(SLICE("[\"a\\u0062\"]"), &name));
	assert_false(socketio_event_name(SLICE("[\"open"), &name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_on_the_wire),
		cmocka_unit_test(first_packets),
		cmocka_unit_test(names_of_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
