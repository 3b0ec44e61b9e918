/*
 * See ticket.h. AES-256-CBC with HMAC-SHA-256 over it, as RFC 5077 section 4 recommends; OpenSSL
 * does the sealing, we say with which key.
 */
#include "core/tls/ticket.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "core/base/rng.h"
#include "core/base/wire.h"

enum {
	IV_BYTES = 16
};

static void push(struct tls_tickets *t, const struct tls_ticket_key *key)
{
	t->key[1] = t->key[0];
	t->key[0] = *key;
	t->n = t->n < TLS_TICKET_KEYS ? t->n + 1 : TLS_TICKET_KEYS;
}

void tls_tickets_rotate(struct tls_tickets *t, int64_t period_us, int64_t now_us)
{
	struct tls_ticket_key key;

	if (t->n > 0 && now_us - t->made_us < period_us) {
		return;
	}
	rng_bytes(&key, sizeof(key));
	push(t, &key);
	t->made_us = now_us;
	OPENSSL_cleanse(&key, sizeof(key));
}

void tls_tickets_take(struct tls_tickets *t, const struct tls_tickets *from)
{
	if (from->n == 1 && t->n > 0) {
		if (memcmp(&t->key[0], &from->key[0], sizeof(t->key[0])) != 0) {
			push(t, &from->key[0]);
		}
		return;
	}
	*t = *from;
}

void tls_tickets_put_wire(const struct tls_tickets *t, struct buf *out)
{
	wire_put_bytes(out, SLICE_OF(t->key, sizeof(t->key[0]) * t->n));
}

bool tls_tickets_take_wire(struct slice wire, struct tls_tickets *ret)
{
	struct wire_reader r = wire_reader_new(wire);
	struct slice keys = wire_take_bytes(&r);
	size_t n = keys.len / sizeof(ret->key[0]);

	if (!wire_done(&r) || n < 1 || n > TLS_TICKET_KEYS || keys.len != n * sizeof(ret->key[0])) {
		return false;
	}
	*ret = (struct tls_tickets){ .n = (unsigned)n };
	memcpy(ret->key, keys.ptr, keys.len);
	return true;
}

static bool set_mac(EVP_MAC_CTX *mac, const struct tls_ticket_key *key)
{
	char digest[] = "SHA256";
	uint8_t bytes[TLS_TICKET_KEY_BYTES];
	OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_string(
				    OSSL_MAC_PARAM_KEY, bytes, sizeof(bytes)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end() };

	memcpy(bytes, key->mac, sizeof(bytes));
	bool good = EVP_MAC_CTX_set_params(mac, params) == 1;
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return good;
}

int tls_tickets_apply(const struct tls_tickets *t, unsigned char name[TLS_TICKET_NAME_BYTES],
    unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool seal)
{
	unsigned i = 0;

	if (seal) {
		if (t->n == 0) {
			return 0;
		}
		memcpy(name, t->key[0].name, TLS_TICKET_NAME_BYTES);
		rng_bytes(iv, IV_BYTES);
	} else {
		while (i < t->n && memcmp(name, t->key[i].name, TLS_TICKET_NAME_BYTES) != 0) {
			i++;
		}
		if (i == t->n) {
			return 0;
		}
	}
	const struct tls_ticket_key *key = &t->key[i];
	if (!set_mac(mac, key) ||
	    EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, seal) != 1) {
		return -1;
	}
	return i == 0 ? 1 : 2;
}

void tls_tickets_wipe(struct tls_tickets *t)
{
	OPENSSL_cleanse(t, sizeof(*t));
}
