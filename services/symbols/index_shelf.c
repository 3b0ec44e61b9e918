/*
 * Entries in a hash table, and in a list from the one used longest ago to the last one.
 */
#include "services/symbols/index_shelf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/ev/task.h"

enum {
	BUCKETS = 1024,
	LOOK_AGAIN_US = 20000, /* while another process builds */
	TRIES_MAX = 3	       /* builds of one index in one call */
};
#define TELL_USED_US INT64_C(3600000000)

enum entry_state {
	ENTRY_OPENING, /* a task is at it, others wait */
	ENTRY_OPEN,
	ENTRY_FAILED /* for good */
};

struct entry {
	struct list node;   /* in a bucket */
	struct list by_use; /* in the shelf's list */
	unsigned char hash[INDEX_HASH_BYTES];
	char digits[BLOB_HASH_HEX + 1];
	enum entry_state state;
	bool is_shelved; /* false: given up, and freed when nobody uses it */
	unsigned users;
	struct sym_index *index;
	uint64_t sym_bytes;
	int64_t told_us;
	struct list waiters;
};

struct waiter {
	struct list node;
	struct task *task;
	enum err outcome;
	bool is_done;
};

struct index_shelf {
	const struct blob_store *indexes;
	unsigned max, n;
	struct list buckets[BUCKETS];
	struct list by_use;
	struct index_shelf_state state;
};

enum err index_shelf_new(const struct blob_store *indexes, unsigned max, struct index_shelf **ret)
{
	struct index_shelf *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return ERR_MEMORY;
	}
	s->indexes = indexes;
	s->max = max;
	list_init(&s->by_use);
	for (unsigned i = 0; i < BUCKETS; i++) {
		list_init(&s->buckets[i]);
	}
	*ret = s;
	return ERR_OK;
}

static struct list *bucket_of(struct index_shelf *s, const unsigned char *hash)
{
	return &s->buckets[(hash[0] | (unsigned)hash[1] << 8) % BUCKETS];
}

static struct entry *find(struct index_shelf *s, const unsigned char *hash)
{
	list_each (node, bucket_of(s, hash)) {
		struct entry *e = LIST_OF(node, struct entry, node);
		if (memcmp(e->hash, hash, INDEX_HASH_BYTES) == 0) {
			return e;
		}
	}
	return NULL;
}

static void free_entry(struct entry *e)
{
	sym_index_close(&e->index);
	free(e);
}

/* Out of the tables; its users keep it until they give it back. */
static void unshelve(struct index_shelf *s, struct entry *e)
{
	if (!e->is_shelved) {
		return;
	}
	list_remove(&e->node);
	list_remove(&e->by_use);
	e->is_shelved = false;
	s->n--;
	s->state.open -= e->state == ENTRY_OPEN;
	s->state.failed -= e->state == ENTRY_FAILED;
	if (e->users == 0) {
		free_entry(e);
	}
}

void index_shelf_free(struct index_shelf **sp)
{
	struct index_shelf *s = *sp;

	*sp = NULL;
	if (s == NULL) {
		return;
	}
	while (!list_is_empty(&s->by_use)) {
		struct entry *e = LIST_OF(s->by_use.next, struct entry, by_use);
		CHECK(e->users == 0);
		unshelve(s, e);
	}
	free(s);
}

/* The entry that nobody has used for longest goes. False: all are in use. */
static bool make_room(struct index_shelf *s)
{
	list_each (node, &s->by_use) {
		struct entry *e = LIST_OF(node, struct entry, by_use);
		if (e->users == 0) {
			unshelve(s, e);
			return true;
		}
	}
	return false;
}

static enum err add(
    struct index_shelf *s, const unsigned char *hash, struct slice digits, struct entry **ret)
{
	if (s->n == s->max && !make_room(s)) {
		s->state.refused++;
		return ERR_TOO_BUSY;
	}
	struct entry *e = calloc(1, sizeof(*e));
	if (e == NULL) {
		return ERR_MEMORY;
	}
	memcpy(e->hash, hash, sizeof(e->hash));
	memcpy(e->digits, digits.ptr, BLOB_HASH_HEX);
	list_init(&e->waiters);
	list_init(&e->node);
	list_init(&e->by_use);
	list_push(bucket_of(s, hash), &e->node);
	list_push(&s->by_use, &e->by_use);
	e->is_shelved = true;
	e->told_us = clock_mono_us();
	s->n++;
	*ret = e;
	return ERR_OK;
}

/* ---- opening ---- */

/* ERR_NOT_FOUND: it has to be built; what is there but no index is removed. */
static enum err open_file(struct index_shelf *s, struct entry *e, const struct index_caller *c)
{
	uint64_t size;
	int fd = -1;
	enum err err =
	    blob_get(s->indexes, index_name(c->arena, slice_str(e->digits)), &fd, &size, NULL);

	if (err != ERR_OK) {
		return err;
	}
	err = sym_index_open(fd, e->hash, &e->index, NULL);
	(void)close(fd);
	if (err == ERR_CORRUPT) {
		s->state.damaged++;
		err = index_call_used(c, slice_str(e->digits), true);
		return err == ERR_OK ? ERR_NOT_FOUND : err;
	}
	if (err == ERR_OK) {
		sym_index_set_owner(e->index, e);
		s->state.opened++;
	}
	return err;
}

/* Whether what went wrong lies in the symbols, so that it will go wrong again. */
static bool is_for_good(enum err err)
{
	return err == ERR_SYNTAX || err == ERR_CORRUPT || err == ERR_LIMIT;
}

