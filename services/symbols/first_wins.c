/*
 * Files are nearly always free of overlaps, and sorted: one look tells. Otherwise the ranges are
 * taken in the order of the file, and the kept ones are a set of positions in the sorted array: the
 * neighbours to both sides decide. The set is a tree of bits, 64 of them a word, each word one bit
 * of the level above, so that no input makes a neighbour far away.
 */
#include "services/symbols/first_wins.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	LEVELS = 6, /* 64^6 positions are more than 2^32 */
	NOWHERE = -1
};

struct bit_tree {
	uint64_t *level[LEVELS]; /* [0]: one bit a position */
	unsigned n_levels;
};

static void tree_free(struct bit_tree *t)
{
	for (unsigned i = 0; i < LEVELS; i++) {
		free(t->level[i]);
	}
}

static enum err tree_init(struct bit_tree *t, size_t n)
{
	*t = (struct bit_tree){ .n_levels = 0 };
	do {
		n = (n + 63) / 64;
		t->level[t->n_levels] = calloc(n, sizeof(uint64_t));
		if (t->level[t->n_levels++] == NULL) {
			tree_free(t);
			return ERR_MEMORY;
		}
	} while (n > 1);
	return ERR_OK;
}

static void tree_set(struct bit_tree *t, size_t at)
{
	for (unsigned i = 0; i < t->n_levels; i++) {
		t->level[i][at / 64] |= UINT64_C(1) << at % 64;
		at /= 64;
	}
}

/* Down from a word that is not empty to the position of its outermost bit. */
static size_t descend(const struct bit_tree *t, unsigned level, size_t at, bool to_last)
{
	while (level > 0) {
		uint64_t word = t->level[--level][at];
		unsigned bit = to_last ? 63 - (unsigned)__builtin_clzll(word)
				       : (unsigned)__builtin_ctzll(word);
		at = at * 64 + bit;
	}
	return at;
}

/* The nearest position in the set before at, or NOWHERE. */
static int64_t tree_before(const struct bit_tree *t, size_t at)
{
	for (unsigned i = 0; i < t->n_levels; i++) {
		uint64_t word = t->level[i][at / 64] & ((UINT64_C(1) << at % 64) - 1);
		if (word != 0) {
			size_t found = at / 64 * 64 + (63 - (unsigned)__builtin_clzll(word));
			return (int64_t)descend(t, i, found, true);
		}
		at /= 64;
	}
	return NOWHERE;
}

static int64_t tree_after(const struct bit_tree *t, size_t at)
{
	for (unsigned i = 0; i < t->n_levels; i++) {
		uint64_t above = at % 64 == 63 ? 0 : UINT64_MAX << (at % 64 + 1);
		uint64_t word = t->level[i][at / 64] & above;
		if (word != 0) {
			size_t found = at / 64 * 64 + (unsigned)__builtin_ctzll(word);
			return (int64_t)descend(t, i, found, false);
		}
		at /= 64;
	}
	return NOWHERE;
}

static int compare_start(const void *a, const void *b)
{
	const struct first_wins *x = a, *y = b;

	if (x->start != y->start) {
		return x->start < y->start ? -1 : 1;
	}
	return x->order < y->order ? -1 : x->order > y->order;
}

static bool is_sorted(const struct first_wins *r, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (compare_start(&r[i - 1], &r[i]) > 0) {
			return false;
		}
	}
	return true;
}

static bool has_overlap(const struct first_wins *r, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (r[i].start <= r[i - 1].last) {
			return true;
		}
	}
	return false;
}

/* Where in the sorted array each range of the file stands, and the file's order. */
struct by_order {
	uint32_t order, at;
};

static int compare_order(const void *a, const void *b)
{
	const struct by_order *x = a, *y = b;

	return x->order < y->order ? -1 : x->order > y->order;
}

static void keep_first(
    const struct first_wins *r, const struct by_order *file, size_t n, struct bit_tree *kept)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = file[i].at;
		int64_t before = tree_before(kept, at), after = tree_after(kept, at);
		if ((before == NOWHERE || r[before].last < r[at].start) &&
		    (after == NOWHERE || r[at].last < r[after].start)) {
			tree_set(kept, at);
		}
	}
}

static size_t compact(struct first_wins *r, size_t n, const struct bit_tree *kept)
{
	size_t to = 0;

	for (size_t i = 0; i < n; i++) {
		if ((kept->level[0][i / 64] >> i % 64 & 1) != 0) {
			r[to++] = r[i];
		}
	}
	return to;
}

enum err first_wins_keep(struct first_wins *ranges, size_t *n)
{
	struct bit_tree kept;

	if (!is_sorted(ranges, *n)) {
		qsort(ranges, *n, sizeof(*ranges), compare_start);
	}
	if (!has_overlap(ranges, *n)) {
		return ERR_OK;
	}
	struct by_order *file = malloc(*n * sizeof(*file));
	if (file == NULL) {
		return ERR_MEMORY;
	}
	enum err e = tree_init(&kept, *n);
	if (e == ERR_OK) {
		for (size_t i = 0; i < *n; i++) {
			file[i] = (struct by_order){ ranges[i].order, (uint32_t)i };
		}
		qsort(file, *n, sizeof(*file), compare_order);
		keep_first(ranges, file, *n, &kept);
		*n = compact(ranges, *n, &kept);
		tree_free(&kept);
	}
	free(file);
	return e;
}
