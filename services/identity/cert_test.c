/*
 * The domain key's file, certificates, and public keys that are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "services/identity/cert.h"
#include "services/identity/domain_key.h"
#include "services/identity/jws.h"
#include "services/identity/jws_rig.h"

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/cert-test-XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static const char *path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/keys/%s", dir, name);
	return path;
}

static int remove_dir(void **state)
{
	(void)state;
	(void)unlink(path_of("identity.key"));
	(void)unlink(path_of("MADE"));
	(void)rmdir(path_of(""));
	return rmdir(dir);
}

static void the_domain_key_stays_the_same(void **state)
{
	struct domain_key one, two;
	struct err_note note = { 0 };

	(void)state;
	assert_int_equal(domain_key_load(dir, &one, &note), ERR_OK);
	assert_int_equal(domain_key_load(dir, &two, &note), ERR_OK);
	assert_int_equal(EVP_PKEY_eq(one.key, two.key), 1);
	assert_int_equal(EVP_PKEY_get_bits(one.key), 2048);
	assert_true(one.created_ms > 1600000000000);
	assert_int_equal(one.created_ms, two.created_ms);
	domain_key_free(&one);
	domain_key_free(&two);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void a_damaged_domain_key_is_refused(void **state)
{
	struct domain_key key;
	struct err_note note = { 0 };

	(void)state;
	assert_int_equal(domain_key_load(dir, &key, &note), ERR_OK);
	domain_key_free(&key);
	write_file(path_of("identity.key"), "nonsense\n");
	assert_int_equal(domain_key_load(dir, &key, &note), ERR_CONFIG);
	assert_non_null(strstr(note.text, "identity.key"));
	assert_int_equal(chmod(path_of("identity.key"), 0644), 0);
	note = (struct err_note){ 0 };
	assert_int_equal(domain_key_load(dir, &key, &note), ERR_CONFIG);
	assert_non_null(strstr(note.text, "may be read by others"));
}

static void a_certificate_verifies_with_the_public_half(void **state)
{
	struct test_key root, user;
	struct arena arena = arena_new(100000);
	struct buf out = buf_new(8192);
	const struct json *v = NULL;
	struct pubkey public;
	struct jws cert;

	(void)state;
	test_key_init(&root, JWS_RS256);
	test_key_init(&user, JWS_DS256);
	const struct cert c = { .email = SLICE("a@b.co"),
		.issuer = SLICE("id.example"),
		.public_key = slice_str(user.json),
		.issued_ms = 1,
		.expires_ms = 2 };
	assert_int_equal(cert_sign(&c, root.pair, &out, NULL), ERR_OK);
	assert_int_equal(json_parse(&arena, slice_str(root.json), &v, NULL), ERR_OK);
	assert_int_equal(pubkey_parse(v, &public, NULL), ERR_OK);
	assert_int_equal(jws_parse(&arena, buf_slice(&out), &cert), ERR_OK);
	assert_int_equal(jws_verify(&cert, &public), ERR_OK);
	pubkey_free(&public);
	arena_reset(&arena);
	buf_free(&out);
	test_key_fini(&root);
	test_key_fini(&user);
}

static void only_sound_keys_are_certified(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"{\"algorithm\":\"ES\"}",
		"{\"algorithm\":\"RS\"}",
		"{\"algorithm\":\"RS\",\"n\":\"12345\",\"e\":\"3\"}",
		"{\"algorithm\":\"RS\",\"n\":\"0x12345\",\"e\":\"3\"}",
		"{\"algorithm\":\"RS\",\"n\":12345,\"e\":3}",
		"{\"algorithm\":\"DS\",\"y\":\"02\",\"p\":\"17\",\"q\":\"0b\",\"g\":\"04\"}",
	};
	struct buf out = buf_new(8192);
	struct arena arena = arena_new(1000000);
	struct err_note note;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		note = (struct err_note){ 0 };
		assert_int_equal(
		    pubkey_check(&arena, slice_str(texts[i]), &out, &note), ERR_INVALID);
		assert_true(note.text[0] != '\0');
	}
	arena_reset(&arena);
	buf_free(&out);
}

/* Values of y that lie outside of the group: 0, 1, p - 1, and one of another order. */
static void dsa_keys_outside_the_group_are_refused(void **state)
{
	struct test_key k;
	struct buf out = buf_new(8192), text = buf_new(8192);
	struct arena arena = arena_new(1000000);

	(void)state;
	test_key_init(&k, JWS_DS128);
	const char *params = strstr(k.json, ",\"p\"");
	static const char *const values[] = { "0", "1", "2", "-2", "ff" };
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		buf_clear(&text);
		buf_printf(&text, "{\"algorithm\":\"DS\",\"y\":\"%s\"%s", values[i], params);
		assert_int_equal(pubkey_check(&arena, buf_slice(&text), &out, NULL), ERR_INVALID);
	}
	buf_clear(&out);
	assert_int_equal(pubkey_check(&arena, slice_str(k.json), &out, NULL), ERR_OK);
	assert_true(slice_eq(buf_slice(&out), slice_str(k.json)));
	arena_reset(&arena);
	buf_free(&out);
	buf_free(&text);
	test_key_fini(&k);
}

static void extra_members_of_a_key_are_not_signed(void **state)
{
	struct test_key k;
	struct buf out = buf_new(8192), text = buf_new(8192);
	struct arena arena = arena_new(1000000);

	(void)state;
	test_key_init(&k, JWS_RS128);
	buf_printf(&text, "{\"evil\":[1,2],%s", k.json + 1);
	assert_int_equal(pubkey_check(&arena, buf_slice(&text), &out, NULL), ERR_OK);
	assert_true(slice_eq(buf_slice(&out), slice_str(k.json)));
	arena_reset(&arena);
	buf_free(&out);
	buf_free(&text);
	test_key_fini(&k);
}

#define DIR_TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIR_TEST(the_domain_key_stays_the_same),
		DIR_TEST(a_damaged_domain_key_is_refused),
		cmocka_unit_test(a_certificate_verifies_with_the_public_half),
		cmocka_unit_test(only_sound_keys_are_certified),
		cmocka_unit_test(dsa_keys_outside_the_group_are_refused),
		cmocka_unit_test(extra_members_of_a_key_are_not_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
