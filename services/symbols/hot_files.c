/*
 * See hot_files.h. Each key has one place, where a later one takes that of an earlier one; where
 * all are too large together, a hand goes round and empties places.
 */
#include "services/symbols/hot_files.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"

_Static_assert((HOT_SLOTS & (HOT_SLOTS - 1)) == 0, "a place is chosen by a mask");

struct entry {
	struct symbol_file file;
	struct slice bytes;
	struct hot_key key;
	size_t size; /* of all; texts, bytes and parts are behind the struct */
};

struct hot_files {
	struct entry *slots[HOT_SLOTS];
	size_t bytes;
	unsigned hand;
};

struct hot_key hot_key_of(const struct miss_cache *m, const struct slice *parts, unsigned n,
    struct slice id, int64_t now_us)
{
	struct hot_key key = { .n = n, .hash = miss_cache_hash(m, parts, n) };

	CHECK(n <= HOT_PARTS);
	memcpy(key.parts, parts, n * sizeof(*parts));
	key.stamp = miss_cache_stamp(m, key.hash, id, now_us);
	return key;
}

enum err hot_files_new(struct hot_files **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret == NULL ? ERR_MEMORY : ERR_OK;
}

static void empty(struct hot_files *h, unsigned place)
{
	if (h->slots[place] != NULL) {
		h->bytes -= h->slots[place]->size;
		free(h->slots[place]);
		h->slots[place] = NULL;
	}
}

void hot_files_free(struct hot_files **h)
{
	if (*h == NULL) {
		return;
	}
	for (unsigned i = 0; i < HOT_SLOTS; i++) {
		empty(*h, i);
	}
	free(*h);
	*h = NULL;
}

static unsigned place_of(const struct hot_key *key)
{
	return (unsigned)(key->hash & (HOT_SLOTS - 1));
}

static bool is_same(const struct hot_key *a, const struct hot_key *b)
{
	bool same = a->hash == b->hash && a->stamp == b->stamp && a->n == b->n;

	for (unsigned i = 0; same && i < a->n; i++) {
		same = slice_eq(a->parts[i], b->parts[i]);
	}
	return same;
}

bool hot_files_get(struct hot_files *h, const struct hot_key *key, int64_t now_ms,
    struct symbol_file *ret, struct slice *ret_bytes)
{
	struct entry *e = h->slots[place_of(key)];

	if (e == NULL || !is_same(&e->key, key)) {
		return false;
	}
	*ret = e->file;
	*ret_bytes = e->bytes;
	e->file.used_ms = now_ms;
	return true;
}

/* Moves what a slice has behind the entry. */
static void take(struct slice *s, char **at)
{
	if (s->len > 0) {
		memcpy(*at, s->ptr, s->len);
	}
	s->ptr = *at;
	*at += s->len;
}

static struct entry *make_entry(
    const struct hot_key *key, const struct symbol_file *f, struct slice bytes)
{
	struct symbol_file row = *f;
	struct slice *texts[SYMBOL_FILE_TEXTS];
	size_t size = sizeof(struct entry) + bytes.len;

	symbol_file_texts(&row, texts);
	for (unsigned i = 0; i < SYMBOL_FILE_TEXTS; i++) {
		size += texts[i]->len;
	}
	for (unsigned i = 0; i < key->n; i++) {
		size += key->parts[i].len;
	}
	struct entry *e = malloc(size);
	if (e == NULL) {
		return NULL;
	}
	*e = (struct entry){ .file = row, .bytes = bytes, .key = *key, .size = size };
	char *at = (char *)(e + 1);
	symbol_file_texts(&e->file, texts);
	for (unsigned i = 0; i < SYMBOL_FILE_TEXTS; i++) {
		take(texts[i], &at);
	}
	for (unsigned i = 0; i < key->n; i++) {
		take(&e->key.parts[i], &at);
	}
	take(&e->bytes, &at);
	return e;
}

void hot_files_put(
    struct hot_files *h, const struct hot_key *key, const struct symbol_file *f, struct slice bytes)
{
	if (bytes.len > HOT_FILE_MAX) {
		return;
	}
	struct entry *e = make_entry(key, f, bytes);
	if (e == NULL) {
		return;
	}
	empty(h, place_of(key));
	while (h->bytes + e->size > HOT_BYTES_MAX) {
		empty(h, h->hand);
		h->hand = (h->hand + 1) & (HOT_SLOTS - 1);
	}
	h->slots[place_of(key)] = e;
	h->bytes += e->size;
}
