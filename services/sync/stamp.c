/*
 * See stamp.h.
 */
#include "services/sync/stamp.h"

#include <stdio.h>

#include "core/base/check.h"

static const int64_t seconds_max = INT64_C(1000000000000);

struct slice sync_time_text(int64_t ms, char out[SYNC_TIME_SIZE])
{
	CHECK(ms >= 0);
	int n = snprintf(out, SYNC_TIME_SIZE, "%lld.%02d", (long long)(ms / 1000),
	    (int)(ms % 1000 / SYNC_STAMP_MS));

	CHECK(n > 0 && n < SYNC_TIME_SIZE);
	return SLICE_OF(out, (size_t)n);
}

/* Digits to a number, at most max. False: there are none, or something else is among them. */
static bool take_digits(struct slice digits, int64_t max, int64_t *ret)
{
	int64_t n = 0;

	for (size_t i = 0; i < digits.len; i++) {
		if (digits.ptr[i] < '0' || digits.ptr[i] > '9') {
			return false;
		}
		n = n * 10 + (digits.ptr[i] - '0');
		n = n > max ? max : n;
	}
	*ret = n;
	return digits.len > 0;
}

enum err sync_time_parse(struct slice text, int64_t *ret_ms)
{
	size_t point = slice_find(text, '.', 0);
	struct slice decimals = slice_sub(text, point + 1, text.len);
	int64_t seconds = 0, hundredths = 0, rest = 0;

	if (!take_digits(slice_sub(text, 0, point), seconds_max, &seconds)) {
		return ERR_SYNTAX;
	}
	if (point < text.len) {
		if (!take_digits(decimals, INT64_MAX / 100, &rest) ||
		    !take_digits(slice_sub(decimals, 0, 2), 99, &hundredths)) {
			return ERR_SYNTAX;
		}
		hundredths *= decimals.len == 1 ? 10 : 1;
	}
	*ret_ms = seconds * 1000 + hundredths * SYNC_STAMP_MS;
	return ERR_OK;
}
