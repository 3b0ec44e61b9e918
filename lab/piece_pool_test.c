/*
 * Pieces of all sizes: none overlaps another, what they hold goes along when they grow and shrink,
 * and what is freed is used again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "lab/chance.h"
#include "lab/piece_pool.h"

enum {
	PIECES = 2000,
	ROUNDS = 60000,
	LARGEST = 700,
};

struct piece {
	unsigned char *at;
	size_t bytes;
};

static void fill(struct piece *p, unsigned number)
{
	if (p->bytes > 0) {
		memset(p->at, (int)(number % 251), p->bytes);
	}
}

static void check(const struct piece *p, unsigned number, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		assert_int_equal(p->at[i], number % 251);
	}
}

static void pieces_keep_what_they_hold(void **state)
{
	static struct piece pieces[PIECES];
	struct piece_pool pool = { 0 };
	struct chance c = chance_new(1, 1);

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned number = (unsigned)chance_below(&c, PIECES);
		struct piece *p = &pieces[number];
		size_t bytes = (size_t)chance_below(&c, LARGEST);
		size_t same = bytes < p->bytes ? bytes : p->bytes;
		p->at = piece_pool_resize(&pool, p->at, p->bytes, bytes);
		p->bytes = bytes;
		assert_true((p->at == NULL) == (bytes == 0));
		assert_int_equal((uintptr_t)p->at % PIECE_STEP, 0);
		check(p, number, same);
		fill(p, number);
	}
	for (unsigned i = 0; i < PIECES; i++) {
		check(&pieces[i], i, pieces[i].bytes);
		assert_null(piece_pool_resize(&pool, pieces[i].at, pieces[i].bytes, 0));
	}
	piece_pool_fini(&pool);
}

static void what_is_freed_is_used_again(void **state)
{
	struct piece_pool pool = { 0 };
	void *first = piece_pool_resize(&pool, NULL, 0, 41),
	     *second = piece_pool_resize(&pool, NULL, 0, 48);

	(void)state;
	assert_int_equal((char *)second - (char *)first, 48);
	assert_ptr_equal(piece_pool_resize(&pool, first, 41, 48), first);
	(void)piece_pool_resize(&pool, first, 48, 0);
	assert_ptr_equal(piece_pool_resize(&pool, NULL, 0, 44), first);
	piece_pool_fini(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_keep_what_they_hold),
		cmocka_unit_test(what_is_freed_is_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
