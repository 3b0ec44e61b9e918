/*
 * Symbolication without a server: the protocol's checks and words, the shapes of answers, and what
 * is asked of the store.
 */
#include "services/symbols/symbolicate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/json.h"
#include "services/symbols/sym_rig.h"

enum {
	ARENA_MAX = 1 << 24,
	ANSWER_MAX = 1 << 22
};

#define ZOO_ID "000102030405060708090A0B0C0D0E0FA"
#define WIN_ID "44E4EC8C2F41492B9369D6B9A059577C2"

static const char zoo_text[] = "MODULE Linux x86_64 " ZOO_ID " zoo\n"
			       "INFO CODE_ID 0302010005040706\n"
			       "FILE 0 a.cc\n"
			       "INLINE_ORIGIN 30 zoo::inner\n"
			       "INLINE_ORIGIN 31 zoo::middle\n"
			       "FUNC 16c0 79 0 zoo::outer(int)\n"
			       "INLINE 0 8 0 31 16fc 14\n"
			       "INLINE 1 7 0 30 16fc 14\n"
			       "16c0 3c 8 0\n"
			       "16fc 14 6 0\n"
			       "1710 8 0 0\n"
			       "FUNC 2000 10 0 no \"lines\"\n"
			       "PUBLIC 3000 0 _public\n";
static const char win_text[] = "MODULE windows x86_64 " WIN_ID " xul.pdb\n"
			       "INFO CODE_ID 59B2A3C9600 xul.dll\n"
			       "FUNC 1000 100 0 mozilla::Run\n";

/* What the store would be. */
struct shelf {
	unsigned opened, closed, breaths;
	enum err answer; /* of open, where it is not ERR_OK */
	char asked[200]; /* the last module */
};

static enum err on_open(
    void *arg, struct slice file, struct slice id, struct symbolicate_opened *ret)
{
	struct shelf *s = arg;

	(void)snprintf(s->asked, sizeof(s->asked), "%.*s/%.*s", SLICE_ARG(file), SLICE_ARG(id));
	if (s->answer != ERR_OK) {
		return s->answer;
	}
	if (slice_eq(file, SLICE("zoo")) || slice_eq(file, SLICE("other"))) {
		ret->index = sym_index_of(slice_str(zoo_text));
	} else if (slice_eq(file, SLICE("xul.pdb"))) {
		ret->index = sym_index_of(slice_str(win_text));
	} else {
		return ERR_NOT_FOUND;
	}
	s->opened++;
	ret->was_built = true;
	return ERR_OK;
}

static void on_close(void *arg, struct sym_index *index)
{
	struct shelf *s = arg;

	s->closed++;
	sym_index_close(&index);
}

static enum err on_breathe(void *arg)
{
	struct shelf *s = arg;

	s->breaths++;
	return ERR_OK;
}

static enum err run(struct shelf *s, enum symbolicate_version version, const char *body, bool debug,
    struct buf *out)
{
	const struct symbolicate_ways ways = { on_open, on_close, on_breathe, s };
	const struct symbolicate_limits limits = { .frames = 5000, .modules = 100 };
	struct arena arena = arena_new(ARENA_MAX);
	struct symbolicate_work work;
	const struct symbolicate_call call = { version, slice_str(body), debug, &ways, &limits,
		&arena };

	buf_clear(out);
	enum err e = symbolicate(&call, out, &work);
	assert_int_equal(s->opened, s->closed);
	arena_reset(&arena);
	return e;
}

static void expect(
    enum symbolicate_version version, const char *body, enum err e, const char *wanted)
{
	struct shelf s = { .answer = ERR_OK };
	struct buf out = buf_new(ANSWER_MAX);

	assert_int_equal(run(&s, version, body, false, &out), e);
	buf_append_char(&out, '\0');
	assert_string_equal(out.data, wanted);
	buf_free(&out);
}

static void refused(const char *body, const char *title)
{
	struct buf wanted = buf_new(ANSWER_MAX);

	buf_printf(&wanted, "{\"title\":\"%s\"}", title);
	buf_append_char(&wanted, '\0');
	expect(SYMBOLICATE_V5, body, ERR_INVALID, wanted.data);
	buf_free(&wanted);
}

