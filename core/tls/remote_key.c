/*
 * A provider for OpenSSL 3 (provider-keymgmt(7), provider-signature(7)) with key objects that hold
 * a public key and ask somebody else to sign. libssl needs of a key: what it is, that it fits its
 * certificate, and EVP_DigestSign.
 *
 * Two decisions make the library come to us with these keys and with no others: the key managers
 * have the usual names (libssl goes by them) but are found only by asking for "provider=plimsoll",
 * because the default properties of the context prefer the default provider; and the signature has
 * a name of its own, which the key manager gives, so that the library does not try first to export
 * the private key to the default provider's signature of the usual name.
 */
#include "core/tls/remote_key.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"

#define SIGNATURE_NAME "PLIMSOLL-REMOTE"
#define PROPERTIES     "provider=plimsoll"
/* By which a struct remote_key is handed to the key manager inside the process. */
#define PARAM_POINTER "plimsoll-remote-key"

enum {
	DIGEST_NAME_BYTES = 16,
	REASON_NOT_SIGNED = 1, /* of ERR_LIB_USER */
};

struct remote_key {
	EVP_PKEY *public; /* owned */
	struct tls_id id;
	enum tls_kind kind;
	const struct tls_signer *signer;
};

/* The provider needs no context of its own, but OpenSSL wants a pointer. */
static char provider_context;

/* ---- key manager: what OpenSSL calls keydata is a pointer to a remote_key ---- */

struct key_data {
	struct remote_key *key; /* owned */
};

static void *key_new(void *provctx)
{
	(void)provctx;
	return calloc(1, sizeof(struct key_data));
}

static void key_free(void *keydata)
{
	struct key_data *d = keydata;

	if (d != NULL && d->key != NULL) {
		EVP_PKEY_free(d->key->public);
		free(d->key);
	}
	free(d);
}

static int key_has(const void *keydata, int selection)
{
	const struct key_data *d = keydata;

	(void)selection;
	return d != NULL && d->key != NULL;
}

static int key_match(const void *a, const void *b, int selection)
{
	const struct key_data *x = a, *y = b;

	(void)selection;
	return key_has(x, 0) && key_has(y, 0) && EVP_PKEY_eq(x->key->public, y->key->public) == 1;
}

static int key_import(void *keydata, int selection, const OSSL_PARAM params[])
{
	struct key_data *d = keydata;
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, PARAM_POINTER);

	(void)selection;
	/* Others' public keys are offered too (EVP_PKEY_eq); only what we made is taken. */
	if (p == NULL || p->data_size != sizeof(struct remote_key *) || d->key != NULL) {
		return 0;
	}
	memcpy(&d->key, p->data, sizeof(struct remote_key *));
	return 1;
}

static const OSSL_PARAM *key_import_types(int selection)
{
	static const OSSL_PARAM types[] = { OSSL_PARAM_octet_string(PARAM_POINTER, NULL, 0),
		OSSL_PARAM_END };

	return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ? types : NULL;
}

/* The public half, so that the library can compare it with the certificate's. */
static int key_export(void *keydata, int selection, OSSL_CALLBACK *callback, void *arg)
{
	const struct key_data *d = keydata;
	OSSL_PARAM *params = NULL;

	if (!key_has(d, 0) || (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ||
	    EVP_PKEY_todata(d->key->public, selection, &params) != 1) {
		return 0;
	}
	int result = callback(params, arg);
	OSSL_PARAM_free(params);
	return result;
}

static const OSSL_PARAM *key_export_types(int selection)
{
	static const OSSL_PARAM types[] = { OSSL_PARAM_octet_string(
						OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0), OSSL_PARAM_END };

	return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 ? types : NULL;
}

static int key_get_params(void *keydata, OSSL_PARAM params[])
{
	const struct key_data *d = keydata;

	return key_has(d, 0) && EVP_PKEY_get_params(d->key->public, params) == 1;
}

static const OSSL_PARAM *key_gettable_params(void *provctx)
{
	static const OSSL_PARAM types[] = { OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0), OSSL_PARAM_END };

	(void)provctx;
	return types;
}

static const char *key_operation_name(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? SIGNATURE_NAME : NULL;
}

/* ---- signature ---- */

struct signature {
	const struct remote_key *key; /* lives as long as the EVP_PKEY that the caller holds */
	char digest[DIGEST_NAME_BYTES];
	bool pss;
};

static void *signature_new(void *provctx, const char *properties)
{
	(void)provctx;
	(void)properties;
	return calloc(1, sizeof(struct signature));
}