/* One attempt. ERR_AGAIN: another process is at it, and it was waited a little. */
static enum err build(
    struct index_shelf *s, struct entry *e, const struct index_caller *c, struct slice blob)
{
	struct index_built built = { 0 };
	struct err_note note = { 0 };
	struct index_caller quiet = *c;

	quiet.note = &note;
	enum err err = index_call_build(&quiet, blob, &built);
	if (err == ERR_AGAIN) {
		err = task_sleep(LOOK_AGAIN_US);
		return err == ERR_OK ? ERR_AGAIN : err;
	}
	if (err == ERR_OK && built.index_bytes != 0) {
		e->sym_bytes = built.sym_bytes;
		s->state.built++;
	}
	if (is_for_good(err)) {
		e->state = ENTRY_FAILED;
		return ERR_NOT_FOUND;
	}
	return err;
}

/* Opens the index, built before if need be. ERR_NOT_FOUND with ENTRY_FAILED: there is none, ever.
 */
static enum err open_or_build(struct index_shelf *s, struct entry *e, const struct index_caller *c,
    struct slice blob, bool *ret_built)
{
	enum err err = open_file(s, e, c);

	for (unsigned tries = 0; err == ERR_NOT_FOUND && tries < TRIES_MAX;) {
		*ret_built = true;
		err = build(s, e, c, blob);
		tries += err != ERR_AGAIN;
		if (err == ERR_OK || err == ERR_AGAIN) {
			err = open_file(s, e, c);
		} else {
			return err;
		}
	}
	return err == ERR_NOT_FOUND ? ERR_CONFLICT : err;
}

/* Tells those that wait. */
static void finish(struct entry *e, enum err outcome)
{
	for (struct list *node; (node = list_pop(&e->waiters)) != NULL;) {
		struct waiter *w = LIST_OF(node, struct waiter, node);
		w->outcome = outcome;
		w->is_done = true;
		task_wake(w->task);
	}
}

static enum err open_entry(struct index_shelf *s, struct entry *e, const struct index_caller *c,
    struct slice blob, bool *ret_built)
{
	e->users++;
	enum err err = open_or_build(s, e, c, blob, ret_built);
	e->users--;
	if (err == ERR_OK) {
		e->state = ENTRY_OPEN;
		s->state.open++;
	}
	s->state.failed += e->state == ENTRY_FAILED;
	/* Whoever gave up only speaks for himself: the next one tries. */
	finish(e, err == ERR_CANCELLED || err == ERR_DEADLINE ? ERR_AGAIN : err);
	if (e->state == ENTRY_OPENING) {
		unshelve(s, e);
	}
	return err;
}

/* ERR_AGAIN: look again. */
static enum err wait_for(struct entry *e, const struct index_caller *c)
{
	struct waiter w = { .task = task_current() };

	list_init(&w.node);
	list_push(&e->waiters, &w.node);
	enum err err = ERR_OK;
	while (err == ERR_OK && !w.is_done) {
		err = task_wait(c->deadline_us);
	}
	list_remove(&w.node);
	return w.is_done && (err == ERR_OK) ? (w.outcome == ERR_OK ? ERR_AGAIN : w.outcome) : err;
}

static void tell_used(struct entry *e, const struct index_caller *c)
{
	int64_t now_us = clock_mono_us();

	if (now_us - e->told_us > TELL_USED_US) {
		e->told_us = now_us;
		enum err err = index_call_used(c, slice_str(e->digits), false);
		(void)err;
	}
}

static void take_open(struct index_shelf *s, struct entry *e, struct index_taken *ret)
{
	e->users++;
	list_remove(&e->by_use);
	list_push(&s->by_use, &e->by_use);
	ret->index = e->index;
	ret->sym_bytes = e->sym_bytes;
}

enum err index_shelf_take(
    struct index_shelf *s, const struct index_caller *c, struct slice blob, struct index_taken *ret)
{
	unsigned char hash[INDEX_HASH_BYTES];
	struct slice digits = slice_sub(blob, 0, BLOB_HASH_HEX);
	struct index_taken taken = { .was_at_hand = true };
	enum err err = ERR_AGAIN;

	CHECK(index_hash(digits, hash));
	s->state.taken++;
	while (err == ERR_AGAIN) {
		struct entry *e = find(s, hash);
		if (e == NULL) {
			taken.was_at_hand = false;
			err = add(s, hash, digits, &e);
			err = err == ERR_OK ? open_entry(s, e, c, blob, &taken.was_built) : err;
		} else if (e->state == ENTRY_OPENING) {
			taken.was_at_hand = false;
			taken.was_built = true;
			err = wait_for(e, c);
		} else {
			err = e->state == ENTRY_OPEN ? ERR_OK : ERR_NOT_FOUND;
			s->state.at_hand += err == ERR_OK && taken.was_at_hand;
		}
	}
	if (err == ERR_OK) {
		struct entry *e = find(s, hash);
		CHECK(e != NULL);
		take_open(s, e, &taken);
		tell_used(e, c);
		*ret = taken;
	}
	return err;
}

struct index_shelf_state index_shelf_state(const struct index_shelf *s)
{
	return s->state;
}

void index_shelf_give(struct index_shelf *s, const struct index_caller *c, struct sym_index *index)
{
	struct entry *e = sym_index_owner(index);
	bool is_damaged = sym_index_is_damaged(index);

	if (is_damaged && e->is_shelved) {
		char digits[BLOB_HASH_HEX + 1];
		memcpy(digits, e->digits, sizeof(digits));
		s->state.damaged++;
		unshelve(s, e);
		enum err err = index_call_used(c, slice_str(digits), true);
		(void)err;
	}
	if (--e->users == 0 && !e->is_shelved) {
		free_entry(e);
	}
}