static void what_is_wrong_is_told_in_the_protocols_words(void **state)
{
	(void)state;
	refused("", "Payload is not valid JSON");
	refused("{", "Payload is not valid JSON");
	refused("{\"stacks\":[[[0,1]]],\"memoryMap\":[[\"a\",\"b\"]]", "Payload is not valid JSON");
	refused("[]", "job 0 is invalid");
	refused("{\"jobs\":[1]}", "job 0 is invalid");
	refused("{\"jobs\":5}", "job 0 is invalid");
	refused("{}", "job 0 is invalid: no stacks specified");
	refused("{\"stacks\":[[[0,1]]]}", "job 0 is invalid: no memoryMap specified");
	refused(
	    "{\"stacks\":[],\"memoryMap\":[]}", "job 0 has invalid stacks: no stacks specified");
	refused(
	    "{\"stacks\":null,\"memoryMap\":[]}", "job 0 has invalid stacks: no stacks specified");
	refused(
	    "{\"stacks\":{},\"memoryMap\":[]}", "job 0 has invalid stacks: no stacks specified");
	refused("{\"stacks\":{\"a\":[1],\"b\":2},\"memoryMap\":[]}",
	    "job 0 has invalid stacks: stacks must be a list of lists");
	refused("{\"stacks\":5,\"memoryMap\":[]}",
	    "job 0 has invalid stacks: stacks must be a list of lists");
	refused(
	    "{\"stacks\":[5],\"memoryMap\":[]}", "job 0 has invalid stacks: stack 0 is not a list");
	refused("{\"stacks\":[[],[5]],\"memoryMap\":[]}",
	    "job 0 has invalid stacks: stack 1 frame 0 is not a list of two items");
	refused("{\"stacks\":[[[0]]],\"memoryMap\":[]}",
	    "job 0 has invalid stacks: stack 0 frame 0 is not a list of two items");
	refused("{\"stacks\":[[[0,1,2]]],\"memoryMap\":[]}",
	    "job 0 has invalid stacks: stack 0 frame 0 is not a list of two items");
	refused("{\"stacks\":[[[-1,1],[\"0\",1]]],\"memoryMap\":[]}",
	    "job 0 has invalid stacks: stack 0 frame 1 has an invalid module_index");
	refused("{\"stacks\":[[[-2,1]]],\"memoryMap\":[]}",
	    "job 0 has invalid stacks: stack 0 frame 0 has an invalid module_index");
	refused("{\"stacks\":[[[0.0,1]]],\"memoryMap\":[]}",
	    "job 0 has invalid stacks: stack 0 frame 0 has an invalid module_index");
	refused("{\"stacks\":[[[0,1]]],\"memoryMap\":[]}",
	    "job 0 has invalid stacks: stack 0 frame 0 has a module_index that isn't in modules");
	refused("{\"stacks\":[[[99999999999999999999,1]]],\"memoryMap\":[]}",
	    "job 0 has invalid stacks: stack 0 frame 0 has a module_index that isn't in modules");
	refused("{\"stacks\":[[[-1,1.5]]],\"memoryMap\":[]}",
	    "job 0 has invalid stacks: stack 0 frame 0 has an invalid module_offset");
	refused("{\"stacks\":[[[-1,1e2]]],\"memoryMap\":[]}",
	    "job 0 has invalid stacks: stack 0 frame 0 has an invalid module_offset");
	refused("{\"stacks\":[[[-1,-2]]],\"memoryMap\":[]}",
	    "job 0 has invalid stacks: stack 0 frame 0 has an invalid module_offset");
	refused("{\"stacks\":[[[-1,-99999999999999999999]]],\"memoryMap\":[]}",
	    "job 0 has invalid stacks: stack 0 frame 0 has an invalid module_offset");
	refused("{\"stacks\":[[[-1,null]]],\"memoryMap\":[]}",
	    "job 0 has invalid stacks: stack 0 frame 0 has an invalid module_offset");
}

static void what_is_wrong_with_modules_comes_first(void **state)
{
	(void)state;
	refused("{\"memoryMap\":5,\"stacks\":[5]}",
	    "job 0 has invalid modules: modules must be a list");
	refused("{\"memoryMap\":[5],\"stacks\":[5]}",
	    "job 0 has invalid modules: module index 0 does not have a debug_filename and debug_id");
	refused("{\"memoryMap\":[[\"a\",\"1\"],[\"a\"]],\"stacks\":[5]}",
	    "job 0 has invalid modules: module index 1 does not have a debug_filename and debug_id");
	refused("{\"memoryMap\":[[5,\"1\"]],\"stacks\":[5]}",
	    "job 0 has invalid modules: module index 0 has an invalid debug_filename");
	refused("{\"memoryMap\":[[\"a/b\",\"1\"]],\"stacks\":[5]}",
	    "job 0 has invalid modules: module index 0 has an invalid debug_filename");
	refused("{\"memoryMap\":[[\"h\xc3\xbcll\",\"1\"]],\"stacks\":[5]}",
	    "job 0 has invalid modules: module index 0 has an invalid debug_filename");
	refused("{\"memoryMap\":[[\"a\",\"xyz\"]],\"stacks\":[5]}",
	    "job 0 has invalid modules: module index 0 has an invalid debug_id");
	refused("{\"memoryMap\":[[\"a\",5]],\"stacks\":[5]}",
	    "job 0 has invalid modules: module index 0 has an invalid debug_id");
	refused("{\"jobs\":[{\"memoryMap\":[],\"stacks\":[[]]},{\"memoryMap\":[[\"a\",\"g\"]],"
		"\"stacks\":[[]]}]}",
	    "job 1 has invalid modules: module index 0 has an invalid debug_id");
}

