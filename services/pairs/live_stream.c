/*
 * Numbers of a couple's stream read from the database, for a room that has missed some and for a
 * client that comes back.
 */
#include "services/pairs/live_priv.h"
#include "services/pairs/pairs_db.h"

enum {
	PAGES_MAX = 1000 /* then something goes round in a circle */
};

/* Calls fn for each event behind after, at most a page of them; how many there were. */
static enum err read_page(struct live *l, int64_t couple, int64_t after,
    void (*fn)(struct live *l, const struct pairs_told *t, void *arg), void *arg, unsigned *ret_n,
    struct err_note *note)
{
	struct sql_query *q;
	enum err e = pairs_query(l->env->db, PAIRS_STREAM_AFTER,
	    PAIRS_VALUES(
		PAIRS_N("couple_id", couple), PAIRS_N("seq", after), PAIRS_N("most", LIVE_PAGE)),
	    &q, note);

	*ret_n = 0;
	if (e != ERR_OK) {
		return e;
	}
	while ((e = sql_step(q)) == ERR_OK) {
		const struct pairs_told told = { .couple = couple,
			.seq = sql_col_i64(q, 0),
			.event = sql_col_text(q, 1),
			.user = sql_col_i64(q, 2),
			.at_ms = sql_col_i64(q, 3),
			.body = sql_col_text(q, 4) };
		fn(l, &told, arg);
		++*ret_n;
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* ---- a room ---- */

static void tell_room(struct live *l, const struct pairs_told *t, void *arg)
{
	struct live_room *r = arg;

	/* It may have been told meanwhile. */
	if (t->seq == r->seq + 1) {
		live_room_tell(l, r, t);
		live_count(l, LIVE_GAPS, 1);
	}
}

enum err live_catch_up(struct live *l, struct live_room *r, struct err_note *note)
{
	unsigned n = LIVE_PAGE;
	enum err e = ERR_OK;

	for (unsigned i = 0; e == ERR_OK && n == LIVE_PAGE && i < PAGES_MAX; i++) {
		e = read_page(l, r->couple, r->seq, tell_room, r, &n, note);
	}
	return e;
}

/* ---- a client ---- */

struct replay {
	struct live_member *m;
	int64_t last;  /* none behind that */
	bool may_fill; /* whatever waits for it: beyond the hard limit it is closed */
};

static void tell_member(struct live *l, const struct pairs_told *t, void *arg)
{
	const struct replay *replay = arg;
	struct live_member *m = replay->m;
	bool is_full = !replay->may_fill && socketio_is_full(m->socket);

	/* What it can take now and nothing more; then it is told to read for itself. */
	if (m->is_over || is_full || t->seq != m->seq + 1 || t->seq > replay->last) {
		return;
	}
	struct socketio_out *o = live_encode(t);
	if (o == NULL) {
		return;
	}
	m->seq = t->seq;
	socketio_send(m->socket, o, 0);
	socketio_out_unref(&o);
	live_count(l, LIVE_REPLAYED, 1);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Everything up to the last number known here is left to the client's own reading. */
static void resync(struct live *l, struct live_member *m, int64_t head)
{
	struct buf text = buf_new(64);

	m->seq = later(m->room->seq, head);
	buf_printf(&text, "[\"resync\",{\"head\":%lld}]", (long long)m->seq);
	socketio_emit(m->socket, buf_slice(&text), 0);
	buf_free(&text);
	live_count(l, LIVE_RESYNCS, 1);
}

enum err live_tell_up_to(struct live *l, struct live_member *m, int64_t last, struct err_note *note)
{
	struct replay replay = { .m = m, .last = last, .may_fill = true };
	enum err e = ERR_OK;

	while (e == ERR_OK && !m->is_over && m->seq < last) {
		unsigned n = 0;
		int64_t before = m->seq;
		e = read_page(l, m->room->couple, m->seq, tell_member, &replay, &n, note);
		if (e == ERR_OK && m->seq == before) {
			e = ERR_AGAIN; /* no memory, or not the database that the number is of */
		}
	}
	return e;
}

enum err live_replay(struct live *l, struct live_member *m, int64_t head, struct err_note *note)
{
	struct live_room *r = m->room;
	struct replay replay = { .m = m, .last = INT64_MAX };
	/* A number that there has never been says that the client knows nothing. */
	bool too_far = m->seq > head || head - m->seq > LIVE_REPLAY_MAX;

	for (unsigned i = 0; !m->is_over && i < PAGES_MAX; i++) {
		unsigned n = 0;

		if (too_far) {
			resync(l, m, head);
			replay.may_fill = true;
		}
		if (m->seq >= r->seq) {
			/* What comes from now on is told to it with the others. */
			m->is_live = true;
			m->is_held = false;
			return ERR_OK;
		}
		int64_t before = m->seq;
		enum err e = read_page(l, r->couple, m->seq, tell_member, &replay, &n, note);
		if (e != ERR_OK) {
			return e;
		}
		too_far = m->seq != before + n;
	}
	return m->is_over ? ERR_OK : ERR_AGAIN;
}
