/*
 * See engineio_packet.h.
 */
#include "core/realtime/engineio_packet.h"

#include "core/base/enc.h"

enum err engineio_parse(struct slice text, struct engineio_packet *ret)
{
	if (text.len == 0) {
		return ERR_SYNTAX;
	}
	bool binary = text.ptr[0] == ENGINEIO_BINARY;
	if (!binary && (text.ptr[0] < ENGINEIO_OPEN || text.ptr[0] > ENGINEIO_NOOP)) {
		return ERR_SYNTAX;
	}
	*ret = (struct engineio_packet){
		.type = binary ? ENGINEIO_MESSAGE : (enum engineio_type)text.ptr[0],
		.binary = binary,
		.data = slice_sub(text, 1, text.len),
	};
	return ERR_OK;
}

enum err engineio_decode(struct slice base64, struct buf *out)
{
	size_t len = 0;
	char *room = buf_room(out, base64.len / 4 * 3 + 3);

	if (room == NULL) {
		return ERR_MEMORY;
	}
	enum err e = dec_base64(base64, room, base64.len / 4 * 3 + 3, &len);
	if (e == ERR_OK) {
		buf_grew(out, len);
	}
	return e;
}

void engineio_join(struct buf *body, bool binary, struct slice payload)
{
	if (body->len > 0) {
		buf_append_char(body, ENGINEIO_SEPARATOR);
	}
	if (binary) {
		buf_append_char(body, ENGINEIO_BINARY);
		enc_base64(body, payload);
	} else {
		buf_append_slice(body, payload);
	}
}
