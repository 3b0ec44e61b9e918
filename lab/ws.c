/*
 * What has come is collected until a frame is whole: frames of models' servers are small.
 */
#include "lab/ws.h"

#include <openssl/evp.h>

#include "core/base/enc.h"

enum {
	HEAD_MOST = 14,
	ACCEPT_BYTES = 28,
};

void ws_put_frame(struct buf *out, enum ws_opcode opcode, struct slice payload, uint32_t mask)
{
	unsigned char head[HEAD_MOST] = { (unsigned char)(0x80 | opcode) };
	size_t n = 2;

	if (payload.len < 126) {
		head[1] = (unsigned char)(0x80 | payload.len);
	} else {
		size_t digits = payload.len < 65536 ? 2 : 8;
		head[1] = (unsigned char)(0x80 | (digits == 2 ? 126 : 127));
		for (size_t i = 0; i < digits; i++) {
			head[n++] = (unsigned char)((uint64_t)payload.len >> 8 * (digits - 1 - i));
		}
	}
	unsigned char *key = head + n;
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

bool ws_accepts(struct slice key, struct slice accept)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	struct buf text = buf_new(200), want = buf_new(ACCEPT_BYTES + 1);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	buf_append_slice(&text, key);
	buf_append_str(&text, guid);
	bool good =
	    !text.failed && EVP_Digest(text.data, text.len, digest, &len, EVP_sha1(), NULL) == 1;
	if (good) {
		enc_base64(&want, SLICE_OF(digest, len));
		good = slice_eq(buf_slice(&want), accept);
	}
	buf_free(&text);
	buf_free(&want);
	return good;
}

struct ws_reader ws_reader_new(void)
{
	return (struct ws_reader){ .in = buf_new(WS_MESSAGE_BYTES + HEAD_MOST + 65536),
		.message = buf_new(WS_MESSAGE_BYTES) };
}

void ws_reader_free(struct ws_reader *r)
{
	buf_free(&r->in);
	buf_free(&r->message);
}

void ws_feed(struct ws_reader *r, struct slice bytes)
{
	buf_consume(&r->in, r->used);
	r->used = 0;
	buf_append_slice(&r->in, bytes);
}

static enum ws_result wrong(struct slice *ret_payload, const char *what)
{
	*ret_payload = slice_str(what);
	return WS_WRONG;
}

struct frame {
	bool final;
	enum ws_opcode opcode;
	struct slice payload;
};

/* Cuts a whole frame off the front of what has come. */
static enum ws_result cut_frame(struct ws_reader *r, struct frame *ret, struct slice *ret_what)
{
	struct slice rest = slice_sub(buf_slice(&r->in), r->used, r->in.len);
	const unsigned char *b = (const unsigned char *)rest.ptr;
	uint64_t len = rest.len < 2 ? 0 : b[1] & 0x7F;
	size_t head = 2 + (len == 126 ? 2u : len == 127 ? 8u : 0u);

	if (r->in.failed) {
		return wrong(ret_what, "a message of more than a mebibyte");
	}
	if (rest.len < 2) {
		return WS_MORE;
	}
	if ((b[0] & 0x70) != 0 || (b[1] & 0x80) != 0) {
		return wrong(ret_what, "reserved bits or a mask in a frame of the server");
	}
	if (rest.len < head) {
		return WS_MORE;
	}
	if (head > 2) {
		len = 0;
		for (size_t i = 2; i < head; i++) {
			len = len << 8 | b[i];
		}
	}
	if (len > WS_MESSAGE_BYTES) {
		return wrong(ret_what, "a message of more than a mebibyte");
	}
	if (rest.len - head < len) {
		return WS_MORE;
	}
	*ret = (struct frame){ (b[0] & 0x80) != 0, (enum ws_opcode)(b[0] & 0x0F),
		slice_sub(rest, head, head + (size_t)len) };
	r->used += head + (size_t)len;
	return WS_TAKEN;
}

static enum ws_result take_control(
    const struct frame *f, enum ws_opcode *ret_opcode, struct slice *ret_payload)
{
	if (!f->final || f->payload.len > WS_CONTROL_BYTES) {
		return wrong(ret_payload, "a control frame in pieces or too long");
	}
	*ret_opcode = f->opcode;
	*ret_payload = f->payload;
	return WS_TAKEN;
}

enum ws_result ws_next(struct ws_reader *r, enum ws_opcode *ret_opcode, struct slice *ret_payload)
{
	struct frame f;
	enum ws_result found;

	while ((found = cut_frame(r, &f, ret_payload)) == WS_TAKEN) {
		if (f.opcode == WS_CLOSE || f.opcode == WS_PING || f.opcode == WS_PONG) {
			return take_control(&f, ret_opcode, ret_payload);
		}
		if (f.opcode != WS_CONTINUATION && f.opcode != WS_TEXT && f.opcode != WS_BINARY) {
			return wrong(ret_payload, "a frame of no known kind");
		}
		if (r->in_message != (f.opcode == WS_CONTINUATION)) {
			return wrong(
			    ret_payload, "a continuation of nothing, or none where it is due");
		}
		if (f.opcode != WS_CONTINUATION) {
			r->opcode = f.opcode;
			buf_clear(&r->message);
		}
		r->in_message = !f.final;
		buf_append_slice(&r->message, f.payload);
		if (r->message.failed) {
			return wrong(ret_payload, "a message of more than a mebibyte");
		}
		if (f.final) {
			*ret_opcode = r->opcode;
			*ret_payload = buf_slice(&r->message);
			return WS_TAKEN;
		}
	}
	return found;
}
