/*
 * Looking up routes: precedence, parameters, escapes, hosts, methods.
 */
#include "core/http/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static enum err no_handler(struct op_call *c)
{
	(void)c;
	return ERR_OK;
}

#define ROW(name_, method_, path_)                                                                 \
	{                                                                                          \
		.name = name_, .method = method_, .path = path_, .handle = no_handler              \
	}

static const struct op ops[] = {
	ROW("root", HTTP_GET, "/"),
	ROW("list", HTTP_GET, "/x"),
	ROW("slash", HTTP_GET, "/x/"),
	ROW("new", HTTP_POST, "/x/new"),
	ROW("any", HTTP_GET, "/x/{id}"),
	ROW("any.put", HTTP_PUT, "/x/{key}"),
	ROW("digits", HTTP_GET, "/x/{n:digits}"),
	ROW("hex", HTTP_GET, "/x/{h:hex}"),
	ROW("token", HTTP_GET, "/x/{t:token}"),
	ROW("deep", HTTP_GET, "/x/{id}/y/{part}"),
	ROW("digits.deep", HTTP_GET, "/x/{n:digits}/z"),
	ROW("files", HTTP_GET, "/f/{path*}"),
	ROW("file", HTTP_GET, "/f/known"),
	ROW("hashed", HTTP_GET, "/v/{hash:hex}/{path*}"),
	ROW("head", HTTP_HEAD, "/h"),
	ROW("head.get", HTTP_GET, "/h"),
	ROW("dots", HTTP_GET, "/x/.."),
	ROW("space", HTTP_GET, "/a b"),
};

static const struct op open_ops[] = {
	{ .name = "open", .method = HTTP_POST, .path = "/open", .flags = OP_PUBLIC_CORS },
};

static const struct op other_ops[] = { ROW("other.root", HTTP_GET, "/") };

static const struct http_site site = { .ops = ops, .n_ops = sizeof(ops) / sizeof(ops[0]) };
static const struct http_site open_site = { .ops = open_ops, .n_ops = 1 };
static const struct http_site other = { .host = "other.example", .ops = other_ops, .n_ops = 1 };
static const struct http_site *const sites[] = { &site, &other, &open_site };

struct fixture {
	struct http_router *router;
	struct arena arena;
	struct http_match match;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err_note note = { 0 };

	assert_non_null(f);
	f->arena = arena_new(1 << 20);
	assert_int_equal(http_router_new(sites, 3, &f->router, &note), ERR_OK);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	http_router_free(&f->router);
	assert_null(f->router);
	arena_reset(&f->arena);
	free(f);
	return 0;
}

static enum http_route_result route(struct fixture *f, enum http_method method, const char *path)
{
	return http_route(
	    f->router, SLICE("any.example:80"), method, slice_str(path), &f->arena, &f->match);
}

/* The row's name, "-" for an unknown path, "!" for a wrong method. */
static const char *found(struct fixture *f, enum http_method method, const char *path)
{
	switch (route(f, method, path)) {
	case HTTP_ROUTE_FOUND:
		return f->match.op->name;
	case HTTP_ROUTE_NO_METHOD:
		assert_non_null(f->match.op);
		return "!";
	case HTTP_ROUTE_NO_PATH:
		assert_null(f->match.op);
		break;
	}
	assert_ptr_equal(f->match.site, &site);
	return "-";
}

static void assert_param(const struct fixture *f, const char *name, const char *value)
{
	struct slice found_value = http_match_get(&f->match, slice_str(name));

	if (!slice_eq(found_value, slice_str(value))) {
		fail_msg("{%s} is \"%.*s\", not \"%s\"", name, SLICE_ARG(found_value), value);
	}
}

static void test_literals(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(found(f, HTTP_GET, "/"), "root");
	assert_string_equal(found(f, HTTP_GET, "/x"), "list");
	assert_string_equal(found(f, HTTP_GET, "/x/"), "slash");
	assert_string_equal(found(f, HTTP_POST, "/x/new"), "new");
	assert_string_equal(found(f, HTTP_GET, "/X"), "-");
	assert_string_equal(found(f, HTTP_GET, "//"), "-");
	assert_string_equal(found(f, HTTP_GET, "/x//"), "-");
	assert_string_equal(found(f, HTTP_GET, ""), "-");
	assert_string_equal(found(f, HTTP_GET, "*"), "-");
}

