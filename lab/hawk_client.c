/*
 * The text that is signed has one line for each part, in the order of the specification.
 */
#include "lab/hawk_client.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/base/enc.h"
#include "core/http/chars.h"

enum {
	TEXT_BYTES = 16384, /* a path of 4 KiB and the rest */
};

static void put_line(struct buf *out, struct slice part)
{
	buf_append_slice(out, part);
	buf_append_char(out, '\n');
}

static void put_lower(struct buf *out, struct slice part)
{
	for (size_t i = 0; i < part.len; i++) {
		char c = part.ptr[i];
		buf_append_char(out, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
	}
}

/* Host and port each on a line: the port is the last colon's, unless that is inside an address. */
static void put_authority(struct buf *out, struct slice host, bool secure)
{
	size_t bracket = slice_find(host, ']', 0);
	size_t colon = slice_find(host, ':', bracket < host.len ? bracket : 0);

	put_lower(out, slice_sub(host, 0, colon));
	buf_append_char(out, '\n');
	put_line(out, colon < host.len ? slice_sub(host, colon + 1, host.len)
		      : secure	       ? SLICE("443")
				       : SLICE("80"));
}

enum err hawk_mac(const struct hawk_request *r, struct buf *out)
{
	struct buf text = buf_new(TEXT_BYTES);
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct slice all = SLICE_EMPTY;

	put_line(&text, SLICE("hawk.1.header"));
	put_line(&text, r->ts);
	put_line(&text, r->nonce);
	put_line(&text, r->method);
	put_line(&text, r->path);
	put_authority(&text, r->host, r->secure);
	put_line(&text, r->hash);
	put_line(&text, r->ext);
	bool good = buf_finish(&text, &all) == ERR_OK && r->key.len <= INT32_MAX &&
		    HMAC(EVP_sha256(), r->key.ptr, (int)r->key.len, (const unsigned char *)all.ptr,
			all.len, mac, &len) != NULL;
	buf_free(&text);
	if (!good) {
		return ERR_CRYPTO;
	}
	enc_base64(out, SLICE_OF(mac, len));
	return ERR_OK;
}

enum err hawk_hash(struct slice type, struct slice body, struct buf *out)
{
	static const char head[] = "hawk.1.payload\n";
	struct buf plain = buf_new(256);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct slice name = SLICE_EMPTY;

	put_lower(&plain, slice_trim(slice_sub(type, 0, slice_find(type, ';', 0))));
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool good = c != NULL && buf_finish(&plain, &name) == ERR_OK &&
		    EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1 &&
		    EVP_DigestUpdate(c, head, sizeof(head) - 1) == 1 &&
		    EVP_DigestUpdate(c, name.ptr, name.len) == 1 &&
		    EVP_DigestUpdate(c, "\n", 1) == 1 &&
		    EVP_DigestUpdate(c, body.ptr, body.len) == 1 &&
		    EVP_DigestUpdate(c, "\n", 1) == 1 && EVP_DigestFinal_ex(c, digest, &len) == 1;
	EVP_MD_CTX_free(c);
	buf_free(&plain);
	if (!good) {
		return ERR_CRYPTO;
	}
	enc_base64(out, SLICE_OF(digest, len));
	return ERR_OK;
}

static bool quotable(struct slice s)
{
	return http_chars_are(s, HTTP_CHAR_FIELD) && slice_find(s, '"', 0) == s.len &&
	       slice_find(s, '\\', 0) == s.len;
}

static void put_part(struct buf *out, const char *name, struct slice value)
{
	if (value.len > 0) {
		buf_printf(out, ", %s=\"%.*s\"", name, SLICE_ARG(value));
	}
}

enum err hawk_header(const struct hawk_request *r, struct buf *out)
{
	struct buf mac = buf_new(64);

	if (!quotable(r->id) || !quotable(r->ts) || !quotable(r->nonce) || !quotable(r->hash) ||
	    !quotable(r->ext)) {
		return ERR_INVALID;
	}
	enum err e = hawk_mac(r, &mac);
	if (e == ERR_OK) {
		buf_printf(out, "Hawk id=\"%.*s\"", SLICE_ARG(r->id));
		put_part(out, "ts", r->ts);
		put_part(out, "nonce", r->nonce);
		put_part(out, "hash", r->hash);
		put_part(out, "ext", r->ext);
		put_part(out, "mac", buf_slice(&mac));
	}
	buf_free(&mac);
	return e;
}
