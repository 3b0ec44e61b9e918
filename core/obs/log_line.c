/*
 * Text of log lines, put together by hand: no printf, no allocation, the date made once per second.
 *
 * Values are plain ASCII on the way out: quotes, backslashes, control characters and bytes above
 * 0x7e are escaped, so that no input can forge a line, a field, or a terminal sequence.
 */
#include "core/obs/log_line.h"

#include <string.h>
#include <time.h>

#include "core/base/clock.h"

/* Of a value before escaping; the rest is cut. */
enum {
	VALUE_MAX_BYTES = 1024
};

/* "2026-11-21T09:30:00" of the second shown_s. */
static char second_text[20];
static int64_t shown_s = -1;

/* Bytes that are written as an escape. */
static bool needs_escape(unsigned char c)
{
	return (unsigned char)(c - 0x20) > 0x7e - 0x20 || c == '"' || c == '\\';
}

static size_t count_digits(uint64_t n)
{
	size_t digits = 1;

	for (uint64_t limit = 10; digits < 20 && n >= limit; limit *= 10) {
		digits++;
	}
	return digits;
}

/* Written where they belong: digits put together elsewhere and copied at once stall the copy. */
void log_line_put_number(struct log_line *w, int64_t n)
{
	uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	size_t digits = count_digits(left);

	if (n < 0) {
		log_line_put_char(w, '-');
	}
	if (digits > (size_t)(w->end - w->at)) {
		w->full = true;
		return;
	}
	for (size_t i = digits; i-- > 0; left /= 10) {
		w->at[i] = (char)('0' + left % 10);
	}
	w->at += digits;
}

static void put_escape(struct log_line *w, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	const char *named = c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : NULL;

	if (named != NULL) {
		log_line_put(w, named, 2);
	} else if (c == '"' || c == '\\') {
		log_line_put(w, (const char[]){ '\\', (char)c }, 2);
	} else {
		log_line_put(w, (const char[]){ '\\', 'x', hex[c >> 4], hex[c & 15] }, 4);
	}
}

static void put_quoted(struct log_line *w, struct slice s)
{
	log_line_put_char(w, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (needs_escape(c)) {
			put_escape(w, c);
		} else {
			log_line_put_char(w, (char)c);
		}
	}
	log_line_put_char(w, '"');
}

static void put_value(struct log_line *w, struct slice s)
{
	struct slice shown = slice_sub(s, 0, VALUE_MAX_BYTES);
	int special = s.len == 0;

	/* Most values are plain; without branches the compiler looks at 16 bytes at a time. */
	for (size_t i = 0; i < shown.len; i++) {
		unsigned char c = (unsigned char)shown.ptr[i];
		special |= (c <= ' ') | (c > 0x7e) | (c == '"') | (c == '\\') | (c == '=');
	}
	if (special != 0) {
		put_quoted(w, shown);
	} else {
		log_line_put(w, shown.ptr, shown.len);
	}
	if (shown.len < s.len) {
		log_line_put_str(w, "...");
	}
}

static void two_digits(char *out, int n)
{
	out[0] = (char)('0' + n / 10 % 10);
	out[1] = (char)('0' + n % 10);
}

static void show_second(int64_t s)
{
	struct tm tm = { 0 };
	time_t t = (time_t)s;

	gmtime_r(&t, &tm);
	memcpy(second_text, "0000-00-00T00:00:00", sizeof(second_text));
	two_digits(second_text, (tm.tm_year + 1900) / 100);
	two_digits(second_text + 2, (tm.tm_year + 1900) % 100);
	two_digits(second_text + 5, tm.tm_mon + 1);
	two_digits(second_text + 8, tm.tm_mday);
	two_digits(second_text + 11, tm.tm_hour);
	two_digits(second_text + 14, tm.tm_min);
	two_digits(second_text + 17, tm.tm_sec);
	shown_s = s;
}

void log_line_put_time(struct log_line *w)
{
	int64_t ms = clock_wall_coarse_ms();

	if (ms / 1000 != shown_s) {
		show_second(ms / 1000);
	}
	log_line_put(w, second_text, sizeof(second_text) - 1);
	char rest[] = { '.', (char)('0' + ms % 1000 / 100), (char)('0' + ms % 100 / 10),
		(char)('0' + ms % 10), 'Z' };
	log_line_put(w, rest, sizeof(rest));
}

void log_line_put_field(struct log_line *w, const struct log_field *f)
{
	char *before = w->at;

	log_line_put(w, f->label.ptr, f->label.len);
	if (f->type == LOG_FIELD_INT) {
		log_line_put_number(w, f->num);
	} else {
		put_value(w, f->str);
	}
	if (w->full) {
		w->at = before;
	}
}
