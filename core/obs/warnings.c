/*
 * The last warnings of each process, where the admin role can see them.
 */
#include "core/obs/metric_schema.h"

#include <string.h>

#include "core/base/check.h"

_Static_assert(sizeof(struct warning_ring) % 64 == 0, "slots begin on cache lines");

void metrics_warn(struct metrics *m, int64_t wall_ms, struct slice text)
{
	struct warning_ring *ring = &metrics_rings(m)[metrics_own_ring(m)];
	uint64_t n = atomic_load_explicit(&ring->n, memory_order_relaxed);
	struct warning_entry *e = &ring->entries[n % WARNINGS_KEPT];
	uint64_t words[WARNING_WORDS] = { 0 };

	memcpy(words, text.ptr, text.len < WARNING_BYTES ? text.len : WARNING_BYTES);
	atomic_store_explicit(&e->number, 2 * n + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&e->wall_ms, wall_ms, memory_order_relaxed);
	for (unsigned i = 0; i < WARNING_WORDS; i++) {
		atomic_store_explicit(&e->words[i], words[i], memory_order_relaxed);
	}
	atomic_store_explicit(&e->number, 2 * n + 2, memory_order_release);
	atomic_store_explicit(&ring->n, n + 1, memory_order_relaxed);
}

/* False: never written, or being written. */
static bool read_entry(const struct warning_entry *e, struct metric_warning *ret)
{
	uint64_t number = atomic_load_explicit(&e->number, memory_order_acquire);
	uint64_t words[WARNING_WORDS];

	if (number == 0 || number % 2 != 0) {
		return false;
	}
	ret->wall_ms = atomic_load_explicit(&e->wall_ms, memory_order_relaxed);
	for (unsigned i = 0; i < WARNING_WORDS; i++) {
		words[i] = atomic_load_explicit(&e->words[i], memory_order_relaxed);
	}
	memcpy(ret->text, words, WARNING_BYTES);
	ret->text[WARNING_BYTES] = '\0';
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&e->number, memory_order_relaxed) == number;
}

/* Puts w where it belongs among the n newest; the new n. */
static unsigned insert(
    struct metric_warning *out, unsigned n, unsigned max, const struct metric_warning *w)
{
	unsigned at = 0;

	while (at < n && out[at].wall_ms >= w->wall_ms) {
		at++;
	}
	if (at == max) {
		return n;
	}
	n = n < max ? n + 1 : n;
	memmove(&out[at + 1], &out[at], (n - at - 1) * sizeof(*out));
	out[at] = *w;
	return n;
}

unsigned metrics_warnings(const struct metrics *m, struct metric_warning *out, unsigned max)
{
	struct metric_warning w;
	unsigned n = 0;

	CHECK(max > 0);
	for (unsigned i = 0; i <= metrics_slots(m); i++) {
		const struct warning_ring *ring = &metrics_rings(m)[i];
		for (unsigned k = 0; k < WARNINGS_KEPT; k++) {
			if (read_entry(&ring->entries[k], &w)) {
				n = insert(out, n, max, &w);
			}
		}
	}
	return n;
}
