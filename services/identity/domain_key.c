/*
 * Role: signer. The domain key's file: PEM with a line before it that says when it was made (PEM
 * readers skip what stands before the first BEGIN).
 */
#include "services/identity/domain_key.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "accounts/keyfile.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/wire.h"
#include "services/identity/identity_priv.h"
#include "services/identity/pubkey.h"

enum {
	KEY_BITS = 2048,
	FILE_MAX_BYTES = 3 * 4096
};

#define CREATED "created-ms: "

static enum err write_pem(EVP_PKEY *key, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	enum err e = ERR_CRYPTO;

	if (bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
		long len = BIO_get_mem_data(bio, &text);
		if (len > 0) {
			buf_append(out, text, (size_t)len);
			OPENSSL_cleanse(text, (size_t)len);
			e = ERR_OK;
		}
	}
	BIO_free(bio);
	return e;
}

static enum err make(struct buf *out, struct err_note *note)
{
	EVP_PKEY *key = EVP_RSA_gen(KEY_BITS);
	enum err e = ERR_CRYPTO;

	if (key != NULL) {
		buf_append_str(out, "Domain key of a Plimsoll identity service; keep it secret.\n");
		buf_append_str(out, CREATED);
		buf_append_i64(out, clock_wall_ms());
		buf_append_char(out, '\n');
		e = write_pem(key, out);
	}
	EVP_PKEY_free(key);
	return e == ERR_OK ? ERR_OK : err_note_set(note, e, "OpenSSL makes no RSA key");
}

/* The line of a file of ours; 0 for a key that an operator brought without one. */
static int64_t created_ms(struct slice text)
{
	struct slice line;
	uint64_t ms = 0;

	while (slice_split(&text, '\n', &line) && !slice_starts(line, SLICE("-----"))) {
		if (slice_starts(line, SLICE(CREATED)) &&
		    slice_to_u64(slice_sub(line, sizeof(CREATED) - 1, line.len), INT64_MAX, &ms) ==
			ERR_OK) {
			return (int64_t)ms;
		}
	}
	return 0;
}

static EVP_PKEY *read_pem(struct slice text)
{
	BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
	EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	BIO_free(bio);
	if (key != NULL && (EVP_PKEY_is_a(key, "RSA") != 1 || EVP_PKEY_get_bits(key) != KEY_BITS)) {
		EVP_PKEY_free(key);
		return NULL;
	}
	return key;
}

enum err domain_key_load(const char *data_dir, struct domain_key *ret, struct err_note *note)
{
	struct buf text = buf_new(FILE_MAX_BYTES);
	enum err e = keyfile_load(data_dir, "identity.key", make, &text, note);

	if (e == ERR_OK) {
		struct slice s = buf_slice(&text);
		ret->created_ms = created_ms(s);
		ret->key = read_pem(s);
		if (ret->key == NULL) {
			e = err_note_set(note, ERR_CONFIG,
			    "%s/keys/identity.key is not a PEM file with an RSA key of %d bits",
			    data_dir, KEY_BITS);
		}
	}
	if (text.data != NULL) {
		OPENSSL_cleanse(text.data, text.cap);
	}
	buf_free(&text);
	return e;
}

void domain_key_free(struct domain_key *k)
{
	EVP_PKEY_free(k->key);
	k->key = NULL;
}

void public_key_put(struct buf *out, const struct public_key_info *i)
{
	wire_put_i64(out, i->created_ms);
	wire_put_bytes(out, i->json);
}

bool public_key_take(struct slice message, struct public_key_info *ret)
{
	struct wire_reader r = wire_reader_new(message);

	ret->created_ms = wire_take_i64(&r);
	ret->json = wire_take_bytes(&r);
	return wire_done(&r);
}

static enum err handle(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct identity_state *state = identity_state(role_state);
	struct buf json = buf_new(2048);

	(void)info;
	(void)note;
	CHECK(req.len == 0);
	enum err e = pubkey_write_rsa(state->domain_key.key, &json);
	if (e == ERR_OK) {
		const struct public_key_info info_reply = {
			.created_ms = state->domain_key.created_ms, .json = buf_slice(&json)
		};
		public_key_put(reply, &info_reply);
	}
	buf_free(&json);
	return e;
}

const struct rpc_def identity_public_key = {
	.name = "identity.public_key",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_SIGNER,
	.max_req = 0,
	.max_rep = 2048,
	.deadline_ms = 10000,
	.cost_us = 50,
	.flags = RPC_IDEMPOTENT,
	.handle = handle,
};
