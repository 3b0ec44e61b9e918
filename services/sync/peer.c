/*
 * See peer.h: what a database of a peer holds.
 */
#include "services/sync/peer.h"

#include <stdlib.h>
#include <string.h>

#include "services/sync/bso_record.h"

/* Collections that have their number without being in the peer's table (sync.md 1.10). */
static const char *const standard_names[] = { "clients", "crypto", "forms", "history", "keys",
	"meta", "bookmarks", "prefs", "tabs", "passwords", "addons", "addresses", "creditcards" };

/* ---- which tables ---- */

/* "bso", or with the number of a part behind it. */
static bool is_bso_table(struct slice name)
{
	uint64_t n;
	struct slice rest = slice_sub(name, 3, name.len);

	return slice_starts(name, SLICE("bso")) &&
	       (rest.len == 0 || slice_to_u64(rest, 100000, &n) == ERR_OK);
}

static bool is_wanted(struct slice name)
{
	static const char *const others[] = { "collections", "user_collections", "batch_uploads",
		"users", "nodes", "services" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (slice_eq(name, slice_str(others[i]))) {
			return true;
		}
	}
	return is_bso_table(name);
}

static void note_table(void *arg, const char *table)
{
	struct peer *p = arg;

	if (!is_bso_table(slice_str(table))) {
		return;
	}
	if (p->n_tables == PEER_TABLES_MAX) {
		p->has_more_tables = true;
		return;
	}
	memcpy(p->tables[p->n_tables++], table, strlen(table) + 1);
}

static enum err check_columns(
    struct peer *p, const char *table, const char *const *columns, struct err_note *note)
{
	for (size_t i = 0; columns[i] != NULL; i++) {
		if (!foreign_has(p->f, table, columns[i])) {
			return err_note_set(note, ERR_INVALID,
			    "table %s has no column %s: not a database of syncserver or "
			    "syncstorage-rs",
			    table, columns[i]);
		}
	}
	return ERR_OK;
}

static enum err index_stores(struct peer *p, struct err_note *note)
{
	enum err e = p->has_user_collections
			 ? foreign_index(p->f, "user_collections", "userid, collection", note)
			 : ERR_OK;

	for (unsigned i = 0; e == ERR_OK && i < p->n_tables; i++) {
		e = foreign_index(p->f, p->tables[i], "userid, collection, id", note);
	}
	return e;
}

static enum err see_tables(struct peer *p, const char *path, struct err_note *note)
{
	static const char *const bso[] = { "userid", "collection", "id", "sortindex", "payload",
		"modified", "ttl", NULL };
	static const char *const sums[] = { "userid", "collection", "last_modified", NULL };
	static const char *const users[] = { "uid", "email", "generation", "client_state",
		"created_at", "replaced_at", NULL };
	enum err e = foreign_tables(p->f, note_table, p, note);

	if (e == ERR_OK && p->has_more_tables) {
		e = err_note_set(note, ERR_LIMIT, "%s: more than %d tables of records", path,
		    (int)PEER_TABLES_MAX);
	}
	p->has_user_collections = foreign_has(p->f, "user_collections", NULL);
	p->has_users = foreign_has(p->f, "users", "client_state");
	p->has_keys_changed = foreign_has(p->f, "users", "keys_changed_at");
	p->has_nodes = foreign_has(p->f, "nodes", "node") && foreign_has(p->f, "users", "nodeid");
	p->has_services =
	    foreign_has(p->f, "services", "service") && foreign_has(p->f, "users", "service");
	for (unsigned i = 0; e == ERR_OK && i < p->n_tables; i++) {
		e = check_columns(p, p->tables[i], bso, note);
	}
	if (e == ERR_OK && p->has_user_collections) {
		e = check_columns(p, "user_collections", sums, note);
	}
	if (e == ERR_OK && p->has_users) {
		e = check_columns(p, "users", users, note);
	}
	if (e == ERR_OK && p->n_tables == 0 && !p->has_users) {
		e = err_note_set(note, ERR_INVALID,
		    "%s: neither stores (table bso) nor users (table users) of a sync server",
		    path);
	}
	return e == ERR_OK ? index_stores(p, note) : e;
}

