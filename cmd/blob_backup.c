/*
 * See blob_backup.h.
 */
#include "cmd/blob_backup.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

#include "core/base/clock.h"
#include "core/store/store.h"

enum {
	SHOW_EVERY_US = 1000000,
	HOLD_TRIES = 100,
	HOLD_PAUSE_MS = 20,
	MIB = 1024 * 1024
};

static void show(void *arg, const char *problem, const struct symbols_copied *so_far)
{
	struct blob_backup *b = arg;
	int64_t now_us = clock_mono_us();

	if (problem != NULL) {
		fprintf(stderr, "plimsoll %s: %s\n", b->command, problem);
	} else if (now_us - b->shown_us >= SHOW_EVERY_US) {
		b->shown_us = now_us;
		fprintf(stderr, "plimsoll %s: %" PRId64 " files of symbols, %" PRId64 " MiB\n",
		    b->command, so_far->blobs, so_far->bytes / MIB);
	}
}

static struct symbols_copy copy_of(struct blob_backup *b, struct sql_db *db, struct err_note *note)
{
	return (struct symbols_copy){ .db = db, .watch = show, .arg = b, .note = note };
}

/* Blobs are there only where the server has stored some; *ret NULL: no folder. */
static enum err open_there(const char *folder, struct blob_store **ret, struct err_note *note)
{
	struct err_note unused = { 0 };
	enum err e = blob_open(folder, BLOB_READ, ret, &unused);

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

enum err blob_backup_begin(
    struct blob_backup *b, const char *data_dir, const char *previous, struct err_note *note)
{
	enum err e = open_there(data_dir, &b->store, note);

	b->shown_us = clock_mono_us();
	if (e == ERR_OK && b->store != NULL) {
		e = hold(b->store, note);
	}
	if (e == ERR_OK && previous != NULL) {
		struct manifest m;
		e = manifest_read(&m, previous, note);
		e = e == ERR_OK ? open_there(previous, &b->previous, note) : e;
	}
	return e;
}

void blob_backup_end(struct blob_backup *b)
{
	blob_close(&b->store);
	blob_close(&b->previous);
}

/* The database in a backup; one that symbols has never had a table in has no rows either. */
static enum err open_copy(
    const char *folder, const struct manifest *m, struct sql_db **ret, struct err_note *note)
{
	char path[STORE_PATH_MAX + 200];
	bool has_tables = false;

	*ret = NULL;
	for (unsigned i = 0; i < m->n_schemas; i++) {
		has_tables =
		    has_tables || slice_eq(slice_str(m->schemas[i].service), SLICE("symbols"));
	}
	if (!has_tables) {
		return ERR_OK;
	}
	int n = snprintf(path, sizeof(path), "%s/" MANIFEST_DB, folder);
	return n < (int)sizeof(path) ? sql_open(path, SQL_READ_ONLY, ret, note)
				     : err_note_set(note, ERR_LIMIT, "the path is too long");
}

/* Into a folder of their own, which is made only if there are some. */
static enum err add_all(
    struct blob_backup *b, struct sql_db *db, const char *folder, struct err_note *note)
{
	struct symbols_copy c = copy_of(b, db, note);
	struct blob_store *to = NULL;
	bool has_some = false;
	enum err e = symbols_has_blobs(&c, &has_some);

	if (e == ERR_OK && has_some) {
		e = blob_open(folder, BLOB_WRITE, &to, note);
	}
	if (e == ERR_OK && has_some) {
		c.from = b->store;
		c.to = to;
		c.previous = b->previous;
		e = symbols_copy_blobs(&c);
		b->done = c.done;
	}
	if (e != ERR_OK && to != NULL) {
		blob_remove_all(&to, folder);
	}
	blob_close(&to);
	return e;
}

enum err blob_backup_add(void *arg, const char *folder, struct manifest *m, struct err_note *note)
{
	struct blob_backup *b = arg;
	struct sql_db *db = NULL;
	enum err e = open_copy(folder, m, &db, note);

	if (e == ERR_OK && db != NULL) {
		e = add_all(b, db, folder, note);
	}
	sql_close(&db);
	m->blobs = e == ERR_OK ? b->done.blobs - b->done.lost : -1;
	return e;
}

void blob_backup_remove(void *arg, const char *folder)
{
	struct blob_store *made = NULL;

	(void)arg;
	if (blob_open(folder, BLOB_READ, &made, NULL) == ERR_OK) {
		blob_remove_all(&made, folder);
	}
}

enum err blob_backup_restore(
    struct blob_backup *b, const char *folder, const char *data_dir, struct err_note *note)
{
	struct manifest m;
	struct blob_store *from = NULL, *to = NULL;
	struct sql_db *db = NULL;
	enum err e = manifest_read(&m, folder, note);

	if (e != ERR_OK || m.blobs <= 0) {
		return e;
	}
	e = open_copy(folder, &m, &db, note);
	if (e == ERR_OK && db != NULL) {
		e = blob_open(folder, BLOB_READ, &from, note);
		e = e == ERR_OK ? blob_open(data_dir, BLOB_WRITE, &to, note) : e;
	}
	if (e == ERR_OK && db != NULL) {
		struct symbols_copy c = copy_of(b, db, note);
		c.from = from;
		c.to = to;
		e = symbols_copy_blobs(&c);
		b->done = c.done;
	}
	sql_close(&db);
	blob_close(&from);
	blob_close(&to);
	return e;
}

enum err blob_backup_check(struct blob_backup *b, struct sql_db *db, const char *folder,
    bool reads_all, struct err_note *note)
{
	struct blob_store *store = NULL;
	struct err_note unused = { 0 };
	enum err e = sql_migrated(db, "symbols", 1, &unused);

	if (e == ERR_NOT_FOUND) {
		return ERR_OK; /* never served by a program that has symbols */
	}
	e = open_there(folder, &store, note);
	b->shown_us = clock_mono_us();
	if (e == ERR_OK) {
		struct symbols_copy c = copy_of(b, db, note);
		c.from = store;
		c.reads_all = reads_all;
		e = symbols_check_blobs(&c);
		b->done = c.done;
	}
	blob_close(&store);
	if (e == ERR_OK && b->done.lost > 0) {
		e = err_note_set(note, ERR_CORRUPT,
		    "%" PRId64 " of %" PRId64 " files of symbols are not there or damaged",
		    b->done.lost, b->done.blobs);
	}
	return e;
}
