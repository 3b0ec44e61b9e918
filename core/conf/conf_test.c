/*
 * Configuration: values of each type, the sentences that explain a mistake, origins, and what
 * reaches which role.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/conf/conf.h"

/* clang-format off */
static const struct conf_key keys[] = {
	{ "web", "instances", CONF_INT, "processes", 0, 64, NULL, "0", false, false, 0, "Web processes.", false, "OLD_WORKERS|WORKERS" },
	{ "web", "listen", CONF_ADDRESS, NULL, 0, 0, NULL, "127.0.0.1:8000", false, false, 0, "Where.", false, "T_HOST+T_PORT" },
	{ "web", "idle", CONF_DURATION, "s", 1000, 3600000, NULL, "60s", true, false, 0, "Idle time.", false, "T_IDLE:s" },
	{ "web", "buffer", CONF_SIZE, "bytes", 1024, 1 << 20, NULL, "64k", true, false, 0, "Buffer.", false, NULL },
	{ "log", "access", CONF_BOOL, NULL, 0, 0, NULL, "yes", true, false, 0, "Access log.", false, NULL },
	{ "identity", "signup", CONF_ENUM, NULL, 0, 0, "open|closed", "open", true, false, 0, "Who.", false, NULL },
	{ "identity", "public_url", CONF_URL, NULL, 0, 0, NULL, "http://127.0.0.1:8000", false, false, 0, "URL.", false, NULL },
	{ "mail", "password", CONF_STRING, NULL, 0, 40, NULL, NULL, true, true, ROLE_BIT(ROLE_COURIER), "SMTP.", false, NULL },
	{ "tls", "files", CONF_STRING, NULL, 0, 60, NULL, NULL, true, false, 0, "Files.", true, NULL },
	{ "tls", "listen", CONF_ADDRESS, NULL, 0, 0, NULL, NULL, false, false, 0, "Where, or empty.", false, NULL },
	{ "tls", "folder", CONF_PATH, NULL, 0, 0, NULL, NULL, false, false, 0, "A folder, or empty.", false, NULL },
	{ "tls", "data", CONF_PATH, NULL, 0, 0, NULL, "./var", false, false, 0, "A folder.", false, NULL },
};
/* clang-format on */
static const struct conf_table table = { keys, sizeof(keys) / sizeof(keys[0]) };

static struct conf *fresh(void)
{
	struct conf *c = NULL;

	assert_int_equal(conf_new(&table, 1, &c), ERR_OK);
	return c;
}

/* Loads text as a file called f.ini in a temporary folder; problems without the folder's name. */
static enum err load_text(struct conf *c, const char *text, char *problems, size_t size)
{
	char folder[] = "/tmp/plimsoll-conf-XXXXXX", path[64];
	struct buf b = buf_new(16384);

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/f.ini", folder);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	enum err e = conf_load(c, path, &b);
	unlink(path);
	rmdir(folder);
	size_t at = 0;
	for (struct slice line, rest = buf_slice(&b); slice_split(&rest, '\n', &line);) {
		struct slice shown = slice_starts(line, slice_str(folder))
					 ? slice_sub(line, sizeof(folder), line.len)
					 : line;
		if (shown.len > 0) {
			at +=
			    (size_t)snprintf(problems + at, size - at, "%.*s\n", SLICE_ARG(shown));
		}
	}
	problems[at] = '\0';
	buf_free(&b);
	return e;
}

static void defaults_are_in_effect(void **state)
{
	struct conf *c = fresh();

	(void)state;
	assert_int_equal(conf_int(c, "web", "instances"), 0);
	assert_int_equal(conf_ms(c, "web", "idle"), 60000);
	assert_int_equal(conf_int(c, "web", "buffer"), 65536);
	assert_true(conf_bool(c, "log", "access"));
	assert_string_equal(conf_str(c, "identity", "signup"), "open");
	assert_false(conf_is_set(c, "web", "idle"));
	conf_free(&c);
	assert_null(c);
}

