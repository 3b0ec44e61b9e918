/*
 * Hawk: the header, the string that is signed, the payload's hash.
 */
#include "services/sync/hawk_mac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/base/buf.h"
#include "core/base/enc.h"

enum {
	TS_MAX_DIGITS = 12
};

/* ---- the header ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static void skip_spaces(struct slice *rest)
{
	while (rest->len > 0 && is_space(rest->ptr[0])) {
		*rest = slice_sub(*rest, 1, rest->len);
	}
}

/* Cuts name="value" off. */
static bool take_pair(struct slice *rest, struct slice *ret_name, struct slice *ret_value)
{
	size_t equals = slice_find(*rest, '=', 0);

	if (equals == rest->len || equals + 1 == rest->len || rest->ptr[equals + 1] != '"') {
		return false;
	}
	size_t end = slice_find(*rest, '"', equals + 2);
	if (end == rest->len) {
		return false;
	}
	*ret_name = slice_sub(*rest, 0, equals);
	*ret_value = slice_sub(*rest, equals + 2, end);
	*rest = slice_sub(*rest, end + 1, rest->len);
	return true;
}

/* Printable ASCII, and no backslash: nothing is escaped in a header. */
static bool is_clean(struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];
		if (c < 0x20 || c > 0x7e || c == '\\') {
			return false;
		}
	}
	return true;
}

static bool is_scheme(struct slice *rest)
{
	if (rest->len < 5 || !is_space(rest->ptr[4]) ||
	    !slice_eq_nocase(slice_sub(*rest, 0, 4), SLICE("Hawk"))) {
		return false;
	}
	*rest = slice_sub(*rest, 5, rest->len);
	return true;
}

/* Where an attribute goes; NULL: unknown. */
static struct slice *place_of(struct hawk *h, struct slice *mac, struct slice name)
{
	struct {
		struct slice name;
		struct slice *place;
	} const places[] = {
		{ SLICE("id"), &h->id },
		{ SLICE("ts"), &h->ts },
		{ SLICE("nonce"), &h->nonce },
		{ SLICE("mac"), mac },
		{ SLICE("hash"), &h->hash },
		{ SLICE("ext"), &h->ext },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (slice_eq(name, places[i].name)) {
			return places[i].place;
		}
	}
	return NULL;
}

static enum err take_attributes(struct slice rest, struct hawk *h, struct slice *mac)
{
	struct slice name, value;

	for (skip_spaces(&rest); rest.len > 0;) {
		if (!take_pair(&rest, &name, &value) || !is_clean(value)) {
			return ERR_SYNTAX;
		}
		struct slice *place = place_of(h, mac, name);
		if (place == NULL || place->ptr != NULL) {
			return ERR_SYNTAX;
		}
		*place = value;
		skip_spaces(&rest);
		if (rest.len == 0) {
			return ERR_OK;
		}
		if (rest.ptr[0] != ',') {
			return ERR_SYNTAX;
		}
		rest = slice_sub(rest, 1, rest.len);
		skip_spaces(&rest);
		if (rest.len == 0) {
			return ERR_SYNTAX;
		}
	}
	return ERR_SYNTAX;
}

enum err hawk_parse(struct slice value, struct hawk *ret)
{
	const struct slice none = { NULL, 0 };
	struct hawk h = { .id = none, .ts = none, .nonce = none, .ext = none, .hash = none };
	struct slice rest = value, mac = none;
	uint64_t ts = 0;
	size_t mac_len = 0;

	if (!is_scheme(&rest)) {
		return ERR_UNSUPPORTED;
	}
	if (value.len > HAWK_HEADER_MAX || take_attributes(rest, &h, &mac) != ERR_OK ||
	    h.id.len == 0 || h.nonce.len == 0 || h.nonce.len > HAWK_NONCE_MAX || mac.len == 0 ||
	    h.ts.len > TS_MAX_DIGITS || slice_to_u64(h.ts, INT64_MAX, &ts) != ERR_OK ||
	    dec_base64(mac, h.mac, sizeof(h.mac), &mac_len) != ERR_OK || mac_len != sizeof(h.mac)) {
		return ERR_SYNTAX;
	}
	h.ts_s = (int64_t)ts;
	*ret = h;
	return ERR_OK;
}