static void test_the_more_special_wins(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(found(f, HTTP_GET, "/x/12"), "digits");
	assert_param(f, "n", "12");
	assert_string_equal(found(f, HTTP_GET, "/x/12ab"), "hex");
	assert_param(f, "h", "12ab");
	assert_string_equal(found(f, HTTP_GET, "/x/12xy-._~"), "token");
	assert_string_equal(found(f, HTTP_GET, "/x/a@b"), "any");
	assert_param(f, "id", "a@b");
	assert_param(f, "h", "");
	assert_string_equal(found(f, HTTP_GET, "/x/.."), "dots");
	assert_string_equal(found(f, HTTP_GET, "/f/known"), "file");
}

static void test_other_ways_are_tried(void **state)
{
	struct fixture *f = *state;

	/* A literal without the method, a pattern without the next segment. */
	assert_string_equal(found(f, HTTP_GET, "/x/new"), "token");
	assert_string_equal(found(f, HTTP_PUT, "/x/12"), "any.put");
	assert_param(f, "key", "12");
	assert_string_equal(found(f, HTTP_GET, "/x/12/z"), "digits.deep");
	assert_int_equal(f->match.n_params, 1);
	assert_string_equal(found(f, HTTP_GET, "/x/12/y/q"), "deep");
	assert_int_equal(f->match.n_params, 2);
	assert_param(f, "id", "12");
	assert_param(f, "part", "q");
	assert_string_equal(found(f, HTTP_GET, "/x/12/y/"), "-");
	assert_string_equal(found(f, HTTP_GET, "/x/12/q"), "-");
}

