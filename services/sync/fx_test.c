/*
 * Tokens of the accounts server against values computed with independent code (sync.md 8).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/enc.h"
#include "services/sync/fx.h"

static void is_hex(const uint8_t *bytes, const char *expected)
{
	struct buf hex = buf_new(FX_TOKEN_HEX);

	enc_hex(&hex, SLICE_OF(bytes, FX_TOKEN_BYTES));
	assert_true(slice_eq(buf_slice(&hex), slice_str(expected)));
	buf_free(&hex);
}

static void tokens_have_the_known_keys(void **state)
{
	uint8_t token[FX_TOKEN_BYTES];
	struct fx_token_keys k;

	(void)state;
	for (size_t i = 0; i < sizeof(token); i++) {
		token[i] = (uint8_t)i;
	}
	assert_int_equal(fx_token_keys(token, "sessionToken", &k), ERR_OK);
	assert_string_equal(
	    k.id, "5fa7b1a9a3266f052b766e956f525b583607e777f264a5bb67b57ed5e34c2c5c");
	is_hex(k.key, "4f05fbeb8c81b662f52d5c21595c1033a5126f3b7dabd872c4cfd8298254651c");
	assert_int_equal(fx_token_keys(token, "keyFetchToken", &k), ERR_OK);
	assert_string_equal(
	    k.id, "6de9907607d3fe9beb75285e1421b1d4ff462c5fcd6113e8c53d86fc45b477ec");
	is_hex(k.key, "856a77a4a62c84a331d0a3b54988605cd5282711cc4d9398418ace457464cf97");
	is_hex(k.extra, "2f9a6a7533ecb2071476bed0f53e0ef83ced2278f9bd028b1ac14475802df792");
}

static void a_sealed_secret_comes_back(void **state)
{
	struct symmetric_keys keys;
	uint8_t secret[FX_TOKEN_BYTES], before[FX_TOKEN_BYTES];

	(void)state;
	memset(keys.current, 1, sizeof(keys.current));
	memset(keys.previous, 2, sizeof(keys.previous));
	memset(secret, 3, sizeof(secret));
	memcpy(before, secret, sizeof(secret));
	fx_seal(&keys, FX_SEAL_CURRENT, "one", secret);
	assert_memory_not_equal(secret, before, sizeof(secret));
	/* After a rotation the key is the previous one. */
	memcpy(keys.previous, keys.current, sizeof(keys.previous));
	memset(keys.current, 4, sizeof(keys.current));
	fx_seal(&keys, FX_SEAL_PREVIOUS, "one", secret);
	assert_memory_equal(secret, before, sizeof(secret));
	fx_seal(&keys, FX_SEAL_CURRENT, "one", secret);
	fx_seal(&keys, FX_SEAL_CURRENT, "two", secret);
	assert_memory_not_equal(secret, before, sizeof(secret));
}

static const struct access_token example = {
	.account_id = 7,
	.uid = { "0123456789abcdef0123456789abcdef", 32 },
	.client_id = { FX_CLIENT_DESKTOP, 16 },
	.scope = { "profile " FX_SCOPE_SYNC, sizeof("profile " FX_SCOPE_SYNC) - 1 },
	.owner = { "5fa7b1a9a3266f052b766e956f525b583607e777f264a5bb67b57ed5e34c2c5c", 64 },
	.generation = 1700000000123,
	.expires_ms = 1800000000000,
};

static void access_tokens_are_good_until_they_are_changed(void **state)
{
	struct symmetric_keys keys, other;
	struct buf text = buf_new(ACCESS_TOKEN_MAX), second = buf_new(ACCESS_TOKEN_MAX);
	struct arena arena = arena_new(64 * 1024);
	struct access_token t;

	(void)state;
	memset(&keys, 1, sizeof(keys));
	memset(&other, 2, sizeof(other));
	assert_int_equal(access_token_make(&keys, &example, &text), ERR_OK);
	assert_int_equal(access_token_make(&keys, &example, &second), ERR_OK);
	assert_false(slice_eq(buf_slice(&text), buf_slice(&second)));
	assert_int_equal(access_token_read(&keys, &arena, buf_slice(&text), &t), ERR_OK);
	assert_int_equal(t.account_id, 7);
	assert_true(slice_eq(t.scope, example.scope));
	assert_true(slice_eq(t.owner, example.owner));
	assert_int_equal(t.generation, example.generation);
	assert_int_equal(t.expires_ms, example.expires_ms);
	assert_int_equal(access_token_read(&other, &arena, buf_slice(&text), &t), ERR_DENIED);
	memcpy(other.previous, keys.current, sizeof(other.previous));
	assert_int_equal(access_token_read(&other, &arena, buf_slice(&text), &t), ERR_OK);
	for (size_t i = 0; i < text.len; i++) {
		char was = text.data[i];
		text.data[i] = was == 'A' ? 'B' : 'A';
		enum err e = access_token_read(&keys, &arena, buf_slice(&text), &t);
		assert_true(e == ERR_DENIED || e == ERR_SYNTAX);
		text.data[i] = was;
	}
	buf_free(&text);
	buf_free(&second);
	arena_reset(&arena);
}

static void what_is_no_access_token_is_told(void **state)
{
	static const char *const bad[] = { "", ".", "a.b", "a.b.c",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" };
	struct symmetric_keys keys;
	struct arena arena = arena_new(64 * 1024);
	struct access_token t;

	(void)state;
	memset(&keys, 1, sizeof(keys));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
		    access_token_read(&keys, &arena, slice_str(bad[i]), &t), ERR_SYNTAX);
	}
	arena_reset(&arena);
}

static void changes_travel_whole(void **state)
{
	const struct fx_change sent = { .kind = FX_PUT_COMMAND,
		.account_id = 9,
		.new_uid = SLICE("n"),
		.client = { .id = SLICE("i"), .is_session = true, .device_info = SLICE("{}") },
		.account = { .keys_ms = 5, .recovery = SLICE("r") },
		.code = { .is_offline = true, .expires_ms = 6, .keys_jwe = SLICE("j") },
		.command = { .expires_ms = 8, .payload = SLICE("p") } };
	struct buf b = buf_new(4096);
	struct fx_change got;

	(void)state;
	fx_change_put(&b, &sent);
	assert_true(fx_change_take(buf_slice(&b), &got));
	assert_int_equal(got.kind, FX_PUT_COMMAND);
	assert_int_equal(got.account_id, 9);
	assert_true(got.client.is_session && got.code.is_offline);
	assert_true(slice_eq(got.new_uid, SLICE("n")) && slice_eq(got.client.id, SLICE("i")));
	assert_true(slice_eq(got.client.device_info, SLICE("{}")));
	assert_true(slice_eq(got.account.recovery, SLICE("r")));
	assert_true(slice_eq(got.code.keys_jwe, SLICE("j")));
	assert_true(slice_eq(got.command.payload, SLICE("p")));
	assert_int_equal(got.account.keys_ms + got.code.expires_ms + got.command.expires_ms, 19);
	assert_false(fx_change_take(slice_sub(buf_slice(&b), 0, b.len - 1), &got));
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_have_the_known_keys),
		cmocka_unit_test(a_sealed_secret_comes_back),
		cmocka_unit_test(access_tokens_are_good_until_they_are_changed),
		cmocka_unit_test(what_is_no_access_token_is_told),
		cmocka_unit_test(changes_travel_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
