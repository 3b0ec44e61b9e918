/*
 * Messages out of frames. wslay checks heads (lengths, control frames) and takes the mask off; what
 * spans frames is ours: the order of continuations, the longest message, UTF-8.
 */
#include "core/http/ws_frame.h"

#include <openssl/evp.h>
#include <wslay/wslay.h>

#include "core/base/enc.h"
#include "core/http/target.h"

enum {
	KEY_TEXT_BYTES = 200,
	OPCODE_CONTROL = 8, /* bit of the opcode of control frames */
};

/* ---- the handshake ---- */

bool ws_accept_of(struct slice key, char out[WS_ACCEPT_BYTES + 1])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	struct buf text = buf_new(KEY_TEXT_BYTES), accept = buf_new(WS_ACCEPT_BYTES + 1);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	buf_append_slice(&text, key);
	buf_append_str(&text, guid);
	bool good =
	    !text.failed && EVP_Digest(text.data, text.len, digest, &len, EVP_sha1(), NULL) == 1;
	if (good) {
		enc_base64(&accept, SLICE_OF(digest, len));
		good = slice_to_cstr(buf_slice(&accept), out, WS_ACCEPT_BYTES + 1) == ERR_OK;
	}
	buf_free(&text);
	buf_free(&accept);
	return good;
}

bool ws_accepts(struct slice key, struct slice accept)
{
	char want[WS_ACCEPT_BYTES + 1];

	return ws_accept_of(key, want) && slice_eq(slice_str(want), accept);
}

/* ---- writing ---- */

size_t ws_put_head(unsigned char out[WS_HEAD_BYTES], enum ws_opcode opcode, uint64_t len)
{
	size_t n = 2, digits = len < 126 ? 0 : len < 65536 ? 2 : 8;

	out[0] = (unsigned char)(0x80 | opcode);
	out[1] = (unsigned char)(digits == 0 ? len : digits == 2 ? 126 : 127);
	for (size_t i = 0; i < digits; i++) {
		out[n++] = (unsigned char)(len >> 8 * (digits - 1 - i));
	}
	return n;
}

void ws_put_masked(struct buf *out, enum ws_opcode opcode, struct slice payload, uint32_t mask)
{
	unsigned char head[WS_HEAD_BYTES];
	size_t n = ws_put_head(head, opcode, payload.len);
	unsigned char *key = head + n;

	head[1] |= 0x80;
	for (unsigned i = 0; i < 4; i++) {
		head[n++] = (unsigned char)(mask >> 8 * i);
	}
	buf_append(out, head, n);
	char *room = buf_room(out, payload.len);
	if (room == NULL) {
		return;
	}
	for (size_t i = 0; i < payload.len; i++) {
		room[i] = (char)((unsigned char)payload.ptr[i] ^ key[i % 4]);
	}
	buf_grew(out, payload.len);
}

struct slice ws_close_payload(
    char out[WS_CONTROL_BYTES], enum ws_close_code code, struct slice reason)
{
	size_t len = reason.len < WS_CONTROL_BYTES - 2 ? reason.len : WS_CONTROL_BYTES - 2;

	if (code == WS_CLOSE_NO_CODE) {
		return SLICE_EMPTY;
	}
	out[0] = (char)((unsigned)code >> 8);
	out[1] = (char)((unsigned)code & 0xFF);
	memcpy(out + 2, reason.ptr, len);
	return SLICE_OF(out, 2 + len);
}

unsigned ws_close_code_of(struct slice payload)
{
	const unsigned char *b = (const unsigned char *)payload.ptr;

	return payload.len < 2 ? WS_CLOSE_NO_CODE : (unsigned)b[0] << 8 | b[1];
}

/* ---- reading ---- */

struct ws_reader ws_reader_new(bool masked, size_t max_message)
{
	return (struct ws_reader){
		.fed = SLICE_EMPTY, .message = buf_new(max_message), .masked = masked
	};
}

void ws_reader_free(struct ws_reader *r)
{
	wslay_frame_context_free(r->frames);
	r->frames = NULL;
	buf_free(&r->message);
}

void ws_feed(struct ws_reader *r, struct slice bytes)
{
	r->fed = bytes;
}

/* wslay asks for bytes. None: it goes on with the next ones that are fed. */
static ssize_t give_bytes(uint8_t *out, size_t size, int flags, void *arg)
{
	struct ws_reader *r = arg;
	size_t n = size < r->fed.len ? size : r->fed.len;

	(void)flags;
	if (n == 0) {
		return -1;
	}
	memcpy(out, r->fed.ptr, n);
	r->fed = slice_sub(r->fed, n, r->fed.len);
	r->taken += n;
	return (ssize_t)n;
}

static enum ws_result wrong(
    struct ws_reader *r, enum ws_close_code code, const char *what, struct slice *ret_payload)
{
	r->close_code = (uint16_t)code;
	*ret_payload = slice_str(what);
	return WS_WRONG;
}

static bool has_context(struct ws_reader *r)
{
	static const struct wslay_frame_callbacks callbacks = { .recv_callback = give_bytes };

	return r->frames != NULL || wslay_frame_context_init(&r->frames, &callbacks, r) == 0;
}

/* Between frames, with no byte of the next one here, the context is given back. */
static void leave_context(struct ws_reader *r)
{
	if (r->frames != NULL && !r->in_frame && r->taken == r->parsed) {
		wslay_frame_context_free(r->frames);
		r->frames = NULL;
		r->taken = r->parsed = 0;
	}
	if (!r->in_message && r->message.len == 0) {
		buf_free(&r->message);
	}
}

static uint64_t head_bytes(const struct ws_reader *r, uint64_t payload)
{
	return 2u + (payload < 126 ? 0u : payload < 65536 ? 2u : 8u) + (r->masked ? 4u : 0u);
}

