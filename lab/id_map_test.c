/*
 * Against a plain array that says what should be there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lab/chance.h"
#include "lab/id_map.h"

enum {
	IDS = 500
};

static unsigned seen;

static void see(void *value)
{
	seen += value != NULL;
}

static void what_was_put_is_there_until_it_is_taken(void **state)
{
	static int values[IDS];
	bool there[IDS] = { false };
	struct id_map m = { .max = IDS };
	struct chance c = chance_new(1, 1);
	unsigned n = 0;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		/* Ids that lie far apart and close together. */
		unsigned i = (unsigned)chance_below(&c, IDS);
		uint64_t id = i % 2 == 0 ? i : (uint64_t)i << 40;
		assert_ptr_equal(id_map_get(&m, id), there[i] ? &values[i] : NULL);
		if (there[i]) {
			assert_ptr_equal(id_map_take(&m, id), &values[i]);
			n--;
		} else {
			assert_null(id_map_take(&m, id));
			assert_int_equal(id_map_put(&m, id, &values[i]), ERR_OK);
			n++;
		}
		there[i] = !there[i];
		assert_int_equal(m.n, n);
	}
	seen = 0;
	id_map_fini(&m, see);
	assert_int_equal(seen, n);
}

static void has_a_maximum(void **state)
{
	struct id_map m = { .max = 2 };
	int value = 0;

	(void)state;
	assert_null(id_map_get(&m, 1));
	assert_int_equal(id_map_put(&m, 1, &value), ERR_OK);
	assert_int_equal(id_map_put(&m, 2, &value), ERR_OK);
	assert_int_equal(id_map_put(&m, 3, &value), ERR_LIMIT);
	id_map_fini(&m, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_there_until_it_is_taken),
		cmocka_unit_test(has_a_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
