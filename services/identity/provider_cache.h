/*
 * What is known about domains and their providers for a while, also that there is none. Bounded: a
 * flood of made-up domains pushes out others without a provider, hardly those with one. Pure over a
 * clock; one per process.
 */
#ifndef PLIMSOLL_IDENTITY_PROVIDER_CACHE_H
#define PLIMSOLL_IDENTITY_PROVIDER_CACHE_H

#include "services/identity/provider.h"

struct provider_cache;

/* max: entries; a quarter of them may be of live providers. */
NODISCARD enum err provider_cache_new(unsigned max, struct provider_cache **ret);
void provider_cache_free(struct provider_cache **c);

/*
 * The answer for a domain (lower case), its texts copied into arena. ERR_NOT_FOUND: not known, or
 * not any more.
 */
NODISCARD enum err provider_cache_get(struct provider_cache *c, struct slice domain, int64_t now_us,
    struct arena *arena, struct provider_answer *ret);

/* Keeps a copy for answer->keep_ms; without memory it is not kept. */
void provider_cache_put(struct provider_cache *c, struct slice domain, int64_t now_us,
    const struct provider_answer *answer);

unsigned provider_cache_count(const struct provider_cache *c);

/* Copies an answer with its texts. ERR_MEMORY. */
NODISCARD enum err provider_answer_copy(
    struct arena *arena, const struct provider_answer *from, struct provider_answer *ret);

#endif
