/*
 * Role: web. Which records a list of the old protocol is about, in their order. Those that are
 * asked for by id are looked up one by one, however many others there are; what else is said of
 * them is held against each. Everything else is a walk over the collection.
 */
#include <string.h>

#include "services/sync/weave_filter.h"

enum {
	NO_INDEX = -1000000000 /* where a record has none: below all that can be */
};

struct found {
	struct slice id; /* of the request */
	int64_t modified_ms, index;
};

struct found_list {
	struct found list[SYNC_IDS_MAX];
	unsigned n;
};

static void add_id(struct buf *ids, struct slice id, int64_t *n)
{
	buf_append_char(ids, (char)id.len);
	buf_append_slice(ids, id);
	*n += 1;
}

/* ---- by id ---- */

static int compare_ids(struct slice a, struct slice b)
{
	int c = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

	return c != 0 ? c : a.len < b.len ? -1 : a.len > b.len ? 1 : 0;
}

static int compare(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b ? 1 : 0;
}

/* As the statements of the filter order them. */
static int compare_found(enum sync_stmt order, const struct found *a, const struct found *b)
{
	int ids = compare_ids(a->id, b->id), times = compare(a->modified_ms, b->modified_ms);
	int indexes = compare(a->index, b->index);

	if (order == SYNC_WEAVE_NEWEST) {
		return times != 0 ? -times : -ids;
	}
	if (order == SYNC_WEAVE_OLDEST) {
		return times != 0 ? times : ids;
	}
	return order == SYNC_WEAVE_INDEX && indexes != 0 ? -indexes : ids;
}

/* In its place; one that is asked for twice is meant once. */
static void insert(struct found_list *l, enum sync_stmt order, const struct found *f)
{
	unsigned at = l->n;

	while (at > 0 && compare_found(order, f, &l->list[at - 1]) < 0) {
		at--;
	}
	if (at > 0 && compare_found(order, f, &l->list[at - 1]) == 0) {
		return;
	}
	memmove(&l->list[at + 1], &l->list[at], (l->n - at) * sizeof(*f));
	l->list[at] = *f;
	l->n++;
}

static bool is_text(struct sql_query *q, int column, bool asked, struct slice wanted)
{
	return !asked || (!sql_col_is_null(q, column) && slice_eq(sql_col_text(q, column), wanted));
}

/* Does the row that q stands on have all that is asked for? */
static bool fits(const struct weave_filter *f, struct sql_query *q, int64_t now_ms)
{
	int64_t modified_ms = sql_col_i64(q, 0), expires_ms = sql_col_i64(q, 1);
	bool has_index = !sql_col_is_null(q, 2);
	int64_t index = has_index ? sql_col_i64(q, 2) : 0;

	return modified_ms > f->newer_ms && modified_ms < f->older_ms &&
	       (expires_ms == 0 || expires_ms > now_ms) &&
	       (!f->has_above || (has_index && index > f->above)) &&
	       (!f->has_below || (has_index && index < f->below)) &&
	       is_text(q, 3, f->has_parentid, f->parentid) &&
	       is_text(q, 4, f->has_predecessorid, f->predecessorid);
}

static enum err look_up(struct weave_call *w, const struct weave_filter *f, int64_t collection,
    struct slice id, struct found_list *l)
{
	const struct svc_env *env = w->s.c->env;
	struct sql_query *q;
	enum err e = sync_begin(env->db, SYNC_WEAVE_ONE, &q, &w->s.c->note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", w->s.user.uid);
	sql_bind_i64(q, "collection", collection);
	sql_bind_text(q, "id", id);
	e = sql_step(q);
	if (e == ERR_OK && fits(f, q, w->s.now_ms)) {
		const struct found found = { .id = id,
			.modified_ms = sql_col_i64(q, 0),
			.index = sql_col_is_null(q, 2) ? NO_INDEX : sql_col_i64(q, 2) };
		insert(l, f->order, &found);
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static enum err find_asked(struct weave_call *w, const struct weave_filter *f, int64_t collection,
    struct buf *ids, int64_t *ret_n)
{
	struct found_list *l = arena_alloc(w->s.c->arena, sizeof(*l));
	enum err e = l == NULL ? ERR_MEMORY : ERR_OK;

	if (e != ERR_OK) {
		return e;
	}
	l->n = 0;
	for (unsigned i = 0; e == ERR_OK && i < f->ids.n; i++) {
		e = look_up(w, f, collection, f->ids.list[i], l);
	}
	for (int64_t i = f->skip; i < l->n && (f->limit < 0 || *ret_n < f->limit); i++) {
		add_id(ids, l->list[i].id, ret_n);
	}
	return e;
}

/* ---- by a walk ---- */

static void bind_filter(
    struct sql_query *q, const struct weave_call *w, const struct weave_filter *f)
{
	sql_bind_i64(q, "uid", w->s.user.uid);
	sql_bind_i64(q, "newer_ms", f->newer_ms);
	sql_bind_i64(q, "older_ms", f->older_ms);
	sql_bind_i64(q, "now_ms", w->s.now_ms);
	sql_bind_i64(q, "any_above", !f->has_above);
	sql_bind_i64(q, "index_above", f->above);
	sql_bind_i64(q, "any_below", !f->has_below);
	sql_bind_i64(q, "index_below", f->below);
	sql_bind_i64(q, "any_parent", !f->has_parentid);
	sql_bind_text(q, "parentid", f->has_parentid ? f->parentid : SLICE_EMPTY);
	sql_bind_i64(q, "any_predecessor", !f->has_predecessorid);
	sql_bind_text(q, "predecessorid", f->has_predecessorid ? f->predecessorid : SLICE_EMPTY);
	sql_bind_i64(q, "most", f->limit < 0 ? INT32_MAX : f->limit);
	sql_bind_i64(q, "skip", f->skip);
}

static enum err walk(struct weave_call *w, const struct weave_filter *f, int64_t collection,
    struct buf *ids, int64_t *ret_n)
{
	const struct svc_env *env = w->s.c->env;
	struct sql_query *q;
	enum err e = sync_begin(env->db, f->order, &q, &w->s.c->note);

	if (e != ERR_OK) {
		return e;
	}
	bind_filter(q, w, f);
	sql_bind_i64(q, "collection", collection);
	while ((e = sql_step(q)) == ERR_OK) {
		add_id(ids, sql_col_text(q, 0), ret_n);
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

enum err weave_find(struct weave_call *w, const struct weave_filter *f, int64_t collection,
    struct buf *ids, int64_t *ret_n)
{
	*ret_n = 0;
	enum err e = f->has_ids ? find_asked(w, f, collection, ids, ret_n)
				: walk(w, f, collection, ids, ret_n);

	return e == ERR_OK && ids->failed ? ERR_LIMIT : e;
}
