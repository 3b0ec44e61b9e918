/*
 * Providers of the configuration, and the way from a domain to its provider.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "services/identity/identity.h"
#include "services/identity/provider.h"

static char path[] = "/tmp/provider-test-XXXXXX";

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Loads one list; the reason of a refusal in note. */
static enum err load(
    const char *key, const char *value, struct providers **ret, struct err_note *note)
{
	const struct conf_table table = identity_service.conf;
	struct conf *conf = NULL;
	struct buf problems = buf_new(1000);

	assert_int_equal(conf_new(&table, 1, &conf), ERR_OK);
	assert_int_equal(
	    conf_set(conf, "test", SLICE("identity"), slice_str(key), slice_str(value), &problems),
	    ERR_OK);
	*note = (struct err_note){ 0 };
	enum err e = providers_load(conf, ret, note);
	buf_free(&problems);
	conf_free(&conf);
	return e;
}

/* The answer with what the configuration says alone. */
static struct provider_answer ask(const struct providers *p, struct slice domain)
{
	static struct arena arena = { .max = 1 << 20 };
	const struct provider_source source = { .configured = p, .own_host = SLICE("id.example") };
	struct provider_answer a;

	assert_int_equal(provider_resolve(&arena, &source, domain, &a), ERR_OK);
	return a;
}

static void assert_none(const struct provider_answer *a, const char *why)
{
	assert_int_equal(a->kind, PROVIDER_NONE);
	assert_string_equal(a->why.ptr, why);
}

static void nobody_is_a_provider_by_default(void **state)
{
	struct providers *p = NULL;
	struct err_note note;

	(void)state;
	assert_int_equal(load("proxy_idps", "", &p, &note), ERR_OK);
	struct provider_answer a = ask(p, SLICE("example.org"));
	assert_none(&a, "this server looks up no other identity providers");
	a = ask(p, SLICE("id.example"));
	assert_none(&a, "this server speaks for it itself");
	providers_free(&p);
}

static void lists_that_are_wrong_are_refused_in_words(void **state)
{
	static const struct {
		const char *key, *value, *text; /* text NULL: no file */
		const char *says;
	} rows[] = {
		{ "proxy_idps", "yahoo.com", NULL, "is not domain=host" },
		{ "proxy_idps", "yahoo.com=-bad-", NULL, "is not domain=host" },
		{ "proxy_idps", "@/nonexistent/file", NULL, "No such file" },
		{ "shimmed_primaries", "a.example", NULL, "is not domain|origin|path" },
		{ "shimmed_primaries", "a.example|https://a.example|/nonexistent/file", NULL,
		    "No such file" },
		{ "shimmed_primaries", "", "no json", "is no support document" },
		{ "shimmed_primaries", "", "{}", "is no support document" },
		{ "shimmed_primaries", "", "{\"authority\":\"-bad-\"}", "is no support document" },
		{ "shimmed_primaries", "",
		    "{\"authentication\":\"/a\",\"provisioning\":\"/p\",\"public-key\":{}}",
		    "is no support document" },
		{ "shimmed_primaries", "",
		    "{\"authentication\":\"a\",\"provisioning\":\"/p\",\"public-key\":{}}",
		    "is no support document" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct providers *p = NULL;
		struct err_note note;
		char value[200];

		(void)snprintf(value, sizeof(value), "%s", rows[i].value);
		if (rows[i].text != NULL) {
			write_file(rows[i].text);
			(void)snprintf(
			    value, sizeof(value), "a.example|https://a.example|%s", path);
		}
		assert_int_equal(load(rows[i].key, value, &p, &note), ERR_CONFIG);
		if (strstr(note.text, rows[i].says) == NULL ||
		    strstr(note.text, rows[i].key) == NULL) {
			fail_msg("%zu: %s", i, note.text);
		}
		assert_null(p);
	}
}

static void delegations_end(void **state)
{
	struct providers *p = NULL;
	struct err_note note;
	struct slice bridge;

	(void)state;
	assert_int_equal(
	    load("proxy_idps", "a.example=B.example, b.example=a.example", &p, &note), ERR_OK);
	struct provider_answer a = ask(p, SLICE("a.example"));
	assert_none(&a, "too many delegations, or they lead in a circle");
	assert_true(providers_bridge(p, SLICE("A.example"), &bridge));
	assert_true(slice_eq(bridge, SLICE("b.example")));
	assert_false(providers_bridge(p, SLICE("c.example"), &bridge));
	providers_free(&p);
	write_file("{\"disabled\":true,\"authority\":\"b.example\"}");
	char value[100];
	(void)snprintf(value, sizeof(value), "a.example|https://a.example|%s", path);
	assert_int_equal(load("shimmed_primaries", value, &p, &note), ERR_OK);
	a = ask(p, SLICE("a.example"));
	assert_int_equal(a.kind, PROVIDER_DISABLED);
	assert_true(a.why.len > 0);
	providers_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_a_provider_by_default),
		cmocka_unit_test(lists_that_are_wrong_are_refused_in_words),
		cmocka_unit_test(delegations_end),
	};
	int fd = mkstemp(path);

	if (fd < 0) {
		return 1;
	}
	(void)close(fd);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(path);
	return failed;
}
