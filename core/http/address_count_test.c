/*
 * Connections per address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/http/address_count.h"

enum {
	MANY = 5000
};

static struct http_address nth(unsigned i)
{
	struct http_address a = { { 0x20, 1, 0xd, 0xb8 } };

	a.bytes[4] = (uint8_t)(i >> 8);
	a.bytes[5] = (uint8_t)i;
	return a;
}

static void one_address_up_to_its_limit(void **state)
{
	struct address_table t;
	struct address_count *entry[3], *more = NULL;
	struct http_address a = nth(1), other = nth(2);
	(void)state;

	assert_int_equal(address_table_init(&t, 100, 42), ERR_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(address_take(&t, &a, 3, &entry[i]), ERR_OK);
	}
	assert_int_equal(address_take(&t, &a, 3, &more), ERR_LIMIT);
	assert_null(more);
	assert_int_equal(address_take(&t, &other, 3, &more), ERR_OK);
	assert_int_equal(t.n, 2);
	address_give(&t, entry[0]);
	assert_int_equal(address_take(&t, &a, 3, &entry[0]), ERR_OK);
	for (int i = 0; i < 3; i++) {
		address_give(&t, entry[i]);
	}
	address_give(&t, more);
	address_give(&t, NULL);
	assert_int_equal(t.n, 0);
	address_table_fini(&t);
}

static void zero_is_no_limit(void **state)
{
	struct address_table t;
	struct address_count *entry = NULL;
	struct http_address a = nth(1);
	(void)state;

	assert_int_equal(address_table_init(&t, 1, 42), ERR_OK);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(address_take(&t, &a, 0, &entry), ERR_OK);
	}
	assert_int_equal(t.n, 1);
	address_table_fini(&t);
}

static void many_addresses_in_few_buckets(void **state)
{
	static struct address_count *entry[MANY];
	struct address_table t;
	(void)state;

	assert_int_equal(address_table_init(&t, 1, 42), ERR_OK);
	for (unsigned i = 0; i < MANY; i++) {
		struct http_address a = nth(i);
		assert_int_equal(address_take(&t, &a, 1, &entry[i]), ERR_OK);
	}
	assert_int_equal(t.n, MANY);
	for (unsigned i = 0; i < MANY; i += 2) {
		address_give(&t, entry[i]);
	}
	assert_int_equal(t.n, MANY / 2);
	for (unsigned i = 1; i < MANY; i += 2) {
		struct http_address a = nth(i);
		struct address_count *none = NULL;
		assert_int_equal(address_take(&t, &a, 1, &none), ERR_LIMIT);
		address_give(&t, entry[i]);
	}
	assert_int_equal(t.n, 0);
	address_table_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_address_up_to_its_limit),
		cmocka_unit_test(zero_is_no_limit),
		cmocka_unit_test(many_addresses_in_few_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
