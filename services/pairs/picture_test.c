/*
 * Pictures without decoding any: formats by their first bytes, sizes, what the decoding program may
 * say, names of files, and addresses that are signed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "services/pairs/media_link.h"
#include "services/pairs/pairs_media.h"
#include "services/pairs/picture_wire.h"

#define HEAD(literal) head_of(literal, sizeof(literal) - 1)

/* The bytes with as many behind as a head has. */
static struct slice head_of(const char *bytes, size_t n)
{
	static char head[PICTURE_HEAD_BYTES];

	memset(head, 'x', sizeof(head));
	memcpy(head, bytes, n);
	return SLICE_OF(head, sizeof(head));
}

static void formats_are_told_by_their_first_bytes(void **state)
{
	(void)state;
	assert_int_equal(picture_format_of(HEAD("\xff\xd8\xff\xe0")), PICTURE_JPEG);
	assert_int_equal(picture_format_of(HEAD("\x89PNG\r\n\x1a\n\0\0\0\rIHDR")), PICTURE_PNG);
	assert_int_equal(picture_format_of(HEAD("RIFF1234WEBPVP8L")), PICTURE_WEBP);
	assert_int_equal(picture_format_of(HEAD("GIF87a")), PICTURE_GIF);
	assert_int_equal(picture_format_of(HEAD("GIF89a")), PICTURE_GIF);
	assert_int_equal(picture_format_of(HEAD("\0\0\0\x1c"
						"ftypheic")),
	    PICTURE_HEIF);
	assert_int_equal(picture_format_of(HEAD("\0\0\0\x1c"
						"ftypavif")),
	    PICTURE_HEIF);
}

static void what_only_looks_like_one_is_none(void **state)
{
	(void)state;
	assert_int_equal(picture_format_of(HEAD("")), PICTURE_NONE);
	assert_int_equal(picture_format_of(HEAD("<svg")), PICTURE_NONE);
	assert_int_equal(picture_format_of(HEAD("GIF88a")), PICTURE_NONE);
	assert_int_equal(picture_format_of(HEAD("\x89PNG\r\n\x1a\n\0\0\0\rCgBI")), PICTURE_NONE);
	assert_int_equal(picture_format_of(HEAD("RIFF1234WAVEfmt ")), PICTURE_NONE);
	assert_int_equal(picture_format_of(HEAD("\0\0\0\x1c"
						"ftypisom")),
	    PICTURE_NONE);
	assert_int_equal(picture_format_of(HEAD("II*")), PICTURE_NONE);
	assert_int_equal(picture_format_of(SLICE("\xff\xd8\xff\xe0")), PICTURE_NONE);
}

static void sizes_have_names_of_their_use(void **state)
{
	unsigned i = 9;

	(void)state;
	assert_true(picture_size_find(PICTURE_PHOTO, SLICE("tiny"), &i));
	assert_int_equal(i, 3);
	assert_true(picture_size_find(PICTURE_AVATAR, SLICE("192"), &i));
	assert_int_equal(i, 0);
	assert_false(picture_size_find(PICTURE_PHOTO, SLICE("192"), &i));
	assert_false(picture_size_find(PICTURE_PHOTO, SLICE(PAIRS_MEDIA_ORIGINAL), &i));
	assert_false(picture_size_find(PICTURE_AVATAR, SLICE(""), &i));
}

/* ---- results ---- */

static struct picture_result avatar(void)
{
	static char jpeg[3][PICTURE_HEAD_BYTES];
	struct picture_result r = { .outcome = PICTURE_MADE,
		.format = PICTURE_PNG,
		.width = 4000,
		.height = 3000,
		.n = 3 };

	for (unsigned i = 0; i < 3; i++) {
		memset(jpeg[i], 'a' + (int)i, PICTURE_HEAD_BYTES);
		memcpy(jpeg[i], "\xff\xd8\xff", 3);
		r.variants[i] = (struct picture_variant){ .width = 48,
			.height = 48,
			.format = PICTURE_JPEG,
			.bytes = SLICE_OF(jpeg[i], PICTURE_HEAD_BYTES) };
	}
	return r;
}

