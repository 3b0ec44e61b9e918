/*
 * See peer.h: users of the token server.
 */
#include "accounts/token_user.h"
#include "services/sync/peer.h"
#include "services/sync/token.h"

/* A node of ours is named, this server and those that it takes the place of are not. */
static struct slice node_of(const struct peer *p, struct slice node)
{
	struct slice rest = slice_str(conf_str(p->conf, "sync", "nodes")), row;

	while (node.len > 0 && slice_split(&rest, ',', &row)) {
		struct slice url = slice_trim(slice_sub(row, 0, slice_find(row, '=', 0)));
		if (slice_eq(url, node)) {
			return node;
		}
	}
	return SLICE_EMPTY;
}

static enum err take_user(
    struct peer *p, struct txn *t, bool dry, struct foreign_rows *rows, struct err_note *note)
{
	struct slice email = foreign_text(rows, 1);
	struct slice fxa_uid = slice_sub(email, 0, slice_find(email, '@', 0));
	struct token_user u = { .uid = foreign_i64(rows, 0),
		.node = node_of(p, foreign_text(rows, 7)),
		.generation = foreign_i64(rows, 2),
		.keys_changed_ms = foreign_i64(rows, 6),
		.client_state = foreign_text(rows, 3),
		.replaced_ms = foreign_i64(rows, 5) };
	struct slice owner = SLICE_EMPTY;

	if (u.uid < 1 || u.uid > TOKEN_UID_MAX || fxa_uid.len < 1 ||
	    fxa_uid.len > TOKEN_FXA_UID_MAX || u.client_state.len > TOKEN_STATE_MAX ||
	    u.generation < 0 || u.keys_changed_ms < 0) {
		return err_note_set(note, ERR_INVALID,
		    "the user with uid %lld cannot be: its number, e-mail, client_state or a time",
		    (long long)u.uid);
	}
	enum err e = token_user_of_uid(t->db, t->arena, u.uid, &owner, note);
	if (e != ERR_OK && e != ERR_NOT_FOUND) {
		return e;
	}
	bool is_known = e == ERR_OK && slice_eq(owner, fxa_uid);
	p->report.users += is_known ? 0 : 1;
	p->report.users_there += is_known ? 1 : 0;
	if (dry && (is_known || e == ERR_NOT_FOUND)) {
		return ERR_OK;
	}
	/* Somebody else's uid is refused here, in a dry pass, too. */
	return token_user_adopt(t, fxa_uid, &u, foreign_i64(rows, 4), note);
}

enum err peer_next_users(
    struct peer *p, struct txn *t, bool dry, int64_t *uid, unsigned most, struct err_note *note)
{
	struct buf sql = buf_new(1024);
	struct slice text = SLICE_EMPTY;
	struct foreign_rows *rows = NULL;
	unsigned n = 0;

	if (!p->has_users) {
		return ERR_END;
	}
	buf_printf(&sql,
	    "SELECT u.uid, u.email, u.generation, u.client_state, u.created_at, u.replaced_at,"
	    " %s, %s FROM users u%s WHERE u.uid > ?1%s ORDER BY u.uid LIMIT ?2",
	    p->has_keys_changed ? "u.keys_changed_at" : "NULL", p->has_nodes ? "n.node" : "NULL",
	    p->has_nodes ? " LEFT JOIN nodes n ON n.id = u.nodeid" : "",
	    p->has_services ? " AND (u.service IN (SELECT id FROM services WHERE service ="
			      " 'sync-1.5') OR NOT EXISTS (SELECT 1 FROM services WHERE service ="
			      " 'sync-1.5'))"
			    : "");
	buf_append_char(&sql, '\0');
	enum err e = buf_finish(&sql, &text);
	const int64_t params[] = { *uid, most };
	e = e == ERR_OK ? foreign_select(p->f, text.ptr, params, 2, &rows, note) : e;
	while (e == ERR_OK && (e = foreign_step(rows)) == ERR_OK) {
		*uid = foreign_i64(rows, 0);
		n++;
		e = take_user(p, t, dry, rows, note);
	}
	foreign_end(&rows);
	buf_free(&sql);
	return e == ERR_END && n > 0 ? ERR_OK : e;
}
