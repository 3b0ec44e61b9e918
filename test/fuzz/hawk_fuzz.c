/*
 * Authorization headers from outside: what is taken out of one stands in it, and put together again
 * it says the same.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/check.h"
#include "core/base/enc.h"
#include "services/sync/hawk_mac.h"

static void is_inside(struct slice part, struct slice whole)
{
	CHECK(part.ptr == NULL ||
	      (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
}

static void put(struct buf *out, const char *name, struct slice value)
{
	if (value.ptr != NULL) {
		buf_printf(out, ", %s=\"%.*s\"", name, SLICE_ARG(value));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = SLICE_OF(data, size);
	struct hawk h, again;
	struct buf copy = buf_new(2 * HAWK_HEADER_MAX);

	if (hawk_parse(text, &h) == ERR_OK) {
		is_inside(h.id, text);
		is_inside(h.nonce, text);
		is_inside(h.hash, text);
		is_inside(h.ext, text);
		CHECK(h.ts_s >= 0 && h.id.len > 0 && h.nonce.len > 0);
		buf_append_str(&copy, "Hawk mac=\"");
		enc_base64(&copy, SLICE_OF(h.mac, sizeof(h.mac)));
		buf_append_str(&copy, "\"");
		put(&copy, "id", h.id);
		put(&copy, "ts", h.ts);
		put(&copy, "nonce", h.nonce);
		put(&copy, "hash", h.hash);
		put(&copy, "ext", h.ext);
		if (copy.len <= HAWK_HEADER_MAX) {
			CHECK(hawk_parse(buf_slice(&copy), &again) == ERR_OK);
			CHECK(slice_eq(again.id, h.id) && slice_eq(again.nonce, h.nonce));
			CHECK(again.ts_s == h.ts_s);
			CHECK(memcmp(again.mac, h.mac, sizeof(h.mac)) == 0);
		}
	}
	buf_free(&copy);
	return 0;
}
