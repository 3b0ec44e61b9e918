/*
 * What web processes tell each other. A message that would be too long for a packet says only that
 * there is something: who has the couple's room reads it. See svc_tell() for what happens when one
 * is lost.
 */
#include "core/base/check.h"
#include "core/base/wire.h"
#include "services/pairs/live_priv.h"

enum kind {
	AN_EVENT,  /* seq, user, at_ms, event, body */
	A_HINT,	   /* the couple has one more number */
	A_SIGNAL,  /* kind, user, when_ms, presence */
	A_RECHECK, /* user */
};

/* Kind and couple are begun, the rest is put by the caller. */
static struct buf begin(enum kind kind, int64_t couple)
{
	struct buf out = buf_new(SVC_TELL_BYTES);

	wire_put_u8(&out, (uint8_t)kind);
	wire_put_i64(&out, couple);
	return out;
}

static void put_out(const struct live *l, struct buf *message)
{
	if (!message->failed) {
		svc_tell(l->env, &pairs_service, buf_slice(message));
	}
	buf_free(message);
}

void live_peers_event(const struct live *l, const struct pairs_told *t)
{
	struct buf out = begin(AN_EVENT, t->couple);

	wire_put_i64(&out, t->seq);
	wire_put_i64(&out, t->user);
	wire_put_i64(&out, t->at_ms);
	wire_put_bytes(&out, t->event);
	wire_put_bytes(&out, t->body);
	if (out.failed) {
		buf_free(&out);
		out = begin(A_HINT, t->couple);
	}
	put_out(l, &out);
}

void live_peers_signal(const struct live *l, const struct pairs_signal *signal)
{
	struct buf out = begin(A_SIGNAL, signal->couple);

	wire_put_u8(&out, (uint8_t)signal->kind);
	wire_put_i64(&out, signal->user);
	wire_put_i64(&out, signal->when_ms);
	wire_put_u8(&out, (uint8_t)signal->presence);
	put_out(l, &out);
}

void live_peers_recheck(const struct live *l, int64_t couple, int64_t user)
{
	struct buf out = begin(A_RECHECK, couple);

	wire_put_i64(&out, user);
	put_out(l, &out);
}

/* ---- what they have said ---- */

static void take_event(struct live *l, struct live_room *r, struct wire_reader *in)
{
	struct pairs_told t = { .couple = 0 };

	t.seq = wire_take_i64(in);
	t.user = wire_take_i64(in);
	t.at_ms = wire_take_i64(in);
	t.event = wire_take_bytes(in);
	t.body = wire_take_bytes(in);
	CHECK(wire_done(in));
	if (r != NULL) {
		t.couple = r->couple;
		live_room_tell(l, r, &t);
	}
}

static void take_signal(struct live *l, struct live_room *r, int64_t couple, struct wire_reader *in)
{
	struct pairs_signal s = { .couple = couple };

	s.kind = (enum pairs_signal_kind)wire_take_u8(in);
	s.user = wire_take_i64(in);
	s.when_ms = wire_take_i64(in);
	s.presence = (enum pairs_presence)wire_take_u8(in);
	CHECK(wire_done(in));
	if (r != NULL) {
		live_room_signal(l, r, &s);
	}
}

void live_be_alert(struct live *l, int64_t until_us)
{
	int64_t now_us = loop_now_us(l->env->loop);

	l->alert_until_us = until_us > l->alert_until_us ? until_us : l->alert_until_us;
	for (unsigned i = 0; i < LIVE_BUCKETS && l->n_rooms > 0; i++) {
		for (struct live_room *r = l->buckets[i]; r != NULL; r = r->next) {
			live_room_look_at(l, r, now_us);
		}
	}
}

void live_told(struct live *l, struct slice message)
{
	struct wire_reader in = wire_reader_new(message);
	enum kind kind = (enum kind)wire_take_u8(&in);
	int64_t couple = wire_take_i64(&in);

	if (message.len == 0) {
		live_be_alert(l, loop_now_us(l->env->loop) + LIVE_ALERT_US);
		return;
	}
	struct live_room *r = live_room_find(l, couple);
	switch (kind) {
	case AN_EVENT:
		take_event(l, r, &in);
		return;
	case A_HINT:
		CHECK(wire_done(&in));
		break;
	case A_SIGNAL:
		take_signal(l, r, couple, &in);
		return;
	case A_RECHECK:
		(void)wire_take_i64(&in);
		CHECK(wire_done(&in));
		if (r != NULL) {
			live_room_recheck(l, r);
		}
		return;
	default:
		CHECK(false);
	}
	if (r != NULL) {
		live_room_look(l, r);
	}
}
