/*
 * Embedded files: the choice of form, condition and range, and what is sent for it. The functions
 * of http.h that asset.c calls are played by this file, which records what they were told.
 */
#include "core/http/asset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/http/asset_choice.h"

#define PLAIN_TAG "\"0123456789\""
#define GZIP_TAG  "\"0123456789-gz\""

static const struct asset assets[] = {
	{ "a", "text/plain", { "0123456789", 10 }, { "", 0 }, "aaaaaaaaaa", NULL },
	{ "a.js", "text/javascript", { "0123456789", 10 }, { "zipped", 6 }, "0123456789", NULL },
	{ "a/b.css", "text/css", { "", 0 }, { "", 0 }, "bbbbbbbbbb", NULL },
	{ "b", "text/plain", { "b", 1 }, { "", 0 }, "cccccccccc", NULL },
};
static const struct asset_set set = { assets, sizeof(assets) / sizeof(assets[0]), "5e75e75e75" };
static const struct asset *const with_gzip = &assets[1];

/* ---- the request and the recorded answer ---- */

struct http_req {
	enum http_method method;
	struct http_header in[4], out[8];
	unsigned n_in, n_out;
	int status;
	struct slice content_type, body;
};

enum http_method http_method(const struct http_req *r)
{
	return r->method;
}

struct slice http_header_get(const struct http_req *r, struct slice name)
{
	for (unsigned i = 0; i < r->n_in; i++) {
		if (slice_eq_nocase(r->in[i].name, name)) {
			return r->in[i].value;
		}
	}
	return (struct slice){ NULL, 0 };
}

void http_add_header(struct http_req *r, struct slice name, struct slice value)
{
	assert_in_range(r->n_out, 0, 7);
	r->out[r->n_out++] = (struct http_header){ name, value };
}

void http_reply(struct http_req *r, int status, struct slice content_type, struct slice body)
{
	assert_int_equal(r->status, 0);
	r->status = status;
	r->content_type = content_type;
	r->body = body;
}

void http_reply_text(struct http_req *r, int status, const char *detail)
{
	http_reply(r, status, SLICE("text/plain"), slice_str(detail));
}

void http_reply_busy(struct http_req *r, unsigned retry_after_s)
{
	(void)retry_after_s;
	http_reply(r, 503, SLICE_EMPTY, SLICE_EMPTY);
}

static void ask(struct http_req *r, const char *name, const char *value)
{
	r->in[r->n_in++] = (struct http_header){ slice_str(name), slice_str(value) };
}

static void assert_header(const struct http_req *r, const char *name, const char *value)
{
	for (unsigned i = 0; i < r->n_out; i++) {
		if (slice_eq(r->out[i].name, slice_str(name))) {
			if (value == NULL || !slice_eq(r->out[i].value, slice_str(value))) {
				fail_msg("%s: %.*s", name, SLICE_ARG(r->out[i].value));
			}
			return;
		}
	}
	assert_null(value);
}

/* ---- the choice ---- */

static struct asset_choice choose(struct asset_wish w)
{
	return asset_choose(with_gzip, &w);
}

static void test_the_form(void **state)
{
	(void)state;
	struct asset_choice c = choose((struct asset_wish){ .accept_encoding = SLICE("br, gzip") });

	assert_int_equal(c.status, 200);
	assert_true(c.gzip && slice_eq(c.body, SLICE("zipped")));
	c = choose((struct asset_wish){ .accept_encoding = SLICE("gzip;q=0") });
	assert_false(c.gzip);
	assert_true(slice_eq(c.body, SLICE("0123456789")));
	c = choose((struct asset_wish){ 0 });
	assert_false(c.gzip);
	struct asset_wish zip = { .accept_encoding = SLICE("gzip") };
	assert_false(asset_choose(&assets[0], &zip).gzip);
}

static void test_the_forms_have_tags_of_their_own(void **state)
{
	(void)state;
	char out[ASSET_TAG_BYTES];

	assert_true(slice_eq(asset_tag(with_gzip, false, out), SLICE(PLAIN_TAG)));
	assert_true(slice_eq(asset_tag(with_gzip, true, out), SLICE(GZIP_TAG)));
}

