/*
 * What is not kept, over the REST API (presence, typing), and what the app's own server says.
 */
#include "services/pairs/api.h"

enum {
	TYPING_MS = 6000, /* so long without another signal one has stopped */
	SIGNAL_BYTES = 256
};

/* {"user_id": ..., ...} of a signal; more follows in out. */
static struct buf *begin_signal(struct api_call *a, struct json_writer *out)
{
	struct buf *body = arena_buf(a->c->arena, SIGNAL_BYTES);

	if (body != NULL) {
		*out = json_writer_new(body);
		json_begin_object(out);
		pairs_put_id(out, "user_id", a->user.id);
	}
	return body;
}

enum err api_typing(struct api_call *a)
{
	struct json_writer out;
	struct buf *body = begin_signal(a, &out);

	if (body == NULL) {
		return ERR_MEMORY;
	}
	json_put_name(&out, SLICE("until"));
	json_put_i64(&out, a->now_ms + TYPING_MS);
	json_end_object(&out);
	pairs_signal(a->env, a->user.couple, a->user.id, "typing", buf_slice(body));
	return api_send_empty(a);
}

/* ---- presence ---- */

static enum err answer_presence(struct api_call *a, struct slice state, int64_t until_ms)
{
	enum err e = api_begin(a);

	if (e != ERR_OK) {
		return e;
	}
	json_begin_object(&a->out);
	json_put_name(&a->out, SLICE("state"));
	json_put_string(&a->out, state);
	json_put_name(&a->out, SLICE("until"));
	json_put_i64(&a->out, until_ms);
	json_end_object(&a->out);
	return api_send(a, a->row->success);
}

/* The partner is told when it is another state than the one that stands. */
static void tell_presence(struct api_call *a, struct slice state)
{
	struct json_writer out;
	bool was_there = a->user.present_ms > a->now_ms;
	struct slice before = !was_there     ? SLICE("offline")
			      : a->user.away ? SLICE("away")
					     : SLICE("online");
	struct buf *body = slice_eq(state, before) ? NULL : begin_signal(a, &out);

	if (body != NULL) {
		json_put_name(&out, SLICE("state"));
		json_put_string(&out, state);
		json_put_name(&out, SLICE("at"));
		json_put_i64(&out, a->now_ms);
		json_end_object(&out);
		pairs_signal(a->env, a->user.couple, a->user.id, "presence", buf_slice(body));
	}
}

enum err api_presence(struct api_call *a)
{
	struct slice state = api_text(a, "state");
	bool is_offline = slice_eq(state, SLICE("offline")),
	     is_away = slice_eq(state, SLICE("away"));
	struct pairs_change_req r = {
		.kind = PAIRS_SET_PRESENCE, .user = a->user.id, .away = is_away ? 1 : 0
	};
	struct pairs_changed changed;
	enum err e = ERR_OK;

	if (!is_offline && !is_away && !slice_eq(state, SLICE("online"))) {
		return api_refuse(a, 400, "invalid", "state: online, away or offline");
	}
	r.until_ms = is_offline ? 0 : a->now_ms + conf_ms(a->env->conf, "pairs", "presence_lease");
	if (!api_change(a, &r, &changed, &e)) {
		return e;
	}
	tell_presence(a, state);
	return answer_presence(a, state, r.until_ms);
}

/* ---- the app's own server ---- */

enum err api_publish(struct api_call *a)
{
	struct pairs_change_req r = { .kind = PAIRS_ADD_ACTIVITY,
		.couple = api_number(a, "couple", 0),
		.client_id = api_text(a, "client_id"),
		.new_id = pairs_new_id() };
	struct pairs_changed changed;
	struct buf *body = arena_buf(a->c->arena, PAIRS_BODY_MAX);
	struct json_writer out;
	enum err e = ERR_OK;

	if (body == NULL) {
		return ERR_MEMORY;
	}
	out = json_writer_new(body);
	json_begin_object(&out);
	pairs_put_id(&out, "id", r.new_id);
	json_put_name(&out, SLICE("type"));
	json_put_string(&out, SLICE("app"));
	json_put_name(&out, SLICE("data"));
	json_put_raw(&out, api_text(a, "data"));
	json_end_object(&out);
	e = buf_finish(body, &r.body);
	if (e != ERR_OK || !api_change(a, &r, &changed, &e)) {
		return e;
	}
	return api_send_event(a, &changed);
}
