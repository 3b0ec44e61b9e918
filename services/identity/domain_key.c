/*
 * Role: signer. A domain key's file: PEM with a line before it that says when it was made (PEM
 * readers skip what stands before the first BEGIN).
 */
#include "services/identity/domain_key.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>

#include "accounts/keyfile.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "services/identity/pubkey.h"

enum {
	KEY_BITS = 2048
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

/* The content of a key file. */
static enum err write_text(const struct domain_key *k, struct buf *out, struct err_note *note)
{
	buf_append_str(out, "Domain key of a Plimsoll identity service; keep it secret.\n");
	buf_append_str(out, CREATED);
	buf_append_i64(out, k->created_ms);
	buf_append_char(out, '\n');
	enum err e = write_pem(k->key, out);
	return e == ERR_OK ? ERR_OK : err_note_set(note, e, "OpenSSL writes no RSA key");
}

enum err domain_key_make(struct domain_key *ret, struct err_note *note)
{
	ret->key = EVP_RSA_gen(KEY_BITS);
	ret->created_ms = clock_wall_ms();
	return ret->key != NULL ? ERR_OK
				: err_note_set(note, ERR_CRYPTO, "OpenSSL makes no RSA key");
}

static enum err make(struct buf *out, struct err_note *note)
{
	struct domain_key k = { .key = NULL };
	enum err e = domain_key_make(&k, note);

	if (e == ERR_OK) {
		e = write_text(&k, out, note);
	}
	domain_key_free(&k);
	return e;
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

static void wipe(struct buf *text)
{
	if (text->data != NULL) {
		OPENSSL_cleanse(text->data, text->cap);
	}
	buf_free(text);
}

static enum err take(const char *data_dir, const char *name, struct slice text,
    struct domain_key *ret, struct err_note *note)
{
	ret->created_ms = created_ms(text);
	ret->key = read_pem(text);
	return ret->key != NULL ? ERR_OK
				: err_note_set(note, ERR_CONFIG,
				      "%s/keys/%s is not a PEM file with an RSA key of %d bits",
				      data_dir, name, KEY_BITS);
}

enum err domain_key_load(const char *data_dir, struct domain_key *ret, struct err_note *note)
{
	struct buf text = buf_new(DOMAIN_KEY_FILE_BYTES);
	enum err e = keyfile_load(data_dir, "identity.key", make, &text, note);

	if (e == ERR_OK) {
		e = take(data_dir, "identity.key", buf_slice(&text), ret, note);
	}
	wipe(&text);
	return e;
}

enum err domain_key_read(
    const char *data_dir, const char *name, struct domain_key *ret, struct err_note *note)
{
	struct buf text = buf_new(DOMAIN_KEY_FILE_BYTES);
	enum err e = keyfile_read(data_dir, name, &text, note);

	if (e == ERR_OK) {
		e = take(data_dir, name, buf_slice(&text), ret, note);
	}
	wipe(&text);
	return e;
}

enum err domain_key_write(
    const char *data_dir, const char *name, const struct domain_key *k, struct err_note *note)
{
	struct buf text = buf_new(DOMAIN_KEY_FILE_BYTES);
	enum err e = write_text(k, &text, note);

	if (e == ERR_OK) {
		e = keyfile_write(data_dir, name, buf_slice(&text), note);
	}
	wipe(&text);
	return e;
}

void domain_key_free(struct domain_key *k)
{
	EVP_PKEY_free(k->key);
	k->key = NULL;
}

enum err domain_key_json(const struct domain_key *k, char out[DOMAIN_KEY_JSON_BYTES])
{
	struct buf text = buf_new(DOMAIN_KEY_JSON_BYTES);
	enum err e = pubkey_write_rsa(k->key, &text);

	if (e == ERR_OK) {
		e = text.failed ? ERR_LIMIT
				: slice_to_cstr(buf_slice(&text), out, DOMAIN_KEY_JSON_BYTES);
	}
	buf_free(&text);
	return e;
}

void domain_key_id(struct slice json, char out[DOMAIN_KEY_ID_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };

	CHECK(EVP_Digest(json.ptr, json.len, digest, NULL, EVP_sha256(), NULL) == 1);
	(void)snprintf(out, DOMAIN_KEY_ID_SIZE, "%02x%02x%02x%02x", digest[0], digest[1], digest[2],
	    digest[3]);
}
