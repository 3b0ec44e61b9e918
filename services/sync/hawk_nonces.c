/*
 * The table of nonces: sets of eight places, changed by compare-and-swap only, because several
 * processes write. Two processes that see the same request at the same moment choose the same
 * place, and the second one then finds the first one's mark.
 */
#include "services/sync/hawk_nonces.h"

#include <stdlib.h>

#include "core/base/fnv.h"
#include "core/base/shared_words.h"

enum {
	WAYS = 8,
	SETS = HAWK_NONCES_PLACES / WAYS,
	SECOND_BITS = 20 /* seconds, modulo twelve days */
};

#define SECOND_MASK ((UINT64_C(1) << SECOND_BITS) - 1)

_Static_assert((SETS & (SETS - 1)) == 0, "a set is chosen by a mask");

struct hawk_nonces {
	struct shared_words table;
};

enum err hawk_nonces_open(const char *path, struct hawk_nonces **ret, struct err_note *note)
{
	struct hawk_nonces *n = calloc(1, sizeof(*n));

	if (n == NULL) {
		return ERR_MEMORY;
	}
	enum err e = shared_words_open(path, HAWK_NONCES_PLACES, &n->table, note);
	if (e != ERR_OK) {
		free(n);
		return e;
	}
	*ret = n;
	return ERR_OK;
}

void hawk_nonces_close(struct hawk_nonces **n)
{
	if (*n != NULL) {
		shared_words_close(&(*n)->table);
		free(*n);
		*n = NULL;
	}
}

/* That nobody can aim at another user's marks comes from the key in it. */
static uint64_t mix(uint64_t hash, struct slice text)
{
	return fnv1a_byte(fnv1a(hash, text), 0xff); /* where a part ends */
}

bool hawk_nonces_use(
    struct hawk_nonces *n, struct slice key, struct slice ts, struct slice nonce, int64_t now_s)
{
	uint64_t hash = hash_spread(mix(mix(mix(FNV1A_START, key), ts), nonce));
	_Atomic uint64_t *set = n->table.words + (hash & (SETS - 1)) * WAYS;
	uint64_t fingerprint = hash | (SECOND_MASK + 1); /* never 0 above the seconds */
	uint64_t now = (uint64_t)now_s & SECOND_MASK;
	uint64_t mark = (fingerprint & ~SECOND_MASK) | now;

	for (;;) {
		unsigned oldest = 0;
		uint64_t oldest_mark = 0, oldest_age = 0;
		for (unsigned i = 0; i < WAYS; i++) {
			uint64_t there = atomic_load_explicit(&set[i], memory_order_acquire);
			uint64_t age =
			    there == 0 ? UINT64_MAX : (now - (there & SECOND_MASK)) & SECOND_MASK;
			if (there != 0 && ((there ^ mark) & ~SECOND_MASK) == 0) {
				return false;
			}
			if (i == 0 || age > oldest_age) {
				oldest = i;
				oldest_mark = there;
				oldest_age = age;
			}
		}
		if (atomic_compare_exchange_strong(&set[oldest], &oldest_mark, mark)) {
			return true;
		}
	}
}
