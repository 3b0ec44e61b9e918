/*
 * Certificates in few bytes, and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/enc.h"
#include "lab/certificate_form.h"

#define KEY "{\"algorithm\":\"RS\",\"n\":\"123456789\",\"e\":\"65537\"}"

static struct certificate_form form;

static int set_up(void **state)
{
	(void)state;
	certificate_form_init(&form);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	certificate_form_fini(&form);
	return 0;
}

static struct buf certificate(const char *payload, const char *signature)
{
	struct buf b = buf_new(4096);

	enc_base64url(&b, SLICE("{\"alg\":\"RS256\"}"));
	buf_append_char(&b, '.');
	enc_base64url(&b, slice_str(payload));
	buf_append_char(&b, '.');
	enc_base64url(&b, slice_str(signature));
	return b;
}

#define PAYLOAD(address, iat, exp)                                                                 \
	"{\"public-key\":" KEY ",\"principal\":{\"email\":\"" address "\"},\"iat\":" iat           \
	",\"exp\":" exp ",\"iss\":\"example.org\"}"

/* Keeps it and takes it back; the bytes that were kept. */
static size_t round_trip(struct buf *b, const char *address)
{
	struct buf kept = buf_new(4096), back = buf_new(4096);

	assert_int_equal(
	    certificate_keep(&form, buf_slice(b), SLICE(KEY), slice_str(address), &kept), ERR_OK);
	assert_int_equal(
	    certificate_restore(&form, buf_slice(&kept), SLICE(KEY), slice_str(address), &back),
	    ERR_OK);
	assert_true(slice_eq(buf_slice(&back), buf_slice(b)));
	size_t len = kept.len;
	buf_free(&kept);
	buf_free(&back);
	buf_free(b);
	return len;
}

static void of_each_the_time_and_the_signature_are_kept(void **state)
{
	struct buf a =
	    certificate(PAYLOAD("ann@a.org", "1700000000123", "1700086400123"), "signed");
	struct buf b =
	    certificate(PAYLOAD("bob@elsewhere.org", "1800000000000", "1800086400000"), "by it");

	(void)state;
	assert_int_equal(round_trip(&a, "ann@a.org"), 1 + 6 + 6);
	assert_int_equal(round_trip(&b, "bob@elsewhere.org"), 1 + 6 + 5);
}

static void one_of_another_form_is_kept_as_it_is(void **state)
{
	static const char *const payloads[] = {
		PAYLOAD("ann@a.org", "1700000000123", "1700000000999"), /* another lifetime */
		PAYLOAD("someone@else.org", "1700000000123", "1700086400123"),
		"{\"iat\":1700000000123,\"exp\":1700086400123}",
		"{}",
		"no JSON",
		"",
	};
	struct buf first =
	    certificate(PAYLOAD("ann@a.org", "1700000000123", "1700086400123"), "signed");

	(void)state;
	(void)round_trip(&first, "ann@a.org");
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		struct buf b = certificate(payloads[i], "signed");
		size_t len = b.len;
		assert_int_equal(round_trip(&b, "ann@a.org"), len);
	}
}

static void what_is_no_certificate_is_kept_as_it_is(void **state)
{
	static const char *const texts[] = { "", "a", "a.b", "a.b.c", "..", "a~b", "\001",
		"%.%.%" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf b = buf_new(64);
		buf_append_str(&b, texts[i]);
		assert_int_equal(round_trip(&b, "ann@a.org"), strlen(texts[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    of_each_the_time_and_the_signature_are_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    one_of_another_form_is_kept_as_it_is, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    what_is_no_certificate_is_kept_as_it_is, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
