/*
 * See hot_files.h. Each key has one place, where a later one takes that of an earlier one; where
 * all are too large together, a hand goes round and empties places; the same where too many are
 * open.
 */
#include "services/symbols/hot_files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"

_Static_assert((HOT_SLOTS & (HOT_SLOTS - 1)) == 0, "a place is chosen by a mask");

struct entry {
	struct hot_file file;
	struct hot_key key;
	size_t size; /* of all; texts, bytes and parts are behind the struct */
};

struct hot_files {
	struct entry *slots[HOT_SLOTS];
	size_t bytes;
	unsigned hand, n_open;
};

struct hot_key hot_key_of(const struct miss_cache *m, const struct slice *parts, unsigned n,
    struct slice id, int64_t now_us)
{
	struct hot_key key = { .n = n, .hash = miss_cache_hash(m, parts, n), .now_us = now_us };

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
	struct entry *e = h->slots[place];

	if (e == NULL) {
		return;
	}
	if (e->file.is_open) {
		(void)close(e->file.fd);
		h->n_open--;
	}
	h->bytes -= e->size;
	free(e);
	h->slots[place] = NULL;
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

bool hot_files_get(
    struct hot_files *h, const struct hot_key *key, int64_t now_ms, struct hot_file *ret)
{
	struct entry *e = h->slots[place_of(key)];

	if (e == NULL || !is_same(&e->key, key)) {
		return false;
	}
	*ret = e->file;
	e->file.row.used_ms = now_ms;
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

static struct entry *make_entry(const struct hot_key *key, const struct hot_file *f)
{
	struct hot_file file = *f;
	struct slice *texts[SYMBOL_FILE_TEXTS];
	size_t size = sizeof(struct entry) + f->bytes.len;

	symbol_file_texts(&file.row, texts);
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
	*e = (struct entry){ .file = file, .key = *key, .size = size };
	char *at = (char *)(e + 1);
	symbol_file_texts(&e->file.row, texts);
	for (unsigned i = 0; i < SYMBOL_FILE_TEXTS; i++) {
		take(texts[i], &at);
	}
	for (unsigned i = 0; i < key->n; i++) {
		take(&e->key.parts[i], &at);
	}
	take(&e->file.bytes, &at);
	if (file.is_open) {
		e->file.fd = fcntl(file.fd, F_DUPFD_CLOEXEC, 0);
	}
	if (file.is_open && e->file.fd < 0) {
		free(e);
		return NULL;
	}
	return e;
}

/* Room for one more, in bytes and in descriptors. */
static void make_room(struct hot_files *h, const struct entry *e)
{
	while (h->bytes + e->size > HOT_BYTES_MAX) {
		empty(h, h->hand);
		h->hand = (h->hand + 1) & (HOT_SLOTS - 1);
	}
	while (e->file.is_open && h->n_open == HOT_OPEN_MAX) {
		if (h->slots[h->hand] != NULL && h->slots[h->hand]->file.is_open) {
			empty(h, h->hand);
		}
		h->hand = (h->hand + 1) & (HOT_SLOTS - 1);
	}
}

void hot_files_put(struct hot_files *h, const struct hot_key *key, const struct hot_file *f)
{
	if (f->bytes.len > HOT_FILE_MAX) {
		return;
	}
	struct entry *e = make_entry(key, f);
	if (e == NULL) {
		return;
	}
	empty(h, place_of(key));
	make_room(h, e);
	h->slots[place_of(key)] = e;
	h->bytes += e->size;
	h->n_open += e->file.is_open;
}

void hot_files_close_old(struct hot_files *h, int64_t now_us)
{
	const int64_t oldest_us = now_us - MISS_CACHE_SECONDS * INT64_C(1000000);

	for (unsigned i = 0; h->n_open > 0 && i < HOT_SLOTS; i++) {
		const struct entry *e = h->slots[i];
		if (e != NULL && e->file.is_open && e->key.now_us < oldest_us) {
			empty(h, i);
		}
	}
}

unsigned hot_files_open_count(const struct hot_files *h)
{
	return h->n_open;
}