static bool is_taken(const struct picture_result *r, enum picture_use use)
{
	struct buf message = buf_new(PICTURE_RESULT_MAX);
	struct picture_result got;

	picture_result_put(&message, r);
	assert_false(message.failed);
	bool taken = picture_result_take(buf_slice(&message), use, &got);
	if (taken) {
		assert_int_equal(got.n, r->n);
		assert_int_equal(got.width, r->width);
		for (unsigned i = 0; i < r->n; i++) {
			assert_true(slice_eq(got.variants[i].bytes, r->variants[i].bytes));
		}
		/* Not one byte may be missing or too many. */
		buf_append_char(&message, 'x');
		assert_false(picture_result_take(buf_slice(&message), use, &got));
		for (size_t n = 0; n + 1 < message.len; n++) {
			assert_false(
			    picture_result_take(slice_sub(buf_slice(&message), 0, n), use, &got));
		}
	}
	buf_free(&message);
	return taken;
}

static void a_result_arrives_as_it_was_sent(void **state)
{
	const struct picture_result made = avatar(), bad = { .outcome = PICTURE_BAD };

	(void)state;
	assert_true(is_taken(&made, PICTURE_AVATAR));
	assert_true(is_taken(&bad, PICTURE_PHOTO));
}

static void a_result_that_cannot_be_is_none(void **state)
{
	struct picture_result r;

	(void)state;
	r = avatar();
	assert_false(is_taken(&r, PICTURE_PHOTO)); /* it has four sizes */
	r.outcome = PICTURE_BAD;
	assert_false(is_taken(&r, PICTURE_AVATAR));
	r = avatar();
	r.variants[2].width = 49;
	assert_false(is_taken(&r, PICTURE_AVATAR));
	r = avatar();
	r.variants[1].height = 0;
	assert_false(is_taken(&r, PICTURE_AVATAR));
	r = avatar();
	r.variants[0].format = PICTURE_GIF;
	assert_false(is_taken(&r, PICTURE_AVATAR));
	r = avatar();
	r.variants[0].format = PICTURE_WEBP; /* its bytes are another format's */
	assert_false(is_taken(&r, PICTURE_AVATAR));
	r = avatar();
	r.variants[0].bytes = SLICE("<html>and so on, which is a page and no picture</html>");
	assert_false(is_taken(&r, PICTURE_AVATAR));
	r = avatar();
	r.width = PICTURE_EDGE_MAX + 1;
	assert_false(is_taken(&r, PICTURE_AVATAR));
}

static void sizes_are_kept_as_a_text(void **state)
{
	struct picture_result r = avatar();
	struct buf text = buf_new(PAIRS_MEDIA_TEXT);
	struct pairs_media m = { .use = PICTURE_AVATAR, .state = PAIRS_MEDIA_READY };
	struct pairs_media_size size;

	(void)state;
	r.variants[0].width = 192;
	r.variants[0].height = 191;
	pairs_media_sizes_put(&text, &r);
	m.sizes = buf_slice(&text);
	assert_true(pairs_media_size(&m, 0, &size));
	assert_string_equal(size.name, "192");
	assert_int_equal(size.width, 192);
	assert_int_equal(size.height, 191);
	assert_int_equal(size.bytes, PICTURE_HEAD_BYTES);
	assert_int_equal(size.format, PICTURE_JPEG);
	assert_true(pairs_media_size(&m, 2, &size));
	assert_false(pairs_media_size(&m, 3, &size));
	m.state = PAIRS_MEDIA_PENDING;
	assert_false(pairs_media_size(&m, 0, &size));
	buf_free(&text);
}

static void files_are_named_by_their_row(void **state)
{
	char one[BLOB_NAME_SIZE], other[BLOB_NAME_SIZE];
	int64_t owner = 0, id = 0;

	(void)state;
	pairs_media_blob(7, 0x1234, "tiny", one);
	assert_string_equal(one, "34120000000000000700000000000000"
				 "00000000000000000000000000000000.tiny");
	pairs_media_blob(0x1234, 7, "tiny", other);
	assert_string_not_equal(one, other);
	pairs_media_blob(INT64_MAX, INT64_MAX, PAIRS_MEDIA_ORIGINAL, one);
	assert_true(blob_name_is_good(slice_str(one)));
	assert_true(pairs_media_of_blob(slice_str(other), &owner, &id));
	assert_int_equal(owner, 0x1234);
	assert_int_equal(id, 7);
	assert_false(pairs_media_of_blob(SLICE("34"), &owner, &id));
	memset(one, '0', BLOB_HASH_HEX);
	assert_false(pairs_media_of_blob(slice_str(one), &owner, &id));
}

