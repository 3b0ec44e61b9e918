/*
 * The traceparent header: whatever comes, a trace only from what the format allows, and never 0;
 * one that is taken is found again when it is written as the format has it.
 */
#include "test/fuzz/fuzz.h"

#include <stdio.h>

#include "core/base/check.h"
#include "core/base/trace.h"

enum {
	SHORTEST = 55
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = SLICE_OF(data, size);
	char digits[TRACE_DIGITS], again[SHORTEST + 1];
	uint64_t trace = 0, same = 0;

	if (!trace_from_parent(text, &trace)) {
		CHECK(trace == 0);
		return 0;
	}
	CHECK(trace != 0 && size >= SHORTEST && text.ptr[2] == '-');
	CHECK(slice_eq(slice_sub(text, 19, 35), trace_text(trace, digits)));
	(void)snprintf(
	    again, sizeof(again), "00-0000000000000000%.16s-0000000000000001-00", digits);
	CHECK(trace_from_parent(slice_str(again), &same) && same == trace);
	return 0;
}
