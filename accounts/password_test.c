/*
 * Password hashes and stretching, against known values and their rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "accounts/kdf.h"
#include "accounts/password.h"

static bool matches(const char *pass, const char *stored)
{
	bool ret = false;

	assert_int_equal(password_verify(slice_str(pass), slice_str(stored), &ret), ERR_OK);
	return ret;
}

/* The vectors of the original bcrypt implementation's test. */
static void known_hashes_match(void **state)
{
	(void)state;
	assert_true(matches("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
	assert_true(
	    matches("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"));
	assert_true(
	    matches("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"));
	assert_false(
	    matches("U*V", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
}

static void hash_and_verify_agree(void **state)
{
	char hash[PASSWORD_HASH_SIZE], other[PASSWORD_HASH_SIZE];

	(void)state;
	assert_int_equal(password_hash(SLICE("correct horse"), 4, hash), ERR_OK);
	assert_int_equal(password_hash(SLICE("correct horse"), 4, other), ERR_OK);
	assert_string_not_equal(hash, other);
	assert_memory_equal(hash, "$2b$04$", 7);
	assert_true(matches("correct horse", hash));
	assert_true(matches("correct horse", other));
	assert_false(matches("Correct horse", hash));
	assert_false(matches("", hash));
}

static void cost_is_read_from_the_hash(void **state)
{
	char hash[PASSWORD_HASH_SIZE];

	(void)state;
	assert_int_equal(password_hash(SLICE("correct horse"), 5, hash), ERR_OK);
	assert_int_equal(password_cost(slice_str(hash)), 5);
	assert_int_equal(password_cost(SLICE("nonsense")), 0);
}

static void long_passwords_are_not_cut(void **state)
{
	char hash[PASSWORD_HASH_SIZE], pass[101];

	(void)state;
	memset(pass, 'x', 100);
	pass[100] = '\0';
	assert_int_equal(password_hash(slice_str(pass), 4, hash), ERR_OK);
	assert_memory_equal(hash, "sha384:$2b$04$", 14);
	assert_true(matches(pass, hash));
	pass[99] = 'y'; /* differs behind byte 72 only */
	assert_false(matches(pass, hash));
	assert_int_equal(password_cost(slice_str(hash)), 4);
}

static void seventy_two_bytes_need_no_mark(void **state)
{
	char hash[PASSWORD_HASH_SIZE], pass[74];

	(void)state;
	memset(pass, 'x', 73);
	pass[73] = '\0';
	assert_int_equal(password_hash(SLICE_OF(pass, 72), 4, hash), ERR_OK);
	assert_memory_equal(hash, "$2b$04$", 7);
	assert_int_equal(password_hash(SLICE_OF(pass, 73), 4, hash), ERR_OK);
	assert_memory_equal(hash, "sha384:", 7);
}

static void a_nul_byte_does_not_cut(void **state)
{
	char hash[PASSWORD_HASH_SIZE];
	bool same = true;

	(void)state;
	assert_int_equal(password_hash(SLICE("password\0one"), 4, hash), ERR_OK);
	assert_int_equal(password_verify(SLICE("password\0two"), slice_str(hash), &same), ERR_OK);
	assert_false(same);
	assert_int_equal(password_verify(SLICE("password\0one"), slice_str(hash), &same), ERR_OK);
	assert_true(same);
	assert_int_equal(password_hash(SLICE("password"), 4, hash), ERR_OK);
	assert_int_equal(password_verify(SLICE("password\0one"), slice_str(hash), &same), ERR_OK);
	assert_false(same);
}

static void foreign_texts_are_refused(void **state)
{
	static const char *const texts[] = { "", "$2b$", "$1$abcdefgh$0123456789012345678901",
		"$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2b$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"sha384:$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe" };
	bool same = false;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(
		    password_verify(SLICE("password"), slice_str(texts[i]), &same), ERR_CORRUPT);
	}
}

/* Computed with Python's hashlib and hmac. */
static void stretching_matches_independent_values(void **state)
{
	const struct kdf kdf = { KDF_ONEPW_2, "0123456789abcdef0123456789abcdef" };
	const struct kdf zeros = { KDF_ONEPW_2, "00000000000000000000000000000000" };
	char out[KDF_STRETCHED_HEX + 1];

	(void)state;
	assert_int_equal(kdf_stretch(SLICE("p\xc3\xa4ssw\xc3\xb6rd"), &kdf, out), ERR_OK);
	assert_string_equal(
	    out, "d278c764bd1852a14bfc4e9d8c1682b4f1a57edb9a9372bf8c370cc41592155b");
	assert_int_equal(kdf_stretch(SLICE("12345678"), &zeros, out), ERR_OK);
	assert_string_equal(
	    out, "cb72b61eea9d7e1c1e7d74e2721855f77117107e0cc844bb4b45408e6e7f6591");
	assert_true(kdf_is_stretched(slice_str(out)));
}

static void kdf_texts_are_checked(void **state)
{
	struct kdf kdf;

	(void)state;
	assert_int_equal(kdf_from_text(SLICE("plain"), SLICE(""), &kdf), ERR_OK);
	assert_int_equal(kdf.kind, KDF_PLAIN);
	assert_int_equal(
	    kdf_from_text(SLICE("onepw-2"), SLICE("0123456789abcdef0123456789abcdef"), &kdf),
	    ERR_OK);
	assert_int_equal(kdf.kind, KDF_ONEPW_2);
	assert_int_equal(kdf_from_text(SLICE("onepw-2"), SLICE("0123"), &kdf), ERR_INVALID);
	assert_int_equal(
	    kdf_from_text(SLICE("onepw-2"), SLICE("0123456789ABCDEF0123456789abcdef"), &kdf),
	    ERR_INVALID);
	assert_int_equal(kdf_from_text(SLICE("onepw-3"), SLICE(""), &kdf), ERR_INVALID);
	assert_false(kdf_is_stretched(SLICE("not hex")));
}

static void messages_come_back_whole(void **state)
{
	const struct password_verify_req req = {
		.given = { .pass = SLICE("secret 12"),
		    .is_stretched = true,
		    .kdf = { KDF_ONEPW_2, "0123456789abcdef0123456789abcdef" },
		    .cost = 9 },
		.stored = SLICE("$2b$..."),
	};
	struct password_verify_req back;
	const struct password_verified good = { .matches = true, .new_hash = SLICE("new") };
	struct password_verified verified;
	struct buf b = buf_new(1024);

	(void)state;
	password_put_verify_req(&b, &req);
	assert_true(password_take_verify_req(buf_slice(&b), &back));
	assert_true(slice_eq(back.given.pass, req.given.pass));
	assert_true(back.given.is_stretched);
	assert_int_equal(back.given.kdf.kind, KDF_ONEPW_2);
	assert_string_equal(back.given.kdf.salt, req.given.kdf.salt);
	assert_int_equal(back.given.cost, 9);
	assert_true(slice_eq(back.stored, req.stored));
	for (size_t len = 0; len < b.len; len++) {
		assert_false(password_take_verify_req(SLICE_OF(b.data, len), &back));
	}
	/* Years of work are no request. */
	struct password_verify_req dear = req;
	dear.given.cost = BCRYPT_COST_MAX + 1;
	buf_clear(&b);
	password_put_verify_req(&b, &dear);
	assert_false(password_take_verify_req(buf_slice(&b), &back));
	buf_clear(&b);
	password_put_verified(&b, &good);
	assert_true(password_take_verified(buf_slice(&b), &verified));
	assert_true(verified.matches && slice_eq(verified.new_hash, SLICE("new")));
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_hashes_match),
		cmocka_unit_test(hash_and_verify_agree),
		cmocka_unit_test(cost_is_read_from_the_hash),
		cmocka_unit_test(long_passwords_are_not_cut),
		cmocka_unit_test(seventy_two_bytes_need_no_mark),
		cmocka_unit_test(a_nul_byte_does_not_cut),
		cmocka_unit_test(foreign_texts_are_refused),
		cmocka_unit_test(stretching_matches_independent_values),
		cmocka_unit_test(kdf_texts_are_checked),
		cmocka_unit_test(messages_come_back_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
