/*
 * Checked reading. A bit per block says that its sum was right once; the file does not change.
 */
#include "services/symbols/index_cursor.h"

#include <string.h>
#include <zlib.h>

static bool check_block(struct sym_index *ix, uint32_t block)
{
	uint32_t from = INDEX_HEADER_BYTES + block * (uint32_t)INDEX_SUM_BYTES, sum;
	uint32_t left = ix->header.sums - from;
	uint32_t len = left < INDEX_SUM_BYTES ? left : (uint32_t)INDEX_SUM_BYTES;

	memcpy(&sum, ix->map + ix->header.sums + block * sizeof(sum), sizeof(sum));
	if ((uint32_t)crc32(0, ix->map + from, len) != sum) {
		return false;
	}
	ix->checked[block / 64] |= UINT64_C(1) << block % 64;
	return true;
}

void index_cursor_fail(struct index_cursor *c)
{
	c->bad = true;
	c->ix->damaged = true;
	c->at = c->sure = c->end;
}

struct index_cursor index_cursor_new(struct sym_index *ix, uint32_t from, uint32_t to)
{
	struct index_cursor c = { .ix = ix, .at = from, .end = to, .sure = from };

	if (from < INDEX_HEADER_BYTES || from > to || to > ix->header.sums) {
		c.end = from;
		index_cursor_fail(&c);
	}
	return c;
}

bool index_cursor_more(struct index_cursor *c)
{
	if (c->at >= c->end) {
		index_cursor_fail(c);
		return false;
	}
	uint32_t block = (c->at - INDEX_HEADER_BYTES) / INDEX_SUM_BYTES;
	bool is_checked = (c->ix->checked[block / 64] >> block % 64 & 1) != 0;
	if (!is_checked && !check_block(c->ix, block)) {
		index_cursor_fail(c);
		return false;
	}
	uint64_t next = INDEX_HEADER_BYTES + ((uint64_t)block + 1) * INDEX_SUM_BYTES;
	c->sure = next < c->end ? (uint32_t)next : c->end;
	return true;
}

uint64_t index_cursor_varint(struct index_cursor *c, uint64_t max)
{
	uint64_t n = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint64_t byte = index_cursor_byte(c);
		n |= (byte & 0x7f) << shift;
		if (byte < 0x80) {
			if (n <= max && !c->bad) {
				return n;
			}
			break;
		}
	}
	index_cursor_fail(c);
	return 0;
}

bool index_cursor_copy(struct index_cursor *c, void *out, uint32_t len)
{
	unsigned char *to = out;

	while (len > 0) {
		if (c->at == c->sure && !index_cursor_more(c)) {
			return false;
		}
		uint32_t n = c->sure - c->at < len ? c->sure - c->at : len;
		memcpy(to, c->ix->map + c->at, n);
		to += n;
		c->at += n;
		len -= n;
	}
	return true;
}

void index_cursor_skip(struct index_cursor *c, uint64_t len)
{
	if (len > c->end - c->at) {
		index_cursor_fail(c);
		return;
	}
	c->at += (uint32_t)len;
	if (c->at > c->sure) {
		c->sure = c->at;
		/* The block's beginning was passed over, its sum not looked at yet. */
	}
}

static bool copy_from(struct sym_index *ix, uint64_t from, void *out, uint32_t size)
{
	if (from + size > ix->header.sums) {
		ix->damaged = true;
		return false;
	}
	struct index_cursor c = index_cursor_new(ix, (uint32_t)from, (uint32_t)(from + size));
	return index_cursor_copy(&c, out, size);
}

bool index_word(struct sym_index *ix, uint64_t place, uint32_t *ret)
{
	return copy_from(ix, place, ret, sizeof(*ret));
}

bool index_row(struct sym_index *ix, uint32_t table, uint32_t i, void *out, uint32_t size)
{
	return copy_from(ix, table + (uint64_t)i * size, out, size);
}
