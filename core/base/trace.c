/*
 * Trace ids: making, reading, showing.
 */
#include "core/base/trace.h"

enum {
	PARENT_BYTES = 55, /* "00-" 32 digits "-" 16 digits "-" 2 digits */
	ID_AT = 3,
	SPAN_AT = 36,
	FLAGS_AT = 53,
};

static _Thread_local uint64_t current;

struct trace_source trace_source_new(uint64_t seed)
{
	return (struct trace_source){ .seed = seed };
}

/* The finalizer of splitmix64: a bijection, so that different inputs stay different. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint64_t trace_next(struct trace_source *s)
{
	uint64_t id = 0;

	while (id == 0) {
		s->n++;
		id = mix(s->seed ^ mix(s->n)) ^ s->seed;
	}
	return id;
}

struct slice trace_text(uint64_t trace, char out[TRACE_DIGITS])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < TRACE_DIGITS; i++) {
		out[i] = digits[trace >> (60 - 4 * i) & 15];
	}
	return SLICE_OF(out, TRACE_DIGITS);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Lower-case hex of at most 16 digits; false: something else. */
static bool read_hex(struct slice text, uint64_t *ret)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		int d = digit(text.ptr[i]);
		if (d < 0) {
			return false;
		}
		n = n << 4 | (uint64_t)d;
	}
	*ret = n;
	return true;
}

bool trace_from_parent(struct slice h, uint64_t *ret)
{
	uint64_t version = 0, high = 0, low = 0, span = 0, flags = 0;

	if (h.len < PARENT_BYTES || h.ptr[ID_AT - 1] != '-' || h.ptr[SPAN_AT - 1] != '-' ||
	    h.ptr[FLAGS_AT - 1] != '-' || !read_hex(slice_sub(h, 0, 2), &version) ||
	    !read_hex(slice_sub(h, ID_AT, ID_AT + 16), &high) ||
	    !read_hex(slice_sub(h, ID_AT + 16, SPAN_AT - 1), &low) ||
	    !read_hex(slice_sub(h, SPAN_AT, FLAGS_AT - 1), &span) ||
	    !read_hex(slice_sub(h, FLAGS_AT, PARENT_BYTES), &flags)) {
		return false;
	}
	/* A later version may be longer behind another dash; 255 is forbidden. */
	bool fits = h.len == PARENT_BYTES || (version > 0 && h.ptr[PARENT_BYTES] == '-');
	if (!fits || version == 255 || span == 0 || low == 0) {
		return false;
	}
	*ret = low;
	return true;
}

uint64_t trace_current(void)
{
	return current;
}

uint64_t trace_set(uint64_t trace)
{
	uint64_t before = current;

	current = trace;
	return before;
}
