/*
 * See media_copy.h.
 */
#include "services/pairs/media_copy.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "services/pairs/media_files.h"
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_media.h"

enum {
	ROWS_AT_ONCE = 100,
	FILES_OF_ONE = PICTURE_SIZES_MAX + 1,
	PROBLEM_MAX = 300,
	PATH_SIZE = 4200,
};

/* A file that a row has. */
struct wanted {
	char name[BLOB_NAME_SIZE];
	int64_t id, bytes;
};

struct batch {
	struct wanted files[ROWS_AT_ONCE * FILES_OF_ONE];
	size_t n;
	int64_t owner, id; /* of the last row; 0: there was none */
};

/* ---- rows ---- */

static void want(struct batch *b, const struct pairs_media *m, const char *form, int64_t bytes)
{
	struct wanted *w = &b->files[b->n++];

	pairs_media_blob(m->owner, m->id, form, w->name);
	w->id = m->id;
	w->bytes = bytes;
}

/* Sizes count once they are all made; those of a picture that is not ready are made again. */
static void want_all(struct batch *b, const struct pairs_media *m)
{
	struct pairs_media_size size;

	if (!slice_eq(m->reason, SLICE("lost"))) {
		want(b, m, PAIRS_MEDIA_ORIGINAL, m->bytes);
	}
	for (unsigned i = 0; pairs_media_size(m, i, &size); i++) {
		want(b, m, size.name, (int64_t)size.bytes);
	}
}

/* The next ones behind that row. */
static enum err read_batch(struct blob_copying *c, int64_t owner, int64_t id, struct batch *ret)
{
	struct sql_query *q;
	enum err e = pairs_query(c->db, PAIRS_PICTURES_AFTER,
	    PAIRS_VALUES(
		PAIRS_N("owner_id", owner), PAIRS_N("id", id), PAIRS_N("most", ROWS_AT_ONCE)),
	    &q, c->note);