static void test_not_modified(void **state)
{
	(void)state;
	struct asset_wish w = { .if_none_match = SLICE(PLAIN_TAG) };

	assert_int_equal(choose(w).status, 304);
	w.accept_encoding = SLICE("gzip"); /* the other form would be sent */
	assert_int_equal(choose(w).status, 200);
	w.if_none_match = SLICE("W/" GZIP_TAG);
	assert_int_equal(choose(w).status, 304);
	assert_true(choose(w).gzip);
	w.if_none_match = SLICE("\"other\"");
	assert_int_equal(choose(w).status, 200);
	w.if_none_match = SLICE("*");
	w.method = HTTP_HEAD;
	assert_int_equal(choose(w).status, 304);
	w = (struct asset_wish){ .if_match = SLICE("\"other\"") };
	assert_int_equal(choose(w).status, 412);
}

static void test_part(void **state)
{
	(void)state;
	struct asset_wish w = { .range = SLICE("bytes=2-4"), .accept_encoding = SLICE("gzip") };
	struct asset_choice c = choose(w);

	assert_int_equal(c.status, 206);
	assert_false(c.gzip);
	assert_int_equal(c.first, 2);
	assert_true(slice_eq(c.body, SLICE("234")));
	w.if_range = SLICE(PLAIN_TAG);
	assert_int_equal(choose(w).status, 206);
	w.if_range = SLICE(GZIP_TAG);
	assert_int_equal(choose(w).status, 200);
	assert_true(choose(w).gzip);
	w = (struct asset_wish){ .range = SLICE("bytes=10-") };
	assert_int_equal(choose(w).status, 416);
	w.method = HTTP_HEAD;
	assert_int_equal(choose(w).status, 200);
	w = (struct asset_wish){ .range = SLICE("bytes=10-"), .if_none_match = SLICE(PLAIN_TAG) };
	assert_int_equal(choose(w).status, 304);
	w = (struct asset_wish){ .range = SLICE("bytes=0-1,4-5") };
	assert_int_equal(choose(w).status, 200);
}

/* ---- the answer ---- */

static void reply(struct http_req *r)
{
	struct arena arena = arena_new(65536);
	struct op_call c = { .req = r, .arena = &arena };

	asset_reply(&c, with_gzip, SLICE("public, max-age=60"));
	/* Nothing of the arena is compared after this but by the caller's headers: keep it. */
	for (unsigned i = 0; i < r->n_out; i++) {
		static char kept[8][64];
		assert_int_equal(slice_to_cstr(r->out[i].value, kept[i], sizeof(kept[i])), ERR_OK);
		r->out[i].value = slice_str(kept[i]);
	}
	arena_reset(&arena);
}

static void test_replying_the_gzip_form(void **state)
{
	(void)state;
	struct http_req r = { .method = HTTP_GET };

	ask(&r, "Accept-Encoding", "gzip");
	reply(&r);
	assert_int_equal(r.status, 200);
	assert_true(slice_eq(r.body, SLICE("zipped")));
	assert_true(slice_eq(r.content_type, SLICE("text/javascript")));
	assert_header(&r, "ETag", GZIP_TAG);
	assert_header(&r, "Content-Encoding", "gzip");
	assert_header(&r, "Vary", "Accept-Encoding");
	assert_header(&r, "Cache-Control", "public, max-age=60");
	assert_header(&r, "Accept-Ranges", "bytes");
	assert_header(&r, "Content-Range", NULL);
}

static void test_replying_the_plain_form(void **state)
{
	(void)state;
	struct http_req r = { .method = HTTP_GET };

	reply(&r);
	assert_int_equal(r.status, 200);
	assert_header(&r, "ETag", PLAIN_TAG);
	assert_header(&r, "Content-Encoding", NULL);
	assert_header(&r, "Vary", "Accept-Encoding");
}

