/*
 * What an event asks for: the function of its row of the API, as for a request. The answer is its
 * acknowledgement: {"ok":true,"seq":N,"answer":{...}} or {"error":{...}}. seq is the number of the
 * change, which stands in place of the event that all others get; so it goes out when all before it
 * have.
 */
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/rng.h"
#include "services/pairs/live_priv.h"

struct op_call live_op_call(struct live *l, struct arena *arena, const struct op *op)
{
	return (struct op_call){ .op = op,
		.env = l->env,
		.state = pairs_state(l->env),
		.arena = arena,
		.deadline_us = clock_mono_us() + op->deadline_ms * INT64_C(1000),
		.trace = rng_u64() };
}

/* ---- the acknowledgement ---- */

static void put_answer(const struct api_call *a, struct buf *out)
{
	if (a->status >= 400) {
		buf_append_slice(out, a->answer);
		return;
	}
	buf_append_str(out, "{\"ok\":true");
	if (a->seq != 0) {
		buf_printf(out, ",\"seq\":%lld", (long long)a->seq);
	}
	if (a->answer.len > 0) {
		buf_append_str(out, ",\"answer\":");
		buf_append_slice(out, a->answer);
	}
	buf_append_char(out, '}');
}

static void acknowledge(struct live_member *m, uint64_t ack, const struct api_call *a)
{
	struct buf text = buf_new(a->answer.len + 128);

	buf_append_char(&text, '[');
	put_answer(a, &text);
	buf_append_char(&text, ']');
	if (text.failed) {
		socketio_close(m->socket, "memory");
	} else {
		socketio_ack(m->socket, ack, buf_slice(&text));
	}
	buf_free(&text);
}

static void fail(struct api_call *a, enum err e)
{
	const struct api_failure f = api_fail(a->c, e);

	a->status = f.status;
	a->answer = api_refusal(a->c->arena, f.code, f.message);
}

/* ---- the call ---- */

/* What is known of the member without looking. */
static void use_known(const struct live_member *m, struct api_call *a)
{
	const struct live_seat *seats = m->room->seats;

	a->user = (struct pairs_user){ .id = m->user,
		.couple = m->room->couple,
		.first_name = SLICE_EMPTY,
		.avatar = SLICE_EMPTY,
		.options = SLICE_EMPTY };
	a->partner = seats[seats[0].user == m->user ? 1 : 0].user;
	memcpy(a->token_hash, m->token_hash, sizeof(a->token_hash));
}

/* Its session was seen to stand a moment ago, and nobody has said otherwise since. */
static bool is_checked(const struct live *l, const struct live_member *m, int64_t moment_us)
{
	return m->checked_us != 0 && loop_now_us(l->env->loop) - m->checked_us < moment_us;
}

/* The session may have ended meanwhile, or be another couple's. False: the member is put out. */
static bool authorise(struct live *l, struct live_member *m, struct api_call *a, enum err *ret)
{
	struct pairs_session s;

	if (is_checked(l, m, LIVE_CHECK_US)) {
		use_known(m, a);
		return true;
	}
	*ret = pairs_session_by_hash(
	    l->env->db, a->c->arena, slice_str(m->token_hash), a->now_ms, &s, &a->c->note);
	if (*ret == ERR_UNAUTHENTICATED) {
		live_expel(l, m, "signed_out");
		return false;
	}
	if (*ret == ERR_OK && s.user.couple != m->room->couple) {
		live_expel(l, m, "parted");
		return false;
	}
	if (*ret == ERR_OK) {
		m->checked_us = loop_now_us(l->env->loop);
		api_set_session(a, &s);
	}
	return true;
}

static enum err run(struct api_call *a, const struct live_call *call)
{
	enum err e =
	    json_parse(a->c->arena, SLICE_OF(call->text, call->len), &a->json, &a->c->note);

	if (e == ERR_OK && !api_take_fields(a, &e)) {
		return e;
	}
	return e == ERR_OK ? a->row->handle(a) : e;
}

/* All numbers before that of the change are told before it is acknowledged. */
static enum err take_turn(struct live *l, struct live_member *m, int64_t seq)
{
	struct err_note note = { 0 };
	enum err e = ERR_OK;

	if (seq <= m->seq) {
		return ERR_OK;
	}
	if (seq > m->room->seq) {
		e = live_catch_up(l, m->room, &note);
	}
	if (e == ERR_OK) {
		e = live_tell_up_to(l, m, seq - 1, &note);
	}
	m->seq = seq;
	return e;
}

static void finish(
    struct live *l, struct live_member *m, const struct live_call *call, const struct api_call *a)
{
	struct err_note note = { 0 };
	enum err e = take_turn(l, m, a->seq);

	if (e == ERR_OK && !m->is_over) {
		if (call->wants_ack) {
			acknowledge(m, call->ack, a);
		}
		e = live_replay(l, m, m->seq, &note);
	}
	if (e != ERR_OK) {
		/* It comes back with the number that it knows. */
		socketio_close(m->socket, "behind");
	}
}

void live_do(struct live *l, struct live_member *m, const struct live_call *call)
{
	struct arena arena = arena_new(LIVE_ARENA_MAX);
	struct op_call c = live_op_call(l, &arena, &pairs_ops[PAIRS_SOCKET_OPS + call->row]);
	struct api_call *a = arena_alloc(&arena, sizeof(*a));
	enum err e = ERR_OK;

	if (a == NULL) {
		socketio_close(m->socket, "memory");
		goto out;
	}
	*a = (struct api_call){ .c = &c,
		.env = l->env,
		.state = c.state,
		.row = &api_rows[call->row],
		.now_ms = clock_wall_ms(),
		.answer = SLICE_EMPTY };
	m->is_held = true;
	if (!authorise(l, m, a, &e)) {
		goto out;
	}
	if (e == ERR_OK) {
		e = run(a, call);
	}
	if (e != ERR_OK) {
		fail(a, e);
	}
	CHECK(a->status != 0);
	if (!m->is_over) {
		finish(l, m, call, a);
	}
out:
	arena_reset(&arena);
}

/* ---- at once ---- */

static void do_row(struct live_member *m, struct api_call *a, const struct socketio_event *ev)
{
	enum err e = ERR_OK;

	use_known(m, a);
	a->json = json_element(ev->args, 1);
	if (api_take_fields(a, &e)) {
		e = a->row->handle(a);
	}
	if (e != ERR_OK) {
		fail(a, e);
	}
	if (ev->wants_ack && !m->is_over) {
		acknowledge(m, ev->id, a);
	}
}

bool live_do_at_once(
    struct live *l, struct live_member *m, enum api_number row, const struct socketio_event *ev)
{
	const struct op *op = &pairs_ops[PAIRS_SOCKET_OPS + row];

	if (op->cost != COST_MEMORY || m->is_busy || !m->is_live ||
	    !is_checked(l, m, LIVE_SIGNAL_CHECK_US)) {
		return false;
	}
	struct arena arena = arena_new(LIVE_ARENA_MAX);
	struct op_call c = live_op_call(l, &arena, op);
	struct api_call a = { .c = &c,
		.env = l->env,
		.state = c.state,
		.row = &api_rows[row],
		.now_ms = clock_wall_ms(),
		.answer = SLICE_EMPTY };
	live_member_ref(m);
	do_row(m, &a, ev);
	live_member_unref(l, m);
	arena_reset(&arena);
	return true;
}
