/*
 * The PROXY header: the same outcome however the bytes come, an end inside what came and inside the
 * bound, and never a wait for more than the bound.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/check.h"
#include "core/http/proxy_header.h"

static enum http_parse_result parse_in_steps(
    struct http_proxy_header *h, const char *text, size_t size, size_t step)
{
	enum http_parse_result r = HTTP_PARSE_MORE;

	for (size_t len = 0; r == HTTP_PARSE_MORE && len < size;) {
		len = size - len > step ? len + step : size;
		r = http_proxy_header_parse(text, len, h);
	}
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct http_proxy_header whole = { .bytes = 0 }, steps = { .bytes = 0 };
	enum http_parse_result r = parse_in_steps(&whole, text, size, size);
	char out[HTTP_ADDRESS_TEXT];

	/* What is wrong may be found in another order, but not whether something is. */
	CHECK(parse_in_steps(&steps, text, size, 1) == r);
	if (r == HTTP_PARSE_DONE) {
		CHECK(whole.bytes > 0 && whole.bytes <= size);
		CHECK(whole.bytes <= HTTP_PROXY_HEADER_MAX);
		CHECK(steps.bytes == whole.bytes && steps.has_address == whole.has_address);
		CHECK(memcmp(&steps.client, &whole.client, sizeof(whole.client)) == 0);
		CHECK(!whole.is_local || (!whole.has_address && !whole.is_tls));
		http_address_text(&whole.client, out);
	}
	CHECK(r != HTTP_PARSE_ERROR || whole.problem != NULL);
	CHECK(r != HTTP_PARSE_MORE || size < HTTP_PROXY_HEADER_MAX);
	return 0;
}
