/*
 * The walls of the scripts of models, and their helpers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "lab/script.h"

static struct script *s;

static int open_script(void **state)
{
	const struct script_limits limits = { .memory_bytes = 4 << 20, .instructions = 2000000 };

	(void)state;
	return script_open(&limits, 1, &s) == ERR_OK ? 0 : -1;
}

static int close_script(void **state)
{
	(void)state;
	script_close(&s);
	return 0;
}

static enum err run(const char *text, struct err_note *note)
{
	char path[] = "/tmp/plimsoll-script-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	*note = (struct err_note){ 0 };
	struct buf all = buf_new(SCRIPT_FILE_BYTES);
	enum err e = script_read_file(path, &all, note);
	e = e == ERR_OK ? script_run_text(s, path, buf_slice(&all), note) : e;
	buf_free(&all);
	unlink(path);
	return e;
}

static void good(const char *text)
{
	struct err_note note;

	if (run(text, &note) != ERR_OK) {
		fail_msg("%s: %s", text, note.text);
	}
}

static void bad(const char *text, enum err want, const char *says)
{
	struct err_note note;

	assert_int_equal(run(text, &note), want);
	if (strstr(note.text, says) == NULL) {
		fail_msg("%s: %s", text, note.text);
	}
}

static void nothing_leads_out(void **state)
{
	static const char *const gone[] = { "io", "os", "ffi", "package", "require", "debug",
		"dofile", "loadfile", "load", "loadstring", "collectgarbage", "getfenv", "setfenv",
		"getmetatable", "setmetatable", "rawset", "rawget", "pcall", "xpcall", "coroutine",
		"jit", "print", "module", "newproxy", "_G", "string.dump", "math.randomseed" };

	(void)state;
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		char text[100];
		(void)snprintf(text, sizeof(text), "assert(%s == nil)", gone[i]);
		good(text);
	}
	bad("\033LJ\002", ERR_INVALID, "wrong mode");
}

static void errors_name_file_and_line(void **state)
{
	(void)state;
	bad("\n\nlocal x = nil + 1", ERR_INVALID, ":3: attempt to perform arithmetic");
	bad("x = = 1", ERR_INVALID, ":1: ");
	bad("\nsha256({})", ERR_INVALID, ":2: sha256: what to hash must be a text");
	struct err_note note = { 0 };
	struct buf none = buf_new(SCRIPT_FILE_BYTES);
	assert_int_equal(script_read_file("/nowhere/x.lua", &none, &note), ERR_NOT_FOUND);
	assert_non_null(strstr(note.text, "/nowhere/x.lua cannot be read"));
}

static void what_runs_on_is_stopped(void **state)
{
	(void)state;
	bad("while true do end", ERR_INVALID, "runs on and on");
	bad("local t = {} for i = 1, 1e9 do t[i] = i end", ERR_MEMORY, "memory");
	bad("local s = 'x' while true do s = s .. s end", ERR_MEMORY, "memory");
	good("assert(1 == 1)"); /* and the state is as good as before */
}

static void helpers(void **state)
{
	(void)state;
	good(
	    "assert(hex(sha256('abc')) == 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')");
	/* RFC 4231, case 2 */
	good("assert(hex(hmac_sha256('Jefe', 'what do ya want for nothing?')) == "
	     "'5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843')");
	good(
	    "assert(base64url.encode('\\255\\254a') == '__5h' and base64url.decode('__5h') == '\\255\\254a')");
	bad("base64url.decode('a+b')", ERR_INVALID, "not of that form");
	good(
	    "local v = json.decode('{\"a\":[1,2.5,\"x\\\\u00e9\"],\"b\":{\"c\":true,\"d\":null}}') "
	    "assert(v.a[2] == 2.5 and v.a[3] == 'x\\195\\169' and v.b.c == true and v.b.d == nil)");
	good("assert(json.encode({ 1, 'a\"', { x = false } }) == '[1,\"a\\\\\"\",{\"x\":false}]')");
	good(
	    "assert(json.encode({}) == '{}' and json.encode(1e15) == '1000000000000000' and json.encode(0.5) == '0.5')");
	bad("json.decode('{')", ERR_INVALID, "json.decode");
	bad("local t = {} t.t = t json.encode(t)", ERR_INVALID, "nested too deep");
	bad("json.encode({ f = print or json.encode })", ERR_INVALID, "cannot hold a function");
	good("assert(url_encode('a b&c~') == 'a%20b%26c~')");
	good("assert(#random_text(16) == 16 and random_text(16) ~= random_text(16))");
	good(
	    "for i = 1, 1000 do local x = math.random(3) assert(x >= 1 and x <= 3 and x % 1 == 0) end");
}