static void numbers_of_things_are_limited(void **state)
{
	(void)state;
	struct buf body = buf_new(ANSWER_MAX);

	buf_append_str(&body, "{\"jobs\":[");
	for (int i = 0; i < 11; i++) {
		buf_printf(&body, "%s{\"stacks\":[[]],\"memoryMap\":[]}", i == 0 ? "" : ",");
	}
	buf_append_str(&body, "]}");
	buf_append_char(&body, '\0');
	refused(body.data, "please limit number of jobs in a single request to <= 10");
	buf_clear(&body);
	buf_append_str(&body, "{\"memoryMap\":[],\"stacks\":[[[-1,1]");
	for (int i = 0; i < 5000; i++) {
		buf_append_str(&body, ",[-1,1]");
	}
	buf_append_str(&body, "]]}");
	buf_append_char(&body, '\0');
	refused(body.data, "please limit number of frames in a single request to <= 5000");
	buf_free(&body);
}

static void a_resolved_frame_has_all_members(void **state)
{
	(void)state;
	expect(SYMBOLICATE_V5,
	    "{\"jobs\":[{\"memoryMap\":[[\"zoo\",\"" ZOO_ID
	    "\"]],\"stacks\":[[[0,5884],[0,5904],[0,8193],"
	    "[0,12289]]]}]}",
	    ERR_OK,
	    "{\"results\":[{\"stacks\":[["
	    "{\"frame\":0,\"module\":\"zoo\",\"module_offset\":\"0x16fc\",\"function\":\"zoo::outer(int)\","
	    "\"function_offset\":\"0x3c\",\"function_size\":\"0x79\",\"file\":\"a.cc\",\"line\":8,"
	    "\"inlines\":[{\"function\":\"zoo::inner\",\"file\":\"a.cc\",\"line\":6},"
	    "{\"function\":\"zoo::middle\",\"file\":\"a.cc\",\"line\":7}]},"
	    "{\"frame\":1,\"module\":\"zoo\",\"module_offset\":\"0x1710\",\"function\":\"zoo::outer(int)\","
	    "\"function_offset\":\"0x50\",\"function_size\":\"0x79\",\"file\":\"a.cc\"},"
	    "{\"frame\":2,\"module\":\"zoo\",\"module_offset\":\"0x2001\",\"function\":\"no \\\"lines\\\"\","
	    "\"function_offset\":\"0x1\",\"function_size\":\"0x10\"},"
	    "{\"frame\":3,\"module\":\"zoo\",\"module_offset\":\"0x3001\",\"function\":\"_public\","
	    "\"function_offset\":\"0x1\"}"
	    "]],\"found_modules\":{\"zoo/" ZOO_ID "\":true}}]}");
}

static void odd_offsets_resolve_to_nothing(void **state)
{
	(void)state;
	expect(SYMBOLICATE_V5,
	    "{\"memoryMap\":[[\"zoo\",\"" ZOO_ID
	    "\"],[\"\",\"1\"]],\"stacks\":[[[-1,5],[0,-1],[0,4294973180],"
	    "[0,18446744073709551615],[0,36893488147419103232],[0,79228162514264337593543950336],[1,0]],[]]}",
	    ERR_OK,
	    "{\"results\":[{\"stacks\":[["
	    "{\"frame\":0,\"module\":\"<unknown>\",\"module_offset\":\"0x5\"},"
	    "{\"frame\":1,\"module\":\"zoo\",\"module_offset\":\"-0x1\"},"
	    "{\"frame\":2,\"module\":\"zoo\",\"module_offset\":\"0x1000016fc\"},"
	    "{\"frame\":3,\"module\":\"zoo\",\"module_offset\":\"0xffffffffffffffff\"},"
	    "{\"frame\":4,\"module\":\"zoo\",\"module_offset\":\"0x20000000000000000\"},"
	    "{\"frame\":5,\"module\":\"zoo\",\"module_offset\":\"0x1000000000000000000000000\"},"
	    "{\"frame\":6,\"module\":\"<unknown>\",\"module_offset\":\"0x0\"}"
	    "],[]],\"found_modules\":{\"zoo/" ZOO_ID "\":true,\"/1\":null}}]}");
}

