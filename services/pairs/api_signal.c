/*
 * What is not kept, over the REST API (presence, typing), and what the app's own server says.
 */
#include "core/base/check.h"
#include "core/base/enc.h"
#include "services/pairs/api.h"
#include "services/pairs/pairs_fanout.h"

enum {
	TYPING_MS = 6000, /* so long without another signal one has stopped */
};

enum err api_typing(struct api_call *a)
{
	pairs_signal(a->env, &(struct pairs_signal){ .kind = PAIRS_TYPING,
				 .couple = a->user.couple,
				 .user = a->user.id,
				 .when_ms = a->now_ms + TYPING_MS });
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

/* A lease of this session's own: as many digits of its hash as a number takes. */
static int64_t holder_of(const struct api_call *a)
{
	unsigned char bytes[PAIRS_TOKEN_HASH_HEX / 2];
	size_t len = 0;
	uint64_t n = 0;

	CHECK(dec_hex(slice_str(a->token_hash), bytes, sizeof(bytes), &len) == ERR_OK &&
	      len == sizeof(bytes));
	memcpy(&n, bytes, sizeof(n));
	return (int64_t)(n >> 2) + 1;
}

enum err api_presence(struct api_call *a)
{
	struct slice state = api_text(a, "state");
	bool is_offline = slice_eq(state, SLICE("offline")),
	     is_away = slice_eq(state, SLICE("away"));
	struct pairs_change_req r = { .kind = PAIRS_SET_PRESENCE,
		.user = a->user.id,
		.holder = holder_of(a),
		.away = is_away ? 1 : 0 };
	struct pairs_changed changed;
	enum err e = ERR_OK;

	if (!is_offline && !is_away && !slice_eq(state, SLICE("online"))) {
		return api_refuse(a, 400, "invalid", "state: online, away or offline");
	}
	r.until_ms = is_offline ? 0 : a->now_ms + conf_ms(a->env->conf, "pairs", "presence_lease");
	if (!api_change(a, &r, &changed, &e)) {
		return e;
	}
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
