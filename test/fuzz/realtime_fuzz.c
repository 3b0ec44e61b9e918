/*
 * Bodies of long polling, packets of Engine.IO and of Socket.IO in them, session ids: what is taken
 * is written back as the same, and what stands behind the name of an event is inside its text.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/check.h"
#include "core/realtime/engineio_packet.h"
#include "core/realtime/sid.h"
#include "core/realtime/socketio_packet.h"

static void look_at_event(const struct socketio_packet *p)
{
	struct slice rest = socketio_rest(p->json);

	CHECK(rest.len == 0 ||
	      (rest.ptr > p->json.ptr && rest.ptr + rest.len < p->json.ptr + p->json.len));
	CHECK((rest.len > 0) == (json_count(p->args) > 1));
}

static void look_at_packet(struct slice text)
{
	struct arena arena = arena_new(1 << 20);
	struct buf out = buf_new(1 << 20);
	struct socketio_packet p, again;

	if (socketio_parse(text, &p) == ERR_OK && socketio_check(&arena, &p) == ERR_OK) {
		bool is_event = p.kind == SOCKETIO_EVENT || p.kind == SOCKETIO_BINARY_EVENT;
		if (is_event && p.args != NULL) {
			look_at_event(&p);
		}
		socketio_put_head(&out, &p);
		buf_append_slice(&out, p.json);
		CHECK(socketio_parse(slice_sub(buf_slice(&out), 1, out.len), &again) == ERR_OK);
		CHECK(again.kind == p.kind && again.attachments == p.attachments);
		CHECK(again.has_id == p.has_id && again.id == p.id);
		CHECK(slice_eq(again.nsp, p.nsp) && slice_eq(again.json, p.json));
	}
	buf_free(&out);
	arena_reset(&arena);
}

static void look_at_piece(struct slice piece)
{
	struct engineio_packet p;
	struct buf bytes = buf_new(1 << 20), text = buf_new(1 << 20);

	if (engineio_parse(piece, &p) == ERR_OK) {
		if (p.binary && engineio_decode(p.data, &bytes) == ERR_OK) {
			engineio_join(&text, true, buf_slice(&bytes));
			CHECK(slice_eq(buf_slice(&text), piece));
		}
		look_at_packet(p.data);
	}
	buf_free(&bytes);
	buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body = SLICE_OF(data, size), piece;
	struct sid id;
	char text[SID_CHARS + 1];

	if (sid_parse(body, &id)) {
		sid_text(&id, text);
		CHECK(slice_eq(slice_str(text), body));
	}
	look_at_packet(body);
	while (slice_split(&body, ENGINEIO_SEPARATOR, &piece)) {
		look_at_piece(piece);
	}
	return 0;
}
