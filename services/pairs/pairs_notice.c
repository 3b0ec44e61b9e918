/*
 * Role: store. Telling the partner who is away: a post to the app's own server, which knows how to
 * reach a phone. It is put in the transaction of what it tells, so it is sent if and only if that
 * has happened; and one stands for all that a member has missed.
 */
#include <stdio.h>

#include "accounts/posts.h"
#include "services/pairs/pairs_change_priv.h"
#include "services/pairs/pairs_db.h"

/* Read marks and names are not worth a noise in a pocket. */
static bool is_worth_it(const char *event)
{
	static const char *const events[] = { "activity", "list", "list.item", "event", "couple" };

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (strcmp(event, events[i]) == 0) {
			return true;
		}
	}
	return false;
}

static enum err put(struct pairs_write *w, int64_t to, int64_t couple, int64_t seq,
    const char *event, int64_t from, struct slice body)
{
	char key[40];
	struct json_writer json;
	struct slice text = SLICE_EMPTY;
	struct buf *out = pairs_json(w, &json);

	if (out == NULL) {
		return ERR_MEMORY;
	}
	pairs_put_id(&json, "user_id", to);
	pairs_put_id(&json, "couple_id", couple);
	pairs_put_id(&json, "from_user_id", from);
	json_put_name(&json, SLICE("seq"));
	json_put_i64(&json, seq);
	json_put_name(&json, SLICE("event"));
	json_put_string(&json, slice_str(event));
	if (w->r->notice == PAIRS_NOTICE_FULL && body.len < POST_BODY_MAX / 2) {
		json_put_name(&json, SLICE("data"));
		json_put_raw(&json, body);
	}
	json_end_object(&json);
	int n = snprintf(key, sizeof(key), "pairs:%lld", (long long)to);
	enum err e = buf_finish(out, &text);
	const struct post post = { .key = SLICE_OF(key, (size_t)n), .seq = seq, .body = text };
	return e == ERR_OK ? post_put(w->t, &post, w->note) : e;
}

enum err pairs_put_notices(struct pairs_write *w, int64_t couple, int64_t seq, const char *event,
    int64_t user, struct slice body)
{
	struct sql_query *q;
	enum err e = ERR_OK;

	if (!is_worth_it(event)) {
		return ERR_OK;
	}
	e = pairs_find(
	    w->t->db, PAIRS_COUPLE_GET, PAIRS_VALUES(PAIRS_N("id", couple)), &q, w->note);
	if (e != ERR_OK) {
		return e;
	}
	const int64_t members[] = { sql_col_i64(q, 0), sql_col_i64(q, 1) };
	sql_end(q);
	for (int i = 0; e == ERR_OK && i < 2; i++) {
		struct pairs_user u;
		if (members[i] == user) {
			continue;
		}
		e = pairs_user_get(w->t->db, w->t->arena, members[i], &u, w->note);
		bool is_looking = e == ERR_OK && u.present_ms > w->t->now_ms && !u.away;
		if (e == ERR_OK && !is_looking) {
			e = put(w, members[i], couple, seq, event, user, body);
		}
	}
	return e;
}
