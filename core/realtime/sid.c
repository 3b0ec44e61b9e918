/*
 * Packing and unpacking of session ids.
 */
#include "core/realtime/sid.h"

#include "core/base/check.h"
#include "core/base/enc.h"

enum {
	SID_BYTES = 8 + SID_RANDOM_BYTES
};

static void pack(const struct sid *id, unsigned char out[SID_BYTES])
{
	out[0] = (unsigned char)(id->node >> 8);
	out[1] = (unsigned char)id->node;
	out[2] = id->worker;
	out[3] = id->generation;
	for (unsigned i = 0; i < 4; i++) {
		out[4 + i] = (unsigned char)(id->slot >> 8 * (3 - i));
	}
	memcpy(out + 8, id->random, SID_RANDOM_BYTES);
}

void sid_text(const struct sid *id, char out[SID_CHARS + 1])
{
	unsigned char bytes[SID_BYTES];
	struct buf text = buf_new(SID_CHARS + 1);

	pack(id, bytes);
	enc_base64url(&text, SLICE_OF(bytes, sizeof(bytes)));
	CHECK(slice_to_cstr(buf_slice(&text), out, SID_CHARS + 1) == ERR_OK);
	buf_free(&text);
}

bool sid_parse(struct slice text, struct sid *ret)
{
	unsigned char bytes[SID_BYTES + 2];
	size_t len = 0;

	if (text.len != SID_CHARS || dec_base64url(text, bytes, sizeof(bytes), &len) != ERR_OK ||
	    len != SID_BYTES) {
		return false;
	}
	ret->node = (uint16_t)(bytes[0] << 8 | bytes[1]);
	ret->worker = bytes[2];
	ret->generation = bytes[3];
	ret->slot = 0;
	for (unsigned i = 0; i < 4; i++) {
		ret->slot = ret->slot << 8 | bytes[4 + i];
	}
	memcpy(ret->random, bytes + 8, SID_RANDOM_BYTES);
	return true;
}

bool sid_eq(const struct sid *a, const struct sid *b)
{
	unsigned char x[SID_BYTES], y[SID_BYTES];

	pack(a, x);
	pack(b, y);
	return slice_eq_secret(SLICE_OF(x, sizeof(x)), SLICE_OF(y, sizeof(y)));
}
