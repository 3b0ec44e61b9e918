/*
 * Frames of a WebSocket client: the same messages and the same end however the bytes come, nothing
 * longer than allowed, text that is UTF-8, and no context left where nothing is incomplete.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/check.h"
#include "core/http/target.h"
#include "core/http/ws_frame.h"

enum {
	LONGEST = 3000
};

struct outcome {
	enum ws_result end;
	unsigned code;
	struct buf all; /* of each message: its kind, its bytes */
};

static struct outcome read_in(struct slice bytes, size_t step)
{
	struct ws_reader r = ws_reader_new(true, LONGEST);
	struct outcome o = { .end = WS_MORE, .all = buf_new(1 << 20) };
	enum ws_opcode opcode = WS_TEXT;
	struct slice payload = SLICE_EMPTY;

	for (size_t at = 0; at < bytes.len && o.end != WS_WRONG; at += step) {
		ws_feed(&r, slice_sub(bytes, at, at + step));
		while ((o.end = ws_next(&r, &opcode, &payload)) == WS_TAKEN) {
			CHECK(payload.len <= LONGEST);
			CHECK(opcode != WS_TEXT || http_is_utf8(payload));
			buf_append_char(&o.all, (char)opcode);
			buf_append_slice(&o.all, payload);
		}
		CHECK(o.end != WS_MORE || r.frames != NULL || !r.in_frame);
		CHECK(o.end != WS_MORE || r.in_message || r.message.data == NULL);
	}
	o.code = o.end == WS_WRONG ? r.close_code : 0;
	ws_reader_free(&r);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t steps[] = { 1, 7, 4096 };
	struct slice bytes = SLICE_OF(data, size);
	struct outcome whole = read_in(bytes, size == 0 ? 1 : size);

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct outcome pieces = read_in(bytes, steps[i]);
		CHECK(pieces.end == whole.end && pieces.code == whole.code);
		CHECK(slice_eq(buf_slice(&whole.all), buf_slice(&pieces.all)));
		buf_free(&pieces.all);
	}
	buf_free(&whole.all);
	return 0;
}
