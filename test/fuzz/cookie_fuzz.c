/*
 * Cookie headers from outside, and cookies that we set: what is found stands in the header as it
 * is, and what we send is found again in what a browser would send back.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "core/base/check.h"
#include "core/http/cookie.h"

static void find(struct slice header, struct slice name)
{
	struct slice value = http_cookie_find(header, name);

	if (value.ptr != NULL) {
		CHECK(value.ptr >= header.ptr);
		CHECK(value.ptr + value.len <= header.ptr + header.len);
		CHECK(value.len == 0 || memchr(value.ptr, ';', value.len) == NULL);
	}
}

static void set_and_find(struct slice name, struct slice value)
{
	const struct http_set_cookie c = { .name = name,
		.value = value,
		.max_age_s = 60,
		.http_only = true,
		.secure = true,
		.same_site = HTTP_SAME_SITE_LAX };
	struct buf out = buf_new(8192);

	if (http_set_cookie_put(&out, &c) == ERR_OK) {
		struct slice text = buf_slice(&out);
		struct slice pair = slice_sub(text, 0, slice_find(text, ';', 0));
		struct slice got = http_cookie_find(pair, name);
		CHECK(memchr(text.ptr, '\n', text.len) == NULL);
		CHECK(memchr(text.ptr, '\r', text.len) == NULL);
		CHECK(got.ptr != NULL && slice_eq(got, value));
	} else {
		CHECK(out.len == 0);
	}
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = SLICE_OF(data, size);
	size_t newline = slice_find(text, '\n', 0);
	struct slice first = slice_sub(text, 0, newline),
		     second = slice_sub(text, newline + 1, size);

	find(text, SLICE("browserid_state_123456"));
	find(first, second);
	find(second, first);
	set_and_find(first, second);
	return 0;
}