static void a_file_is_read_over_the_defaults(void **state)
{
	struct conf *c = fresh();
	char problems[2048];

	(void)state;
	assert_int_equal(
	    load_text(c, "# comment\n[web]\ninstances = 4\n  idle = 5m\n\n[log]\naccess=off\n",
		problems, sizeof(problems)),
	    ERR_OK);
	assert_string_equal(problems, "");
	assert_int_equal(conf_int(c, "web", "instances"), 4);
	assert_int_equal(conf_ms(c, "web", "idle"), 300000);
	assert_false(conf_bool(c, "log", "access"));
	assert_true(conf_is_set(c, "web", "idle"));
	conf_free(&c);
}

static void lines_of_a_list_add_up_and_those_of_other_keys_do_not(void **state)
{
	struct conf *c = fresh();
	struct buf problems = buf_new(1024);
	char text[512] = "";

	(void)state;
	enum err e = load_text(
	    c, "[tls]\nfiles = a, b\nfiles = c\n[web]\nidle = 5s\nidle = 6s\n", text, sizeof(text));
	assert_string_equal(text, "");
	assert_int_equal(e, ERR_OK);
	assert_string_equal(conf_str(c, "tls", "files"), "a, b, c");
	assert_int_equal(conf_ms(c, "web", "idle"), 6000);
	e = conf_set(c, "command line", SLICE("tls"), SLICE("files"), SLICE("d"), &problems);
	assert_int_equal(e, ERR_OK);
	assert_string_equal(conf_str(c, "tls", "files"), "d");
	buf_free(&problems);
	conf_free(&c);
}

static void addresses_and_paths_without_default_may_be_empty(void **state)
{
	struct conf *c = fresh();
	char text[512] = "";

	(void)state;
	assert_string_equal(conf_str(c, "tls", "listen"), "");
	assert_string_equal(conf_str(c, "tls", "folder"), "");
	assert_int_equal(load_text(c, "[tls]\nlisten =\nfolder =\ndata =\n[web]\nlisten =\n", text,
			     sizeof(text)),
	    ERR_CONFIG);
	assert_non_null(strstr(text, "f.ini:4: [tls] data: \"\" is wrong"));
	assert_non_null(strstr(text, "f.ini:6: [web] listen: \"\" is wrong"));
	assert_null(strstr(text, "[tls] listen"));
	assert_null(strstr(text, "[tls] folder"));
	conf_free(&c);
}

static void every_mistake_is_told_with_its_place(void **state)
{
	struct conf *c = fresh();
	char problems[4096];

	(void)state;
	enum err e = load_text(c,
	    "[web]\ninstances = 100\nlisten = nowhere\nidel = 5s\n[identitty]\nsignup = open\n"
	    "[identity]\nsignup = maybe\nnonsense\n",
	    problems, sizeof(problems));
	assert_int_equal(e, ERR_CONFIG);
	assert_string_equal(problems,
	    "f.ini:2: [web] instances: \"100\" is wrong; allowed is a whole number from 0 to 64\n"
	    "f.ini:3: [web] listen: \"nowhere\" is wrong; allowed is an address like "
	    "127.0.0.1:8000, [::1]:8000 or 8000\n"
	    "f.ini:4: [web] idel: unknown key; did you mean [web] idle?\n"
	    "f.ini:6: [identitty] signup: unknown section; did you mean [identity] signup?\n"
	    "f.ini:8: [identity] signup: \"maybe\" is wrong; allowed is one of open|closed\n"
	    "f.ini:9: a line must look like key = value, [section] or # comment\n");
	conf_free(&c);
}

static void an_over_long_line_is_refused(void **state)
{
	struct conf *c = fresh();
	char text[600], problems[1024];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "[web]\nlisten = ", 15);
	snprintf(text + 500, 100, "\n[log]\naccess = no\n");
	assert_int_equal(load_text(c, text, problems, sizeof(problems)), ERR_CONFIG);
	assert_string_equal(problems, "f.ini:2: the line is too long; at most 198 characters\n");
	assert_false(conf_bool(c, "log", "access"));
	conf_free(&c);
}