static void signature_free(void *ctx)
{
	free(ctx);
}

static void *signature_dup(void *ctx)
{
	struct signature *copy = malloc(sizeof(*copy));

	if (copy != NULL) {
		memcpy(copy, ctx, sizeof(*copy));
	}
	return copy;
}

static const struct tls_scheme *scheme_of(const struct signature *s)
{
	return tls_scheme_for(s->key->kind, s->digest[0] == '\0' ? NULL : s->digest, s->pss);
}

/* Names of a digest as libssl has them, in the form of scheme.c. */
static bool take_digest(struct signature *s, const char *name)
{
	static const char *const names[][2] = { { "SHA256", "SHA2-256" }, { "SHA384", "SHA2-384" },
		{ "SHA512", "SHA2-512" } };

	s->digest[0] = '\0';
	if (name == NULL || name[0] == '\0') {
		return true;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (OPENSSL_strcasecmp(name, names[i][0]) == 0 ||
		    OPENSSL_strcasecmp(name, names[i][1]) == 0) {
			memcpy(s->digest, names[i][0], strlen(names[i][0]) + 1);
			return true;
		}
	}
	return false;
}

static int signature_set_params(void *ctx, const OSSL_PARAM params[])
{
	struct signature *s = ctx;
	const OSSL_PARAM *p =
	    params == NULL ? NULL : OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	int mode = 0;

	if (p == NULL) {
		return 1; /* the salt is as long as the digest, whatever else is said */
	}
	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		s->pss = strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
		return 1;
	}
	if (OSSL_PARAM_get_int(p, &mode) != 1) {
		return 0;
	}
	s->pss = mode == RSA_PKCS1_PSS_PADDING;
	return s->pss || mode == RSA_PKCS1_PADDING;
}

static const OSSL_PARAM *signature_settable_params(void *ctx, void *provctx)
{
	static const OSSL_PARAM types[] = { OSSL_PARAM_int(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0), OSSL_PARAM_END };

	(void)ctx;
	(void)provctx;
	return types;
}

static int digest_sign_init(void *ctx, const char *digest, void *keydata, const OSSL_PARAM params[])
{
	struct signature *s = ctx;
	const struct key_data *d = keydata;

	if (d != NULL) {
		s->key = d->key;
	}
	s->pss = false;
	return s->key != NULL && take_digest(s, digest) && scheme_of(s) != NULL &&
	       signature_set_params(s, params);
}

static int digest_sign(void *ctx, unsigned char *out, size_t *ret_len, size_t size,
    const unsigned char *message, size_t message_len)
{
	const struct signature *s = ctx;
	unsigned char bytes[TLS_SIGNATURE_MAX];
	size_t len = 0;

	if (out == NULL) {
		*ret_len = (size_t)EVP_PKEY_get_size(s->key->public);
		return 1;
	}
	const struct tls_scheme *scheme = scheme_of(s);
	enum err e = scheme == NULL
			 ? ERR_UNSUPPORTED
			 : s->key->signer->sign(s->key->signer->arg, &s->key->id, scheme->code,
			       SLICE_OF(message, message_len), bytes, &len);
	if (e != ERR_OK || len > size) {
		ERR_raise(ERR_LIB_USER, REASON_NOT_SIGNED);
		return 0;
	}
	memcpy(out, bytes, len);
	*ret_len = len;
	return 1;
}

bool tls_remote_key_failed(void)
{
	unsigned long code = ERR_peek_error();

	return ERR_GET_LIB(code) == ERR_LIB_USER && ERR_GET_REASON(code) == REASON_NOT_SIGNED;
}

/* ---- tables ---- */

#define FN(function) ((void (*)(void))(function))

/* clang-format off */
static const OSSL_DISPATCH key_functions[] = {
	{ OSSL_FUNC_KEYMGMT_NEW,                  FN(key_new) },
	{ OSSL_FUNC_KEYMGMT_FREE,                 FN(key_free) },
	{ OSSL_FUNC_KEYMGMT_HAS,                  FN(key_has) },
	{ OSSL_FUNC_KEYMGMT_MATCH,                FN(key_match) },
	{ OSSL_FUNC_KEYMGMT_IMPORT,               FN(key_import) },
	{ OSSL_FUNC_KEYMGMT_IMPORT_TYPES,         FN(key_import_types) },
	{ OSSL_FUNC_KEYMGMT_EXPORT,               FN(key_export) },
	{ OSSL_FUNC_KEYMGMT_EXPORT_TYPES,         FN(key_export_types) },
	{ OSSL_FUNC_KEYMGMT_GET_PARAMS,           FN(key_get_params) },
	{ OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS,      FN(key_gettable_params) },
	{ OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, FN(key_operation_name) },
	{ 0, NULL },
};

