/* See wake_early.h. The quantile is followed by steps: one up for each above it, a hundredth down
 * for the rest. */
#include "lab/wake_early.h"

enum {
	STEP_UP_NS = 10000,
	STEP_DOWN_NS = STEP_UP_NS / 99
};

void wake_init(struct wake *w)
{
	w->early_ns = WAKE_LEAST_US * INT64_C(1000);
}

void wake_note(struct wake *w, int64_t late_us)
{
	w->early_ns += late_us * 1000 > w->early_ns ? STEP_UP_NS : -STEP_DOWN_NS;
	if (w->early_ns < WAKE_LEAST_US * INT64_C(1000)) {
		w->early_ns = WAKE_LEAST_US * INT64_C(1000);
	}
	if (w->early_ns > WAKE_MOST_US * INT64_C(1000)) {
		w->early_ns = WAKE_MOST_US * INT64_C(1000);
	}
}

int64_t wake_early_us(const struct wake *w)
{
	return w->early_ns / 1000;
}
