/*
 * What the keys of [nats] may say, and what they may not.
 */
#include "core/offload/nats_conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum {
	SETS = 6
};

static struct conf *conf_of(const char *const sets[SETS][2])
{
	struct conf *c = NULL;
	struct buf problems = buf_new(4096);

	assert_int_equal(conf_new(&nats_conf, 1, &c), ERR_OK);
	for (unsigned i = 0; i < SETS && sets[i][0] != NULL; i++) {
		const bool is_helper = strcmp(sets[i][0], "name") == 0;
		assert_int_equal(conf_set(c, "test", slice_str(is_helper ? "helper" : "nats"),
				     slice_str(sets[i][0]), slice_str(sets[i][1]), &problems),
		    ERR_OK);
	}
	buf_free(&problems);
	return c;
}

struct row {
	const char *sets[SETS][2];
	const char *says; /* part of the note; NULL: it is good */
};

static const struct row rows[] = {
	{ { { NULL } }, NULL },
	{ { { "url", "nats://127.0.0.1:4222" } }, NULL },
	{ { { "url", "nats://localhost" } }, NULL },
	{ { { "url", "nats://[::1]:4222" } }, NULL },
	{ { { "url", "tls://a.example, tls://b.example:4333" }, { "ca_file", "/x" } }, NULL },
	{ { { "url", "nats://10.0.0.7:4222" } }, "passwords travel" },
	{ { { "url", "nats://127.0.0.1.evil.example" } }, "passwords travel" },
	{ { { "url", "tls://10.0.0.7:4222" } }, "ca_file: is needed" },
	{ { { "url", "tls://127.0.0.1:4222" } }, "ca_file: is needed" },
	{ { { "url", "10.0.0.7:4222" } }, "must be tls://" },
	{ { { "url", "tls://u:p@a.example" }, { "ca_file", "/x" } }, "keys of their own" },
	{ { { "url", "tls://" }, { "ca_file", "/x" } }, "must be tls://" },
	{ { { "url", "tls://a.example,nats://localhost" }, { "ca_file", "/x" } }, "or none" },
	{ { { "url", "nats://localhost" }, { "ca_file", "/x" } }, "of no use with nats://" },
	{ { { "url", "nats://localhost" }, { "cert_file", "/x" } }, "both or none" },
	{ { { "password", "x" } }, "no use without user" },
	{ { { "user", "u" }, { "password", "x" }, { "password_file", "/x" } }, "only one" },
	{ { { "prefix", "a.b" } }, "[nats] prefix" },
	{ { { "prefix", ">" } }, "[nats] prefix" },
	{ { { "name", "a*" } }, "[helper] name" },
};

static void each_row_is_taken_or_refused_in_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf *c = conf_of(rows[i].sets);
		struct nats_settings s;
		struct err_note note = { 0 };
		enum err e = nats_settings_read(c, &s, &note);

		if (rows[i].says == NULL) {
			if (e != ERR_OK) {
				fail_msg("row %zu: %s", i, note.text);
			}
			assert_true(s.helper_name[0] != '\0');
		} else {
			assert_int_equal(e, ERR_CONFIG);
			if (strstr(note.text, rows[i].says) == NULL) {
				fail_msg("row %zu says: %s", i, note.text);
			}
		}
		conf_free(&c);
	}
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void files_are_read_and_looked_at(void **state)
{
	char path[] = "/tmp/plimsoll-nats-conf-XXXXXX";
	struct nats_files files;
	struct err_note note = { 0 };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	const char *const secret[SETS][2] = { { "user", "u" }, { "password_file", path } };
	const char *const ca[SETS][2] = { { "url", "tls://a.example" }, { "ca_file", path } };
	const char *const none[SETS][2] = { { "ca_file", "/nowhere/at/all" } };
	write_file(path, "first line\r\nsecond\n");
	struct conf *c = conf_of(secret);
	assert_int_equal(nats_files_read(c, &files, &note), ERR_OK);
	assert_string_equal(files.password.data, "first line");
	nats_files_free(&files);
	conf_free(&c);
	c = conf_of(ca);
	assert_int_equal(nats_files_read(c, &files, &note), ERR_CONFIG);
	assert_non_null(strstr(note.text, "BEGIN CERTIFICATE"));
	conf_free(&c);
	note = (struct err_note){ 0 };
	c = conf_of(none);
	assert_int_equal(nats_files_read(c, &files, &note), ERR_CONFIG);
	assert_non_null(strstr(note.text, "/nowhere/at/all"));
	conf_free(&c);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_taken_or_refused_in_words),
		cmocka_unit_test(files_are_read_and_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
