/*
 * What may be signed: the two forms of TLS, and nothing near them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/tls/scheme.h"

enum {
	CONTEXT_BYTES = 98, /* 64 spaces, the words, NUL */
	RANDOMS = 64
};

static const struct tls_scheme *scheme(uint16_t code, enum tls_kind kind)
{
	const struct tls_scheme *s = tls_scheme_find(code, kind);

	assert_non_null(s);
	return s;
}

static size_t text_13(char *out, size_t hash_bytes)
{
	memset(out, ' ', 64);
	memcpy(out + 64, "TLS 1.3, server CertificateVerify", 34);
	memset(out + CONTEXT_BYTES, 7, hash_bytes);
	return CONTEXT_BYTES + hash_bytes;
}

static size_t text_12(char *out, unsigned group, size_t point_bytes)
{
	memset(out, 9, RANDOMS);
	out[RANDOMS] = 3;
	out[RANDOMS + 1] = (char)(group >> 8);
	out[RANDOMS + 2] = (char)group;
	out[RANDOMS + 3] = (char)point_bytes;
	memset(out + RANDOMS + 4, 5, point_bytes);
	return RANDOMS + 4 + point_bytes;
}

static void certificate_verify_of_13_is_signable(void **state)
{
	char text[300];
	const struct tls_scheme *s = scheme(0x0403, TLS_P256);

	(void)state;
	for (size_t hash = 0; hash <= 64; hash++) {
		size_t len = text_13(text, hash);
		assert_int_equal(tls_may_sign(s, SLICE_OF(text, len)), hash == 32 || hash == 48);
	}
	size_t len = text_13(text, 32);
	for (size_t i = 0; i < CONTEXT_BYTES; i++) {
		text[i] ^= 1;
		assert_false(tls_may_sign(s, SLICE_OF(text, len)));
		text[i] ^= 1;
	}
	text[70] = 'c'; /* as a client would */
	assert_false(tls_may_sign(s, SLICE_OF(text, len)));
}

static void key_exchange_of_12_is_signable_for_our_groups(void **state)
{
	static const struct {
		unsigned group;
		size_t bytes;
		bool good;
	} cases[] = { { 29, 32, true }, { 23, 65, true }, { 24, 97, true }, { 25, 133, false },
		{ 30, 56, false }, { 29, 33, false }, { 23, 32, false }, { 0, 0, false } };
	char text[300];
	const struct tls_scheme *s = scheme(0x0401, TLS_RSA);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = text_12(text, cases[i].group, cases[i].bytes);
		assert_int_equal(tls_may_sign(s, SLICE_OF(text, len)), cases[i].good);
		assert_false(tls_may_sign(s, SLICE_OF(text, len - 1)));
		assert_false(tls_may_sign(s, SLICE_OF(text, len + 1)));
	}
	size_t len = text_12(text, 29, 32);
	text[RANDOMS] = 1; /* explicit parameters */
	assert_false(tls_may_sign(s, SLICE_OF(text, len)));
	assert_false(tls_may_sign(s, SLICE_EMPTY));
}

static void pkcs1_signs_only_in_12(void **state)
{
	char text[300];
	size_t len = text_13(text, 32);

	(void)state;
	assert_false(tls_may_sign(scheme(0x0401, TLS_RSA), SLICE_OF(text, len)));
	assert_true(tls_may_sign(scheme(0x0804, TLS_RSA), SLICE_OF(text, len)));
	assert_true(tls_may_sign(scheme(0x0807, TLS_ED25519), SLICE_OF(text, len)));
}

static void other_texts_are_not_signable(void **state)
{
	static const char *const texts[] = { "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0",
		"0\x82\x01\x0a", "TLS 1.3, server CertificateVerify" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_false(tls_may_sign(scheme(0x0403, TLS_P384), slice_str(texts[i])));
	}
}

static void schemes_belong_to_kinds(void **state)
{
	(void)state;
	assert_null(tls_scheme_find(0x0403, TLS_RSA));
	assert_null(tls_scheme_find(0x0804, TLS_P256));
	assert_null(tls_scheme_find(0x0807, TLS_P256));
	assert_null(tls_scheme_find(0x0201, TLS_RSA)); /* SHA-1 */
	assert_null(tls_scheme_for(TLS_RSA, "SHA1", false));
	assert_null(tls_scheme_for(TLS_RSA, NULL, false));
	assert_null(tls_scheme_for(TLS_ED25519, "SHA256", false));
	assert_int_equal(tls_scheme_for(TLS_ED25519, NULL, false)->code, 0x0807);
	assert_int_equal(tls_scheme_for(TLS_RSA, "SHA384", true)->code, 0x0805);
	assert_int_equal(tls_scheme_for(TLS_P256, "SHA384", false)->code, 0x0503);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificate_verify_of_13_is_signable),
		cmocka_unit_test(key_exchange_of_12_is_signable_for_our_groups),
		cmocka_unit_test(pkcs1_signs_only_in_12),
		cmocka_unit_test(other_texts_are_not_signable),
		cmocka_unit_test(schemes_belong_to_kinds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