static void test_replying_not_modified(void **state)
{
	(void)state;
	struct http_req r = { .method = HTTP_GET };

	ask(&r, "If-None-Match", PLAIN_TAG);
	reply(&r);
	assert_int_equal(r.status, 304);
	assert_int_equal(r.body.len, 0);
	assert_int_equal(r.content_type.len, 0);
	assert_header(&r, "ETag", PLAIN_TAG);
	assert_header(&r, "Cache-Control", "public, max-age=60");
	assert_header(&r, "Vary", "Accept-Encoding");
	assert_header(&r, "Content-Encoding", NULL);
}

static void test_replying_a_part(void **state)
{
	(void)state;
	struct http_req r = { .method = HTTP_GET };

	ask(&r, "Range", "bytes=-3");
	reply(&r);
	assert_int_equal(r.status, 206);
	assert_true(slice_eq(r.body, SLICE("789")));
	assert_header(&r, "Content-Range", "bytes 7-9/10");
	assert_header(&r, "ETag", PLAIN_TAG);
}

static void test_replying_no_part(void **state)
{
	(void)state;
	struct http_req r = { .method = HTTP_GET };

	ask(&r, "Range", "bytes=10-");
	reply(&r);
	assert_int_equal(r.status, 416);
	assert_header(&r, "Content-Range", "bytes */10");
	assert_header(&r, "Cache-Control", "no-store");
}

static void test_a_full_arena_is_busy(void **state)
{
	(void)state;
	struct http_req r = { .method = HTTP_GET };
	struct arena arena = arena_new(0);
	struct op_call c = { .req = &r, .arena = &arena };

	asset_reply(&c, with_gzip, SLICE("no-store"));
	assert_int_equal(r.status, 503);
}

static struct http_req reply_hashed(const char *hash, const char *path)
{
	struct http_req r = { .method = HTTP_GET };
	struct arena arena = arena_new(65536);
	struct op_call c = { .req = &r, .arena = &arena };

	asset_reply_hashed(&c, &set, slice_str(hash), slice_str(path));
	arena_reset(&arena);
	return r;
}

static void test_hashed_urls(void **state)
{
	(void)state;
	struct http_req r = reply_hashed("0123456789", "a.js");

	assert_int_equal(r.status, 200);
	assert_header(&r, "Cache-Control", "public, max-age=31536000, immutable");
	r = reply_hashed("9999999999", "a.js");
	assert_int_equal(r.status, 200);
	assert_header(&r, "Cache-Control", "public, max-age=0, must-revalidate");
	r = reply_hashed("012345678", "a.js");
	assert_header(&r, "Cache-Control", "public, max-age=0, must-revalidate");
	/* That of all files is as good, and an empty one is none. */
	r = reply_hashed("5e75e75e75", "a.js");
	assert_header(&r, "Cache-Control", "public, max-age=31536000, immutable");
	assert_int_equal(reply_hashed("5e75e75e75", "none").status, 404);
	r = reply_hashed("", "a.js");
	assert_header(&r, "Cache-Control", "public, max-age=0, must-revalidate");
	assert_int_equal(reply_hashed("0123456789", "a.jsx").status, 404);
	assert_int_equal(reply_hashed("0123456789", "../a.js").status, 404);
}

static void test_finding(void **state)
{
	(void)state;
	const struct asset_set none = { NULL, 0, "" };

	for (size_t i = 0; i < set.n; i++) {
		assert_ptr_equal(asset_find(&set, slice_str(assets[i].path)), &assets[i]);
	}
	assert_null(asset_find(&set, SLICE("")));
	assert_null(asset_find(&set, SLICE("a/")));
	assert_null(asset_find(&set, SLICE("A")));
	assert_null(asset_find(&set, SLICE("c")));
	assert_null(asset_find(&none, SLICE("a")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_form),
		cmocka_unit_test(test_the_forms_have_tags_of_their_own),
		cmocka_unit_test(test_not_modified),
		cmocka_unit_test(test_part),
		cmocka_unit_test(test_replying_the_gzip_form),
		cmocka_unit_test(test_replying_the_plain_form),
		cmocka_unit_test(test_replying_not_modified),
		cmocka_unit_test(test_replying_a_part),
		cmocka_unit_test(test_replying_no_part),
		cmocka_unit_test(test_a_full_arena_is_busy),
		cmocka_unit_test(test_hashed_urls),
		cmocka_unit_test(test_finding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
