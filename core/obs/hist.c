/*
 * Log-linear buckets. Bucket i holds the values in (limit(i - 1), limit(i)], so that a limit can be
 * given as Prometheus' "le" without loss: value v is filed under the position of v - 1, whose top
 * four bits name the bucket.
 */
#include "core/obs/hist.h"

#include "core/base/check.h"

enum {
	STEPS = 8,
	STEP_BITS = 3
};

static int bucket_of(int64_t us)
{
	uint64_t n = us <= 1 ? 0 : (uint64_t)us - 1;

	if (n < STEPS) {
		return (int)n;
	}
	int exponent = 63 - __builtin_clzll(n);
	int step = (int)(n >> (exponent - STEP_BITS)) & (STEPS - 1);
	int i = (exponent - STEP_BITS + 1) * STEPS + step;
	return i < HIST_BUCKETS ? i : HIST_BUCKETS - 1;
}

int64_t hist_bucket_limit_us(int i)
{
	CHECK(i >= 0 && i < HIST_BUCKETS);
	if (i < STEPS) {
		return i + 1;
	}
	int shift = i / STEPS - 1;
	return (int64_t)(STEPS + i % STEPS + 1) << shift;
}

static int64_t load(const _Atomic int64_t *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}

/* One process writes, so a load and a store are enough, and cheaper than a locked add. */
static void add(_Atomic int64_t *cell, int64_t n)
{
	atomic_store_explicit(cell, load(cell) + n, memory_order_relaxed);
}

void hist_record(struct hist *h, int64_t us)
{
	add(&h->bucket[bucket_of(us)], 1);
	add(&h->sum_us, us < 0 ? 0 : us);
	add(&h->count, 1);
}

void hist_merge(struct hist *to, const struct hist *from)
{
	for (int i = 0; i < HIST_BUCKETS; i++) {
		int64_t n = load(&from->bucket[i]);
		if (n != 0) {
			add(&to->bucket[i], n);
		}
	}
	add(&to->sum_us, load(&from->sum_us));
	add(&to->count, load(&from->count));
}

int64_t hist_quantile_us(const struct hist *h, double q)
{
	int64_t total = 0, seen = 0;

	/* Not h->count: the writer may be between its stores. */
	for (int i = 0; i < HIST_BUCKETS; i++) {
		total += load(&h->bucket[i]);
	}
	if (total == 0) {
		return 0;
	}
	double want = q * (double)total;
	for (int i = 0; i < HIST_BUCKETS; i++) {
		seen += load(&h->bucket[i]);
		if (seen > 0 && (double)seen >= want) {
			return hist_bucket_limit_us(i);
		}
	}
	return hist_bucket_limit_us(HIST_BUCKETS - 1);
}