/* RFC 5869 A.1 and A.3, RFC 7914 11, and what sync's clients derive (sync.md 8). */
static void keys_are_derived_as_others_do(void **state)
{
	(void)state;
	good(
	    "local ikm = unhex(('0b'):rep(22)) "
	    "assert(hex(hkdf(ikm, unhex('000102030405060708090a0b0c'), unhex('f0f1f2f3f4f5f6f7f8f9'), 42)) == "
	    "'3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865') "
	    "assert(hex(hkdf(ikm, '', '', 42)) == "
	    "'8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8')");
	good("assert(hex(pbkdf2('passwd', 'salt', 1, 64)) == "
	     "'55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
	     "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783')");
	good(
	    "local ns = 'identity.mozilla.com/picl/v1/' "
	    "local quick = pbkdf2('p\\195\\164ssw\\195\\182rd', ns .. 'quickStretch:user@example.org', 1000, 32) "
	    "assert(hex(quick) == '486f40a5e4e74586e7bc5ab2df0aa74caac7d796539c4f4954ef8ae09c904359') "
	    "assert(hex(hkdf(quick, '', ns .. 'authPW', 32)) == "
	    "'86d2f0025ef7882cf4280c81b699fc66567c530efd67764f80494ded60a9679d')");
	bad("hkdf('k', '', '', 9000)", ERR_INVALID, "from 1 to 8160 bytes");
	bad("pbkdf2('p', 's', 1e9, 32)", ERR_INVALID, "rounds");
	bad("unhex('0g')", ERR_INVALID, "not of that form");
	good(
	    "assert(base64.encode('\\255\\254a!') == '//5hIQ==' and base64.decode('//5hIQ==') == '\\255\\254a!')");
}

static void write_beside(const char *name, const char *text)
{
	FILE *out = fopen(name, "we");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
	assert_int_equal(fclose(out), 0);
}

/* run() writes the model to /tmp: data files lie there. */
static void data_files_lie_beside_the_model(void **state)
{
	static const char name[] = "/tmp/plimsoll-script-data.csv";

	(void)state;
	write_beside(name, "a,1\r\nb,2\nc\t3");
	good("local d = data('plimsoll-script-data.csv') "
	     "assert(d:count() == 3 and d:line(1) == 'a,1' and d:line(3) == 'c\t3') "
	     "local x, y = d:fields(2) assert(x == 'b' and y == '2') "
	     "x, y = d:fields(3, '\t') assert(x == 'c' and y == '3') "
	     "for i = 1, 20 do assert(({ ['a,1'] = 1, ['b,2'] = 1, ['c\t3'] = 1 })[d:pick()]) end");
	/* Read once: what is there now is not seen. */
	write_beside(name, "other");
	good("assert(data('plimsoll-script-data.csv'):count() == 3)");
	bad("data('plimsoll-script-data.csv'):line(4)", ERR_INVALID, ":1: data: line 4 of 3");
	bad("data('none.csv')", ERR_INVALID, "/tmp/none.csv cannot be read");
	bad("data('../etc/passwd')", ERR_INVALID, "no file beside the model");
	bad("data('/etc/passwd')", ERR_INVALID, "no file beside the model");
	bad("data('.')", ERR_INVALID, "cannot be read");
	unlink(name);
}

static int open_roomy(void **state)
{
	const struct script_limits limits = { .memory_bytes = 1 << 30, .instructions = 1 << 30 };

	(void)state;
	return script_open(&limits, 1, &s) == ERR_OK ? 0 : -1;
}

/* Keeps n tables of some 200 bytes, and makes as many that nobody needs. */
#define KEEP_AND_DROP                                                                              \
	"kept = kept or {} local t = {} "                                                          \
	"for i = 1, 100000 do t[i] = { i, i, i, i, i, i, i, i, i, i } _ = { i, i, i, i, i } end "  \
	"kept[#kept + 1] = t"

/* A gap of 50 us. One that had passed when it was looked at, where the machine had no time, is
 * none. */
static bool collect_in_a_gap(void)
{
	bool is_more = false;
	int64_t until_us;

	do {
		until_us = clock_mono_us() + 50;
		is_more = script_collect(s, until_us);
	} while (!is_more && clock_mono_us() >= until_us);
	return is_more;
}

static void a_large_heap_is_gone_through_in_gaps(void **state)
{
	(void)state;
	good("small = {}");
	assert_false(collect_in_a_gap()); /* a small one is Lua's own */
	good(KEEP_AND_DROP);
	unsigned slices = 0;
	while (collect_in_a_gap()) {
		slices++;
	}
	assert_true(slices > 10);
	size_t kept = s->memory_bytes;
	/* Nothing happened since: no second cycle begins, and none without a gap. */
	assert_false(collect_in_a_gap());
	good("kept[1] = nil " KEEP_AND_DROP);
	size_t grown = s->memory_bytes;
	assert_true(grown > kept);
	assert_false(script_collect(s, clock_mono_us()));
	/* Without any gap Lua collects itself, before the heap has grown twice. */
	for (unsigned i = 0; i < 8; i++) {
		good("kept[1] = nil " KEEP_AND_DROP);
		assert_false(script_collect(s, clock_mono_us()));
	}
	assert_true(s->memory_bytes < 3 * kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_leads_out, open_script, close_script),
		cmocka_unit_test_setup_teardown(
		    errors_name_file_and_line, open_script, close_script),
		cmocka_unit_test_setup_teardown(what_runs_on_is_stopped, open_script, close_script),
		cmocka_unit_test_setup_teardown(helpers, open_script, close_script),
		cmocka_unit_test_setup_teardown(
		    keys_are_derived_as_others_do, open_script, close_script),
		cmocka_unit_test_setup_teardown(
		    data_files_lie_beside_the_model, open_script, close_script),
		cmocka_unit_test_setup_teardown(
		    a_large_heap_is_gone_through_in_gaps, open_roomy, close_script),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
