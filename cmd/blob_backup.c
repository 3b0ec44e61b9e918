/*
 * See blob_backup.h.
 */
#include "cmd/blob_backup.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "core/store/store.h"
#include "services/pairs/media_copy.h"
#include "services/symbols/symbols_copy.h"

enum {
	SHOW_EVERY_US = 1000000,
	HOLD_TRIES = 100,
	HOLD_PAUSE_MS = 20,
	MIB = 1024 * 1024
};

static void remove_symbols(const char *folder)
{
	struct blob_store *made = NULL;

	if (blob_open(folder, BLOB_READ, &made, NULL) == ERR_OK) {
		blob_remove_all(&made, folder);
	}
}

static const struct {
	const char *name;
	const char *service; /* whose tables refer to them, */
	unsigned migration;  /* from that one on */
	enum err (*open)(const char *folder, enum blob_mode mode, struct blob_store **ret,
	    struct err_note *note);
	void (*remove)(const char *folder);
	enum err (*has_some)(struct blob_copying *c, bool *ret);
	enum err (*copy)(struct blob_copying *c);
	enum err (*check)(struct blob_copying *c);
} kinds[BLOB_KINDS] = {
	[BLOB_OF_SYMBOLS] = { "files of symbols", "symbols", 1, blob_open, remove_symbols,
	    symbols_has_blobs, symbols_copy_blobs, symbols_check_blobs },
	[BLOB_OF_PICTURES] = { "files of pictures", "pairs", 3, pairs_pictures_open,
	    pairs_pictures_remove, pairs_has_pictures, pairs_copy_pictures, pairs_check_pictures },
};

const char *blob_kind_name(enum blob_kind kind)
{
	return kinds[kind].name;
}

int64_t blob_kind_count(const struct manifest *m, enum blob_kind kind)
{
	return kind == BLOB_OF_PICTURES ? m->pictures : m->blobs;
}

static void set_count(struct manifest *m, enum blob_kind kind, int64_t count)
{
	*(kind == BLOB_OF_PICTURES ? &m->pictures : &m->blobs) = count;
}

/* ---- one kind ---- */

static void show(void *arg, const char *problem, const struct blob_copied *so_far)
{
	struct blob_backup *b = arg;
	int64_t now_us = clock_mono_us();

	if (problem != NULL) {
		fprintf(stderr, "plimsoll %s: %s\n", b->command, problem);
	} else if (now_us - b->shown_us >= SHOW_EVERY_US) {
		b->shown_us = now_us;
		fprintf(stderr, "plimsoll %s: %" PRId64 " %s, %" PRId64 " MiB\n", b->command,
		    so_far->blobs, blob_kind_name(b->now), so_far->bytes / MIB);
	}
}

static struct blob_copying copy_of(
    struct blob_backup *b, enum blob_kind kind, struct sql_db *db, struct err_note *note)
{
	b->now = kind;
	return (struct blob_copying){ .db = db, .watch = show, .arg = b, .note = note };
}

/* Blobs are there only where the server has stored some; *ret NULL: no folder. */
static enum err open_there(
    enum blob_kind kind, const char *folder, struct blob_store **ret, struct err_note *note)
{
	struct err_note unused = { 0 };
	enum err e = kinds[kind].open(folder, BLOB_READ, ret, &unused);

	if (e == ERR_NOT_FOUND) {
		*ret = NULL;
		return ERR_OK;
	}
	*note = e == ERR_OK ? *note : unused;
	return e;
}

/* Servers remove some now and then, and are done with it at once; gc takes longer. */
static enum err hold(const struct blob_store *blobs, struct err_note *note)
{
	enum err e = blob_hold(blobs, false, note);

	for (unsigned i = 0; e == ERR_TOO_BUSY && i < HOLD_TRIES; i++) {
		(void)poll(NULL, 0, HOLD_PAUSE_MS);
		e = blob_hold(blobs, false, note);
	}
	return e;
}

static enum err begin(struct blob_backup *b, enum blob_kind kind, const char *data_dir,
    const char *previous, struct err_note *note)
{
	enum err e = open_there(kind, data_dir, &b->store[kind], note);

	if (e == ERR_OK && b->store[kind] != NULL) {
		e = hold(b->store[kind], note);
	}
	if (e == ERR_OK && previous != NULL) {
		e = open_there(kind, previous, &b->previous[kind], note);
	}
	return e;
}

enum err blob_backup_begin(
    struct blob_backup *b, const char *data_dir, const char *previous, struct err_note *note)
{
	struct manifest m;
	enum err e = previous == NULL ? ERR_OK : manifest_read(&m, previous, note);

	b->shown_us = clock_mono_us();
	for (enum blob_kind kind = 0; e == ERR_OK && kind < BLOB_KINDS; kind++) {
		e = begin(b, kind, data_dir, previous, note);
	}
	return e;
}

void blob_backup_end(struct blob_backup *b)
{
	for (enum blob_kind kind = 0; kind < BLOB_KINDS; kind++) {
		blob_close(&b->store[kind]);
		blob_close(&b->previous[kind]);
	}
}

