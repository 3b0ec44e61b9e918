/*
 * Upstream servers: what the configuration may say of them, and the addresses that files have
 * there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "services/symbols/upstream_server.h"

static struct public_url own(void)
{
	struct public_url url;
	struct err_note note = { 0 };

	assert_int_equal(public_url_parse(SLICE("https://s.example:800"), &url, &note), ERR_OK);
	return url;
}

static enum err parse(const char *list, struct upstream_servers *ret)
{
	const struct public_url url = own();
	struct err_note note = { 0 };

	return upstream_servers_parse(slice_str(list), &url, ret, &note);
}

static void servers_are_read_in_their_order(void **state)
{
	struct upstream_servers s;

	(void)state;
	assert_int_equal(parse("", &s), ERR_OK);
	assert_int_equal(s.n, 0);
	assert_int_equal(parse(" breakpad https://a.example/sym/ ,symsrv https://b.example,"
			       " debuginfod  http://[::1]:8002 ,",
			     &s),
	    ERR_OK);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.list[0].layout, UPSTREAM_BREAKPAD);
	assert_string_equal(s.list[0].base, "https://a.example/sym");
	assert_int_equal(s.list[1].layout, UPSTREAM_SYMSRV);
	assert_string_equal(s.list[2].base, "http://[::1]:8002");
}

static void what_is_no_server_is_refused(void **state)
{
	static const char *const bad[] = { "https://a.example", "breakpad", "breakpad a.example",
		"breakpad ftp://a.example", "Breakpad https://a.example",
		"breakpad https://u:p@a.example", "breakpad https://a.example?x",
		"symsrv https://s.example:800", "symsrv HTTPS://s.example:800",
		"symsrv https://S.EXAMPLE:800/try",
		"breakpad https://a.example, breakpad https://b.example x" };
	struct upstream_servers s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(bad[i], &s), ERR_CONFIG);
	}
	/* Another port is another server. */
	assert_int_equal(parse("breakpad https://s.example:8002", &s), ERR_OK);
}

static void assert_url(
    const struct upstream_server *server, const struct upstream_key *key, const char *expected)
{
	struct arena arena = arena_new(65536);
	const char *url = upstream_url(&arena, server, key);

	if (expected == NULL) {
		assert_null(url);
	} else {
		assert_non_null(url);
		assert_string_equal(url, expected);
	}
	arena_reset(&arena);
}

static struct upstream_key file(const char *debug_file, const char *id, const char *name)
{
	return (struct upstream_key){ .kind = UPSTREAM_FILE,
		.key = { slice_str(debug_file), slice_str(id), slice_str(name) },
		.build_id = SLICE_EMPTY,
		.path = SLICE_EMPTY };
}

static void each_layout_has_its_addresses(void **state)
{
	const struct upstream_server b = { UPSTREAM_BREAKPAD, "https://b" },
				     s = { UPSTREAM_SYMSRV, "https://s" },
				     d = { UPSTREAM_DEBUGINFOD, "https://d" };
	struct upstream_key k = file("xul.pdb", "44E4EC8C2F41492B9369D6B9A059577C2", "xul.sym");

	(void)state;
	assert_url(&b, &k, "https://b/xul.pdb/44E4EC8C2F41492B9369D6B9A059577C2/xul.sym");
	assert_url(&s, &k, NULL);
	assert_url(&d, &k, NULL);
	k = file("xul.pdb", "44E4EC8C2F41492B9369D6B9A059577C2", "xul.pd_");
	assert_url(&s, &k, "https://s/xul.pdb/44E4EC8C2F41492B9369D6B9A059577C2/xul.pd_");
	k = file("a b+.dll", "5F84C1B2ABC000", "a b+.dl_");
	assert_url(&s, &k, "https://s/a%20b%2B.dll/5F84C1B2abc000/a%20b%2B.dl_");
	assert_url(&b, &k, "https://b/a%20b%2B.dll/5F84C1B2ABC000/a%20b%2B.dl_");
	k.kind = UPSTREAM_DEBUGINFO;
	k.build_id = SLICE("ab12");
	assert_url(&d, &k, "https://d/buildid/ab12/debuginfo");
	assert_url(&s, &k,
	    "https://s/_.debug/elf-buildid-sym-ab12000000000000000000000000000000000000/_.debug");
	assert_url(&b, &k, NULL);
	k.kind = UPSTREAM_EXECUTABLE;
	assert_url(&d, &k, "https://d/buildid/ab12/executable");
	assert_url(&s, &k, NULL);
	k.kind = UPSTREAM_SOURCE;
	k.path = SLICE("/src/../a b/\xc3\xa4.c");
	assert_url(&d, &k, "https://d/buildid/ab12/source/src/../a%20b/%C3%A4.c");
}

static void a_key_survives_its_message(void **state)
{
	struct upstream_key k = file("a", "B", "c"), got;
	struct buf message = buf_new(UPSTREAM_KEY_MAX);

	(void)state;
	k.build_id = SLICE("ab");
	k.path = SLICE("/p");
	upstream_key_put(&message, &k);
	assert_true(upstream_key_take(buf_slice(&message), &got));
	assert_true(got.kind == UPSTREAM_FILE && slice_eq(got.key.debug_file, SLICE("a")) &&
		    slice_eq(got.key.debug_id, SLICE("B")) && slice_eq(got.key.file, SLICE("c")) &&
		    slice_eq(got.build_id, SLICE("ab")) && slice_eq(got.path, SLICE("/p")));
	assert_false(upstream_key_take(SLICE("\x09"), &got));
	buf_free(&message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_are_read_in_their_order),
		cmocka_unit_test(what_is_no_server_is_refused),
		cmocka_unit_test(each_layout_has_its_addresses),
		cmocka_unit_test(a_key_survives_its_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
