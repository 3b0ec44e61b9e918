/*
 * Answers, and changes with what they lead to.
 */
#include "services/pairs/api.h"

static const struct slice json_type = { "application/json; charset=utf-8", 31 };

/* ---- refusals ---- */

struct slice api_refusal(struct arena *arena, const char *code, const char *message)
{
	struct buf *body = arena_buf(arena, 1024);

	if (body == NULL) {
		return SLICE_EMPTY;
	}
	struct json_writer w = json_writer_new(body);
	json_begin_object(&w);
	json_put_name(&w, SLICE("error"));
	json_begin_object(&w);
	json_put_name(&w, SLICE("code"));
	json_put_string(&w, slice_str(code));
	json_put_name(&w, SLICE("message"));
	json_put_string(&w, slice_str(message));
	json_end_object(&w);
	json_end_object(&w);
	return buf_slice(body);
}

void api_refuse_call(struct op_call *c, int status, const char *code, const char *message)
{
	struct slice text = api_refusal(c->arena, code, message);

	http_reply(c->req, status, text.len == 0 ? SLICE_EMPTY : json_type, text);
}

/* By request or by event. */
static void answer(struct api_call *a, int status, struct slice text)
{
	if (api_is_request(a)) {
		http_reply(a->c->req, status, text.len == 0 ? SLICE_EMPTY : json_type, text);
	} else {
		a->status = status;
		a->answer = text;
	}
}

enum err api_refuse(struct api_call *a, int status, const char *code, const char *message)
{
	answer(a, status, api_refusal(a->c->arena, code, message));
	return ERR_OK;
}

enum err api_refuse_until(
    struct api_call *a, int status, const char *code, const char *message, int64_t wait_ms)
{
	const char *seconds =
	    arena_printf(a->c->arena, "%lld", (long long)((wait_ms + 999) / 1000));

	if (seconds != NULL && api_is_request(a)) {
		http_add_header(a->c->req, SLICE("Retry-After"), slice_str(seconds));
	}
	return api_refuse(a, status, code, message);
}

/* ---- answers ---- */

enum err api_begin(struct api_call *a)
{
	a->body = arena_buf(a->c->arena, API_ANSWER_MAX);
	if (a->body == NULL) {
		return ERR_MEMORY;
	}
	a->out = json_writer_new(a->body);
	return ERR_OK;
}

enum err api_send(struct api_call *a, int status)
{
	struct slice text = SLICE_EMPTY;
	enum err e = buf_finish(a->body, &text);

	if (e == ERR_OK) {
		answer(a, status, text);
	}
	return e == ERR_LIMIT ? ERR_MEMORY : e;
}

enum err api_send_empty(struct api_call *a)
{
	answer(a, a->row->success, SLICE_EMPTY);
	return ERR_OK;
}

void api_put_event(struct json_writer *out, const struct pairs_changed *event)
{
	json_begin_object(out);
	json_put_name(out, SLICE("seq"));
	json_put_i64(out, event->seq);
	json_put_name(out, SLICE("event"));
	json_put_string(out, event->event);
	pairs_put_id(out, "user_id", event->user);
	json_put_name(out, SLICE("at"));
	json_put_i64(out, event->at_ms);
	json_put_name(out, SLICE("data"));
	json_put_raw(out, event->body);
	json_end_object(out);
}

enum err api_send_event(struct api_call *a, const struct pairs_changed *changed)
{
	enum err e = api_begin(a);

	if (e != ERR_OK) {
		return e;
	}
	api_put_event(&a->out, changed);
	return api_send(a, a->row->success);
}

/* ---- changes ---- */

static const struct {
	int status;
	const char *code, *message;
} outcomes[PAIRS_OUTCOMES] = {
	[PAIRS_NOT_FOUND] = { 404, "not_found", "there is no such thing" },
	[PAIRS_STALE] = { 409, "stale_version", "it was changed meanwhile" },
	[PAIRS_NOT_OWN] = { 403, "not_own", "it is the partner's" },
	[PAIRS_FULL] = { 409, "limit_reached", "there are as many as there may be" },
	[PAIRS_BAD_PLACE] = { 400, "out_of_range", "there is no such place" },
	[PAIRS_BAD_TIMES] = { 400, "invalid", "the end is before the start" },
	[PAIRS_PAIRED] = { 409, "already_paired", "one of the two has a partner" },
	[PAIRS_BAD_TOKEN] = { 400, "bad_token", "the token is none of ours" },
	[PAIRS_USED] = { 410, "gone", "the token was used, or has expired" },
	[PAIRS_TOO_SOON] = { 429, "too_soon", "the last mail was sent just now" },
	[PAIRS_HELD] = { 400, "address_unreachable", "mail to that address came back" },
	[PAIRS_OTHER_USE] = { 409, "client_id_used", "the client_id stood for something else" },
};

bool api_change(
    struct api_call *a, struct pairs_change_req *r, struct pairs_changed *ret, enum err *ret_err)
{
	*ret_err = pairs_make_change(
	    a->env, a->c->arena, a->c->deadline_us, a->c->trace, r, ret, &a->c->note);
	if (*ret_err != ERR_OK) {
		return false;
	}
	if (outcomes[ret->outcome].status == 429) {
		*ret_err = api_refuse_until(a, 429, outcomes[ret->outcome].code,
		    outcomes[ret->outcome].message, r->interval_ms);
		return false;
	}
	if (outcomes[ret->outcome].status != 0) {
		*ret_err = api_refuse(a, outcomes[ret->outcome].status, outcomes[ret->outcome].code,
		    outcomes[ret->outcome].message);
		return false;
	}
	a->seq = ret->seq;
	return true;
}