/* ---- into a backup ---- */

static bool has_tables(const struct manifest *m, enum blob_kind kind)
{
	for (unsigned i = 0; i < m->n_schemas; i++) {
		const struct manifest_schema *s = &m->schemas[i];
		if (slice_eq(slice_str(s->service), slice_str(kinds[kind].service))) {
			return s->number >= kinds[kind].migration;
		}
	}
	return false;
}

static enum err open_copy(const char *folder, struct sql_db **ret, struct err_note *note)
{
	char path[STORE_PATH_MAX + 200];
	int n = snprintf(path, sizeof(path), "%s/" MANIFEST_DB, folder);

	return n < (int)sizeof(path) ? sql_open(path, SQL_READ_ONLY, ret, note)
				     : err_note_set(note, ERR_LIMIT, "the path is too long");
}

/* Into a folder of their own, which is made only if there are some. */
static enum err add(struct blob_backup *b, enum blob_kind kind, struct sql_db *db,
    const char *folder, struct err_note *note)
{
	struct blob_copying c = copy_of(b, kind, db, note);
	struct blob_store *to = NULL;
	bool has_some = false;
	enum err e = kinds[kind].has_some(&c, &has_some);

	if (e == ERR_OK && has_some) {
		e = kinds[kind].open(folder, BLOB_WRITE, &to, note);
	}
	if (e == ERR_OK && has_some) {
		c.from = b->store[kind];
		c.to = to;
		c.previous = b->previous[kind];
		e = kinds[kind].copy(&c);
		b->done[kind] = c.done;
	}
	blob_close(&to);
	return e;
}

enum err blob_backup_add(void *arg, const char *folder, struct manifest *m, struct err_note *note)
{
	struct blob_backup *b = arg;
	struct sql_db *db = NULL;
	enum err e = open_copy(folder, &db, note);

	for (enum blob_kind kind = 0; e == ERR_OK && kind < BLOB_KINDS; kind++) {
		if (has_tables(m, kind)) {
			e = add(b, kind, db, folder, note);
		}
		set_count(m, kind, b->done[kind].blobs - b->done[kind].lost);
	}
	sql_close(&db);
	return e;
}

/* Pictures are in a folder below the others. */
void blob_backup_remove(void *arg, const char *folder)
{
	(void)arg;
	for (enum blob_kind kind = BLOB_KINDS; kind-- > 0;) {
		kinds[kind].remove(folder);
	}
}

/* ---- and out of one ---- */

static enum err bring_back(struct blob_backup *b, enum blob_kind kind, struct sql_db *db,
    const char *folder, const char *data_dir, struct err_note *note)
{
	struct blob_copying c = copy_of(b, kind, db, note);
	struct blob_store *from = NULL, *to = NULL;
	enum err e = kinds[kind].open(folder, BLOB_READ, &from, note);

	if (e == ERR_OK) {
		e = kinds[kind].open(data_dir, BLOB_WRITE, &to, note);
	}
	if (e == ERR_OK) {
		c.from = from;
		c.to = to;
		e = kinds[kind].copy(&c);
		b->done[kind] = c.done;
	}
	blob_close(&from);
	blob_close(&to);
	return e;
}

enum err blob_backup_restore(struct blob_backup *b, const char *folder, const char *data_dir,
    bool with_pictures, struct err_note *note)
{
	struct manifest m;
	struct sql_db *db = NULL;
	enum err e = manifest_read(&m, folder, note);

	if (e == ERR_OK) {
		e = open_copy(folder, &db, note);
	}
	for (enum blob_kind kind = 0; e == ERR_OK && kind < BLOB_KINDS; kind++) {
		bool is_wanted = kind != BLOB_OF_PICTURES || with_pictures;
		if (is_wanted && blob_kind_count(&m, kind) > 0 && has_tables(&m, kind)) {
			e = bring_back(b, kind, db, folder, data_dir, note);
		}
	}
	sql_close(&db);
	return e;
}

enum err blob_backup_check(struct blob_backup *b, enum blob_kind kind, struct sql_db *db,
    const char *folder, bool reads_all, struct err_note *note)
{
	struct blob_store *store = NULL;
	struct err_note unused = { 0 };
	enum err e = sql_migrated(db, kinds[kind].service, kinds[kind].migration, &unused);
	const struct blob_copied *d = &b->done[kind];

	if (e == ERR_NOT_FOUND) {
		return ERR_OK; /* never served by a program that has the service */
	}
	e = open_there(kind, folder, &store, note);
	b->shown_us = clock_mono_us();
	if (e == ERR_OK) {
		struct blob_copying c = copy_of(b, kind, db, note);
		c.from = store;
		c.reads_all = reads_all;
		e = kinds[kind].check(&c);
		b->done[kind] = c.done;
	}
	blob_close(&store);
	if (e == ERR_OK && d->lost > 0) {
		e = err_note_set(note, ERR_CORRUPT,
		    "%" PRId64 " of %" PRId64 " %s are not there or damaged", d->lost, d->blobs,
		    blob_kind_name(kind));
	}
	return e;
}
