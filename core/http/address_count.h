/*
 * How many connections each client address has: a chained hash table, bounded by the number of
 * connections because an entry lives only while one refers to it. The hash is keyed, so nobody can
 * aim at one chain.
 */
#ifndef PLIMSOLL_HTTP_ADDRESS_COUNT_H
#define PLIMSOLL_HTTP_ADDRESS_COUNT_H

#include "core/base/err.h"
#include "core/http/address.h"

struct address_count; /* one address */

struct address_table {
	struct address_count **buckets; /* owned; a power of two of them */
	unsigned n_buckets, n;
	uint64_t key;
};

/* For about max addresses. ERR_MEMORY. */
NODISCARD enum err address_table_init(struct address_table *t, unsigned max, uint64_t key);
void address_table_fini(struct address_table *t);

/*
 * Counts one more connection of the address; *ret is what to give back. ERR_LIMIT: there are max
 * already (0: no limit); ERR_MEMORY.
 */
NODISCARD enum err address_take(struct address_table *t, const struct http_address *a, unsigned max,
    struct address_count **ret);

/* One connection less; NULL is allowed. */
void address_give(struct address_table *t, struct address_count *entry);

#endif
