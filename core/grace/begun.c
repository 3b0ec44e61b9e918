/*
 * Sets of eight places; each holds a user's number and the second he was seen. Written without a
 * lock: two processes that note one user at the same moment may use two places for him, and a mark
 * that is lost to another user's makes a request look like a first one. Neither does harm.
 */
#include "core/grace/begun.h"

enum {
	WAYS = 8,
	SETS = BEGUN_PLACES / WAYS,
	SECOND_BITS = 20, /* seconds, modulo twelve days */
	SET_SHIFT = 51	  /* of 64 bits, those that choose a set */
};

#define SECOND_MASK ((UINT64_C(1) << SECOND_BITS) - 1)

_Static_assert(SETS == 1 << (64 - SET_SHIFT), "the highest bits choose a set");

static _Atomic uint64_t *set_of(const struct shared_words *table, int64_t who)
{
	uint64_t hash = (uint64_t)who * UINT64_C(0x9e3779b97f4a7c15);

	return table->words + (hash >> SET_SHIFT) * WAYS;
}

/* What stands above the second; never 0. */
static uint64_t name_of(int64_t who)
{
	return ((uint64_t)who + 1) << SECOND_BITS;
}

static uint64_t age_of(uint64_t word, int64_t now_s)
{
	return ((uint64_t)now_s - word) & SECOND_MASK;
}

void begun_note(const struct shared_words *table, int64_t who, int64_t now_s)
{
	_Atomic uint64_t *set = set_of(table, who);
	uint64_t name = name_of(who), oldest_age = 0;
	unsigned at = 0;

	for (unsigned i = 0; i < WAYS; i++) {
		uint64_t word = atomic_load_explicit(&set[i], memory_order_relaxed);
		if ((word & ~SECOND_MASK) == name) {
			at = i;
			break;
		}
		uint64_t age = word == 0 ? UINT64_MAX : age_of(word, now_s);
		if (age > oldest_age) {
			at = i;
			oldest_age = age;
		}
	}
	atomic_store_explicit(
	    &set[at], name | ((uint64_t)now_s & SECOND_MASK), memory_order_relaxed);
}

bool begun_is(const struct shared_words *table, int64_t who, unsigned within_s, int64_t now_s)
{
	_Atomic uint64_t *set = set_of(table, who);

	for (unsigned i = 0; i < WAYS; i++) {
		uint64_t word = atomic_load_explicit(&set[i], memory_order_relaxed);
		if ((word & ~SECOND_MASK) == name_of(who)) {
			return age_of(word, now_s) < within_s;
		}
	}
	return false;
}
