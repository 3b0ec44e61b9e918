/*
 * Where a list has come to, and the records behind that place.
 */
#include "services/sync/bso_record.h"
#include "services/sync/db.h"
#include "services/sync/list_priv.h"

enum {
	FULL_ROWS = 100, /* of one query: PostgreSQL sends them all at once */
	ID_ROWS = 2000,
	NO_SORTINDEX = -1000000000 /* below all that can be */
};

/* Later than any id among equals. */
#define LAST_ID SLICE("\x7f")

/* ---- places ---- */

void sync_list_set_place(
    struct sync_place *place, char id[SYNC_ID_MAX], int64_t at, struct slice from)
{
	size_t len = from.len < SYNC_ID_MAX ? from.len : SYNC_ID_MAX;

	memcpy(id, from.ptr, len);
	*place = (struct sync_place){ at, SLICE_OF(id, len) };
}

int64_t sync_list_at(
    const struct sync_list *l, int64_t modified_ms, bool has_sortindex, int64_t sortindex)
{
	return l->p.sort != SYNC_INDEX ? modified_ms : has_sortindex ? sortindex : NO_SORTINDEX;
}

/* Behind which the first record comes. */
void sync_list_set_first_place(struct sync_list *l)
{
	if (l->p.has_offset) {
		sync_list_set_place(&l->place, l->place_id, l->p.offset.at, l->p.offset.id);
	} else if (l->p.sort == SYNC_NEWEST) {
		sync_list_set_place(&l->place, l->place_id, l->older_ms, SLICE_EMPTY);
	} else if (l->p.sort == SYNC_OLDEST) {
		sync_list_set_place(&l->place, l->place_id, l->p.newer_ms, LAST_ID);
	} else {
		sync_list_set_place(&l->place, l->place_id, INT64_MAX, SLICE_EMPTY);
	}
}

/* ---- the database ---- */

static enum err begin_rows(
    struct sync_list *l, bool full, int64_t most, struct sql_query **ret, struct err_note *note)
{
	static const enum sync_stmt stmts[][2] = { [SYNC_NEWEST] = { SYNC_NEWEST_IDS,
						       SYNC_NEWEST_FULL },
		[SYNC_OLDEST] = { SYNC_OLDEST_IDS, SYNC_OLDEST_FULL },
		[SYNC_INDEX] = { SYNC_INDEX_IDS, SYNC_INDEX_FULL } };
	const struct svc_env *env = l->s.c->env;
	struct sql_query *q;
	enum err e = sync_begin(env->db, stmts[l->p.sort][full ? 1 : 0], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", l->s.user.uid);
	sql_bind_i64(q, "collection", l->collection);
	if (l->p.sort != SYNC_OLDEST) {
		sql_bind_i64(q, "newer_ms", l->p.newer_ms);
	}
	if (l->p.sort != SYNC_NEWEST) {
		sql_bind_i64(q, "older_ms", l->older_ms);
	}
	sql_bind_i64(q, "at_ms", l->place.at);
	sql_bind_text(q, "at_id", l->place.id);
	sql_bind_i64(q, "now_ms", l->s.now_ms);
	sql_bind_i64(q, "most", most);
	*ret = q;
	return ERR_OK;
}

void sync_list_put(struct sync_list *l, const struct sync_bso *b)
{
	if (l->p.is_full) {
		sync_bso_write(&l->writer, b);
	} else {
		json_put_string(&l->writer, b->id);
	}
	if (l->s.answers_lines) {
		buf_append_char(l->out, '\n');
		l->writer.comma = false;
	}
	sync_list_set_place(&l->last, l->last_id,
	    sync_list_at(l, b->modified_ms, b->has_sortindex, b->sortindex), b->id);
	l->n++;
	l->left--;
}

/* One query's records, or as many as fit. */
enum err sync_list_read_page(struct sync_list *l, size_t until)
{
	const int64_t rows = l->p.is_full ? FULL_ROWS : ID_ROWS;
	int64_t most = l->left < rows ? l->left + 1 : rows, n = 0;
	struct sql_query *q;
	enum err e = begin_rows(l, l->p.is_full, most, &q, &l->s.c->note);

	if (e != ERR_OK) {
		return e;
	}
	while (l->out->len < until && !l->is_done && (e = sql_step(q)) == ERR_OK) {
		struct sync_bso b;
		if (l->left == 0) {
			l->has_more = l->is_done = true;
			break;
		}
		n++;
		sync_bso_read(q, l->p.is_full, &b);
		sync_list_put(l, &b);
	}
	l->is_done = l->is_done || (e == ERR_END && n < most);
	sql_end(q);
	if (n > 0) {
		sync_list_set_place(&l->place, l->place_id, l->last.at, l->last.id);
	}
	return e == ERR_END ? ERR_OK : e;
}

/* How many records there will be, and the last of them if there are more behind it. */
enum err sync_list_survey(
    struct sync_list *l, int64_t *ret_n, struct sync_place *last, char id[SYNC_ID_MAX])
{
	int64_t most = l->p.limit < INT64_MAX - 1 ? l->p.limit + 1 : INT64_MAX;
	struct sql_query *q;
	enum err e = begin_rows(l, false, most, &q, &l->s.c->note);

	*ret_n = 0;
	if (e != ERR_OK) {
		return e;
	}
	while ((e = sql_step(q)) == ERR_OK && *ret_n < l->p.limit) {
		struct sync_bso b;
		sync_bso_read(q, false, &b);
		sync_list_set_place(
		    last, id, sync_list_at(l, b.modified_ms, b.has_sortindex, b.sortindex), b.id);
		*ret_n += 1;
	}
	l->has_more = e == ERR_OK;
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}
