/*
 * See grace_response.h. A bin with fewer served than it takes for a mean is judged with those
 * before it, as one.
 */
#include "lab/grace_response.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	SERVED_LEAST = 5
};

static const int64_t bin_us = GRACE_BIN_MS * 1000;
static const double slow_factor = 2;

enum err grace_response_init(struct grace_response *r, const struct grace_response_plan *plan)
{
	memset(r, 0, sizeof(*r));
	r->plan = *plan;
	r->n_bins = (unsigned)llround(plan->high_s * 1000 / GRACE_BIN_MS);
	if (r->n_bins == 0 || r->n_bins > GRACE_BINS_MAX || plan->times > GRACE_RESPONSES_MAX) {
		return ERR_LIMIT;
	}
	r->bins = calloc(r->n_bins, sizeof(*r->bins));
	return r->bins == NULL ? ERR_MEMORY : ERR_OK;
}

void grace_response_fini(struct grace_response *r)
{
	free(r->bins);
	r->bins = NULL;
	hdr_fini(&r->low);
	hdr_fini(&r->high);
}

unsigned grace_response_parts(const struct grace_response *r, struct arrival_part *ret)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->plan.times; i++) {
		ret[n++] = (struct arrival_part){ r->plan.low_s, r->plan.low_load };
		ret[n++] = (struct arrival_part){ r->plan.high_s, r->plan.high_load };
	}
	return n;
}

void grace_response_ended(struct grace_response *r, const struct load_ended *e)
{
	int64_t low_us = (int64_t)llround(r->plan.low_s * 1e6);
	int64_t period_us = low_us + (int64_t)r->n_bins * bin_us;
	bool done = e->how == RUN_DONE;

	if (e->due_us < 0 || e->due_us >= period_us * r->plan.times) {
		return;
	}
	int64_t in_us = e->due_us % period_us - low_us;
	if (in_us < 0) {
		/* Its second half: the first one still has what the step before has left. */
		if (done && in_us >= -low_us / 2) {
			hdr_record(&r->low, e->took_us);
		}
		return;
	}
	unsigned i = (unsigned)(in_us / bin_us);
	r->bins[i].due++;
	if (done) {
		r->bins[i].served++;
		r->bins[i].sum_us += (double)e->took_us;
		hdr_record(&r->high, e->took_us);
	}
}

void grace_response_judge(struct grace_response *r)
{
	double sum_us = 0, n = 0;
	bool is_over = true; /* nothing was served */

	r->bound_us = r->plan.bound_us > 0
			  ? r->plan.bound_us
			  : (int64_t)(slow_factor * (double)hdr_quantile_us(&r->low, 0.99));
	r->settled_ms = 0;
	r->worst_us = 0;
	for (unsigned i = 0; i < r->n_bins; i++) {
		sum_us += r->bins[i].sum_us;
		n += r->bins[i].served;
		if (n < SERVED_LEAST) {
			continue;
		}
		r->worst_us = fmax(r->worst_us, sum_us / n);
		is_over = sum_us / n > (double)r->bound_us;
		if (is_over) {
			r->settled_ms = (i + 1) * GRACE_BIN_MS;
		}
		sum_us = n = 0;
	}
	if (is_over) {
		r->settled_ms = -1;
	}
}
