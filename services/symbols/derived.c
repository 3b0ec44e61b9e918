/*
 * See derived.h. A lock on a draft that is named after what is made keeps processes apart. Who
 * finds it taken tells the caller to look again, so that long work holds up nobody's uploads.
 * Removing those that were used longest ago is part of making, which alone lets the store grow.
 */
#include "services/symbols/derived.h"

#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BLOBS_MAX = 100000 /* that are looked at when room is made */
};

/* ---- room ---- */

struct stored {
	char name[BLOB_NAME_SIZE];
	uint64_t size;
	int64_t used_ms;
};

struct room {
	struct stored *list;
	size_t n, cap;
	uint64_t bytes;
};

static enum err add_stored(void *arg, const struct blob_info *info)
{
	struct room *r = arg;

	if (r->n == r->cap) {
		size_t cap = r->cap == 0 ? 256 : 2 * r->cap;
		struct stored *list = realloc(r->list, cap * sizeof(*list));
		if (list == NULL || cap > 2 * BLOBS_MAX) {
			r->list = list == NULL ? r->list : list;
			return ERR_LIMIT;
		}
		r->list = list;
		r->cap = cap;
	}
	struct stored *s = &r->list[r->n++];
	*s = (struct stored){ .size = info->size, .used_ms = info->kept_ms };
	r->bytes += info->size;
	return slice_to_cstr(info->name, s->name, sizeof(s->name));
}

static int compare_used(const void *a, const void *b)
{
	const struct stored *x = a, *y = b;

	return x->used_ms < y->used_ms ? -1 : x->used_ms > y->used_ms;
}

/*
 * Those that nobody has used for longest go first, the new one stays. What cannot be removed now is
 * tried next time.
 */
static void make_room(const struct blob_store *store, uint64_t max_bytes, struct slice fresh)
{
	struct room r = { .list = NULL };
	enum err e = blob_each(store, add_stored, &r, NULL);

	if ((e == ERR_OK || e == ERR_LIMIT) && r.bytes > max_bytes) {
		qsort(r.list, r.n, sizeof(*r.list), compare_used);
		for (size_t i = 0; i < r.n && r.bytes > max_bytes; i++) {
			struct slice name = slice_str(r.list[i].name);
			if (!slice_eq(name, fresh) && blob_remove(store, name, NULL) == ERR_OK) {
				r.bytes -= r.list[i].size;
			}
		}
	}
	free(r.list);
}

/* ---- making ---- */

bool derived_is_there(const struct blob_store *store, struct slice name)
{
	uint64_t size;
	int fd = -1;

	if (blob_get(store, name, &fd, &size, NULL) != ERR_OK) {
		return false;
	}
	(void)close(fd);
	return true;
}

static enum err make_and_keep(const struct derived *d)
{
	char draft[BLOB_DRAFT_CHARS + 1];
	int out = -1;

	blob_draft_name(draft);
	enum err e = blob_draft_make(d->store, slice_str(draft), d->note);
	if (e != ERR_OK) {
		return e;
	}
	e = blob_draft_open(d->store, slice_str(draft), &out, d->note);
	if (e == ERR_OK) {
		e = d->make(d->arg, out);
		(void)close(out);
	}
	if (e == ERR_OK) {
		e = blob_keep(d->store, slice_str(draft), d->name, d->note);
	}
	if (e != ERR_OK) {
		enum err dropped = blob_drop(d->store, slice_str(draft), NULL);
		(void)dropped;
		return e;
	}
	make_room(d->store, d->max_bytes, d->name);
	return ERR_OK;
}

/*
 * Under the lock. Whoever removes the lock's file leaves nothing unmade and makes nothing twice:
 * who gets a lock, on the old file or on a new one, first looks whether it is there.
 */
static enum err make_once(const struct derived *d)
{
	struct slice lock = slice_sub(d->name, 0, BLOB_DRAFT_CHARS);
	int fd = -1;
	enum err e = blob_draft_make(d->store, lock, d->note);

	if (e == ERR_OK) {
		e = blob_draft_open(d->store, lock, &fd, d->note);
	}
	if (e != ERR_OK) {
		/* Removed just now by who has finished. */
		return e == ERR_NOT_FOUND ? ERR_AGAIN : e;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		(void)close(fd);
		return ERR_AGAIN;
	}
	if (!derived_is_there(d->store, d->name)) {
		e = make_and_keep(d);
	}
	enum err dropped = blob_drop(d->store, lock, NULL);
	(void)dropped;
	(void)close(fd);
	return e;
}

enum err derived_make(const struct derived *d)
{
	return derived_is_there(d->store, d->name) ? ERR_OK : make_once(d);
}

enum err derived_touch(const struct blob_store *store, struct slice name)
{
	uint64_t size;
	int fd = -1;
	enum err e = blob_get(store, name, &fd, &size, NULL);

	if (e == ERR_OK) {
		e = futimens(fd, NULL) == 0 ? ERR_OK : ERR_IO;
		(void)close(fd);
	}
	return e;
}
