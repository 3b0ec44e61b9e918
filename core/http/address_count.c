/*
 * The table of address_count.h.
 */
#include "core/http/address_count.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"

enum {
	BUCKETS_MIN = 64,
	BUCKETS_MAX = 65536
};

struct address_count {
	struct address_count *next;
	struct http_address address;
	unsigned n;
};

enum err address_table_init(struct address_table *t, unsigned max, uint64_t key)
{
	unsigned n = BUCKETS_MIN;

	while (n < max && n < BUCKETS_MAX) {
		n *= 2;
	}
	*t = (struct address_table){ .key = key };
	t->buckets = calloc(n, sizeof(struct address_count *));
	if (t->buckets == NULL) {
		return ERR_MEMORY;
	}
	t->n_buckets = n;
	return ERR_OK;
}

void address_table_fini(struct address_table *t)
{
	for (unsigned i = 0; i < t->n_buckets; i++) {
		while (t->buckets[i] != NULL) {
			struct address_count *entry = t->buckets[i];
			t->buckets[i] = entry->next;
			free(entry);
		}
	}
	free(t->buckets);
	*t = (struct address_table){ .buckets = NULL };
}

/* Two rounds of a multiply-xorshift under the key. */
static struct address_count **bucket_of(struct address_table *t, const struct http_address *a)
{
	uint64_t half[2];

	memcpy(half, a->bytes, sizeof(half));
	uint64_t h = (half[0] ^ t->key) * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ (h >> 32) ^ half[1]) * UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	return &t->buckets[h & (t->n_buckets - 1)];
}

enum err address_take(
    struct address_table *t, const struct http_address *a, unsigned max, struct address_count **ret)
{
	struct address_count **bucket = bucket_of(t, a), *entry = *bucket;

	while (entry != NULL && memcmp(&entry->address, a, sizeof(*a)) != 0) {
		entry = entry->next;
	}
	if (entry == NULL) {
		entry = calloc(1, sizeof(*entry));
		if (entry == NULL) {
			return ERR_MEMORY;
		}
		entry->address = *a;
		entry->next = *bucket;
		*bucket = entry;
		t->n++;
	} else if (max != 0 && entry->n >= max) {
		return ERR_LIMIT;
	}
	entry->n++;
	*ret = entry;
	return ERR_OK;
}

void address_give(struct address_table *t, struct address_count *entry)
{
	if (entry == NULL || --entry->n > 0) {
		return;
	}
	struct address_count **link = bucket_of(t, &entry->address);
	while (*link != entry) {
		CHECK(*link != NULL);
		link = &(*link)->next;
	}
	*link = entry->next;
	t->n--;
	free(entry);
}
