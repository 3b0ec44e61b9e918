/*
 * Answers as the lab reads them: the same result, status and body however the bytes come, and never
 * more body than input.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/check.h"
#include "lab/answer.h"

/* Reads text in pieces; *ret_used: bytes of it that were the answer. */
static enum answer_result read_in(
    struct answer *a, struct slice text, size_t step, size_t *ret_used)
{
	enum answer_result r = ANSWER_MORE;
	size_t used = 0;

	while (r == ANSWER_MORE && used < text.len) {
		struct slice in = slice_sub(text, used, used + step);
		size_t fed = in.len;
		r = answer_take(a, &in);
		CHECK(r != ANSWER_MORE || in.len == 0);
		used += fed - in.len;
	}
	*ret_used = used;
	return r == ANSWER_MORE ? answer_closed(a) : r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t steps[] = { 1, 7 };
	struct slice text = SLICE_OF(data, size), name, value;
	struct answer whole, a;
	size_t used = 0, again = 0;

	answer_init(&whole);
	answer_init(&a);
	enum answer_result r = read_in(&whole, text, size == 0 ? 1 : size, &used);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		answer_reset(&a);
		CHECK(read_in(&a, text, steps[i], &again) == r);
		if (r == ANSWER_DONE) {
			CHECK(again == used && a.status == whole.status &&
			      a.keep_alive == whole.keep_alive && a.body_bytes == whole.body_bytes);
			CHECK(slice_eq(buf_slice(&a.body), buf_slice(&whole.body)));
		} else {
			CHECK(a.error != NULL);
		}
	}
	if (r == ANSWER_DONE) {
		CHECK(whole.status >= 200 && whole.status <= 999 && whole.body_bytes <= size);
		for (size_t at = 0; answer_next_field(&whole, &at, &name, &value);) {
			CHECK(name.len > 0 && memchr(value.ptr, '\n', value.len) == NULL);
		}
	}
	answer_fini(&whole);
	answer_fini(&a);
	return 0;
}