static void modules_are_told_as_sent(void **state)
{
	(void)state;
	/* In lower case, of another id, the null id, nobody's, unused, twice. */
	expect(SYMBOLICATE_V5,
	    "{\"memoryMap\":[[\"zoo\",\"000102030405060708090a0b0c0d0e0fa\"],[\"other\",\"12345\"],"
	    "[\"zoo\",\"000000000000000000000000000000000\"],[\"gone\",\"AB\"],[\"unused\",\"AB\"],"
	    "[\"gone\",\"AB\"],[\"gone\",\"\"]],"
	    "\"stacks\":[[[0,8192],[1,1],[2,1],[3,1],[6,1]]]}",
	    ERR_OK,
	    "{\"results\":[{\"stacks\":[["
	    "{\"frame\":0,\"module\":\"zoo\",\"module_offset\":\"0x2000\",\"function\":\"no \\\"lines\\\"\","
	    "\"function_offset\":\"0x0\",\"function_size\":\"0x10\"},"
	    "{\"frame\":1,\"module\":\"other\",\"module_offset\":\"0x1\"},"
	    "{\"frame\":2,\"module\":\"zoo\",\"module_offset\":\"0x1\"},"
	    "{\"frame\":3,\"module\":\"gone\",\"module_offset\":\"0x1\"},"
	    "{\"frame\":4,\"module\":\"gone\",\"module_offset\":\"0x1\"}"
	    "]],\"found_modules\":{\"zoo/000102030405060708090a0b0c0d0e0fa\":true,\"other/12345\":false,"
	    "\"zoo/000000000000000000000000000000000\":false,\"gone/AB\":false,\"unused/AB\":null,"
	    "\"gone/\":null}}]}");
}

static void a_windows_module_is_called_by_its_code_file(void **state)
{
	(void)state;
	expect(SYMBOLICATE_V5,
	    "{\"memoryMap\":[[\"xul.pdb\",\"" WIN_ID
	    "\"]],\"stacks\":[[[0,4096],[0,1]]],\"version\":5}",
	    ERR_OK,
	    "{\"results\":[{\"stacks\":[[{\"frame\":0,\"module\":\"xul.dll\",\"module_offset\":\"0x1000\","
	    "\"function\":\"mozilla::Run\",\"function_offset\":\"0x0\",\"function_size\":\"0x100\"},"
	    "{\"frame\":1,\"module\":\"xul.dll\",\"module_offset\":\"0x1\"}]],"
	    "\"found_modules\":{\"xul.pdb/" WIN_ID "\":true}}]}");
}

static void the_fourth_version_has_lines_of_text(void **state)
{
	(void)state;
	expect(SYMBOLICATE_V4,
	    "{\"version\":4,\"stacks\":[[[0,4096],[1,1000],[-1,7]],[]],\"memoryMap\":[[\"xul.pdb\",\"" WIN_ID
	    "\"],[\"testproj\",\"AB\"],[\"x\",\"1\"]]}",
	    ERR_OK,
	    "{\"symbolicatedStacks\":[[\"mozilla::Run (in xul.dll)\",\"0x3e8 (in testproj)\","
	    "\"0x7 (in <unknown>)\"],[]],\"knownModules\":[true,false,null]}");
	expect(SYMBOLICATE_V4, "{\"jobs\":[{\"stacks\":[[]],\"memoryMap\":[]}]}", ERR_INVALID,
	    "{\"title\":\"job 0 is invalid: no stacks specified\"}");
}

static void no_jobs_have_no_results(void **state)
{
	(void)state;
	expect(SYMBOLICATE_V5, "{\"jobs\":[]}", ERR_OK, "{\"results\":[]}");
}

static void the_last_of_equal_members_counts(void **state)
{
	(void)state;
	expect(SYMBOLICATE_V5,
	    "{\"stacks\":[[[5,5]]],\"memoryMap\":[[1,2]],\"memoryMap\":[],\"stacks\":[[[-1,1]]]}",
	    ERR_OK,
	    "{\"results\":[{\"stacks\":[[{\"frame\":0,\"module\":\"<unknown>\",\"module_offset\":\"0x1\"}]],"
	    "\"found_modules\":{}}]}");
}

