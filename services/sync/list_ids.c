/*
 * GET with ids=: each is looked up alone, and what was found is brought into the order of the list.
 */
#include "services/sync/list_priv.h"

/* By place: negative if a comes first. */
static int compare(
    const struct sync_list *l, const struct sync_found *a, const struct sync_found *b)
{
	int64_t at_a = sync_list_at(l, a->modified_ms, a->has_sortindex, a->sortindex);
	int64_t at_b = sync_list_at(l, b->modified_ms, b->has_sortindex, b->sortindex);
	size_t len = a->id.len < b->id.len ? a->id.len : b->id.len;
	int order = (at_a > at_b) - (at_a < at_b);

	order = order != 0 ? order : memcmp(a->id.ptr, b->id.ptr, len);
	order = order != 0 ? order : (a->id.len > b->id.len) - (a->id.len < b->id.len);
	return l->p.sort == SYNC_OLDEST ? order : -order;
}

/* Into its place; one that is there already stays alone. */
static void insert_found(struct sync_list *l, const struct sync_found *f)
{
	unsigned i = l->n_found;

	for (unsigned k = 0; k < l->n_found; k++) {
		if (slice_eq(l->found[k].id, f->id)) {
			return;
		}
	}
	while (i > 0 && compare(l, f, &l->found[i - 1]) < 0) {
		l->found[i] = l->found[i - 1];
		i--;
	}
	l->found[i] = *f;
	l->n_found++;
}

static bool is_wanted(const struct sync_list *l, const struct sync_found *f)
{
	struct sync_found offset = { .id = l->p.offset.id,
		.modified_ms = l->p.offset.at,
		.sortindex = l->p.offset.at,
		.has_sortindex = true };

	return f->modified_ms > l->p.newer_ms && f->modified_ms < l->older_ms &&
	       (!l->p.has_offset || compare(l, f, &offset) > 0);
}

enum err sync_list_find_ids(struct sync_list *l)
{
	l->found = arena_alloc(l->s.c->arena, sizeof(struct sync_found) * SYNC_IDS_MAX);
	if (l->found == NULL) {
		return ERR_MEMORY;
	}
	for (unsigned i = 0; i < l->p.ids.n; i++) {
		struct sync_bso b;
		struct sql_query *q;
		enum err e = sync_bso_find(&l->s, l->collection, l->p.ids.list[i], &q);
		if (e == ERR_NOT_FOUND) {
			continue;
		}
		if (e != ERR_OK) {
			return e;
		}
		sync_bso_read(q, false, &b);
		sql_end(q);
		const struct sync_found f = { .id = l->p.ids.list[i],
			.modified_ms = b.modified_ms,
			.sortindex = b.sortindex,
			.has_sortindex = b.has_sortindex };
		if (is_wanted(l, &f)) {
			insert_found(l, &f);
		}
	}
	return ERR_OK;
}

static enum err put_found(struct sync_list *l, const struct sync_found *f)
{
	struct sync_bso b = { .id = f->id,
		.modified_ms = f->modified_ms,
		.sortindex = f->sortindex,
		.has_sortindex = f->has_sortindex };
	struct sql_query *q = NULL;

	if (l->p.is_full) {
		enum err e = sync_bso_find(&l->s, l->collection, f->id, &q);
		if (e != ERR_OK) {
			return e == ERR_NOT_FOUND ? ERR_OK : e; /* deleted meanwhile */
		}
		sync_bso_read(q, true, &b);
	}
	sync_list_put(l, &b);
	if (q != NULL) {
		sql_end(q);
	}
	return ERR_OK;
}

enum err sync_list_read_found(struct sync_list *l, size_t until)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && l->out->len < until && l->at_found < l->n_found && l->left > 0) {
		e = put_found(l, &l->found[l->at_found++]);
	}
	l->is_done = l->at_found == l->n_found || l->left == 0;
	l->has_more = l->at_found < l->n_found;
	return e;
}
