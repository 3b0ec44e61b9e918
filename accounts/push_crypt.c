/*
 * See push_crypt.h. One record, so its nonce is the derived one as it is.
 */
#include "accounts/push_crypt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "accounts/hkdf.h"
#include "core/base/enc.h"

enum {
	KEY_BYTES = 16,
	NONCE_BYTES = 12,
	TAG_BYTES = 16,
	LAST_RECORD = 2, /* delimiter behind the text */
};

static const struct slice info_key = { "WebPush: info", 14 }; /* with their NUL */
static const struct slice info_content = { "Content-Encoding: aes128gcm", 28 };
static const struct slice info_nonce = { "Content-Encoding: nonce", 24 };

struct content_key {
	uint8_t key[KEY_BYTES], nonce[NONCE_BYTES];
};

/* Browsers give base64url without padding; some libraries pad. */
static bool decode(struct slice text, void *out, size_t size)
{
	size_t len = 0;

	while (text.len > 0 && text.ptr[text.len - 1] == '=') {
		text = slice_sub(text, 0, text.len - 1);
	}
	return dec_base64url(text, out, size, &len) == ERR_OK && len == size;
}

bool push_keys_take(struct slice p256dh, struct slice auth, struct push_keys *ret)
{
	struct push_keys k;

	if (!decode(p256dh, k.point, sizeof(k.point)) || !decode(auth, k.auth, sizeof(k.auth)) ||
	    !p256_is_point(k.point)) {
		return false;
	}
	*ret = k;
	return true;
}

static enum err derive(const struct push_keys *keys, const struct p256_pair *own,
    const uint8_t salt[PUSH_SALT_BYTES], struct content_key *ret)
{
	uint8_t shared[P256_SCALAR_BYTES], input[P256_SCALAR_BYTES];
	uint8_t info[sizeof("WebPush: info") + 2 * P256_POINT_BYTES];
	const struct slice by = SLICE_OF(salt, PUSH_SALT_BYTES),
			   from = SLICE_OF(input, sizeof(input));
	enum err e = p256_agree(own, keys->point, shared);

	memcpy(info, info_key.ptr, info_key.len);
	memcpy(info + info_key.len, keys->point, P256_POINT_BYTES);
	memcpy(info + info_key.len + P256_POINT_BYTES, own->point, P256_POINT_BYTES);
	if (e == ERR_OK) {
		e = hkdf_sha256(SLICE_OF(shared, sizeof(shared)),
		    SLICE_OF(keys->auth, sizeof(keys->auth)), SLICE_OF(info, sizeof(info)), input,
		    sizeof(input));
	}
	if (e == ERR_OK) {
		e = hkdf_sha256(from, by, info_content, ret->key, sizeof(ret->key));
	}
	if (e == ERR_OK) {
		e = hkdf_sha256(from, by, info_nonce, ret->nonce, sizeof(ret->nonce));
	}
	OPENSSL_cleanse(shared, sizeof(shared));
	OPENSSL_cleanse(input, sizeof(input));
	return e;
}

/* The record into out, which has room for text, delimiter and tag. */
static enum err seal(const struct content_key *k, struct slice text, uint8_t *out)
{
	static const uint8_t delimiter = LAST_RECORD;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, more = 0, end = 0;
	bool good =
	    ctx != NULL &&
	    EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, k->key, k->nonce) == 1 &&
	    EVP_EncryptUpdate(ctx, out, &n, (const uint8_t *)text.ptr, (int)text.len) == 1 &&
	    EVP_EncryptUpdate(ctx, out + n, &more, &delimiter, 1) == 1 &&
	    EVP_EncryptFinal_ex(ctx, out + n + more, &end) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, out + text.len + 1) == 1;

	EVP_CIPHER_CTX_free(ctx);
	return good && n + more + end == (int)text.len + 1 ? ERR_OK : ERR_CRYPTO;
}

enum err push_encrypt(const struct push_keys *keys, const struct p256_pair *own,
    const uint8_t salt[PUSH_SALT_BYTES], struct slice text, struct buf *out)
{
	const uint8_t size[] = { 0, 0, PUSH_RECORD_BYTES >> 8, PUSH_RECORD_BYTES & 0xff };
	struct content_key k;

	if (text.len > PUSH_TEXT_MAX) {
		return ERR_LIMIT;
	}
	enum err e = derive(keys, own, salt, &k);
	if (e != ERR_OK) {
		return e;
	}
	buf_append(out, salt, PUSH_SALT_BYTES);
	buf_append(out, size, sizeof(size));
	buf_append_char(out, (char)P256_POINT_BYTES);
	buf_append(out, own->point, P256_POINT_BYTES);
	char *room = buf_room(out, text.len + 1 + TAG_BYTES);
	if (room == NULL) {
		e = ERR_MEMORY;
	} else {
		e = seal(&k, text, (uint8_t *)room);
		buf_grew(out, text.len + 1 + TAG_BYTES);
	}
	OPENSSL_cleanse(&k, sizeof(k));
	return e;
}
