/*
 * What the program that decodes pictures may answer once a picture has taken it over, and the first
 * bytes of what people send. A result that is taken is one that can be written again to the same
 * bytes, and holds nothing but pictures of the sizes that were asked for. The first byte chooses
 * the use.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "core/base/check.h"
#include "services/pairs/picture_wire.h"

static void check_result(struct slice message, enum picture_use use)
{
	struct buf again = buf_new(PICTURE_RESULT_MAX);
	struct picture_result r;
	unsigned n = 0;
	const struct picture_size *sizes = picture_sizes(use, &n);

	if (!picture_result_take(message, use, &r)) {
		return;
	}
	CHECK(r.n == (r.outcome == PICTURE_MADE ? n : 0));
	for (unsigned i = 0; i < r.n; i++) {
		CHECK(
		    r.variants[i].width <= sizes[i].edge && r.variants[i].height <= sizes[i].edge);
		CHECK(picture_format_of(r.variants[i].bytes) == r.variants[i].format);
	}
	picture_result_put(&again, &r);
	CHECK(slice_eq(buf_slice(&again), message));
	buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = SLICE_OF(data, size);

	if (size == 0) {
		return 0;
	}
	struct slice rest = slice_sub(all, 1, size);
	enum picture_format format = picture_format_of(rest);
	CHECK(
	    format < PICTURE_FORMATS && (rest.len >= PICTURE_HEAD_BYTES || format == PICTURE_NONE));
	CHECK(picture_format_of(slice_sub(rest, 0, PICTURE_HEAD_BYTES)) == format);
	check_result(rest, data[0] % 2 == 0 ? PICTURE_PHOTO : PICTURE_AVATAR);
	return 0;
}
