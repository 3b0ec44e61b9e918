/*
 * Hex and base64: the vectors of RFC 4648 section 10, and strictness (section 3).
 */
#include "core/base/enc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

typedef void encode_fn(struct buf *out, struct slice bytes);
typedef enum err decode_fn(struct slice text, void *out, size_t out_size, size_t *ret_len);

static void check_both_ways(
    encode_fn *encode, decode_fn *decode, struct slice bytes, const char *text)
{
	struct buf b = buf_new(1000);
	char out[64];
	size_t len = 0;

	encode(&b, bytes);
	assert_true(slice_eq(buf_slice(&b), slice_str(text)));
	assert_int_equal(decode(slice_str(text), out, sizeof(out), &len), ERR_OK);
	assert_true(slice_eq(SLICE_OF(out, len), bytes));
	buf_free(&b);
}

static void test_rfc_4648_vectors(void **state)
{
	static const struct {
		const char *bytes, *base64, *base64url, *hex;
	} rows[] = {
		{ "", "", "", "" },
		{ "f", "Zg==", "Zg", "66" },
		{ "fo", "Zm8=", "Zm8", "666f" },
		{ "foo", "Zm9v", "Zm9v", "666f6f" },
		{ "foob", "Zm9vYg==", "Zm9vYg", "666f6f62" },
		{ "fooba", "Zm9vYmE=", "Zm9vYmE", "666f6f6261" },
		{ "foobar", "Zm9vYmFy", "Zm9vYmFy", "666f6f626172" },
		{ "\xfb\xff\xbe", "+/++", "-_--", "fbffbe" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice bytes = slice_str(rows[i].bytes);
		check_both_ways(enc_base64, dec_base64, bytes, rows[i].base64);
		check_both_ways(enc_base64url, dec_base64url, bytes, rows[i].base64url);
		check_both_ways(enc_hex, dec_hex, bytes, rows[i].hex);
	}
}

static void test_all_bytes_round_trip(void **state)
{
	static const struct {
		encode_fn *encode;
		decode_fn *decode;
	} rows[] = { { enc_base64, dec_base64 }, { enc_base64url, dec_base64url },
		{ enc_hex, dec_hex } };
	unsigned char bytes[256], out[256];

	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		bytes[i] = (unsigned char)i;
	}
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf b = buf_new(1000);
		size_t len = 0;
		rows[i].encode(&b, SLICE_OF(bytes, 256));
		assert_int_equal(rows[i].decode(buf_slice(&b), out, sizeof(out), &len), ERR_OK);
		assert_int_equal(len, 256);
		assert_memory_equal(out, bytes, 256);
		buf_free(&b);
	}
}

static void check_refused(decode_fn *decode, const char *const *texts, size_t n)
{
	char out[64];

	for (size_t i = 0; i < n; i++) {
		size_t len = 77;
		assert_int_equal(decode(slice_str(texts[i]), out, sizeof(out), &len), ERR_SYNTAX);
		assert_int_equal(len, 77);
	}
}

static void test_base64_refuses(void **state)
{
	static const char *const texts[] = { "Zg", "Zg=", "Zg===", "Z", "Z===", "=",
		"====", "Zm9v=", "Zh==", "Zm9=", "Zm9v\n", "Z m8=", "Zg==Zg==", "Zm-_",
		"Z=g=", "Zm8=\xff" };

	(void)state;
	check_refused(dec_base64, texts, COUNT(texts));
}

static void test_base64url_refuses(void **state)
{
	static const char *const texts[] = { "Zg==", "Zm8=", "Z", "Zm9vY", "Zh", "Zm9", "Zm+/",
		"Zm8 ", "Zm8\n", "\xc3\xbc" };

	(void)state;
	check_refused(dec_base64url, texts, COUNT(texts));
}

static void test_hex_refuses(void **state)
{
	static const char *const texts[] = { "0", "000", "0g", "g0", "0x", " 00", "0@", "0`", "//",
		"::" };

	(void)state;
	check_refused(dec_hex, texts, COUNT(texts));
}

static void test_hex_takes_both_cases(void **state)
{
	unsigned char out[4];
	size_t len = 0;

	(void)state;
	assert_int_equal(dec_hex(SLICE("aBCdeF"), out, sizeof(out), &len), ERR_OK);
	assert_int_equal(len, 3);
	assert_memory_equal(out, "\xab\xcd\xef", 3);
}

static void test_decoders_keep_to_their_room(void **state)
{
	unsigned char out[3];
	size_t len = 0;

	(void)state;
	assert_int_equal(dec_base64(SLICE("Zm9v"), out, 3, &len), ERR_OK);
	assert_int_equal(dec_base64(SLICE("Zm9v"), out, 2, &len), ERR_LIMIT);
	assert_int_equal(dec_base64(SLICE("Zm8="), out, 2, &len), ERR_OK);
	assert_int_equal(dec_base64url(SLICE("Zm9vYg"), out, 3, &len), ERR_LIMIT);
	assert_int_equal(dec_hex(SLICE("00000000"), out, 3, &len), ERR_LIMIT);
}

static void html_cannot_be_broken_out_of(void **state)
{
	struct buf b = buf_new(256);

	(void)state;
	enc_html(&b, SLICE("a<b> & \"c\" 'd'"));
	assert_true(slice_eq(buf_slice(&b), SLICE("a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;")));
	buf_clear(&b);
	enc_html(&b, SLICE_EMPTY);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc_4648_vectors),
		cmocka_unit_test(test_all_bytes_round_trip),
		cmocka_unit_test(test_base64_refuses),
		cmocka_unit_test(test_base64url_refuses),
		cmocka_unit_test(test_hex_refuses),
		cmocka_unit_test(test_hex_takes_both_cases),
		cmocka_unit_test(test_decoders_keep_to_their_room),
		cmocka_unit_test(html_cannot_be_broken_out_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
