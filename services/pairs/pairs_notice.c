/*
 * Role: store. Telling the partner who is away: a post to the app's own server, which knows how to
 * reach a phone, and pushes to browsers. They are put in the transaction of what they tell, so they
 * are sent if and only if that has happened; and one stands for all that a member has missed.
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

/* What happened, as JSON. */
struct notice {
	int64_t couple, seq, from;
	const char *event;
	struct slice data; /* empty: without the words */
};

static enum err make(struct pairs_write *w, const struct notice *n, int64_t to, struct slice *ret)
{
	struct json_writer json;
	struct buf *out = pairs_json(w, &json);

	if (out == NULL) {
		return ERR_MEMORY;
	}
	pairs_put_id(&json, "user_id", to);
	pairs_put_id(&json, "couple_id", n->couple);
	pairs_put_id(&json, "from_user_id", n->from);
	json_put_name(&json, SLICE("seq"));
	json_put_i64(&json, n->seq);
	json_put_name(&json, SLICE("event"));
	json_put_string(&json, slice_str(n->event));
	if (n->data.len > 0 && n->data.len < POST_BODY_MAX / 2) {
		json_put_name(&json, SLICE("data"));
		json_put_raw(&json, n->data);
	}
	json_end_object(&json);
	return buf_finish(out, ret);
}

/* To the app's own server. */
static enum err put_post(struct pairs_write *w, int64_t to, int64_t seq, struct slice body)
{
	char key[40];
	int n = snprintf(key, sizeof(key), "pairs:%lld", (long long)to);
	const struct post post = {
		.key = SLICE_OF(key, (size_t)n), .seq = seq, .body = body, .target = SLICE_EMPTY
	};

	return post_put(w->t, &post, w->note);
}

static enum err put(struct pairs_write *w, const struct notice *n, int64_t to)
{
	struct notice without = *n;
	struct slice full = SLICE_EMPTY, bare = SLICE_EMPTY;

	without.data = SLICE_EMPTY;
	enum err e = make(w, n, to, &full);
	if (e == ERR_OK) {
		e = make(w, &without, to, &bare);
	}
	if (e == ERR_OK && w->r->notice != PAIRS_NOTICE_NONE) {
		e = put_post(w, to, n->seq, w->r->notice == PAIRS_NOTICE_FULL ? full : bare);
	}
	if (e == ERR_OK && w->r->push != 0) {
		e = pairs_put_pushes(w, to, n->seq, strcmp(n->event, "activity") == 0, full, bare);
	}
	return e;
}

enum err pairs_put_notices(struct pairs_write *w, int64_t couple, int64_t seq, const char *event,
    int64_t user, struct slice body)
{
	const struct notice n = {
		.couple = couple, .seq = seq, .from = user, .event = event, .data = body
	};
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
			e = put(w, &n, members[i]);
		}
	}
	return e;
}
