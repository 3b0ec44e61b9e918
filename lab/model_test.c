/*
 * Models: what the shipped ones declare, and that mistakes are told with file and line.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lab/browserid_key.h"
#include "lab/model.h"
#include "lab/rates.h"

static struct model *shipped(const char *name)
{
	static char path[4096];
	struct err_note note = { 0 };
	struct model *m = NULL;
	const char *root = getenv("SOURCE_ROOT");

	(void)snprintf(path, sizeof(path), "%s/models/%s", root == NULL ? "." : root, name);
	if (model_open(path, 1, &m, &note) != ERR_OK) {
		fail_msg("%s", note.text);
	}
	return m;
}

/* Each figure of the page to the digits it prints, and that it is wrong where it is. */
static void the_seed_page_is_reproduced(void **state)
{
	static const char *const contradictions[] = { "sign-ups a second",
		"re-authentications a second", "sign-ins a second", "sum of the weights",
		"cores for the calls, 12 rounds", "cores at 20 % use, 10 rounds",
		"cores at 20 % use, 12 rounds", "mean delay of a login on two processors, ms" };
	struct model *m = shipped("persona.lua");
	const struct model_preset *p = NULL;
	struct err_note note = { 0 };
	struct buf text = buf_new(1 << 20);
	unsigned published = 0;

	(void)state;
	assert_int_equal(model_find_preset(m, "seed-001", &p, &note), ERR_OK);
	for (unsigned i = 0; i < m->n_activities; i++) {
		double rate = model_rate(m, p, i, 1e6);
		if (p->published[i] >= 0) {
			assert_true(fabs(rate - p->published[i]) < 0.00501);
			published++;
		}
	}
	assert_int_equal(published, 5);
	assert_int_equal(rates_print(m, p, 1e6, &text), 8);
	buf_append_char(&text, '\0');
	for (size_t i = 0; i < sizeof(contradictions) / sizeof(contradictions[0]); i++) {
		char line[100];
		(void)snprintf(line, sizeof(line), "CONTRADICTS  %s: ", contradictions[i]);
		assert_non_null(strstr(text.data, line));
	}
	assert_non_null(strstr(text.data, "25.4 times too high"));
	assert_null(strstr(text.data, "DIFFERS"));
	assert_int_equal(model_find_preset(m, "seed-002", &p, &note), ERR_NOT_FOUND);
	assert_non_null(strstr(note.text, "seed-001"));
	buf_free(&text);
	model_close(&m);
}

/* What load-and-overload.md 5.1 derives by hand: 206 sign-ins a second and million. */
static void persona_rates_follow_from_behaviour(void **state)
{
	struct model *m = shipped("persona.lua");
	double sum = 0;

	(void)state;
	for (unsigned i = 0; i < m->n_activities; i++) {
		sum += strcmp(m->activities[i].name, "signin") == 0 ||
			       strcmp(m->activities[i].name, "include_only") == 0
			   ? model_rate(m, NULL, i, 1e6)
			   : 0;
	}
	double signin = 0;
	assert_true(model_lookup(m, NULL, SLICE("rate.signin"), &signin));
	assert_true(fabs(signin - 205.76) < 0.01);
	assert_true(fabs(sum - 40e6 / 86400) < 1e-6);
	model_close(&m);
}

static void web_is_a_good_model(void **state)
{
	struct model *m = shipped("web.lua");
	struct buf text = buf_new(1 << 20);

	(void)state;
	assert_int_equal(m->n_activities, 3);
	assert_int_equal(rates_print(m, NULL, 10000, &text), 0);
	buf_free(&text);
	model_close(&m);
}

static void bad(const char *text, const char *says)
{
	char path[] = "/tmp/plimsoll-model-XXXXXX";
	int fd = mkstemp(path);
	struct err_note note = { 0 };
	struct model *m = NULL;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	assert_int_not_equal(model_open(path, 1, &m, &note), ERR_OK);
	unlink(path);
	if (strstr(note.text, says) == NULL) {
		fail_msg("%s: %s", text, note.text);
	}
}

static void mistakes_are_named(void **state)
{
	static const char head[] = "model { name = 'x', about = 'y' }\n";
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "model 'x'", ":1: model { ... } needs braces" },
		{ "model { name = 'x' }", ":1: model needs about" },
		{ "assume('a', 1, 'why')", "no model { name" },
		{ "assume('a', 1)", ":1: the reason behind the number must be a text" },
		{ "assume('A b', 1, 'w')", "is no name" },
		{ "assume('a', 1, 'w')\nassume('a', 1, 'w')", ":2: a is there already" },
		{ "derive('a', 'b + 1', 'w')", ":1: a: there is no number called \"b\"" },
		{ "\nactivity { name = 'a', why = 'w', per_day = 1 }",
		    ":2: activity a needs does" },
		{ "activity { name = 'a', why = 'w', per_day = '-1', does = function() end }",
		    "-1 times a day" },
		{ "activity { name = 'a', why = 'w', per_day = '1/', does = function() end }",
		    "in the formula 1/" },
		{ "preset { name = 'p', about = 'q', visits = 1, weights = { zz = 1 } }",
		    "no activity \"zz\"" },
		{ "browser():get('/')", ":1: a request: only inside an activity" },
		{ "browserid.public_key(99)", "keys are numbered" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bad(rows[i].text, rows[i].says);
	}
	char text[500];
	(void)snprintf(text, sizeof(text),
	    "%sactivity { name = 'a', why = 'w', per_day = 1, does = function() end }\n"
	    "preset { name = 'p', about = 'q', visits = 1, weights = { a = 1 },\n"
	    "claims = { { 'c', says = 1, follows = 'rate.b' } } }",
	    head);
	bad(text, "claim \"c\": there is no number called \"rate.b\"");
	bad(head, "no activity");
}

/* The form of the protocol; that signatures verify is seen where a server takes them (persona). */
static void assertions_have_their_form(void **state)
{
	struct browserid_key *k = NULL;
	struct buf out = buf_new(10000);
	unsigned dots = 0;

	(void)state;
	assert_int_equal(browserid_key_new(&k), ERR_OK);
	assert_true(slice_starts(browserid_key_public(k), SLICE("{\"algorithm\":\"RS\",\"n\":\"")));
	assert_true(slice_ends(browserid_key_public(k), SLICE("\",\"e\":\"65537\"}")));
	assert_int_equal(
	    browserid_key_assert(k, SLICE("http://a.example"), 1234567890123, &out), ERR_OK);
	assert_true(slice_starts(buf_slice(&out), SLICE("eyJhbGciOiJSUzI1NiJ9.")));
	for (size_t i = 0; i < out.len; i++) {
		dots += out.data[i] == '.';
	}
	assert_int_equal(dots, 2);
	assert_int_equal(out.len - slice_find(buf_slice(&out), '.', 22) - 1, 342); /* 256 bytes */
	buf_free(&out);
	browserid_key_free(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_seed_page_is_reproduced),
		cmocka_unit_test(persona_rates_follow_from_behaviour),
		cmocka_unit_test(web_is_a_good_model),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(assertions_have_their_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
