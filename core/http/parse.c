/*
 * Cuts a head into lines. The search for the end of a line stops at the first control byte, so that
 * bare CR, bare LF and NUL are refused when they come and not when a line end follows, and it goes
 * on where it stopped when more bytes come. Limits are positions in the buffer: what is beyond them
 * is never looked at, so the outcome does not depend on how the bytes were split.
 */
#include "core/http/parse.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "core/http/chars.h"
#include "core/http/parse_priv.h"

enum stage {
	STAGE_START,
	STAGE_AFTER_EMPTY_LINE,
	STAGE_FIELDS,
	STAGE_DONE,
	STAGE_FAILED
};

static enum http_parse_result fail(struct http_head *h, uint16_t status)
{
	h->stage = STAGE_FAILED;
	h->status = status;
	return HTTP_PARSE_ERROR;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

#ifdef __SSE2__
/* One bit for each of 16 bytes: control, but no tab. */
static unsigned control_bits(const char *bytes)
{
	const __m128i last_control = _mm_set1_epi8(0x1f);
	__m128i x = _mm_loadu_si128((const __m128i *)(const void *)bytes);
	__m128i control = _mm_cmpeq_epi8(_mm_min_epu8(x, last_control), x);
	__m128i tab = _mm_cmpeq_epi8(x, _mm_set1_epi8('\t'));
	__m128i del = _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f));

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, control), del));
}
#endif

/* Position of the first control byte other than tab in [from, to), or to. */
static size_t find_control(const char *buf, size_t from, size_t to)
{
#ifdef __SSE2__
	for (; from + 16 <= to; from += 16) {
		unsigned bits = control_bits(buf + from);
		if (bits != 0) {
			return from + (size_t)__builtin_ctz(bits);
		}
	}
#endif
	while (from < to && http_char_is(buf[from], HTTP_CHAR_FIELD)) {
		from++;
	}
	return from < to ? from : to;
}

/* Where the head must have ended, and the status if it has not. */
struct bound {
	size_t at;
	uint16_t status;
};

static struct bound bound_of(const struct http_head *h, const struct http_parse_limits *limits)
{
	size_t head = smaller(limits->head_bytes, HTTP_MAX_HEAD_BYTES);
	size_t line = (size_t)h->line_at + limits->line_bytes;

	if (h->stage != STAGE_FIELDS && line < head) {
		return (struct bound){ line, 414 };
	}
	return (struct bound){ head, 431 };
}

/* DONE: a line [h->line_at, *ret_end) with CRLF behind it is complete. */
static enum http_parse_result next_line(
    struct http_head *h, size_t len, struct bound bound, size_t *ret_end)
{
	const char *buf = h->base;
	size_t to = smaller(len, bound.at);
	size_t at = find_control(buf, h->scanned_to, to);

	h->scanned_to = (uint16_t)at;
	if (at < to && buf[at] != '\r') {
		return fail(h, 400);
	}
	/* Beyond the bound, or a CR whose LF would be. */
	if (at == bound.at || (at < to && at + 1 == bound.at)) {
		return fail(h, bound.status);
	}
	if (at + 1 >= len) {
		return HTTP_PARSE_MORE;
	}
	if (buf[at + 1] != '\n') {
		return fail(h, 400);
	}
	*ret_end = at;
	return HTTP_PARSE_DONE;
}

static uint16_t take_field(struct http_head *h, size_t end, const struct http_parse_limits *limits)
{
	if (h->n_fields >= smaller(limits->headers, HTTP_MAX_HEADERS)) {
		return 431;
	}
	return http_parse_field_line(h, h->line_at, end);
}

/* Takes the line [h->line_at, end) and moves on to the next. */
static uint16_t take_line(struct http_head *h, size_t end, const struct http_parse_limits *limits)
{
	uint16_t status = 0;

	if (h->stage != STAGE_FIELDS) {
		if (end > h->line_at) {
			status = http_parse_request_line(h, h->line_at, end);
			h->stage = STAGE_FIELDS;
		} else if (h->stage == STAGE_START) {
			h->stage = STAGE_AFTER_EMPTY_LINE;
		} else {
			status = 400;
		}
	} else if (end > h->line_at) {
		status = take_field(h, end, limits);
	} else {
		status = http_parse_finish(h);
		h->stage = STAGE_DONE;
	}
	h->line_at = (uint16_t)(end + 2);
	h->scanned_to = h->line_at;
	return status;
}

enum http_parse_result http_parse_head(
    struct http_head *h, const char *buf, size_t len, const struct http_parse_limits *limits)
{
	h->base = buf;
	while (h->stage < STAGE_DONE) {
		/* Bytes that are no text at all (TLS on the plain port) need no line end to fail.
		 */
		if (h->stage != STAGE_FIELDS && len > h->line_at && buf[h->line_at] != '\r' &&
		    !http_char_is(buf[h->line_at], HTTP_CHAR_TOKEN)) {
			return fail(h, 400);
		}
		size_t end;
		enum http_parse_result r = next_line(h, len, bound_of(h, limits), &end);
		if (r != HTTP_PARSE_DONE) {
			return r;
		}
		uint16_t status = take_line(h, end, limits);
		if (status != 0) {
			return fail(h, status);
		}
	}
	h->head_bytes = h->line_at;
	return h->stage == STAGE_DONE ? HTTP_PARSE_DONE : HTTP_PARSE_ERROR;
}

bool http_parse_has_begun(const struct http_head *h, size_t len)
{
	return h->stage == STAGE_FIELDS || len > h->line_at;
}

struct slice http_head_find(const struct http_head *h, struct slice name)
{
	for (unsigned i = 0; i < h->n_fields; i++) {
		const struct http_field *f = &h->fields[i];
		if (f->name.len == name.len && slice_eq_nocase(http_head_text(h, f->name), name)) {
			return http_head_text(h, f->value);
		}
	}
	return (struct slice){ NULL, 0 };
}
