/*
 * Hawk against vectors that other programs computed: those of the sync reference (section 8) and of
 * the specification's own text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab/hawk_client.h"

static void expect(struct buf *out, const char *want)
{
	buf_append_char(out, '\0');
	assert_string_equal(out->data, want);
	buf_free(out);
}

static void mac_of_a_storage_request(void **state)
{
	const struct hawk_request r = { .id = SLICE("x"),
		.key = SLICE("MtSC6aDEPx1N49sY4OoKxHTFEzE_LzxAhYxdcntJr9U="),
		.ts = SLICE("1700000000"),
		.nonce = SLICE("abcdef"),
		.method = SLICE("GET"),
		.path = SLICE("/1.5/42/storage/meta/global?full=1"),
		.host = SLICE("127.0.0.1:8000") };
	struct buf out = buf_new(1000);

	(void)state;
	assert_int_equal(hawk_mac(&r, &out), ERR_OK);
	expect(&out, "PjaI7ixZhGfz45mWmuruapg2kPhZmHJMvpHqssiSIoc=");
}

static void hash_of_a_body(void **state)
{
	struct buf out = buf_new(1000), with = buf_new(1000), spec = buf_new(1000);

	(void)state;
	assert_int_equal(hawk_hash(SLICE("application/json"), SLICE("{\"a\":1}"), &out), ERR_OK);
	expect(&out, "qKG2AtsqLMhIdy7+OrxWG0bU8wTDncYSW0gmNukAKpI=");
	assert_int_equal(
	    hawk_hash(SLICE("Application/JSON; charset=utf-8"), SLICE("{\"a\":1}"), &with), ERR_OK);
	expect(&with, "qKG2AtsqLMhIdy7+OrxWG0bU8wTDncYSW0gmNukAKpI=");
	assert_int_equal(
	    hawk_hash(SLICE("text/plain"), SLICE("Thank you for flying Hawk"), &spec), ERR_OK);
	expect(&spec, "Yi9LfIIFRtBEPt74PVmbTF/xVAwPn7ub15ePICfgnuY=");
}

/* The example of the specification, with a body and application data. */
static void header_of_the_specification(void **state)
{
	const struct hawk_request r = { .id = SLICE("dh37fgj492je"),
		.key = SLICE("werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn"),
		.ts = SLICE("1353832234"),
		.nonce = SLICE("j4h3g2"),
		.method = SLICE("POST"),
		.path = SLICE("/resource/1?b=1&a=2"),
		.host = SLICE("Example.com:8000"),
		.hash = SLICE("Yi9LfIIFRtBEPt74PVmbTF/xVAwPn7ub15ePICfgnuY="),
		.ext = SLICE("some-app-ext-data") };
	struct buf out = buf_new(1000);

	(void)state;
	assert_int_equal(hawk_header(&r, &out), ERR_OK);
	expect(&out,
	    "Hawk id=\"dh37fgj492je\", ts=\"1353832234\", nonce=\"j4h3g2\", "
	    "hash=\"Yi9LfIIFRtBEPt74PVmbTF/xVAwPn7ub15ePICfgnuY=\", ext=\"some-app-ext-data\", "
	    "mac=\"aSe1DERmZuRl3pI36/9BdZmnErTw3sNzOOAUlfeKjVw=\"");
}

static void port_and_quotes(void **state)
{
	struct hawk_request r = { .key = SLICE("k"),
		.ts = SLICE("1"),
		.nonce = SLICE("n"),
		.method = SLICE("GET"),
		.path = SLICE("/") };
	static const struct {
		const char *said, *same;
		bool secure;
	} rows[] = {
		{ "a.example", "A.example:80", false },
		{ "a.example", "a.example:443", true },
		{ "[::1]", "[::1]:80", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf one = buf_new(100), other = buf_new(100);
		r.secure = rows[i].secure;
		r.host = slice_str(rows[i].said);
		assert_int_equal(hawk_mac(&r, &one), ERR_OK);
		r.host = slice_str(rows[i].same);
		assert_int_equal(hawk_mac(&r, &other), ERR_OK);
		assert_true(slice_eq(buf_slice(&one), buf_slice(&other)));
		buf_free(&one);
		buf_free(&other);
	}
	r.id = SLICE("a\"b");
	struct buf out = buf_new(100);
	assert_int_equal(hawk_header(&r, &out), ERR_INVALID);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mac_of_a_storage_request),
		cmocka_unit_test(hash_of_a_body),
		cmocka_unit_test(header_of_the_specification),
		cmocka_unit_test(port_and_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
