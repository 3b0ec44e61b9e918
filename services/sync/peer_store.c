/*
 * See peer.h: the stores. Each is written as a whole or not at all; one that is there already in
 * the same state stays, one that was written here since is never touched.
 */
#include <stdio.h>

#include "accounts/token_user.h"
#include "core/base/check.h"
#include "services/sync/bso_record.h"
#include "services/sync/db.h"
#include "services/sync/peer.h"
#include "services/sync/stamp.h"
#include "services/sync/token.h"

enum {
	SQL_BYTES = 256
};

/* Above it a time is in milliseconds; in seconds it would be in the year 5138. */
static const int64_t seconds_max = INT64_C(100000000000);
/* The peers write "never" as some 66 years from the write on. */
static const int64_t never_ms = INT64_C(2000000000000);

/* One store on its way. */
struct taking {
	struct peer *p;
	struct txn *t;
	bool dry;
	int64_t uid;
	struct sync_meta *m;	 /* as it will be */
	struct sync_meta *there; /* as it is */
	struct err_note *note;
};

static enum err refuse(struct taking *k, const char *what)
{
	return err_note_set(
	    k->note, ERR_INVALID, "the store of uid %lld: %s", (long long)k->uid, what);
}

/* ---- looking up ---- */

/* One number; *ret stays as it is where there is none. */
static enum err number(struct peer *p, const char *sql, const int64_t *params, unsigned n,
    int64_t *ret, struct err_note *note)
{
	struct foreign_rows *rows = NULL;
	enum err e = foreign_select(p->f, sql, params, n, &rows, note);

	if (e == ERR_OK) {
		e = foreign_step(rows);
	}
	if (e == ERR_OK && !foreign_is_null(rows, 0)) {
		*ret = foreign_i64(rows, 0);
	}
	foreign_end(&rows);
	return e == ERR_END ? ERR_OK : e;
}

static enum err next_uid(struct peer *p, int64_t after, int64_t *ret, struct err_note *note)
{
	int64_t least = INT64_MAX;
	enum err e = ERR_OK;

	for (unsigned i = 0; e == ERR_OK && i <= p->n_tables; i++) {
		char sql[SQL_BYTES];
		int64_t uid = INT64_MAX;
		bool is_sums = i == p->n_tables;
		if (is_sums && !p->has_user_collections) {
			break;
		}
		(void)snprintf(sql, sizeof(sql), "SELECT MIN(userid) FROM \"%s\" WHERE userid > ?1",
		    is_sums ? "user_collections" : p->tables[i]);
		e = number(p, sql, &after, 1, &uid, note);
		least = uid < least ? uid : least;
	}
	*ret = least;
	return e == ERR_OK && least == INT64_MAX ? ERR_END : e;
}

/* The time of the last write that the peer knows. */
static enum err last_write(struct taking *k, int64_t *ret)
{
	enum err e = ERR_OK;

	*ret = 0;
	for (unsigned i = 0; e == ERR_OK && i <= k->p->n_tables; i++) {
		char sql[SQL_BYTES];
		int64_t ms = 0;
		bool is_sums = i == k->p->n_tables;
		if (is_sums && !k->p->has_user_collections) {
			break;
		}
		(void)snprintf(sql, sizeof(sql), "SELECT MAX(%s) FROM \"%s\" WHERE userid = ?1",
		    is_sums ? "last_modified" : "modified",
		    is_sums ? "user_collections" : k->p->tables[i]);
		e = number(k->p, sql, &k->uid, 1, &ms, k->note);
		*ret = ms > *ret ? ms : *ret;
	}
	return e;
}

/* ---- collections ---- */

/* Makes sure of a collection. *ret NULL: the peer's mark of what was deleted. */
static enum err need_collection(
    struct taking *k, int64_t id, int64_t modified_ms, struct sync_collection **ret)
{
	const char *name = peer_name_find(k->p, id);