/* ---- what is signed ---- */

static void put_line(struct buf *out, struct slice part)
{
	buf_append_slice(out, part);
	buf_append_char(out, '\n');
}

static void put_lower(struct buf *out, struct slice host)
{
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];
		buf_append_char(out, (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
	}
	buf_append_char(out, '\n');
}

static void put_normalised(struct buf *out, const struct hawk *h, const struct hawk_request *r)
{
	put_line(out, SLICE("hawk.1.header"));
	put_line(out, h->ts);
	put_line(out, h->nonce);
	put_line(out, r->method);
	put_line(out, r->target);
	put_lower(out, r->host);
	buf_append_u64(out, r->port);
	buf_append_char(out, '\n');
	put_line(out, h->hash);
	put_line(out, h->ext);
}

enum err hawk_mac(struct slice key, const struct hawk *h, const struct hawk_request *r,
    uint8_t out[HAWK_MAC_BYTES])
{
	struct buf text = buf_new(HAWK_PART_MAX);
	unsigned len = 0;
	enum err e = ERR_OK;

	put_normalised(&text, h, r);
	if (text.failed) {
		e = ERR_LIMIT;
	} else if (HMAC(EVP_sha256(), key.ptr, (int)key.len, (const unsigned char *)text.data,
		       text.len, out, &len) == NULL ||
		   len != HAWK_MAC_BYTES) {
		e = ERR_CRYPTO;
	}
	buf_free(&text);
	return e;
}

enum err hawk_check(struct slice key, const struct hawk *h, const struct hawk_request *r)
{
	uint8_t mac[HAWK_MAC_BYTES];
	enum err e = hawk_mac(key, h, r, mac);

	if (e == ERR_OK && CRYPTO_memcmp(mac, h->mac, sizeof(mac)) != 0) {
		e = ERR_DENIED;
	}
	return e;
}

/* ---- the payload ---- */

static bool feed(EVP_MD_CTX *ctx, struct slice part)
{
	return EVP_DigestUpdate(ctx, part.ptr, part.len) == 1;
}

static bool digest_payload(EVP_MD_CTX *ctx, struct slice type, struct slice body, uint8_t *out)
{
	const struct slice newline = SLICE("\n");

	return EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
	       feed(ctx, SLICE("hawk.1.payload\n")) && feed(ctx, type) && feed(ctx, newline) &&
	       feed(ctx, body) && feed(ctx, newline) && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

enum err hawk_payload_hash(struct slice content_type, struct slice body, char out[HAWK_BASE64_SIZE])
{
	uint8_t digest[HAWK_MAC_BYTES];
	char lower[128];
	struct buf text = buf_new(HAWK_BASE64_SIZE);
	struct slice type =
	    slice_trim(slice_sub(content_type, 0, slice_find(content_type, ';', 0)));
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	enum err e = ERR_CRYPTO;

	if (type.len > sizeof(lower)) {
		EVP_MD_CTX_free(ctx);
		return ERR_LIMIT;
	}
	for (size_t i = 0; i < type.len; i++) {
		char c = type.ptr[i];
		lower[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	if (ctx != NULL && digest_payload(ctx, SLICE_OF(lower, type.len), body, digest)) {
		enc_base64(&text, SLICE_OF(digest, sizeof(digest)));
		e = text.failed ? ERR_MEMORY
				: slice_to_cstr(buf_slice(&text), out, HAWK_BASE64_SIZE);
	}
	buf_free(&text);
	EVP_MD_CTX_free(ctx);
	return e;
}

bool hawk_payload_is_good(const struct hawk *h, struct slice content_type, struct slice body)
{
	char hash[HAWK_BASE64_SIZE];

	return h->hash.ptr == NULL || h->hash.len == 0 ||
	       (hawk_payload_hash(content_type, body, hash) == ERR_OK &&
		   slice_eq_secret(slice_str(hash), h->hash));
}