/* ---- names ---- */

static enum err add_name(struct peer *p, int64_t id, struct slice name, struct err_note *note)
{
	struct peer_name *n = &p->names[p->n_names];

	if (p->n_names == PEER_NAMES_MAX || !sync_name_is_good(name) ||
	    slice_to_cstr(name, n->name, sizeof(n->name)) != ERR_OK) {
		return err_note_set(
		    note, ERR_INVALID, "collection %lld: no name that can be", (long long)id);
	}
	n->id = id;
	p->n_names++;
	return ERR_OK;
}

static int by_id(const void *a, const void *b)
{
	const struct peer_name *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id ? 1 : 0;
}

const char *peer_name_find(const struct peer *p, int64_t id)
{
	const struct peer_name wanted = { .id = id };
	const struct peer_name *n =
	    p->n_names == 0 ? NULL : bsearch(&wanted, p->names, p->n_names, sizeof(wanted), by_id);

	return n == NULL ? NULL : n->name;
}

static bool has(const struct peer *p, int64_t id, const char *name)
{
	for (unsigned i = 0; i < p->n_names; i++) {
		if (p->names[i].id == id || strcmp(p->names[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

/* Those of the table count, by name and by number. */
static enum err read_names(struct peer *p, struct err_note *note)
{
	struct foreign_rows *rows = NULL;
	enum err e = ERR_OK;

	p->names = calloc(PEER_NAMES_MAX, sizeof(*p->names));
	if (p->names == NULL) {
		return ERR_MEMORY;
	}
	if (foreign_has(p->f, "collections", "name")) {
		e = foreign_select(p->f, "SELECT id, name FROM collections", NULL, 0, &rows, note);
	}
	while (e == ERR_OK && rows != NULL && (e = foreign_step(rows)) == ERR_OK) {
		e = add_name(p, foreign_i64(rows, 0), foreign_text(rows, 1), note);
	}
	foreign_end(&rows);
	e = e == ERR_END ? ERR_OK : e;
	for (size_t i = 0; e == ERR_OK && i < sizeof(standard_names) / sizeof(standard_names[0]);
	     i++) {
		bool is_there = has(p, (int64_t)i + 1, standard_names[i]);
		e = is_there ? ERR_OK
			     : add_name(p, (int64_t)i + 1, slice_str(standard_names[i]), note);
	}
	if (e == ERR_OK) {
		qsort(p->names, p->n_names, sizeof(*p->names), by_id);
	}
	return e;
}

/* ---- opening ---- */

static enum err count_batches(struct peer *p, struct err_note *note)
{
	struct foreign_rows *rows = NULL;

	if (!foreign_has(p->f, "batch_uploads", NULL)) {
		return ERR_OK;
	}
	enum err e =
	    foreign_select(p->f, "SELECT COUNT(*) FROM batch_uploads", NULL, 0, &rows, note);
	if (e == ERR_OK && (e = foreign_step(rows)) == ERR_OK) {
		p->report.batches = foreign_i64(rows, 0);
	}
	foreign_end(&rows);
	return e;
}

enum err peer_open(
    const char *path, const struct conf *conf, struct peer *ret, struct err_note *note)
{
	*ret = (struct peer){ .conf = conf };
	enum err e = foreign_open(path, is_wanted, &ret->f, note);

	if (e == ERR_OK) {
		e = see_tables(ret, path, note);
	}
	if (e == ERR_OK) {
		e = read_names(ret, note);
	}
	return e == ERR_OK ? count_batches(ret, note) : e;
}

void peer_close(struct peer *p)
{
	foreign_close(&p->f);
	free(p->names);
	p->names = NULL;
}
