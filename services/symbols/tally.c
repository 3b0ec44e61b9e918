/*
 * Entries in a list, found by a hash table with chains.
 */
#include "services/symbols/tally.h"

#include <stdlib.h>

#include "core/base/fnv.h"
#include "core/base/list.h"
#include "core/base/rng.h"

struct entry {
	struct list all;
	struct entry *next; /* of the same bucket */
	int64_t n;
	uint64_t hash;
	size_t len;
	char key[];
};

struct tally {
	struct list entries;
	unsigned n, max;
	uint64_t secret;
	size_t mask;
	struct entry *buckets[];
};

enum err tally_new(unsigned max, struct tally **ret)
{
	size_t buckets = 1;

	while (buckets < max) {
		buckets *= 2;
	}
	struct tally *t = calloc(1, sizeof(*t) + buckets * sizeof(t->buckets[0]));
	if (t == NULL) {
		return ERR_MEMORY;
	}
	list_init(&t->entries);
	t->max = max;
	t->mask = buckets - 1;
	t->secret = rng_u64();
	*ret = t;
	return ERR_OK;
}

void tally_free(struct tally **tp)
{
	struct list *node;

	if (*tp == NULL) {
		return;
	}
	while ((node = list_pop(&(*tp)->entries)) != NULL) {
		free(LIST_OF(node, struct entry, all));
	}
	free(*tp);
	*tp = NULL;
}

/* Behind a secret: the keys are strangers' words. */
static uint64_t hash_of(const struct tally *t, struct slice key)
{
	uint64_t hash = fnv1a(t->secret, key);

	return hash ^ (hash >> 29);
}

bool tally_add(struct tally *t, struct slice key, int64_t n)
{
	uint64_t hash = hash_of(t, key);
	struct entry **bucket = &t->buckets[hash & t->mask];

	for (struct entry *e = *bucket; e != NULL; e = e->next) {
		if (e->hash == hash && slice_eq(SLICE_OF(e->key, e->len), key)) {
			e->n += n;
			return true;
		}
	}
	struct entry *e = t->n == t->max || key.len > TALLY_KEY_MAX
			      ? NULL
			      : malloc(sizeof(*e) + (key.len == 0 ? 1 : key.len));
	if (e == NULL) {
		return false;
	}
	*e = (struct entry){ .next = *bucket, .n = n, .hash = hash, .len = key.len };
	memcpy(e->key, key.ptr, key.len);
	list_init(&e->all);
	list_push(&t->entries, &e->all);
	*bucket = e;
	t->n++;
	return true;
}

unsigned tally_size(const struct tally *t)
{
	return t->n;
}

bool tally_take(struct tally *t, char key[TALLY_KEY_MAX], size_t *ret_len, int64_t *ret_n)
{
	struct list *node = list_pop(&t->entries);

	if (node == NULL) {
		return false;
	}
	struct entry *e = LIST_OF(node, struct entry, all);
	struct entry **at = &t->buckets[e->hash & t->mask];
	while (*at != e) {
		at = &(*at)->next;
	}
	*at = e->next;
	memcpy(key, e->key, e->len);
	*ret_len = e->len;
	*ret_n = e->n;
	t->n--;
	free(e);
	return true;
}
