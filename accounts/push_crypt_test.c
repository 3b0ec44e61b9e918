/*
 * Push messages against the example of RFC 8291 (section 5, appendix A), and keys that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "accounts/push_crypt.h"
#include "core/base/enc.h"

static void decode(const char *text, void *out, size_t size)
{
	size_t len = 0;

	assert_int_equal(dec_base64url(slice_str(text), out, size, &len), ERR_OK);
	assert_int_equal(len, size);
}

static const char ua_public[] =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
static const char auth_secret[] = "BTBZMqHH6r4Tts7J_aSIgg";

static void take_keys(struct push_keys *ret)
{
	assert_true(push_keys_take(slice_str(ua_public), slice_str(auth_secret), ret));
}

static void the_example_of_the_standard(void **state)
{
	static const char want[] =
	    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmY"
	    "WAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexS"
	    "gSxsj_Qulcy4a-fN";
	struct push_keys keys;
	struct p256_pair own;
	uint8_t salt[PUSH_SALT_BYTES];
	struct buf out = buf_new(8192), text = buf_new(8192);

	(void)state;
	take_keys(&keys);
	decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw", own.secret, sizeof(own.secret));
	decode(
	    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
	    "7A8",
	    own.point, sizeof(own.point));
	decode("DGv6ra1nlYgDCS1FRnbzlw", salt, sizeof(salt));
	assert_true(p256_is_pair(&own));
	assert_int_equal(push_encrypt(&keys, &own, salt,
			     SLICE("When I grow up, I want to be a watermelon"), &out),
	    ERR_OK);
	enc_base64url(&text, buf_slice(&out));
	assert_int_equal(text.len, strlen(want));
	assert_memory_equal(text.data, want, text.len);
	buf_free(&out);
	buf_free(&text);
}

/* The secret of appendix A, from both sides of the example. */
static void both_sides_agree(void **state)
{
	struct p256_pair ua, as;
	uint8_t one[P256_SCALAR_BYTES], two[P256_SCALAR_BYTES], want[P256_SCALAR_BYTES];

	(void)state;
	decode("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94", ua.secret, sizeof(ua.secret));
	decode(ua_public, ua.point, sizeof(ua.point));
	assert_int_equal(p256_generate(&as), ERR_OK);
	assert_int_equal(p256_agree(&ua, as.point, one), ERR_OK);
	assert_int_equal(p256_agree(&as, ua.point, two), ERR_OK);
	assert_memory_equal(one, two, sizeof(one));
	decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw", as.secret, sizeof(as.secret));
	decode(
	    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
	    "7A8",
	    as.point, sizeof(as.point));
	decode("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs", want, sizeof(want));
	assert_int_equal(p256_agree(&as, ua.point, one), ERR_OK);
	assert_memory_equal(one, want, sizeof(one));
}

static void a_message_is_no_longer_than_services_take(void **state)
{
	static const char full[PUSH_TEXT_MAX + 1];
	struct push_keys keys;
	struct p256_pair own;
	const uint8_t salt[PUSH_SALT_BYTES] = { 1 };
	struct buf out = buf_new(8192);

	(void)state;
	take_keys(&keys);
	assert_int_equal(p256_generate(&own), ERR_OK);
	assert_int_equal(
	    push_encrypt(&keys, &own, salt, SLICE_OF(full, PUSH_TEXT_MAX), &out), ERR_OK);
	assert_int_equal(out.len, PUSH_RECORD_BYTES);
	assert_int_equal(
	    push_encrypt(&keys, &own, salt, SLICE_OF(full, PUSH_TEXT_MAX + 1), &out), ERR_LIMIT);
	buf_free(&out);
}

static void keys_that_are_none(void **state)
{
	static const char *const points[] = { "", "AAAA",
		/* not on the curve: the last digit is another one */
		"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAi"
		"w8",
		/* the point at infinity has no such form */
		"AAVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAi"
		"w4" };
	struct push_keys keys;

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		assert_false(push_keys_take(slice_str(points[i]), slice_str(auth_secret), &keys));
	}
	assert_false(push_keys_take(slice_str(ua_public), SLICE("BTBZMqHH6r4Tts7J_aSI"), &keys));
	assert_true(push_keys_take(slice_str(ua_public), SLICE("BTBZMqHH6r4Tts7J_aSIgg=="), &keys));
}

static void signatures_are_two_numbers(void **state)
{
	struct p256_pair own, other;
	uint8_t signature[P256_SIGNATURE_BYTES];

	(void)state;
	assert_int_equal(p256_generate(&own), ERR_OK);
	assert_int_equal(p256_generate(&other), ERR_OK);
	assert_true(p256_is_pair(&own));
	assert_int_equal(p256_sign(&own, SLICE("a.b"), signature), ERR_OK);
	assert_true(p256_verify(own.point, SLICE("a.b"), signature));
	assert_false(p256_verify(own.point, SLICE("a.c"), signature));
	assert_false(p256_verify(other.point, SLICE("a.b"), signature));
	signature[0] ^= 1;
	assert_false(p256_verify(own.point, SLICE("a.b"), signature));
	memcpy(other.point, own.point, sizeof(own.point));
	assert_false(p256_is_pair(&other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_standard),
		cmocka_unit_test(both_sides_agree),
		cmocka_unit_test(a_message_is_no_longer_than_services_take),
		cmocka_unit_test(keys_that_are_none),
		cmocka_unit_test(signatures_are_two_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
