/*
 * Invariants of sync's tables, and a copy of them for staging. Whole tables are read: for tests,
 * for hand and for commands.
 */
#include "core/base/buf.h"
#include "core/base/check.h"
#include "services/sync/admin.h"
#include "services/sync/db.h"
#include "services/sync/meta.h"
#include "services/sync/bso_record.h"
#include "services/sync/sync_priv.h"

enum {
	ARENA_MAX = 256 * 1024,
	FILLER_BYTES = 8 * 1024 * 1024 /* as long as a payload can be */
};

/* ---- invariants that a statement finds ---- */

static const struct {
	enum sync_stmt stmt;
	const char *broken; /* with the uid found behind it */
} invariants[] = {
	{ SYNC_AUDIT_STRAY, "records without a store: user" },
	{ SYNC_AUDIT_CHUNK, "a part of an upload that is none: user" },
	{ SYNC_AUDIT_CHUNKS, "an upload whose parts are missing: user" },
	{ SYNC_AUDIT_BSO, "a record with a bad time, id or sortindex: user" },
};

static enum err find_broken(
    struct sql_db *db, enum sync_stmt stmt, int64_t *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sync_begin(db, stmt, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret = sql_col_i64(q, 0);
	}
	sql_end(q);
	return e;
}

/* ---- the rows of users against their records ---- */

static enum err broken(const struct sync_meta *m, const char *what, struct err_note *note)
{
	return err_note_set(note, ERR_CORRUPT, "sync: %s: user %lld", what, (long long)m->uid);
}

/* What can be seen from the row alone. */
static enum err audit_row(const struct sync_meta *m, struct err_note *note)
{
	if (m->storage_ms > m->last_ms || m->last_ms % 10 != 0) {
		return broken(m, "a time later than the last stamp", note);
	}
	for (unsigned i = 0; i < m->n; i++) {
		const struct sync_collection *c = &m->list[i];
		if (c->number < 1 || c->number >= m->next_number ||
		    !sync_name_is_good(sync_collection_name(c))) {
			return broken(m, "a collection with a bad number or name", note);
		}
		if (c->modified_ms > m->storage_ms || c->modified_ms <= 0) {
			return broken(m, "a collection later than its storage", note);
		}
		for (unsigned k = 0; k < i; k++) {
			if (m->list[k].number == c->number ||
			    slice_eq(sync_collection_name(&m->list[k]), sync_collection_name(c))) {
				return broken(m, "two collections of one number or name", note);
			}
		}
	}
	return ERR_OK;
}

/* One row of AUDIT_SUMS against its collection; takes that off the totals still to be seen. */
static enum err audit_sums_row(struct sync_meta *m, struct sql_query *q, struct err_note *note)
{
	struct sync_collection *c = sync_meta_by_number(m, sql_col_i64(q, 0));
	int64_t expiry_ms = sql_col_i64(q, 4);

	if (c == NULL) {
		return sql_col_i64(q, 5) == 0
			   ? broken(m, "records of a collection that is not listed", note)
			   : ERR_OK;
	}
	if (sql_col_i64(q, 5) != 0) {
		return broken(m, "a collection that is listed and garbage", note);
	}
	if (c->count != sql_col_i64(q, 1) || c->bytes != sql_col_i64(q, 2)) {
		return broken(m, "wrong totals", note);
	}
	if (sql_col_i64(q, 3) > c->modified_ms) {
		return broken(m, "a record later than its collection", note);
	}
	if (expiry_ms > 0 && (m->expiry_ms == 0 || m->expiry_ms > expiry_ms)) {
		return broken(m, "a record that nobody would remove", note);
	}
	c->count = c->bytes = 0;
	return ERR_OK;
}

static enum err audit_sums(struct sql_db *db, struct sync_meta *m, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sync_begin(db, SYNC_AUDIT_SUMS, &q, note), audit = ERR_OK;

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", m->uid);
	while (audit == ERR_OK && (e = sql_step(q)) == ERR_OK) {
		audit = audit_sums_row(m, q, note);
	}
	sql_end(q);
	if (audit != ERR_OK || e != ERR_END) {
		return audit != ERR_OK ? audit : e;
	}
	for (unsigned i = 0; i < m->n; i++) {
		if (m->list[i].count != 0 || m->list[i].bytes != 0) {
			return broken(m, "totals of records that are not there", note);
		}
	}
	return ERR_OK;
}

static enum err audit_user(struct sql_db *db, int64_t uid, struct err_note *note)
{
	struct arena arena = arena_new(ARENA_MAX);
	struct sync_meta *m = sync_meta_new(&arena, uid);
	enum err e = m == NULL ? ERR_MEMORY : sync_meta_load(db, m, false, note);

	if (e == ERR_OK) {
		e = audit_row(m, note);
	}
	if (e == ERR_OK) {
		e = audit_sums(db, m, note);
	}
	arena_reset(&arena);
	return e;
}

enum err sync_audit(struct sql_db *db, struct err_note *note)
{
	int64_t uid = -1;
	enum err e = ERR_OK;

	for (size_t i = 0; i < sizeof(invariants) / sizeof(invariants[0]); i++) {
		int64_t found = 0;
		e = find_broken(db, invariants[i].stmt, &found, note);
		if (e == ERR_OK) {
			return err_note_set(
			    note, ERR_CORRUPT, "%s %lld", invariants[i].broken, (long long)found);
		}
		if (e != ERR_END) {
			return e;
		}
	}
	while ((e = sync_user_after(db, uid, &uid, note)) == ERR_OK) {
		e = audit_user(db, uid, note);
		if (e != ERR_OK) {
			return e;
		}
	}
	return e == ERR_END ? ERR_OK : e;
}

/* ---- staging ---- */

/*
 * Payloads become as many dashes, so that sizes and totals stay true; what lies in open uploads
 * goes. Ids of records are of chance and stay.
 */
enum err sync_anonymise(struct sql_db *db, const char *password, struct err_note *note)
{
	struct buf filler = buf_new(FILLER_BYTES);
	char *room = buf_room(&filler, FILLER_BYTES);
	struct sql_query *q;

	(void)password;
	if (room == NULL) {
		return ERR_MEMORY;
	}
	memset(room, '-', FILLER_BYTES);
	enum err e = sync_begin(db, SYNC_HIDE_PAYLOADS, &q, note);
	if (e == ERR_OK) {
		sql_bind_blob(q, "payload", SLICE_OF(room, FILLER_BYTES));
		e = sql_finish(q);
	}
	buf_free(&filler);
	static const enum sync_stmt steps[] = { SYNC_HIDE_CHUNKS, SYNC_HIDE_BATCHES,
		SYNC_HIDE_WEAVE_USERS };
	for (size_t i = 0; e == ERR_OK && i < sizeof(steps) / sizeof(steps[0]); i++) {
		e = sync_begin(db, steps[i], &q, note);
		if (e == ERR_OK) {
			e = sql_finish(q);
		}
	}
	return e;
}
