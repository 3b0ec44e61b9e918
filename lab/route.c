/*
 * An id is a number, a long hexadecimal text, or a long text with both letters and digits. Versions
 * ("1.5", "v1") are none.
 */
#include "lab/route.h"

enum {
	PARTS_MOST = 16,
	HEX_LEAST = 8,
	MIXED_LEAST = 12,
};

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
	       c == '-';
}

static bool is_id(struct slice part)
{
	size_t digits = 0, hex = 0, letters = 0;

	for (size_t i = 0; i < part.len; i++) {
		char c = part.ptr[i];
		digits += c >= '0' && c <= '9';
		hex += is_hex(c);
		letters += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	}
	if (part.len == 0 || digits == 0) {
		return false;
	}
	return digits == part.len || (hex == part.len && part.len >= HEX_LEAST) ||
	       (part.len >= MIXED_LEAST && letters > 0 && digits >= 2) || part.ptr[0] == '%';
}

static size_t last_dot(struct slice part)
{
	for (size_t i = part.len; i-- > 1;) {
		if (part.ptr[i] == '.') {
			char c = slice_sub(part, i + 1, part.len).len > 0 ? part.ptr[i + 1] : '0';
			return c >= '0' && c <= '9' ? part.len : i; /* a version has no ending */
		}
	}
	return part.len;
}

/* From the last dot on, ".dbg.gz" whole. Empty: there is none. */
static struct slice ending(struct slice part)
{
	static const char *const packed[] = { ".gz", ".bz2", ".xz", ".zst" };
	size_t dot = last_dot(part);
	struct slice end = slice_sub(part, dot, part.len);

	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		if (slice_eq(end, slice_str(packed[i]))) {
			size_t before = last_dot(slice_sub(part, 0, dot));
			return slice_sub(part, before < dot ? before : dot, part.len);
		}
	}
	return end;
}

void route_put(struct slice path, struct buf *out)
{
	struct slice parts[PARTS_MOST], rest = slice_sub(path, 0, slice_find(path, '?', 0));
	bool ids[PARTS_MOST], any = false;
	size_t n = 0, limit = out->len + ROUTE_BYTES;

	rest = slice_sub(rest, 1, rest.len);
	while (n < PARTS_MOST && slice_split(&rest, '/', &parts[n])) {
		ids[n] = is_id(parts[n]);
		any = any || ids[n];
		n++;
	}
	for (size_t i = 0; i < n; i++) {
		bool beside = (i > 0 && ids[i - 1]) || (i + 1 < n && ids[i + 1]);
		struct slice end = ending(parts[i]);
		size_t room = limit > out->len + 2 ? limit - out->len - 2 : 0;
		buf_append_char(out, '/');
		if (ids[i]) {
			buf_append_char(out, '*');
		} else if (any && beside && end.len > 0) {
			buf_append_char(out, '*');
			buf_append_slice(out, slice_sub(end, 0, room));
		} else {
			buf_append_slice(out, slice_sub(parts[i], 0, room));
		}
		if (room == 0) {
			return;
		}
	}
}
