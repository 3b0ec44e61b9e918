/*
 * Tokens against values computed with tokenlib (sync.md 8), and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/enc.h"
#include "services/sync/token.h"
#include "services/sync/token_cache.h"

#define KNOWN_TOKEN                                                                                \
	"eyJ1aWQiOjQyLCJub2RlIjoiaHR0cDovLzEyNy4wLjAuMTo4MDAwIiwiZXhwaXJlcyI6MjAwMDAwMDAwMCwic2Fs" \
	"dCI6ImExYjJjMyJ9Er2gVCeHFC30MMh0peAtC-6_M6QgZ1vxAZyaj9z8HaU="
#define KNOWN_KEY "MtSC6aDEPx1N49sY4OoKxHTFEzE_LzxAhYxdcntJr9U="

struct fixture {
	struct token_secrets secrets;
	struct arena arena;
	char key[TOKEN_KEY_SIZE];
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->arena = arena_new(64 * 1024);
	f->secrets.n = 2;
	assert_int_equal(token_secret_init(SLICE("the newest"), &f->secrets.list[0]), ERR_OK);
	assert_int_equal(
	    token_secret_init(SLICE("correct horse battery staple"), &f->secrets.list[1]), ERR_OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_reset(&f->arena);
	test_free(f);
	return 0;
}

static void the_signing_key_is_the_known_one(void **state)
{
	struct fixture *f = *state;
	struct buf hex = buf_new(64);

	enc_hex(&hex, SLICE_OF(f->secrets.list[1].signing, TOKEN_SIGNING_BYTES));
	assert_true(slice_eq(buf_slice(&hex),
	    SLICE("caa0c15e21f021aa5c77cfa9ad35d1376f068152f7f296e2079932ed50378fbf")));
	buf_free(&hex);
}

static void the_known_token_is_read(void **state)
{
	struct fixture *f = *state;
	struct token t;

	assert_int_equal(
	    token_read(&f->secrets, &f->arena, SLICE(KNOWN_TOKEN), &t, f->key), ERR_OK);
	assert_int_equal(t.uid, 42);
	assert_int_equal(t.expires_s, 2000000000);
	assert_true(slice_eq(t.node, SLICE("http://127.0.0.1:8000")));
	assert_true(slice_eq(t.salt, SLICE("a1b2c3")));
	assert_int_equal(t.fxa_uid.len, 0);
	assert_string_equal(f->key, KNOWN_KEY);
}

static void the_padding_may_be_missing(void **state)
{
	struct fixture *f = *state;
	struct slice known = SLICE(KNOWN_TOKEN);
	struct token t;

	assert_int_equal(
	    token_read(&f->secrets, &f->arena, slice_sub(known, 0, known.len - 1), &t, f->key),
	    ERR_OK);
	assert_int_equal(t.uid, 42);
}

static void a_token_comes_back(void **state)
{
	struct fixture *f = *state;
	struct buf text = buf_new(TOKEN_MAX);
	char key[TOKEN_KEY_SIZE];
	struct token t;
	const struct token made = { .uid = TOKEN_UID_MAX,
		.expires_s = 1800000000,
		.node = SLICE("https://sync.example.org"),
		.fxa_uid = SLICE("0123456789abcdef0123456789abcdef"),
		.fxa_kid = SLICE("1700000000123-ARtEiddmQO_IQVDktATxkQ"),
		.hashed_fxa_uid = SLICE("00112233445566778899aabbccddeeff"),
		.hashed_device_id = SLICE("ffeeddccbbaa99887766554433221100") };

	assert_int_equal(token_make(&f->secrets, &made, &text, f->key), ERR_OK);
	assert_int_equal(text.len % 4, 0);
	assert_int_equal(token_read(&f->secrets, &f->arena, buf_slice(&text), &t, key), ERR_OK);
	assert_string_equal(key, f->key);
	assert_int_equal(t.uid, made.uid);
	assert_int_equal(t.expires_s, made.expires_s);
	assert_int_equal(t.salt.len, 6);
	assert_true(slice_eq(t.node, made.node));
	assert_true(slice_eq(t.fxa_uid, made.fxa_uid));
	assert_true(slice_eq(t.fxa_kid, made.fxa_kid));
	assert_true(slice_eq(t.hashed_fxa_uid, made.hashed_fxa_uid));
	assert_true(slice_eq(t.hashed_device_id, made.hashed_device_id));
	/* Not signed by those who have another secret. */
	f->secrets.list[0] = f->secrets.list[1];
	assert_int_equal(token_read(&f->secrets, &f->arena, buf_slice(&text), &t, key), ERR_DENIED);
	buf_free(&text);
}

