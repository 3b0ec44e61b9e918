/*
 * Role messages: fixed little-endian integers (our machines are, and the memcpy compiles to one
 * move), length-prefixed bytes.
 */
#include "core/base/wire.h"

#include <string.h>

#include "core/base/check.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the wire format is little-endian");

void wire_put_u8(struct buf *b, uint8_t n)
{
	buf_append(b, &n, sizeof(n));
}

void wire_put_u32(struct buf *b, uint32_t n)
{
	buf_append(b, &n, sizeof(n));
}

void wire_put_u64(struct buf *b, uint64_t n)
{
	buf_append(b, &n, sizeof(n));
}

void wire_put_i64(struct buf *b, int64_t n)
{
	buf_append(b, &n, sizeof(n));
}

void wire_put_bytes(struct buf *b, struct slice s)
{
	CHECK(s.len <= UINT32_MAX);
	wire_put_u32(b, (uint32_t)s.len);
	buf_append_slice(b, s);
}

static void take(struct wire_reader *r, void *out, size_t len)
{
	if (r->bad || r->rest.len < len) {
		r->bad = true;
		memset(out, 0, len);
		return;
	}
	memcpy(out, r->rest.ptr, len);
	r->rest = slice_sub(r->rest, len, r->rest.len);
}

uint8_t wire_take_u8(struct wire_reader *r)
{
	uint8_t n;

	take(r, &n, sizeof(n));
	return n;
}

uint32_t wire_take_u32(struct wire_reader *r)
{
	uint32_t n;

	take(r, &n, sizeof(n));
	return n;
}

uint64_t wire_take_u64(struct wire_reader *r)
{
	uint64_t n;

	take(r, &n, sizeof(n));
	return n;
}

int64_t wire_take_i64(struct wire_reader *r)
{
	int64_t n;

	take(r, &n, sizeof(n));
	return n;
}

struct slice wire_take_bytes(struct wire_reader *r)
{
	uint32_t len = wire_take_u32(r);

	if (r->bad || len > r->rest.len) {
		r->bad = true;
		return SLICE_EMPTY;
	}
	struct slice s = slice_sub(r->rest, 0, len);
	r->rest = slice_sub(r->rest, len, r->rest.len);
	return s;
}

bool wire_done(const struct wire_reader *r)
{
	return !r->bad && r->rest.len == 0;
}
