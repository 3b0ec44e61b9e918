/*
 * What follows from the list of services: which run, which roles they need, the RPC rows in order.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "core/role/app.h"
#include "core/role/listeners.h"
#include "core/role/tls_keys.h"

static const struct op op = { .name = "x.y", .path = "/" };
static const struct rpc_def sign = {
	.name = "sign", .from = ROLE_BIT(ROLE_WEB), .to = ROLE_SIGNER
};
static const struct rpc_def hash = {
	.name = "hash", .from = ROLE_BIT(ROLE_WEB), .to = ROLE_COMPUTE
};
static const struct rpc_def lease = {
	.name = "lease", .from = ROLE_BIT(ROLE_COURIER) | ROLE_BIT(ROLE_ADMIN), .to = ROLE_STORE
};
static const struct rpc_def fetch = {
	.name = "fetch", .from = ROLE_BIT(ROLE_WEB), .to = ROLE_COURIER
};
static const struct rpc_def *const base_rows[] = { &lease };
static const struct rpc_def *const carrier_rows[] = { &fetch };
static const struct rpc_def *const first_rows[] = { &sign, &hash };

static const struct service base = { .name = "base", .rpcs = base_rows, .n_rpcs = 1 };
static const struct service first = {
	.name = "first", .listener = "main", .ops = &op, .n_ops = 1, .rpcs = first_rows, .n_rpcs = 2
};
static const struct service second = {
	.name = "second", .listener = "main", .ops = &op, .n_ops = 1
};
static const struct service alone = {
	.name = "alone", .listener = "main", .stands_alone = true, .ops = &op, .n_ops = 1
};
static const struct service carrier = {
	.name = "carrier", .carries_all = true, .rpcs = carrier_rows, .n_rpcs = 1
};
static const struct service *const services[] = { &base, &first, &second, &alone, &carrier };
static const struct app app = { services, 5, "test" };
enum {
	BASE = 1,
	FIRST = 2,
	SECOND = 4,
	ALONE = 8,
	CARRIER = 16
};

static struct conf *conf_with(const char *section, const char *name, const char *value)
{
	struct conf *c = NULL;
	struct buf problems = buf_new(1000);

	assert_int_equal(app_conf_new(&app, &c), ERR_OK);
	assert_int_equal(
	    conf_set(c, "test", slice_str(section), slice_str(name), slice_str(value), &problems),
	    ERR_OK);
	buf_free(&problems);
	return c;
}

static uint32_t chosen(const char *text, const char *only)
{
	struct conf *c = conf_with("plimsoll", "services", text);
	struct err_note note = { 0 };
	uint32_t mask = 0;

	assert_int_equal(app_services(&app, c, only, &mask, &note), ERR_OK);
	conf_free(&c);
	return mask;
}

static void services_are_chosen_by_name_and_the_foundation_is_always_on(void **state)
{
	(void)state;
	assert_int_equal(chosen("all", NULL), BASE | FIRST | SECOND | CARRIER);
	assert_int_equal(chosen("second", NULL), BASE | SECOND | CARRIER);
	assert_int_equal(chosen(" first , second ", NULL), BASE | FIRST | SECOND | CARRIER);
	assert_int_equal(chosen("all", "first"), BASE | FIRST | CARRIER);
}

static void one_that_stands_alone_runs_only_by_name_and_without_others(void **state)
{
	struct err_note note = { 0 };
	struct conf *c = conf_with("plimsoll", "services", "first, alone");

	(void)state;
	assert_int_equal(chosen("alone", NULL), ALONE | CARRIER);
	assert_int_equal(chosen("all", "alone"), ALONE | CARRIER);
	assert_int_equal(app_roles(&app, ALONE), ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_ADMIN));
	assert_int_equal(app_roles(&app, ALONE | CARRIER),
	    ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_ADMIN) | ROLE_BIT(ROLE_COURIER));
	assert_int_equal(app_conf_check(&app, c, &note), ERR_CONFIG);
	assert_non_null(strstr(note.text, "\"alone\" runs in a server of its own"));
	conf_free(&c);
}

static void wrong_words_are_refused(void **state)
{
	struct err_note note = { 0 };
	struct conf *c = conf_with("plimsoll", "services", "first,secnd");

	(void)state;
	assert_int_equal(app_conf_check(&app, c, &note), ERR_CONFIG);
	assert_string_equal(note.text, "[plimsoll] services: there is no service \"secnd\"");
	conf_free(&c);
	note = (struct err_note){ 0 };
	c = conf_with("log", "level", "loud");
	assert_int_equal(app_conf_check(&app, c, &note), ERR_CONFIG);
	assert_non_null(strstr(note.text, "[log] level: "));
	assert_non_null(strstr(note.text, "loud"));
	conf_free(&c);
}

static void roles_follow_from_the_rows(void **state)
{
	const uint32_t always = ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_STORE) | ROLE_BIT(ROLE_ADMIN);

	(void)state;
	assert_int_equal(app_roles(&app, SECOND), always);
	assert_int_equal(app_roles(&app, BASE | SECOND), always | ROLE_BIT(ROLE_COURIER));
	assert_int_equal(
	    app_roles(&app, FIRST), always | ROLE_BIT(ROLE_SIGNER) | ROLE_BIT(ROLE_COMPUTE));
}

static void registry_holds_the_rows_of_all_services_in_order(void **state)
{
	const struct rpc_def **defs = NULL;
	unsigned n = 0;

	(void)state;
	assert_int_equal(app_registry(&app, &defs, &n), ERR_OK);
	assert_int_equal(n, 4 + 2); /* the runtime's own come last */
	assert_ptr_equal(defs[0], &lease);
	assert_ptr_equal(defs[1], &sign);
	assert_ptr_equal(defs[2], &hash);
	assert_ptr_equal(defs[3], &fetch);
	assert_ptr_equal(defs[4], &tls_sign_row);
	assert_ptr_equal(defs[5], &tls_state_row);
	free(defs);
}