	ret->n = 0;
	ret->owner = ret->id = 0;
	if (e != ERR_OK) {
		return e;
	}
	while ((e = sql_step(q)) == ERR_OK) {
		struct pairs_media m = pairs_media_of(q);
		ret->owner = m.owner;
		ret->id = m.id;
		want_all(ret, &m);
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* ---- one file ---- */

static void tell_lost(struct blob_copying *c, const struct wanted *w, const char *why)
{
	char text[PROBLEM_MAX];

	(void)snprintf(text, sizeof(text), "picture %lld: its file blobs/media/blobs/%.2s/%s is %s",
	    (long long)w->id, w->name, w->name, why);
	c->done.lost++;
	c->watch(c->arg, text, &c->done);
}

/* Is it in that store, in its length? */
static enum err is_in(struct blob_copying *c, const struct blob_store *s, const struct wanted *w,
    bool *ret_found, bool *ret_good)
{
	uint64_t size = 0;
	int fd = -1;
	enum err e =
	    s == NULL ? ERR_NOT_FOUND : blob_get(s, slice_str(w->name), &fd, &size, c->note);

	*ret_found = e == ERR_OK;
	*ret_good = e == ERR_OK && size == (uint64_t)w->bytes;
	if (e == ERR_OK) {
		(void)close(fd);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err copy_one(struct blob_copying *c, const struct wanted *w)
{
	char draft[BLOB_DRAFT_CHARS + 1];
	struct slice name = slice_str(w->name);

	blob_draft_name(draft);
	enum err e = blob_copy(c->to, c->from, name, slice_str(draft), c->note);
	if (e == ERR_OK) {
		e = blob_name_draft(c->to, slice_str(draft), name, c->note);
	}
	c->done.copied += e == ERR_OK ? 1 : 0;
	return e;
}

static enum err bring_one(struct blob_copying *c, const struct wanted *w)
{
	bool found = false, good = false;
	enum err e = is_in(c, c->to, w, &found, &good);

	if (e != ERR_OK || good) {
		c->done.there += good ? 1 : 0;
		return e;
	}
	e = is_in(c, c->previous, w, &found, &good);
	if (e == ERR_OK && good) {
		e = blob_link(c->to, c->previous, slice_str(w->name), c->note);
		c->done.linked += e == ERR_OK ? 1 : 0;
		if (e != ERR_UNSUPPORTED && e != ERR_NOT_FOUND) {
			return e;
		}
	}
	e = is_in(c, c->from, w, &found, &good);
	if (e == ERR_OK && !good) {
		tell_lost(c, w, found ? "not as long as it was" : "not there");
		return ERR_OK;
	}
	return e == ERR_OK ? copy_one(c, w) : e;
}

static enum err look_at_one(struct blob_copying *c, const struct wanted *w)
{
	bool found = false, good = false;
	enum err e = is_in(c, c->from, w, &found, &good);

	if (e == ERR_OK && !good) {
		tell_lost(c, w, found ? "not as long as it was" : "not there");
	}
	return e;
}

/* ---- all ---- */

static struct batch batch; /* too large for the stack; commands do one thing at a time */

static enum err each(
    struct blob_copying *c, enum err (*fn)(struct blob_copying *c, const struct wanted *w))
{
	int64_t owner = 0, id = 0;
	enum err e = ERR_OK;

	do {
		e = read_batch(c, owner, id, &batch);
		for (size_t i = 0; e == ERR_OK && i < batch.n; i++) {
			c->done.blobs++;
			c->done.bytes += batch.files[i].bytes;
			e = fn(c, &batch.files[i]);
		}
		owner = batch.owner;
		id = batch.id;
		c->watch(c->arg, NULL, &c->done);
	} while (e == ERR_OK && owner != 0);
	return e;
}

enum err pairs_has_pictures(struct blob_copying *c, bool *ret)
{
	enum err e = read_batch(c, 0, 0, &batch);

	*ret = e == ERR_OK && batch.owner != 0;
	return e;
}

enum err pairs_copy_pictures(struct blob_copying *c)
{
	enum err e = each(c, bring_one);

	return e == ERR_OK ? blob_sync(c->to, c->note) : e;
}

static enum err count_unused(void *arg, const struct blob_info *info)
{
	struct blob_copying *c = arg;
	struct sql_query *q;
	int64_t owner = 0, id = 0;

	if (!pairs_media_of_blob(info->name, &owner, &id)) {
		c->done.unused++;
		return ERR_OK;
	}
	enum err e = pairs_find(c->db, PAIRS_PICTURE_GET,
	    PAIRS_VALUES(PAIRS_N("owner_id", owner), PAIRS_N("id", id)), &q, c->note);
	if (e == ERR_OK) {
		sql_end(q);
	}
	c->done.unused += e == ERR_NOT_FOUND ? 1 : 0;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err pairs_check_pictures(struct blob_copying *c)
{
	enum err e = each(c, look_at_one);

	return e == ERR_OK && c->from != NULL ? blob_each(c->from, count_unused, c, c->note) : e;
}

/* ---- where they are ---- */

enum err pairs_pictures_open(
    const char *folder, enum blob_mode mode, struct blob_store **ret, struct err_note *note)
{
	char path[PATH_SIZE];

	if (mode == BLOB_WRITE) {
		return media_files_open(folder, mode, ret, note);
	}
	int n = snprintf(path, sizeof(path), "%s/" MEDIA_FOLDER, folder);
	return n < (int)sizeof(path) ? blob_open(path, mode, ret, note)
				     : err_note_set(note, ERR_LIMIT, "the path is too long");
}

void pairs_pictures_remove(const char *folder)
{
	char path[PATH_SIZE];
	struct blob_store *made = NULL;
	int n = snprintf(path, sizeof(path), "%s/" MEDIA_FOLDER, folder);

	if (n < (int)sizeof(path) && blob_open(path, BLOB_READ, &made, NULL) == ERR_OK) {
		blob_remove_all(&made, path);
		(void)rmdir(path);
	}
}