static const OSSL_DISPATCH signature_functions[] = {
	{ OSSL_FUNC_SIGNATURE_NEWCTX,              FN(signature_new) },
	{ OSSL_FUNC_SIGNATURE_FREECTX,             FN(signature_free) },
	{ OSSL_FUNC_SIGNATURE_DUPCTX,              FN(signature_dup) },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT,    FN(digest_sign_init) },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN,         FN(digest_sign) },
	{ OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS,      FN(signature_set_params) },
	{ OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, FN(signature_settable_params) },
	{ 0, NULL },
};

static const OSSL_ALGORITHM key_managers[] = {
	{ "RSA:rsaEncryption",    PROPERTIES, key_functions, "RSA keys of the signer" },
	{ "EC:id-ecPublicKey",    PROPERTIES, key_functions, "EC keys of the signer" },
	{ "ED25519",              PROPERTIES, key_functions, "Ed25519 keys of the signer" },
	{ NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM signatures[] = {
	{ SIGNATURE_NAME, PROPERTIES, signature_functions, "signatures made by the signer" },
	{ NULL, NULL, NULL, NULL },
};
/* clang-format on */

static const OSSL_ALGORITHM *query(void *provctx, int operation, int *ret_no_cache)
{
	(void)provctx;
	*ret_no_cache = 0;
	return operation == OSSL_OP_KEYMGMT	? key_managers
	       : operation == OSSL_OP_SIGNATURE ? signatures
						: NULL;
}

static const OSSL_DISPATCH provider_functions[] = {
	{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, FN(query) }, { 0, NULL }
};

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **ret_provctx)
{
	(void)handle;
	(void)in;
	*out = provider_functions;
	*ret_provctx = &provider_context;
	return 1;
}

enum err tls_library_open(struct tls_library *ret)
{
	struct tls_library l = { .ctx = OSSL_LIB_CTX_new() };

	if (l.ctx == NULL || (l.usual = OSSL_PROVIDER_load(l.ctx, "default")) == NULL ||
	    OSSL_PROVIDER_add_builtin(l.ctx, "plimsoll", provider_init) != 1 ||
	    (l.ours = OSSL_PROVIDER_load(l.ctx, "plimsoll")) == NULL ||
	    EVP_set_default_properties(l.ctx, "?provider=default") != 1) {
		tls_library_close(&l);
		return ERR_CRYPTO;
	}
	*ret = l;
	return ERR_OK;
}

void tls_library_close(struct tls_library *l)
{
	OSSL_PROVIDER_unload(l->ours);
	OSSL_PROVIDER_unload(l->usual);
	OSSL_LIB_CTX_free(l->ctx);
	*l = (struct tls_library){ 0 };
}

static enum err wrap(OSSL_LIB_CTX *library, struct remote_key *key, EVP_PKEY **ret)
{
	OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_string(
				    PARAM_POINTER, (void *)&key, sizeof(struct remote_key *)),
		OSSL_PARAM_construct_end() };
	EVP_PKEY_CTX *ctx =
	    EVP_PKEY_CTX_new_from_name(library, tls_kind_name(key->kind), PROPERTIES);
	bool good = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
		    EVP_PKEY_fromdata(ctx, ret, EVP_PKEY_KEYPAIR, params) == 1;

	EVP_PKEY_CTX_free(ctx);
	return good ? ERR_OK : ERR_CRYPTO;
}

enum err tls_remote_key_new(OSSL_LIB_CTX *library, X509 *certificate,
    const struct tls_signer *signer, EVP_PKEY **ret, struct err_note *note)
{
	struct remote_key *key = calloc(1, sizeof(*key));
	enum err e = key == NULL ? ERR_MEMORY : ERR_OK;

	if (e == ERR_OK) {
		key->signer = signer;
		key->public = X509_get_pubkey(certificate);
		e = key->public == NULL ? ERR_CRYPTO : tls_kind_of(key->public, &key->kind, note);
	}
	if (e == ERR_OK) {
		e = tls_id_of(certificate, &key->id);
	}
	if (e == ERR_OK) {
		e = wrap(library, key, ret);
	}
	if (e != ERR_OK && key != NULL) {
		EVP_PKEY_free(key->public);
		free(key);
	}
	return e;
}