static void a_changed_token_is_refused(void **state)
{
	struct fixture *f = *state;
	char text[] = KNOWN_TOKEN;
	struct token t;

	for (size_t i = 0; i < sizeof(text) - 2; i++) {
		char was = text[i];
		text[i] = was == 'A' ? 'B' : 'A';
		enum err e = token_read(
		    &f->secrets, &f->arena, SLICE_OF(text, sizeof(text) - 1), &t, f->key);
		assert_true(e == ERR_DENIED || e == ERR_SYNTAX);
		text[i] = was;
		arena_reset(&f->arena);
	}
}

static void what_is_none_is_refused(void **state)
{
	struct fixture *f = *state;
	struct token t;
	struct slice known = SLICE(KNOWN_TOKEN);
	char many[TOKEN_MAX + 2];

	memset(many, 'A', sizeof(many));
	assert_int_equal(token_read(&f->secrets, &f->arena, SLICE(""), &t, f->key), ERR_SYNTAX);
	assert_int_equal(token_read(&f->secrets, &f->arena, SLICE("===="), &t, f->key), ERR_SYNTAX);
	assert_int_equal(token_read(&f->secrets, &f->arena, SLICE("AAAA"), &t, f->key), ERR_SYNTAX);
	assert_int_equal(
	    token_read(&f->secrets, &f->arena, SLICE_OF(many, sizeof(many)), &t, f->key),
	    ERR_SYNTAX);
	assert_int_equal(
	    token_read(&f->secrets, &f->arena, slice_sub(known, 4, known.len), &t, f->key),
	    ERR_DENIED);
}

/* The second time without the secrets: it cannot have been read again. */
static void a_token_is_read_once(void **state)
{
	struct fixture *f = *state;
	struct token_secrets none = { .n = 0 };
	struct token_cache *cache = NULL;
	struct token t;
	char key[TOKEN_KEY_SIZE], changed[] = KNOWN_TOKEN;

	assert_int_equal(token_cache_new(&cache), ERR_OK);
	assert_int_equal(
	    token_cache_read(cache, &none, &f->arena, SLICE(KNOWN_TOKEN), &t, key), ERR_DENIED);
	assert_int_equal(
	    token_cache_read(cache, &f->secrets, &f->arena, SLICE(KNOWN_TOKEN), &t, key), ERR_OK);
	t = (struct token){ .uid = 0 };
	memset(key, 0, sizeof(key));
	assert_int_equal(
	    token_cache_read(cache, &none, &f->arena, SLICE(KNOWN_TOKEN), &t, key), ERR_OK);
	assert_int_equal(t.uid, 42);
	assert_int_equal(t.expires_s, 2000000000);
	assert_int_equal(t.fxa_uid.len, 0);
	assert_string_equal(key, KNOWN_KEY);
	changed[0] = 'f';
	assert_int_equal(
	    token_cache_read(cache, &f->secrets, &f->arena, slice_str(changed), &t, key),
	    ERR_DENIED);
	assert_int_equal(
	    token_cache_read(cache, &f->secrets, &f->arena, SLICE("short"), &t, key), ERR_SYNTAX);
	token_cache_free(&cache);
	assert_null(cache);
}

static void the_known_hashed_id(void **state)
{
	char out[TOKEN_HASHED_ID_SIZE];

	(void)state;
	assert_int_equal(
	    token_hashed_id(SLICE("metrics"), SLICE("0123456789abcdef0123456789abcdef"), out),
	    ERR_OK);
	assert_string_equal(out, "0fc7c3efc833f9d34038deb2c07dbfbe");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_signing_key_is_the_known_one, setup, teardown),
		cmocka_unit_test_setup_teardown(the_known_token_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(the_padding_may_be_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_token_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(a_changed_token_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_none_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_token_is_read_once, setup, teardown),
		cmocka_unit_test(the_known_hashed_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