static void listeners_are_used_by_those_who_name_them(void **state)
{
	int main_listener = listener_find("main"), admin = listener_find("admin");

	(void)state;
	assert_true(main_listener >= 0 && admin >= 0);
	assert_int_equal(listener_find("nowhere"), LISTENER_NONE);
	assert_int_equal(listener_find(NULL), LISTENER_NONE);
	assert_true(listener_is_used(&app, BASE | SECOND, (unsigned)main_listener));
	assert_false(listener_is_used(&app, BASE, (unsigned)main_listener));
	assert_true(listener_is_used(&app, BASE, (unsigned)admin));
}

/* The table of roles itself. */
static void who_is_called_has_credits_and_nobody_calls_himself(void **state)
{
	(void)state;
	for (enum role_id by = ROLE_WEB; by < ROLE_COUNT; by++) {
		assert_int_equal(role_table[by].role, by);
		assert_non_null(role_table[by].program);
		assert_int_equal(role_table[by].calls & ROLE_BIT(by), 0);
		for (enum role_id to = ROLE_WEB; to < ROLE_COUNT; to++) {
			bool calls = (role_table[by].calls & ROLE_BIT(to)) != 0;
			assert_true(!calls || (role_table[to].max_credits > 0 &&
						  role_table[to].max_credits <= RPC_MAX_CREDITS));
		}
	}
	/* Nobody who talks to the world may hold keys or write; nobody who has them may talk. */
	for (enum role_id r = ROLE_WEB; r < ROLE_COUNT; r++) {
		uint32_t flags = role_table[r].sandbox;
		bool talks = (flags & (SANDBOX_ACCEPT | SANDBOX_DIAL)) != 0;
		assert_false(talks && (flags & (SANDBOX_KEYS | SANDBOX_WRITE_DATA)) != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_are_chosen_by_name_and_the_foundation_is_always_on),
		cmocka_unit_test(one_that_stands_alone_runs_only_by_name_and_without_others),
		cmocka_unit_test(wrong_words_are_refused),
		cmocka_unit_test(roles_follow_from_the_rows),
		cmocka_unit_test(registry_holds_the_rows_of_all_services_in_order),
		cmocka_unit_test(listeners_are_used_by_those_who_name_them),
		cmocka_unit_test(who_is_called_has_credits_and_nobody_calls_himself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
