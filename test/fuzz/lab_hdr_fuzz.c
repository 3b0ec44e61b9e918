/*
 * Histograms from other machines: whatever comes is refused or is one that says the same of itself
 * again.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/check.h"
#include "lab/hdr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hdr h = { 0 }, again = { 0 };
	struct buf text = buf_new(HDR_TEXT_BYTES), second = buf_new(HDR_TEXT_BYTES);

	if (hdr_read(&h, SLICE_OF(data, size)) == ERR_OK) {
		int64_t before = 0;
		for (int i = 0; i <= 10; i++) {
			int64_t us = hdr_quantile_us(&h, i / 10.0);
			CHECK(us >= before && us <= h.max_us);
			before = us;
		}
		hdr_write(&h, &text);
		CHECK(hdr_read(&again, buf_slice(&text)) == ERR_OK && again.count == h.count);
		hdr_write(&again, &second);
		CHECK(slice_eq(buf_slice(&text), buf_slice(&second)));
	} else {
		CHECK(h.count == 0 && h.pages[0] == NULL);
	}
	hdr_fini(&h);
	hdr_fini(&again);
	buf_free(&text);
	buf_free(&second);
	return 0;
}
