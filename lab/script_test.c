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
	enum err e = script_run_file(s, path, note);
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
	assert_int_equal(script_run_file(s, "/nowhere/x.lua", &note), ERR_NOT_FOUND);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_leads_out, open_script, close_script),
		cmocka_unit_test_setup_teardown(
		    errors_name_file_and_line, open_script, close_script),
		cmocka_unit_test_setup_teardown(what_runs_on_is_stopped, open_script, close_script),
		cmocka_unit_test_setup_teardown(helpers, open_script, close_script),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
