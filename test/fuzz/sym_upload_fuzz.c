/*
 * What sym_upload says of a file: whatever comes, a text lies within the body and has no quote in
 * it.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/check.h"
#include "services/symbols/sym_upload_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct slice names[] = { { "debug_file", 10 }, { "debug_id", 8 },
		{ "symbol_upload_type", 18 } };
	struct slice body = SLICE_OF(data, size);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct slice text = sym_upload_text(body, names[i]);
		CHECK(text.len == 0 ||
		      (text.ptr > body.ptr && text.ptr + text.len < body.ptr + body.len));
		CHECK(slice_find(text, '"', 0) == text.len);
	}
	return 0;
}
