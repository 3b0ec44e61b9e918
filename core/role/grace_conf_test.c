/*
 * Section [grace]: orders, reserves, and what is no order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/role/grace_conf.h"
#include "core/service.h"

static const char *const classes[SHED_RANKS] = {
	[SHED_LATE] = "verify",
	[SHED_MIDDLE] = "login",
	[SHED_EARLY] = "signup",
	[SHED_POLLING] = "polling",
	[SHED_FIRST] = "later",
};

static const struct service identity = { .name = "identity", .classes = classes };

static struct conf *with(const char *name, const char *value)
{
	struct buf problems = buf_new(4096);
	struct conf *c = NULL;

	assert_int_equal(conf_new(&grace_conf, 1, &c), ERR_OK);
	if (name != NULL) {
		assert_int_equal(conf_set(c, "test", SLICE("grace"), slice_str(name),
				     slice_str(value), &problems),
		    ERR_OK);
	}
	buf_free(&problems);
	return c;
}

static enum err read_site(const char *order, struct http_site *ret, struct err_note *note)
{
	struct conf *c = with("order.identity", order);
	enum err e = grace_conf_site(c, &identity, ret, note);

	conf_free(&c);
	return e;
}

static void without_a_word_the_rows_decide(void **state)
{
	struct http_site site = { 0 };

	(void)state;
	assert_int_equal(read_site("", &site, NULL), ERR_OK);
	for (unsigned char rank = SHED_LATE; rank < SHED_RANKS; rank++) {
		assert_int_equal(site.order[rank], rank);
	}
	/* Work begun has no place in it. */
	assert_int_equal(site.order[SHED_LAST], 0);
	assert_int_equal(site.reserve[SHED_EARLY], 1);
	assert_int_equal(site.reserve[SHED_MIDDLE], 2);
	assert_int_equal(site.reserve[SHED_LATE], 3);
	assert_int_equal(site.reserve[SHED_POLLING], 0);
}

static void who_is_named_goes_first_and_the_rest_follows(void **state)
{
	struct http_site site = { 0 };

	(void)state;
	assert_int_equal(read_site("signup , login", &site, NULL), ERR_OK);
	assert_int_equal(site.order[SHED_EARLY], SHED_LATE);
	assert_int_equal(site.order[SHED_MIDDLE], SHED_MIDDLE);
	assert_int_equal(site.order[SHED_LATE], SHED_EARLY);
	assert_int_equal(site.order[SHED_POLLING], SHED_POLLING);
	assert_int_equal(site.order[SHED_FIRST], SHED_FIRST);
}

static void a_wrong_order_is_refused_in_words(void **state)
{
	static const char *const wrong[] = { "sign-up", "login, login", "login,,signup", "begun" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct http_site site = { 0 };
		struct err_note note = { 0 };
		assert_int_equal(read_site(wrong[i], &site, &note), ERR_CONFIG);
		assert_non_null(strstr(note.text, "[grace] order.identity"));
	}
}

static void no_order_is_the_one_of_the_service(void **state)
{
	struct http_site site = { 0 };
	struct err_note note = { 0 };

	(void)state;
	assert_int_equal(read_site("", &site, &note), ERR_OK);
	for (unsigned rank = SHED_LATE; rank < SHED_RANKS; rank++) {
		assert_int_equal(site.order[rank], rank);
	}
}

static void a_service_without_names_keeps_its_order(void **state)
{
	const struct service other = { .name = "other", .classes = classes };
	const struct service nameless = { .name = "identity" };
	struct http_site site = { 0 };
	struct conf *c = with(NULL, NULL);

	(void)state;
	assert_int_equal(grace_conf_site(c, &other, &site, NULL), ERR_OK);
	assert_int_equal(grace_conf_site(c, &nameless, &site, NULL), ERR_OK);
	assert_int_equal(site.order[SHED_LATE], 0);
	assert_int_equal(site.reserve[SHED_EARLY], 0);
	conf_free(&c);
}

static void reserves_are_shares_and_leave_something(void **state)
{
	static struct grace g;
	struct err_note note = { 0 };
	struct conf *c = with("reserve.login", "30");

	(void)state;
	grace_init(&g, 1, 0);
	grace_conf_apply(c, &g);
	const double *kept = g.resources[GRACE_COMPUTE].level.reserve;
	assert_true(kept[0] > 0.39 && kept[0] < 0.41 && kept[1] > 0.29 && kept[1] < 0.31);
	assert_int_equal(grace_conf_check(c, &note), ERR_OK);
	conf_free(&c);
	c = with("reserve.login", "60 %");
	assert_int_equal(grace_conf_check(c, &note), ERR_CONFIG);
	assert_non_null(strstr(note.text, "100 %"));
	conf_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_word_the_rows_decide),
		cmocka_unit_test(who_is_named_goes_first_and_the_rest_follows),
		cmocka_unit_test(a_wrong_order_is_refused_in_words),
		cmocka_unit_test(no_order_is_the_one_of_the_service),
		cmocka_unit_test(a_service_without_names_keeps_its_order),
		cmocka_unit_test(reserves_are_shares_and_leave_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