static void a_missing_file_says_so(void **state)
{
	struct conf *c = fresh();
	struct buf b = buf_new(1024);

	(void)state;
	assert_int_equal(conf_load(c, "/nonexistent/x.ini", &b), ERR_NOT_FOUND);
	assert_true(slice_starts(buf_slice(&b), SLICE("/nonexistent/x.ini: cannot be read: ")));
	buf_free(&b);
	conf_free(&c);
}

static enum err set(struct conf *c, const char *section, const char *name, const char *value)
{
	struct buf b = buf_new(4096);
	enum err e =
	    conf_set(c, "command line", slice_str(section), slice_str(name), slice_str(value), &b);

	assert_int_equal(e == ERR_OK, b.len == 0);
	buf_free(&b);
	return e;
}

static void values_are_checked_by_type(void **state)
{
	static const struct {
		const char *section, *name, *value;
		bool good;
	} rows[] = {
		{ "web", "instances", "64", true },
		{ "web", "instances", "65", false },
		{ "web", "instances", "-1", false },
		{ "web", "instances", "4x", false },
		{ "web", "instances", "", false },
		{ "web", "instances", "99999999999999999999", false },
		{ "web", "idle", "1500ms", true },
		{ "web", "idle", "2", true },
		{ "web", "idle", "2 h", false },
		{ "web", "idle", "1 h", true },
		{ "web", "idle", "9223372036854775807d", false },
		{ "web", "buffer", "1M", true },
		{ "web", "buffer", "2M", false },
		{ "web", "listen", "8080", true },
		{ "web", "listen", "[::1]:80", true },
		{ "web", "listen", "::1", false },
		{ "web", "listen", "localhost:70000", false },
		{ "web", "listen", "local host:70", false },
		{ "log", "access", "TRUE", true },
		{ "log", "access", "maybe", false },
		{ "identity", "public_url", "https://id.example.org", true },
		{ "identity", "public_url", "https://id.example.org/x", false },
		{ "identity", "public_url", "ftp://id.example.org", false },
		{ "identity", "public_url", "http://[::1]:80", true },
		{ "mail", "password", "0123456789012345678901234567890123456789", true },
		{ "mail", "password", "01234567890123456789012345678901234567890", false },
	};
	struct conf *c = fresh();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum err e = set(c, rows[i].section, rows[i].name, rows[i].value);
		if ((e == ERR_OK) != rows[i].good) {
			fail_msg("%s = %s: %s", rows[i].name, rows[i].value, err_text(e));
		}
	}
	conf_free(&c);
}

static void secrets_reach_only_their_role_and_no_screen(void **state)
{
	struct conf *c = fresh(), *copy = fresh();
	struct buf b = buf_new(16384);

	(void)state;
	assert_int_equal(set(c, "mail", "password", "hunter2"), ERR_OK);
	assert_int_equal(set(c, "web", "instances", "3"), ERR_OK);
	conf_print(c, &b);
	assert_null(memmem(b.data, b.len, "hunter2", 7));
	assert_non_null(memmem(b.data, b.len, "instances = 3  # command line", 29));
	assert_non_null(memmem(b.data, b.len, "idle = 60s  # default", 21));
	buf_clear(&b);
	conf_export(c, ROLE_WEB, &b);
	assert_int_equal(conf_import(copy, buf_slice(&b)), ERR_OK);
	assert_string_equal(conf_str(copy, "mail", "password"), "");
	assert_int_equal(conf_int(copy, "web", "instances"), 3);
	buf_clear(&b);
	conf_export(c, ROLE_COURIER, &b);
	assert_int_equal(conf_import(copy, buf_slice(&b)), ERR_OK);
	assert_string_equal(conf_str(copy, "mail", "password"), "hunter2");
	assert_int_equal(conf_import(copy, slice_sub(buf_slice(&b), 0, b.len - 1)), ERR_CORRUPT);
	buf_free(&b);
	conf_free(&c);
	conf_free(&copy);
}