static void test_rest(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(found(f, HTTP_GET, "/f/a/b.js"), "files");
	assert_param(f, "path", "a/b.js");
	assert_string_equal(found(f, HTTP_GET, "/f/"), "files");
	assert_param(f, "path", "");
	assert_string_equal(found(f, HTTP_GET, "/f/a//b/"), "files");
	assert_param(f, "path", "a//b/");
	assert_string_equal(found(f, HTTP_GET, "/f"), "-");
	assert_string_equal(found(f, HTTP_GET, "/f/known/"), "files");
	assert_string_equal(found(f, HTTP_GET, "/v/0a/p/q"), "hashed");
	assert_param(f, "hash", "0a");
	assert_param(f, "path", "p/q");
	assert_string_equal(found(f, HTTP_GET, "/v/0g/p"), "-");
	assert_string_equal(
	    found(f, HTTP_GET, "/f/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"), "files");
	assert_param(f, "path", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17");
}

static void test_escapes(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(found(f, HTTP_GET, "/%78"), "list");
	assert_true(slice_eq(f->match.path, SLICE("/x")));
	assert_string_equal(found(f, HTTP_GET, "/a%20b"), "space");
	assert_string_equal(found(f, HTTP_GET, "/a+b"), "-");
	assert_string_equal(found(f, HTTP_GET, "/x/%c3%A9%2B+"), "any");
	assert_param(f, "id", "\xc3\xa9++");
	assert_true(slice_eq(f->match.path, SLICE("/x/\xc3\xa9++")));
}

static void test_an_escaped_slash_makes_no_segment(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(found(f, HTTP_GET, "/x%2F"), "-");
	assert_string_equal(found(f, HTTP_GET, "/x/a%2fb"), "any");
	assert_param(f, "id", "a/b");
	assert_string_equal(found(f, HTTP_GET, "/f/a%2Fb"), "-");
	assert_string_equal(found(f, HTTP_GET, "/f/a/b%2F/c"), "-");
	assert_string_equal(found(f, HTTP_GET, "/f/a%20b/c"), "files");
	assert_param(f, "path", "a b/c");
}

static void test_dots_are_not_normalised(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(found(f, HTTP_GET, "/f/../x"), "files");
	assert_param(f, "path", "../x");
	assert_string_equal(found(f, HTTP_GET, "/x/%2e%2e"), "dots");
	assert_string_equal(found(f, HTTP_GET, "/x/../x"), "-");
	assert_string_equal(found(f, HTTP_GET, "/./x"), "-");
}

static void test_paths_that_cannot_be_decoded_are_unknown(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = { "/x/%", "/x/%4", "/x/%zz", "/%e3h", "/x/%e3%h1",
		"/x/%00", "/x/%ff", "/x/%c0%af", "/x/%ed%a0%80", "/f/%e3/%81%82" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_string_equal(found(f, HTTP_GET, bad[i]), "-");
		assert_true(slice_eq(f->match.path, slice_str(bad[i])));
	}
}

static void test_an_empty_arena_only_stops_escapes(void **state)
{
	struct fixture *f = *state;
	struct arena none = arena_new(0);

	assert_int_equal(http_route(f->router, SLICE("a"), HTTP_GET, SLICE("/x"), &none, &f->match),
	    HTTP_ROUTE_FOUND);
	assert_int_equal(
	    http_route(f->router, SLICE("a"), HTTP_GET, SLICE("/%78"), &none, &f->match),
	    HTTP_ROUTE_NO_PATH);
	assert_int_equal(http_allow_text(1, &none).len, 0);
}

static void assert_allowed(struct fixture *f, const char *path, const char *text)
{
	assert_int_equal(route(f, HTTP_DELETE, path), HTTP_ROUTE_NO_METHOD);
	struct slice allow = http_allow_text(f->match.allowed, &f->arena);
	assert_true(slice_eq(allow, slice_str(text)));
}

static void test_methods(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(found(f, HTTP_HEAD, "/x"), "list");
	assert_string_equal(found(f, HTTP_HEAD, "/h"), "head");
	assert_string_equal(found(f, HTTP_GET, "/h"), "head.get");
	assert_string_equal(found(f, HTTP_HEAD, "/x/new"), "token");
	assert_string_equal(found(f, HTTP_OTHER_METHOD, "/x"), "!");
	assert_string_equal(found(f, HTTP_OPTIONS, "/open"), "!");
	assert_string_equal(found(f, HTTP_DELETE, "/nowhere"), "-");
	assert_allowed(f, "/x", "GET, HEAD");
	assert_allowed(f, "/x/new", "GET, HEAD, POST, PUT");
	assert_allowed(f, "/open", "POST, OPTIONS");
	assert_ptr_equal(f->match.op, &open_ops[0]);
	assert_ptr_equal(f->match.site, &open_site);
}

static void test_hosts(void **state)
{
	struct fixture *f = *state;
	static const char *const named[] = { "other.example", "OTHER.example:8000",
		"other.example." };
	static const char *const unnamed[] = { "", "x.other.example", "other.exampl", "[::1]:80" };

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		struct slice host = slice_str(named[i]);
		assert_int_equal(
		    http_route(f->router, host, HTTP_GET, SLICE("/"), &f->arena, &f->match),
		    HTTP_ROUTE_FOUND);
		assert_string_equal(f->match.op->name, "other.root");
		/* The sites of other hosts do not show through. */
		assert_int_equal(
		    http_route(f->router, host, HTTP_GET, SLICE("/x"), &f->arena, &f->match),
		    HTTP_ROUTE_NO_PATH);
		assert_ptr_equal(f->match.site, &other);
	}
	for (size_t i = 0; i < sizeof(unnamed) / sizeof(unnamed[0]); i++) {
		assert_int_equal(http_route(f->router, slice_str(unnamed[i]), HTTP_GET, SLICE("/"),
				     &f->arena, &f->match),
		    HTTP_ROUTE_FOUND);
		assert_string_equal(f->match.op->name, "root");
	}
}

static void test_no_site_for_the_host(void **state)
{
	struct fixture *f = *state;
	const struct http_site *const only[] = { &other };
	struct http_router *r;
	struct err_note note = { 0 };

	assert_int_equal(http_router_new(only, 1, &r, &note), ERR_OK);
	assert_int_equal(http_route(r, SLICE("a"), HTTP_GET, SLICE("/"), &f->arena, &f->match),
	    HTTP_ROUTE_NO_PATH);
	assert_null(f->match.site);
	http_router_free(&r);
	assert_int_equal(http_router_new(NULL, 0, &r, &note), ERR_OK);
	assert_int_equal(http_route(r, SLICE("a"), HTTP_GET, SLICE("/"), &f->arena, &f->match),
	    HTTP_ROUTE_NO_PATH);
	http_router_free(&r);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_literals),
		TEST(test_the_more_special_wins),
		TEST(test_other_ways_are_tried),
		TEST(test_rest),
		TEST(test_escapes),
		TEST(test_an_escaped_slash_makes_no_segment),
		TEST(test_dots_are_not_normalised),
		TEST(test_paths_that_cannot_be_decoded_are_unknown),
		TEST(test_an_empty_arena_only_stops_escapes),
		TEST(test_methods),
		TEST(test_hosts),
		TEST(test_no_site_for_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
