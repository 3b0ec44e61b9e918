/*
 * What tools/embed.py makes: of a fixture folder exactly the files that belong there, and of every
 * file, those of web/ included, true hashes, gzip forms that inflate to it, and the order that
 * asset_find() needs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/sha.h>
#define ZLIB_CONST
#include <zlib.h>

#include "core/http/asset.h"
#include "web/assets.h"

extern const struct asset_set fixture_assets;

static const struct {
	const char *path, *content_type;
	size_t bytes;
	bool gzip;
} fixture_files[] = {
	{ "empty.css", "text/css; charset=utf-8", 0, false },
	{ "page.html", "text/html; charset=utf-8", 1089, true },
	{ "sub-b.js", "text/javascript; charset=utf-8", 3, false },
	{ "sub/script.js", "text/javascript; charset=utf-8", 280, true },
	{ "tiny.txt", "text/plain; charset=utf-8", 2, false },
	{ "whole.html", "text/html; charset=utf-8", 59, false },
};

static void test_the_files_of_a_folder(void **state)
{
	(void)state;
	assert_int_equal(fixture_assets.n, sizeof(fixture_files) / sizeof(fixture_files[0]));
	for (size_t i = 0; i < fixture_assets.n; i++) {
		const struct asset *a = &fixture_assets.assets[i];
		assert_string_equal(a->path, fixture_files[i].path);
		assert_string_equal(a->content_type, fixture_files[i].content_type);
		assert_int_equal(a->bytes.len, fixture_files[i].bytes);
		assert_int_equal(a->gzip.len > 0, fixture_files[i].gzip);
	}
	assert_true(slice_eq(fixture_assets.assets[4].bytes, SLICE("x\n")));
	assert_true(slice_eq(fixture_assets.assets[5].bytes,
	    SLICE("<!doctype html>\n\t<p>Words of a part.\n\t<p>More.\n<p>The end.\n")));
}

static void check_hash(const struct asset *a)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char hex[11];

	SHA256((const unsigned char *)a->bytes.ptr, a->bytes.len, digest);
	snprintf(hex, sizeof(hex), "%02x%02x%02x%02x%02x", digest[0], digest[1], digest[2],
	    digest[3], digest[4]);
	assert_string_equal(a->hash, hex);
}

static void check_gzip(const struct asset *a)
{
	char *plain = malloc(a->bytes.len + 1);
	z_stream z = { 0 };

	assert_non_null(plain);
	assert_in_range(a->gzip.len, 18, a->bytes.len - 1);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (const Bytef *)a->gzip.ptr;
	z.avail_in = (uInt)a->gzip.len;
	z.next_out = (Bytef *)plain;
	z.avail_out = (uInt)a->bytes.len + 1;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	assert_true(slice_eq(SLICE_OF(plain, z.total_out), a->bytes));
	inflateEnd(&z);
	free(plain);
	/* No time stamp: the build is the same tomorrow. */
	assert_memory_equal(a->gzip.ptr + 4, "\0\0\0\0", 4);
}

static void check_set(const struct asset_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct asset *a = &set->assets[i];
		assert_ptr_equal(asset_find(set, slice_str(a->path)), a);
		assert_true(i == 0 || strcmp(set->assets[i - 1].path, a->path) < 0);
		check_hash(a);
		if (a->gzip.len > 0) {
			check_gzip(a);
		}
	}
}

static void test_hashes_and_forms(void **state)
{
	(void)state;
	check_set(&fixture_assets);
	check_set(&web_assets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_files_of_a_folder),
		cmocka_unit_test(test_hashes_and_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
