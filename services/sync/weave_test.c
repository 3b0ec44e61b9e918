/*
 * The old protocol's own parts: names, and bodies by the rules of sync.md 2.2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "services/sync/weave.h"

static void name_is(const char *text, const char *expected)
{
	char name[WEAVE_NAME_MAX + 1];

	assert_true(weave_name(slice_str(text), name));
	assert_string_equal(name, expected);
}

static void names_are_lower_case_or_the_hash_of_an_address(void **state)
{
	char name[WEAVE_NAME_MAX + 1];

	(void)state;
	name_is("A.b_C-9", "a.b_c-9");
	/* base32 of SHA-1 of "test@example.com", by Python */
	name_is("Test@Example.com", "kzyvtvrc765vbmi3b36ta67dlbreujxo");
	weave_name_of_address(SLICE("test@example.com"), name);
	assert_true(weave_name_is_hash(name));
	assert_false(weave_name_is_hash("short"));
	assert_false(weave_name_is_hash("0123456789012345678901234567890a"));
	for (size_t i = 0; i < 3; i++) {
		static const char *const bad[] = { "", "a b", "\xc3\xa9" };
		assert_false(weave_name(slice_str(bad[i]), name));
	}
	char longest[WEAVE_NAME_MAX + 2];
	memset(longest, 'x', sizeof(longest));
	assert_true(weave_name(SLICE_OF(longest, WEAVE_NAME_MAX), name));
	assert_false(weave_name(SLICE_OF(longest, WEAVE_NAME_MAX + 1), name));
}

/* Reads a body: what became of it, and the first record. */
static enum err read_body(const char *text, const char *id, bool lines, struct sync_upload *u,
    enum weave_body_kind *kind, struct sync_record *first)
{
	struct err_note note = { 0 };
	enum err e = weave_body_read(slice_str(text), lines, slice_str(id), u, kind, &note);
	struct wire_reader r = wire_reader_new(buf_slice(&u->records));

	*first = (struct sync_record){ .id = SLICE_EMPTY };
	(void)sync_record_take(&r, first);
	return e;
}

static void failed_is(const char *text, bool lines, const char *failed)
{
	struct sync_upload u;
	enum weave_body_kind kind;
	struct sync_record first;

	assert_int_equal(read_body(text, "", lines, &u, &kind, &first), ERR_OK);
	assert_int_equal(kind, WEAVE_BODY_MANY);
	assert_true(slice_eq(buf_slice(&u.failed), slice_str(failed)));
	sync_upload_free(&u);
}

static void a_record_is_taken_as_far_as_it_is_known(void **state)
{
	struct sync_upload u;
	enum weave_body_kind kind;
	struct sync_record r;

	(void)state;
	assert_int_equal(
	    read_body("{\"payload\":\"p\",\"sortindex\":-2.9,\"ttl\":7.5,\"parentid\":\"up\","
		      "\"predecessorid\":\"\",\"odd\":[1],\"modified\":\"x\"}",
		"a", false, &u, &kind, &r),
	    ERR_OK);
	assert_int_equal(kind, WEAVE_BODY_ONE);
	assert_true(slice_eq(r.id, SLICE("a")) && slice_eq(r.payload, SLICE("p")));
	assert_int_equal(r.sortindex, -2);
	assert_int_equal(r.ttl_s, 7);
	assert_true(r.has_parentid && slice_eq(r.parentid, SLICE("up")));
	assert_true(r.has_predecessorid && r.predecessorid.len == 0);
	sync_upload_free(&u);

	assert_int_equal(
	    read_body("{\"payload\":null,\"ttl\":null}", "a", false, &u, &kind, &r), ERR_OK);
	assert_false(r.has_payload || r.has_ttl || r.has_sortindex || r.has_parentid);
	sync_upload_free(&u);
	assert_int_equal(read_body("{\"id\":\"b\"}", "", false, &u, &kind, &r), ERR_OK);
	assert_int_equal(kind, WEAVE_BODY_ONE);
	assert_true(slice_eq(r.id, SLICE("b")));
	sync_upload_free(&u);
}

static void what_cannot_be_is_told_apart(void **state)
{
	static const struct {
		const char *text, *id;
		enum err expected;
	} cases[] = {
		{ "{", "a", ERR_SYNTAX },
		{ "", "a", ERR_SYNTAX },
		{ "[]", "a", ERR_INVALID },
		{ "{\"payload\":1}", "a", ERR_INVALID },
		{ "{\"sortindex\":\"1\"}", "a", ERR_INVALID },
		{ "{\"sortindex\":1e9}", "a", ERR_INVALID },
		{ "{\"ttl\":-1}", "a", ERR_INVALID },
		{ "{\"ttl\":31536001}", "a", ERR_INVALID },
		{ "{\"payload\":\"\"}", "", ERR_INVALID },
		{ "3", "", ERR_INVALID },
		{ "[", "", ERR_SYNTAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sync_upload u;
		enum weave_body_kind kind;
		struct sync_record r;
		assert_int_equal(
		    read_body(cases[i].text, cases[i].id, false, &u, &kind, &r), cases[i].expected);
		sync_upload_free(&u);
	}
}

static void faults_of_an_array_are_named(void **state)
{
	(void)state;
	failed_is("[]", false, "{}");
	failed_is("[{\"id\":\"a\"},3,{},{\"id\":\"x/y\"},{\"id\":\"b\",\"ttl\":\"1\"}]", false,
	    "{\"x/y\":[\"invalid id\"],\"b\":[\"invalid wbo\"],"
	    "\"\":[\"invalid wbo\",\"invalid id\"]}");
	failed_is("{\"id\":\"a\"}\n\n{\"id\":\"b\",\"payload\":0}\r\n", true,
	    "{\"b\":[\"invalid wbo\"]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_lower_case_or_the_hash_of_an_address),
		cmocka_unit_test(a_record_is_taken_as_far_as_it_is_known),
		cmocka_unit_test(what_cannot_be_is_told_apart),
		cmocka_unit_test(faults_of_an_array_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