static void a_module_of_several_jobs_is_opened_once(void **state)
{
	(void)state;
	struct shelf s = { .answer = ERR_OK };
	struct buf out = buf_new(ANSWER_MAX);

	assert_int_equal(
	    run(&s, SYMBOLICATE_V5,
		"{\"jobs\":[{\"memoryMap\":[[\"zoo\",\"" ZOO_ID "\"],[\"zoo\",\"" ZOO_ID "\"]],"
		"\"stacks\":[[[0,1],[1,1]]]},{\"memoryMap\":[[\"zoo\",\"" ZOO_ID
		"\"]],\"stacks\":[[[0,1]]]}]}",
		false, &out),
	    ERR_OK);
	assert_int_equal(s.opened, 1);
	assert_string_equal(s.asked, "zoo/" ZOO_ID);
	buf_free(&out);
}

static void a_full_store_ends_the_request(void **state)
{
	(void)state;
	struct shelf s = { .answer = ERR_TOO_BUSY };
	struct buf out = buf_new(ANSWER_MAX);

	assert_int_equal(run(&s, SYMBOLICATE_V5,
			     "{\"memoryMap\":[[\"a\",\"1\"]],\"stacks\":[[[0,1]]]}", false, &out),
	    ERR_TOO_BUSY);
	buf_free(&out);
}

static void long_work_lets_others_run(void **state)
{
	(void)state;
	struct shelf s = { .answer = ERR_OK };
	struct buf out = buf_new(ANSWER_MAX), body = buf_new(ANSWER_MAX);

	buf_append_str(&body, "{\"memoryMap\":[[\"zoo\",\"" ZOO_ID "\"]],\"stacks\":[[[0,1]");
	for (int i = 0; i < 4000; i++) {
		buf_append_str(&body, ",[0,5884]");
	}
	buf_append_str(&body, "]]}");
	buf_append_char(&body, '\0');
	assert_int_equal(run(&s, SYMBOLICATE_V5, body.data, false, &out), ERR_OK);
	assert_true(s.breaths > 50);
	/* And an answer that is too large is none. */
	struct buf small = buf_new(10000);
	assert_int_equal(run(&s, SYMBOLICATE_V5, body.data, false, &small), ERR_LIMIT);
	buf_free(&out);
	buf_free(&body);
	buf_free(&small);
}

static void the_debug_header_tells_where_the_time_went(void **state)
{
	(void)state;
	struct shelf s = { .answer = ERR_OK };
	struct buf out = buf_new(ANSWER_MAX);
	struct arena arena = arena_new(ARENA_MAX);
	const struct json *v = NULL;
	int64_t n = 0;
	double time = 0;

	assert_int_equal(
	    run(&s, SYMBOLICATE_V5,
		"{\"memoryMap\":[[\"zoo\",\"" ZOO_ID "\"],[\"gone\",\"1\"]],\"stacks\":[[[0,1]],"
		"[[0,1],[1,2],[0,5]]]}",
		true, &out),
	    ERR_OK);
	assert_int_equal(json_parse(&arena, buf_slice(&out), &v, NULL), ERR_OK);
	v = json_member(v, "debug");
	assert_true(json_get_real(json_member(v, "time"), &time));
	assert_true(json_get_i64(json_member(json_member(v, "modules"), "count"), &n));
	assert_int_equal(n, 2);
	const struct json *stacks = json_member(json_member(v, "modules"), "stacks_per_module");
	assert_true(json_get_i64(json_member(stacks, "zoo/" ZOO_ID), &n));
	assert_int_equal(n, 2);
	assert_true(json_get_i64(json_member(json_member(v, "cache_lookups"), "count"), &n));
	assert_int_equal(n, 2);
	arena_reset(&arena);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_told_in_the_protocols_words),
		cmocka_unit_test(what_is_wrong_with_modules_comes_first),
		cmocka_unit_test(numbers_of_things_are_limited),
		cmocka_unit_test(a_resolved_frame_has_all_members),
		cmocka_unit_test(odd_offsets_resolve_to_nothing),
		cmocka_unit_test(modules_are_told_as_sent),
		cmocka_unit_test(a_windows_module_is_called_by_its_code_file),
		cmocka_unit_test(the_fourth_version_has_lines_of_text),
		cmocka_unit_test(no_jobs_have_no_results),
		cmocka_unit_test(the_last_of_equal_members_counts),
		cmocka_unit_test(a_module_of_several_jobs_is_opened_once),
		cmocka_unit_test(a_full_store_ends_the_request),
		cmocka_unit_test(long_work_lets_others_run),
		cmocka_unit_test(the_debug_header_tells_where_the_time_went),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