	*ret = NULL;
	if (modified_ms < 0 || modified_ms % SYNC_STAMP_MS != 0) {
		return refuse(k, "a time that cannot be");
	}
	if (modified_ms > k->m->storage_ms) {
		k->m->storage_ms = modified_ms;
	}
	if (id == 0 && name == NULL) {
		return ERR_OK;
	}
	if (name == NULL) {
		return refuse(k, "a collection without a name");
	}
	struct sync_collection *c = sync_meta_find(k->m, slice_str(name));
	c = c == NULL ? sync_meta_add(k->m, slice_str(name)) : c;
	if (c == NULL) {
		return refuse(k, "more collections than a store may have");
	}
	c->modified_ms = modified_ms > c->modified_ms ? modified_ms : c->modified_ms;
	*ret = c;
	return ERR_OK;
}

static enum err take_collections(struct taking *k)
{
	struct foreign_rows *rows = NULL;
	enum err e = ERR_OK;

	if (!k->p->has_user_collections) {
		return ERR_OK;
	}
	e = foreign_select(k->p->f,
	    "SELECT collection, last_modified FROM user_collections WHERE userid = ?1"
	    " ORDER BY collection",
	    &k->uid, 1, &rows, k->note);
	while (e == ERR_OK && (e = foreign_step(rows)) == ERR_OK) {
		struct sync_collection *c;
		e = need_collection(k, foreign_i64(rows, 0), foreign_i64(rows, 1), &c);
	}
	foreign_end(&rows);
	return e == ERR_END ? ERR_OK : e;
}

/* ---- records ---- */

struct peer_bso {
	struct slice id, payload;
	bool has_sortindex;
	int64_t sortindex, modified_ms, expires_ms;
};

/* When a record ends: syncserver counts in seconds, syncstorage-rs in milliseconds. */
static int64_t expires_ms(int64_t ttl, int64_t modified_ms)
{
	int64_t ms = ttl < seconds_max ? ttl * 1000 : ttl;
	bool is_never = ttl == 2100000000 || ms - modified_ms >= never_ms;

	return is_never ? 0 : ms;
}

static enum err put_record(
    struct taking *k, const struct sync_collection *c, const struct peer_bso *b)
{
	struct sql_query *q;
	enum err e = sync_begin(k->t->db, SYNC_BSO_PUT, &q, k->note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", k->uid);
	sql_bind_i64(q, "collection", c->number);
	sql_bind_text(q, "id", b->id);
	sql_bind_i64(q, "modified_ms", b->modified_ms);
	sql_bind_i64(q, "expires_ms", b->expires_ms);
	if (b->has_sortindex) {
		sql_bind_i64(q, "sortindex", b->sortindex);
	} else {
		sql_bind_null(q, "sortindex");
	}
	sql_bind_blob(q, "payload", b->payload);
	return sql_finish(q);
}

static enum err take_record(struct taking *k, struct foreign_rows *rows)
{
	struct peer_bso b = { .id = foreign_text(rows, 1),
		.payload = foreign_text(rows, 3),
		.has_sortindex = !foreign_is_null(rows, 2),
		.sortindex = foreign_i64(rows, 2),
		.modified_ms = foreign_i64(rows, 4) };
	struct sync_collection *c = NULL;