static void what_a_reload_cannot_change_is_named(void **state)
{
	struct conf *now = fresh(), *next = fresh();
	struct buf b = buf_new(1024);

	(void)state;
	assert_int_equal(set(next, "web", "idle", "5s"), ERR_OK);
	assert_false(conf_needs_restart(now, next, &b));
	assert_int_equal(set(next, "web", "instances", "5"), ERR_OK);
	assert_true(conf_needs_restart(now, next, &b));
	assert_true(
	    slice_eq(buf_slice(&b), SLICE("[web] instances takes effect only after a restart\n")));
	buf_free(&b);
	conf_free(&now);
	conf_free(&next);
}

static void the_reference_names_every_key(void **state)
{
	struct buf b = buf_new(65536);

	(void)state;
	conf_print_reference(&table, 1, &b);
	for (size_t i = 0; i < table.n; i++) {
		char cell[64];
		snprintf(cell, sizeof(cell), "| `%s` |", keys[i].name);
		assert_non_null(memmem(b.data, b.len, cell, strlen(cell)));
	}
	buf_free(&b);
}

static void the_environment_counts_under_its_names(void **state)
{
	struct conf *c = fresh();
	struct buf b = buf_new(65536);

	(void)state;
	assert_int_equal(setenv("WORKERS", "3", 1), 0);
	assert_int_equal(setenv("T_PORT", "8123", 1), 0);
	assert_int_equal(setenv("T_IDLE", "90", 1), 0);
	assert_int_equal(conf_load_env(c, &b), ERR_OK);
	assert_int_equal(conf_int(c, "web", "instances"), 3);
	assert_string_equal(conf_str(c, "web", "listen"), "127.0.0.1:8123");
	assert_int_equal(conf_ms(c, "web", "idle"), 90000);
	conf_print(c, &b);
	assert_non_null(memmem(b.data, b.len, "instances = 3  # environment WORKERS\n", 37));
	assert_non_null(
	    memmem(b.data, b.len, "listen = 127.0.0.1:8123  # environment T_HOST+T_PORT\n", 53));

	/* The first name counts; what is empty is not there. */
	assert_int_equal(setenv("OLD_WORKERS", "5", 1), 0);
	assert_int_equal(setenv("T_HOST", "::1", 1), 0);
	assert_int_equal(setenv("T_IDLE", "", 1), 0);
	assert_int_equal(conf_load_env(c, &b), ERR_OK);
	assert_int_equal(conf_int(c, "web", "instances"), 5);
	assert_string_equal(conf_str(c, "web", "listen"), "[::1]:8123");

	buf_clear(&b);
	assert_int_equal(setenv("OLD_WORKERS", "many", 1), 0);
	assert_int_equal(conf_load_env(c, &b), ERR_CONFIG);
	assert_true(slice_starts(buf_slice(&b), SLICE("environment OLD_WORKERS: [web] instances")));
	assert_int_equal(conf_int(c, "web", "instances"), 5);
	assert_int_equal(unsetenv("OLD_WORKERS") + unsetenv("WORKERS") + unsetenv("T_HOST") +
			     unsetenv("T_PORT") + unsetenv("T_IDLE"),
	    0);
	buf_free(&b);
	conf_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_in_effect),
		cmocka_unit_test(a_file_is_read_over_the_defaults),
		cmocka_unit_test(lines_of_a_list_add_up_and_those_of_other_keys_do_not),
		cmocka_unit_test(addresses_and_paths_without_default_may_be_empty),
		cmocka_unit_test(every_mistake_is_told_with_its_place),
		cmocka_unit_test(an_over_long_line_is_refused),
		cmocka_unit_test(a_missing_file_says_so),
		cmocka_unit_test(values_are_checked_by_type),
		cmocka_unit_test(secrets_reach_only_their_role_and_no_screen),
		cmocka_unit_test(what_a_reload_cannot_change_is_named),
		cmocka_unit_test(the_reference_names_every_key),
		cmocka_unit_test(the_environment_counts_under_its_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
