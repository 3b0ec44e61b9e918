/*
 * Frames of a WebSocket server and the packets in them: the same messages however the bytes come,
 * and no packet without its parts.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/arena.h"
#include "core/base/check.h"
#include "core/http/ws_frame.h"
#include "lab/socketio.h"

static void look_at(struct slice text)
{
	struct socketio_packet p;
	struct engineio_open o;
	struct slice name;
	struct arena arena = arena_new(1 << 20);

	if (socketio_parse_plain(text, &p) == ERR_OK) {
		CHECK(p.kind != SOCKETIO_ACK || p.has_id);
		CHECK(p.json.ptr + p.json.len == text.ptr + text.len || p.json.len == 0);
	}
	if (socketio_event_name(text, &name)) {
		CHECK(name.len < text.len);
	}
	if (engineio_parse_open(&arena, text, &o) == ERR_OK) {
		CHECK(o.sid[0] != '\0' && o.ping_interval_ms > 0 && o.ping_timeout_ms > 0);
	}
	arena_reset(&arena);
}

/* All messages, one behind the other, each with its kind; how it ended. */
static enum ws_result read_in(struct slice bytes, size_t step, struct buf *out)
{
	struct ws_reader r = ws_reader_new(false, 1 << 20);
	enum ws_result found = WS_MORE;
	enum ws_opcode opcode;
	struct slice payload;

	for (size_t at = 0; at < bytes.len && found != WS_WRONG; at += step) {
		ws_feed(&r, slice_sub(bytes, at, at + step));
		while ((found = ws_next(&r, &opcode, &payload)) == WS_TAKEN) {
			buf_append_char(out, (char)opcode);
			buf_append_slice(out, payload);
			look_at(payload);
		}
	}
	ws_reader_free(&r);
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t steps[] = { 1, 7 };
	struct slice text = SLICE_OF(data, size);
	struct buf whole = buf_new(1 << 20);

	look_at(text);
	enum ws_result found = read_in(text, size == 0 ? 1 : size, &whole);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct buf pieces = buf_new(1 << 20);
		CHECK(read_in(text, steps[i], &pieces) == found);
		CHECK(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
		buf_free(&pieces);
	}
	buf_free(&whole);
	return 0;
}