	if (!sync_id_is_good(b.id) || b.modified_ms <= 0 || foreign_i64(rows, 5) < 0 ||
	    b.sortindex < -SYNC_SORTINDEX_MAX || b.sortindex > SYNC_SORTINDEX_MAX) {
		return refuse(k, "a record whose id, time, ttl or sortindex cannot be");
	}
	enum err e = need_collection(k, foreign_i64(rows, 0), b.modified_ms, &c);
	if (e != ERR_OK || c == NULL) {
		return e == ERR_OK ? refuse(k, "a record without a collection") : e;
	}
	b.expires_ms =
	    foreign_is_null(rows, 5) ? 0 : expires_ms(foreign_i64(rows, 5), b.modified_ms);
	if (b.expires_ms != 0 && b.expires_ms <= k->t->now_ms) {
		k->p->report.expired++;
		return ERR_OK;
	}
	if (b.expires_ms != 0 && (k->m->expiry_ms == 0 || b.expires_ms < k->m->expiry_ms)) {
		k->m->expiry_ms = b.expires_ms;
	}
	c->count++;
	c->bytes += (int64_t)b.payload.len;
	k->p->report.records++;
	k->p->report.bytes += (int64_t)b.payload.len;
	return k->dry ? ERR_OK : put_record(k, c, &b);
}

static enum err take_records(struct taking *k)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; e == ERR_OK && i < k->p->n_tables; i++) {
		char sql[SQL_BYTES];
		struct foreign_rows *rows = NULL;
		(void)snprintf(sql, sizeof(sql),
		    "SELECT collection, id, sortindex, payload, modified, ttl FROM \"%s\""
		    " WHERE userid = ?1",
		    k->p->tables[i]);
		e = foreign_select(k->p->f, sql, &k->uid, 1, &rows, k->note);
		while (e == ERR_OK && (e = foreign_step(rows)) == ERR_OK) {
			e = take_record(k, rows);
		}
		foreign_end(&rows);
		e = e == ERR_END ? ERR_OK : e;
	}
	return e;
}

/* ---- a store ---- */

/* What an earlier state left is swept up as a deleted collection is. */
static enum err drop_what_is_there(struct taking *k)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; e == ERR_OK && i < k->there->n; i++) {
		struct sql_query *q;
		e = sync_begin(k->t->db, SYNC_GARBAGE_PUT, &q, k->note);
		if (e == ERR_OK) {
			sql_bind_i64(q, "uid", k->uid);
			sql_bind_i64(q, "collection", k->there->list[i].number);
			e = sql_finish(q);
		}
	}
	return e;
}

static enum err take_store(struct taking *k)
{
	enum err e = k->dry ? ERR_OK : drop_what_is_there(k);

	k->m->next_number = k->there->next_number;
	e = e == ERR_OK ? take_collections(k) : e;
	e = e == ERR_OK ? take_records(k) : e;
	if (e != ERR_OK) {
		return e;
	}
	k->m->last_ms = k->m->storage_ms;
	k->p->report.stores++;
	if (k->dry) {
		return ERR_OK;
	}
	e = sync_meta_save(k->t->db, k->m, k->note);
	return e == ERR_OK ? token_user_reserve(k->t, k->uid, k->note) : e;
}

enum err peer_next_store(
    struct peer *p, struct txn *t, bool dry, int64_t *uid, struct err_note *note)
{
	struct taking k = { .p = p, .t = t, .dry = dry, .note = note };
	int64_t last_ms = 0;
	enum err e = next_uid(p, *uid, &k.uid, note);

	if (e != ERR_OK) {
		return e;
	}
	*uid = k.uid;
	if (k.uid < 0 || k.uid > TOKEN_UID_MAX) {
		return refuse(&k, "numbers of users have up to ten digits");
	}
	k.m = sync_meta_new(t->arena, k.uid);
	k.there = sync_meta_new(t->arena, k.uid);
	if (k.m == NULL || k.there == NULL) {
		return ERR_MEMORY;
	}
	e = sync_meta_load(t->db, k.there, !dry, note);
	e = e == ERR_OK ? last_write(&k, &last_ms) : e;
	if (e != ERR_OK) {
		return e;
	}
	if (k.there->is_there && k.there->last_ms >= last_ms) {
		p->report.stores_there += k.there->last_ms == last_ms ? 1 : 0;
		p->report.stores_newer += k.there->last_ms > last_ms ? 1 : 0;
		return ERR_OK;
	}
	return take_store(&k);
}