/* ---- addresses ---- */

static const struct symmetric_keys keys = { .current = { 1 }, .previous = { 2 } },
				   next_keys = { .current = { 3 }, .previous = { 1 } },
				   other_keys = { .current = { 4 }, .previous = { 5 } };

enum {
	HOUR_MS = 3600 * 1000
};

static void an_address_is_good_for_its_picture_and_its_time(void **state)
{
	struct buf link = buf_new(MEDIA_LINK_MAX);
	struct slice until, sig, tiny = SLICE("tiny");
	const int64_t now_ms = 100 * (int64_t)HOUR_MS + 5;

	(void)state;
	media_link_put(&link, SLICE("https://m.example"), &keys, 7, 9, tiny, now_ms);
	struct slice text = buf_slice(&link);
	assert_true(
	    slice_starts(text, SLICE("https://m.example/media/7/9/tiny?until=367200&sig=")));
	until = SLICE("367200");
	sig = slice_sub(text, text.len - 43, text.len);
	assert_true(media_link_is_good(&keys, 7, 9, tiny, until, sig, now_ms));
	assert_true(media_link_is_good(&keys, 7, 9, tiny, until, sig, 102 * (int64_t)HOUR_MS));
	assert_false(media_link_is_good(&keys, 7, 9, tiny, until, sig, 102 * (int64_t)HOUR_MS + 1));
	assert_true(media_link_is_good(&next_keys, 7, 9, tiny, until, sig, now_ms));
	assert_false(media_link_is_good(&other_keys, 7, 9, tiny, until, sig, now_ms));
	assert_false(media_link_is_good(&keys, 8, 9, tiny, until, sig, now_ms));
	assert_false(media_link_is_good(&keys, 7, 8, tiny, until, sig, now_ms));
	assert_false(media_link_is_good(&keys, 7, 9, SLICE("large"), until, sig, now_ms));
	assert_false(media_link_is_good(&keys, 7, 9, tiny, SLICE("367201"), sig, now_ms));
	assert_false(media_link_is_good(&keys, 7, 9, tiny, SLICE("x"), sig, now_ms));
	assert_false(media_link_is_good(&keys, 7, 9, tiny, until, SLICE(""), now_ms));
	buf_free(&link);
}

static void a_token_is_good_for_its_member_and_its_time(void **state)
{
	struct buf token = buf_new(AVATAR_TOKEN_MAX);
	int64_t user = 0;

	(void)state;
	avatar_token_put(&token, &keys, INT64_MAX / 2, 5000);
	struct slice text = buf_slice(&token);
	assert_true(avatar_token_take(&keys, text, 5000, &user));
	assert_true(user == INT64_MAX / 2);
	assert_true(avatar_token_take(&next_keys, text, 5000 + HOUR_MS, &user));
	assert_false(avatar_token_take(&keys, text, 5001 + HOUR_MS, &user));
	assert_false(avatar_token_take(&other_keys, text, 5000, &user));
	assert_false(avatar_token_take(&keys, slice_sub(text, 1, text.len), 5000, &user));
	assert_false(avatar_token_take(&keys, slice_sub(text, 0, text.len - 1), 5000, &user));
	assert_false(avatar_token_take(&keys, SLICE(""), 5000, &user));
	assert_false(avatar_token_take(&keys, SLICE("1.2"), 5000, &user));
	buf_free(&token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_are_told_by_their_first_bytes),
		cmocka_unit_test(what_only_looks_like_one_is_none),
		cmocka_unit_test(sizes_have_names_of_their_use),
		cmocka_unit_test(a_result_arrives_as_it_was_sent),
		cmocka_unit_test(a_result_that_cannot_be_is_none),
		cmocka_unit_test(sizes_are_kept_as_a_text),
		cmocka_unit_test(files_are_named_by_their_row),
		cmocka_unit_test(an_address_is_good_for_its_picture_and_its_time),
		cmocka_unit_test(a_token_is_good_for_its_member_and_its_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
