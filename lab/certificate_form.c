/*
 * See certificate_form.h. Kept is a mark, the time "iat" in six bytes (until the year 10889) and
 * the signature; or, where the certificate is not of the form, the certificate, which begins with
 * no such mark.
 */
#include "lab/certificate_form.h"

#include <string.h>

#include "core/base/enc.h"

enum {
	FORM_BYTES = 8192,
	PART_BYTES = 4096,
	TIME_BYTES = 6,
	SIGNATURE_BYTES = 512, /* at most: RSA of 4,096 bits */
	/* In the payload, where certificates differ; JSON has no such bytes. */
	MARK_KEY = 1,
	MARK_ADDRESS,
	MARK_ISSUED,
	MARK_EXPIRES,
	MARK_KEPT = 1
};

/* A certificate taken apart. */
struct parts {
	struct slice head;
	struct buf payload; /* with marks */
	int64_t issued_ms, expires_ms;
	unsigned char signature[SIGNATURE_BYTES];
	size_t signature_len;
};

void certificate_form_init(struct certificate_form *f)
{
	*f = (struct certificate_form){ .head = buf_new(PART_BYTES),
		.payload = buf_new(FORM_BYTES) };
}

void certificate_form_fini(struct certificate_form *f)
{
	buf_free(&f->head);
	buf_free(&f->payload);
}

/* ---- taking apart ---- */

/* "name":digits at the beginning of text; its length, or 0. */
static size_t take_time(struct slice text, struct slice name, int64_t *ret)
{
	uint64_t n = 0;
	size_t end = name.len;

	if (!slice_starts(text, name)) {
		return 0;
	}
	while (end < text.len && text.ptr[end] >= '0' && text.ptr[end] <= '9') {
		end++;
	}
	if (slice_to_u64(slice_sub(text, name.len, end), INT64_MAX, &n) != ERR_OK) {
		return 0;
	}
	*ret = (int64_t)n;
	return end;
}

/* "address" with its quotes at the beginning of text; its length, or 0. */
static size_t take_address(struct slice text, struct slice address)
{
	bool is_it = text.len >= address.len + 2 && text.ptr[0] == '"' &&
		     slice_starts(slice_sub(text, 1, text.len), address) &&
		     text.ptr[address.len + 1] == '"';

	return is_it ? address.len + 2 : 0;
}

/* Copies the payload with marks. */
static void mark(struct parts *p, struct slice payload, struct slice key, struct slice address)
{
	for (size_t i = 0; i < payload.len;) {
		struct slice rest = slice_sub(payload, i, payload.len);
		char found = 0;
		size_t len = key.len > 0 && slice_starts(rest, key) ? key.len : 0;
		if (len > 0) {
			found = MARK_KEY;
		} else if ((len = take_address(rest, address)) > 0) {
			found = MARK_ADDRESS;
		} else if ((len = take_time(rest, SLICE("\"iat\":"), &p->issued_ms)) > 0) {
			found = MARK_ISSUED;
		} else if ((len = take_time(rest, SLICE("\"exp\":"), &p->expires_ms)) > 0) {
			found = MARK_EXPIRES;
		}
		buf_append_char(&p->payload, len > 0 ? found : rest.ptr[0]);
		i += len > 0 ? len : 1;
	}
}

/* False: no certificate of three parts with both times. */
static bool take_apart(
    struct slice certificate, struct slice key, struct slice address, struct parts *p)
{
	char payload[PART_BYTES];
	struct slice rest = certificate, text = SLICE_EMPTY;
	size_t len = 0;

	if (!slice_split(&rest, '.', &p->head) || !slice_split(&rest, '.', &text) ||
	    dec_base64url(text, payload, sizeof(payload), &len) != ERR_OK ||
	    dec_base64url(rest, p->signature, sizeof(p->signature), &p->signature_len) != ERR_OK) {
		return false;
	}
	mark(p, SLICE_OF(payload, len), key, address);
	return p->issued_ms > 0 && p->expires_ms > 0 && (p->issued_ms >> (8 * TIME_BYTES)) == 0;
}

/* ---- keeping ---- */

static bool is_of_form(const struct certificate_form *f, const struct parts *p)
{
	return slice_eq(buf_slice(&f->head), p->head) &&
	       slice_eq(buf_slice(&f->payload), buf_slice(&p->payload)) &&
	       f->lifetime_ms == p->expires_ms - p->issued_ms;
}

static void take_form(struct certificate_form *f, const struct parts *p)
{
	buf_append_slice(&f->head, p->head);
	buf_append_slice(&f->payload, buf_slice(&p->payload));
	f->lifetime_ms = p->expires_ms - p->issued_ms;
}

enum err certificate_keep(struct certificate_form *f, struct slice certificate, struct slice key,
    struct slice address, struct buf *out)
{
	struct parts p = { .payload = buf_new(FORM_BYTES) };
	bool is_good = take_apart(certificate, key, address, &p) && !p.payload.failed;

	if (is_good && f->head.len == 0) {
		take_form(f, &p);
	}
	if (is_good && is_of_form(f, &p)) {
		buf_append_char(out, MARK_KEPT);
		for (unsigned i = 0; i < TIME_BYTES; i++) {
			buf_append_char(out, (char)(p.issued_ms >> 8 * i & 0xff));
		}
		buf_append(out, p.signature, p.signature_len);
	} else {
		buf_append_slice(out, certificate);
	}
	buf_free(&p.payload);
	return out->failed ? ERR_MEMORY : ERR_OK;
}

/* ---- and back ---- */

static int64_t time_of(struct slice kept)
{
	int64_t ms = 0;

	for (unsigned i = 0; i < TIME_BYTES; i++) {
		ms |= (int64_t)(unsigned char)kept.ptr[1 + i] << 8 * i;
	}
	return ms;
}

static void fill(const struct certificate_form *f, int64_t issued_ms, struct slice key,
    struct slice address, struct buf *out)
{
	for (size_t i = 0; i < f->payload.len; i++) {
		switch (f->payload.data[i]) {
		case MARK_KEY:
			buf_append_slice(out, key);
			break;
		case MARK_ADDRESS:
			buf_printf(out, "\"%.*s\"", SLICE_ARG(address));
			break;
		case MARK_ISSUED:
			buf_printf(out, "\"iat\":%lld", (long long)issued_ms);
			break;
		case MARK_EXPIRES:
			buf_printf(out, "\"exp\":%lld", (long long)(issued_ms + f->lifetime_ms));
			break;
		default:
			buf_append_char(out, f->payload.data[i]);
			break;
		}
	}
}

enum err certificate_restore(const struct certificate_form *f, struct slice kept, struct slice key,
    struct slice address, struct buf *out)
{
	struct buf payload = buf_new(FORM_BYTES);

	if (kept.len <= 1 + TIME_BYTES || kept.ptr[0] != MARK_KEPT) {
		buf_append_slice(out, kept);
		return out->failed ? ERR_MEMORY : ERR_OK;
	}
	fill(f, time_of(kept), key, address, &payload);
	buf_append_slice(out, buf_slice(&f->head));
	buf_append_char(out, '.');
	enc_base64url(out, buf_slice(&payload));
	buf_append_char(out, '.');
	enc_base64url(out, slice_sub(kept, 1 + TIME_BYTES, kept.len));
	enum err e = out->failed || payload.failed ? ERR_MEMORY : ERR_OK;
	buf_free(&payload);
	return e;
}
