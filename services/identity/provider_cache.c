/*
 * A hash table with chains, and two lists by age of use: live providers, and the rest.
 */
#include "services/identity/provider_cache.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/fnv.h"
#include "core/base/list.h"
#include "core/base/rng.h"

enum {
	BUCKETS = 1024,
	LIVE_SHARE = 4
};

struct entry {
	struct list bucket, age;
	struct slice domain;
	struct provider_answer answer;
	int64_t expires_us;
	/* the texts */
};

struct provider_cache {
	struct list buckets[BUCKETS];
	struct list live, others; /* entry.age, least recently used first */
	unsigned n, n_live, max;
	uint64_t seed; /* so that nobody can aim at one chain */
};

enum err provider_cache_new(unsigned max, struct provider_cache **ret)
{
	struct provider_cache *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return ERR_MEMORY;
	}
	for (unsigned i = 0; i < BUCKETS; i++) {
		list_init(&c->buckets[i]);
	}
	list_init(&c->live);
	list_init(&c->others);
	c->max = max;
	rng_bytes(&c->seed, sizeof(c->seed));
	*ret = c;
	return ERR_OK;
}

static void drop(struct provider_cache *c, struct entry *e)
{
	list_remove(&e->bucket);
	list_remove(&e->age);
	c->n--;
	c->n_live -= e->answer.kind == PROVIDER_LIVE;
	free(e);
}

/* False: the list is empty. */
static bool drop_oldest(struct provider_cache *c, struct list *by_age)
{
	if (list_is_empty(by_age)) {
		return false;
	}
	drop(c, LIST_OF(by_age->next, struct entry, age));
	return true;
}

void provider_cache_free(struct provider_cache **cp)
{
	struct provider_cache *c = *cp;

	if (c == NULL) {
		return;
	}
	while (drop_oldest(c, &c->live) || drop_oldest(c, &c->others)) {
	}
	free(c);
	*cp = NULL;
}

static struct list *bucket_of(struct provider_cache *c, struct slice domain)
{
	uint64_t h = fnv1a(FNV1A_START ^ c->seed, domain);

	return &c->buckets[(h ^ h >> 32) % BUCKETS];
}

static struct entry *find(struct provider_cache *c, struct slice domain)
{
	struct list *head = bucket_of(c, domain);

	list_each (node, head) {
		struct entry *e = LIST_OF(node, struct entry, bucket);
		if (slice_eq(e->domain, domain)) {
			return e;
		}
	}
	return NULL;
}

/* The slices of an answer, to copy them one by one. */
enum {
	TEXTS = 5
};
static void list_texts(struct provider_answer *a, struct slice *out[TEXTS])
{
	out[0] = &a->why;
	out[1] = &a->provider.domain;
	out[2] = &a->provider.key_json;
	out[3] = &a->provider.auth_url;
	out[4] = &a->provider.prov_url;
}

enum err provider_answer_copy(
    struct arena *arena, const struct provider_answer *from, struct provider_answer *ret)
{
	struct provider_answer a = *from;
	struct slice *texts[TEXTS];
	enum err e = ERR_OK;

	list_texts(&a, texts);
	for (unsigned i = 0; e == ERR_OK && i < TEXTS; i++) {
		e = arena_copy(arena, *texts[i], texts[i]);
	}
	if (e == ERR_OK) {
		*ret = a;
	}
	return e;
}

enum err provider_cache_get(struct provider_cache *c, struct slice domain, int64_t now_us,
    struct arena *arena, struct provider_answer *ret)
{
	struct entry *e = find(c, domain);

	if (e == NULL) {
		return ERR_NOT_FOUND;
	}
	if (e->expires_us <= now_us) {
		drop(c, e);
		return ERR_NOT_FOUND;
	}
	list_remove(&e->age);
	list_push(e->answer.kind == PROVIDER_LIVE ? &c->live : &c->others, &e->age);
	return provider_answer_copy(arena, &e->answer, ret);
}

static void make_room(struct provider_cache *c, bool is_live)
{
	if (is_live && c->n_live >= c->max / LIVE_SHARE && drop_oldest(c, &c->live)) {
		return;
	}
	if (c->n >= c->max && !drop_oldest(c, &c->others)) {
		(void)drop_oldest(c, &c->live);
	}
}

static char *append(char *at, struct slice *text)
{
	if (text->len > 0) {
		memcpy(at, text->ptr, text->len);
	}
	*text = SLICE_OF(at, text->len);
	return at + text->len;
}

void provider_cache_put(struct provider_cache *c, struct slice domain, int64_t now_us,
    const struct provider_answer *answer)
{
	struct provider_answer a = *answer;
	struct slice *texts[TEXTS];
	size_t len = domain.len;
	struct entry *e = find(c, domain);

	if (e != NULL) {
		drop(c, e);
	}
	if (a.keep_ms <= 0) {
		return;
	}
	list_texts(&a, texts);
	for (unsigned i = 0; i < TEXTS; i++) {
		len += texts[i]->len;
	}
	e = calloc(1, sizeof(*e) + len);
	if (e == NULL) {
		return;
	}
	bool is_live = a.kind == PROVIDER_LIVE;
	make_room(c, is_live);
	char *at = (char *)(e + 1);
	e->domain = domain;
	at = append(at, &e->domain);
	for (unsigned i = 0; i < TEXTS; i++) {
		at = append(at, texts[i]);
	}
	e->answer = a;
	e->expires_us = now_us + a.keep_ms * 1000;
	list_init(&e->bucket);
	list_init(&e->age);
	list_push(bucket_of(c, domain), &e->bucket);
	list_push(is_live ? &c->live : &c->others, &e->age);
	c->n++;
	c->n_live += is_live;
}

unsigned provider_cache_count(const struct provider_cache *c)
{
	return c->n;
}
