/*
 * Requests on the health listener: the same answer however the bytes come, never a wait beyond the
 * bound, and every answer whole and of the form that was asked for.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/check.h"
#include "core/role/health_answer.h"

static const struct health_state state = { .alive = true, .ready = true, .load = 0.5 };

/* True: answered, once *ret_used bytes had come. */
static bool answer_in_steps(struct slice request, size_t step, struct buf *out, size_t *ret_used)
{
	for (size_t len = 0; len < request.len;) {
		len = request.len - len > step ? len + step : request.len;
		if (health_answer(slice_sub(request, 0, len), &state, out)) {
			*ret_used = len;
			return true;
		}
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice request =
	    SLICE_OF((const char *)data, size < HEALTH_REQUEST_MAX ? size : HEALTH_REQUEST_MAX);
	struct buf whole = buf_new(HEALTH_ANSWER_MAX), steps = buf_new(HEALTH_ANSWER_MAX);
	struct slice text = SLICE_EMPTY;
	size_t used = 0;

	bool done = answer_in_steps(request, 1, &steps, &used);
	CHECK(done || size < HEALTH_REQUEST_MAX);
	if (done) {
		CHECK(health_answer(slice_sub(request, 0, used), &state, &whole));
		CHECK(buf_finish(&whole, &text) == ERR_OK);
		CHECK(slice_eq(text, buf_slice(&steps)));
		CHECK(slice_starts(text, SLICE("HTTP/1.1 ")) || slice_eq(text, SLICE("80%\n")));
		CHECK(
		    slice_starts(text, SLICE("HTTP/1.1 ")) || slice_starts(request, SLICE("load")));
	}
	buf_free(&whole);
	buf_free(&steps);
	return 0;
}