static bool may_be_sent(unsigned code)
{
	return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
	       (code >= 3000 && code <= 4999);
}

/* What a frame's head alone shows to be wrong, or NULL. */
static const char *fault_of_head(struct ws_reader *r, const struct wslay_frame_iocb *f)
{
	bool is_control = (f->opcode & OPCODE_CONTROL) != 0;

	if (f->rsv != 0) {
		return "reserved bits without an extension";
	}
	if ((f->mask != 0) != r->masked) {
		return r->masked ? "a frame of a client without mask"
				 : "a mask in a frame of the server";
	}
	if (f->opcode > WS_PONG || (f->opcode > WS_BINARY && f->opcode < WS_CLOSE)) {
		return "a frame of no known kind";
	}
	if (is_control && f->fin == 0) {
		return "a control frame in pieces";
	}
	return !is_control && r->in_message != (f->opcode == WS_CONTINUATION)
		   ? "a continuation of nothing, or none where it is due"
		   : NULL;
}

static enum ws_result take_control(struct ws_reader *r, const struct wslay_frame_iocb *f,
    enum ws_opcode *ret_opcode, struct slice *ret_payload)
{
	if (f->data_length > (size_t)(WS_CONTROL_BYTES - r->n_control)) {
		return wrong(r, WS_CLOSE_PROTOCOL, "a control frame that is too long", ret_payload);
	}
	if (f->data_length > 0) {
		memcpy(r->control + r->n_control, f->data, f->data_length);
	}
	r->n_control = (uint8_t)(r->n_control + f->data_length);
	if (r->in_frame) {
		return WS_MORE;
	}
	struct slice payload = SLICE_OF(r->control, r->n_control);
	r->n_control = 0;
	if (f->opcode == WS_CLOSE && payload.len > 0) {
		if (payload.len == 1 || !may_be_sent(ws_close_code_of(payload))) {
			return wrong(
			    r, WS_CLOSE_PROTOCOL, "a close code that is none", ret_payload);
		}
		if (!http_is_utf8(slice_sub(payload, 2, payload.len))) {
			return wrong(
			    r, WS_CLOSE_NOT_UTF8, "a reason that is not UTF-8", ret_payload);
		}
	}
	*ret_opcode = (enum ws_opcode)f->opcode;
	*ret_payload = payload;
	return WS_TAKEN;
}

static enum ws_result take_data(struct ws_reader *r, const struct wslay_frame_iocb *f, bool begins,
    enum ws_opcode *ret_opcode, struct slice *ret_payload)
{
	struct slice piece =
	    SLICE_OF(f->data_length > 0 ? (const char *)f->data : "", f->data_length);
	bool is_last = f->fin != 0 && !r->in_frame;

	if (begins && f->opcode != WS_CONTINUATION) {
		r->opcode = f->opcode;
		buf_clear(&r->message);
		r->in_message = true;
	}
	if (!is_last || r->message.len > 0) {
		buf_append_slice(&r->message, piece);
		piece = buf_slice(&r->message);
	}
	if (r->message.failed) {
		return wrong(r, WS_CLOSE_TRY_LATER, "no memory for a message", ret_payload);
	}
	if (!is_last) {
		return WS_MORE;
	}
	r->in_message = false;
	r->message.len = 0; /* its bytes stay until the next call */
	if (r->opcode == WS_TEXT && !http_is_utf8(piece)) {
		return wrong(r, WS_CLOSE_NOT_UTF8, "text that is not UTF-8", ret_payload);
	}
	*ret_opcode = (enum ws_opcode)r->opcode;
	*ret_payload = piece;
	return WS_TAKEN;
}

/* A piece of a frame, or the whole of it. */
static enum ws_result take_piece(struct ws_reader *r, const struct wslay_frame_iocb *f,
    enum ws_opcode *ret_opcode, struct slice *ret_payload)
{
	bool begins = !r->in_frame;
	bool is_control = (f->opcode & OPCODE_CONTROL) != 0;

	if (begins) {
		const char *fault = fault_of_head(r, f);
		if (fault != NULL) {
			return wrong(r, WS_CLOSE_PROTOCOL, fault, ret_payload);
		}
		uint64_t before = r->in_message ? r->message.len : 0;
		if (!is_control && f->payload_length > r->message.max - before) {
			return wrong(
			    r, WS_CLOSE_TOO_BIG, "a message that is too long", ret_payload);
		}
		r->frame_left = f->payload_length;
		r->parsed += head_bytes(r, f->payload_length) + f->payload_length;
	}
	r->frame_left -= f->data_length;
	r->in_frame = r->frame_left > 0;
	return is_control ? take_control(r, f, ret_opcode, ret_payload)
			  : take_data(r, f, begins, ret_opcode, ret_payload);
}

enum ws_result ws_next(struct ws_reader *r, enum ws_opcode *ret_opcode, struct slice *ret_payload)
{
	struct wslay_frame_iocb f;

	if (r->fed.len == 0 && r->frames == NULL) {
		leave_context(r);
		return WS_MORE;
	}
	if (!has_context(r)) {
		return wrong(r, WS_CLOSE_TRY_LATER, "no memory for a frame", ret_payload);
	}
	for (;;) {
		memset(&f, 0, sizeof(f));
		ssize_t n = wslay_frame_recv(r->frames, &f);
		if (n == WSLAY_ERR_WANT_READ) {
			leave_context(r);
			return WS_MORE;
		}
		if (n < 0) {
			return wrong(r, WS_CLOSE_PROTOCOL, "a malformed frame", ret_payload);
		}
		enum ws_result found = take_piece(r, &f, ret_opcode, ret_payload);
		if (found != WS_MORE) {
			return found;
		}
	}
}
