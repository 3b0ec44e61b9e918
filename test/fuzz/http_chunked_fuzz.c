/*
 * Chunked bodies: the same data and the same end however the bytes come, and never more data than
 * input.
 */
#include "test/fuzz/fuzz.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/http/chunked.h"

struct outcome {
	enum http_chunked_result result;
	size_t used, len;
	char *body;
};

static struct outcome decode(struct slice text, size_t step)
{
	struct http_chunked c = { 0 };
	struct outcome o = { .result = HTTP_CHUNKED_MORE, .body = malloc(text.len + 1) };

	CHECK(o.body != NULL);
	while (o.result == HTTP_CHUNKED_MORE && o.used < text.len) {
		struct slice in = slice_sub(text, o.used, o.used + step), data;
		size_t fed = in.len;
		while ((o.result = http_chunked_next(&c, &in, &data)) == HTTP_CHUNKED_DATA) {
			CHECK(data.len > 0 && data.ptr >= text.ptr &&
			      data.ptr + data.len <= text.ptr + text.len);
			memcpy(o.body + o.len, data.ptr, data.len);
			o.len += data.len;
		}
		CHECK(o.result != HTTP_CHUNKED_MORE || in.len == 0);
		o.used += fed - in.len;
	}
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = SLICE_OF(data, size);
	struct outcome whole = decode(text, size);
	static const size_t steps[] = { 1, 5 };

	CHECK(whole.len <= size);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct outcome o = decode(text, steps[i]);
		CHECK(o.result == whole.result && o.used == whole.used && o.len == whole.len);
		CHECK(memcmp(o.body, whole.body, o.len) == 0);
		free(o.body);
	}
	if (whole.result == HTTP_CHUNKED_END) {
		CHECK(memcmp(text.ptr + whole.used - 2, "\r\n", 2) == 0);
	}
	free(whole.body);
	return 0;
}
