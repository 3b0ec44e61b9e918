/*
 * Web push over the REST API: which browsers want to be told.
 */
#include "accounts/push.h"
#include "accounts/push_crypt.h"
#include "accounts/vapid.h"
#include "core/base/enc.h"
#include "services/pairs/api.h"
#include "services/pairs/pairs_push.h"

static enum err refuse_off(struct api_call *a)
{
	return api_refuse(a, 404, "push_off", "this server sends no pushes");
}

enum err api_push_key(struct api_call *a)
{
	const uint8_t *key = vapid_public(a->env);
	struct buf *text = arena_buf(a->c->arena, 2 * P256_POINT_BYTES);
	enum err e = ERR_OK;

	if (key == NULL) {
		return refuse_off(a);
	}
	e = text == NULL ? ERR_MEMORY : api_begin(a);
	if (e != ERR_OK) {
		return e;
	}
	enc_base64url(text, SLICE_OF(key, P256_POINT_BYTES));
	json_begin_object(&a->out);
	json_put_name(&a->out, SLICE("key"));
	json_put_string(&a->out, buf_slice(text));
	json_end_object(&a->out);
	return api_send(a, 200);
}

/* ---- subscriptions ---- */

static void put_subscription(struct api_call *a, int64_t id, bool text)
{
	pairs_put_id(&a->out, "id", id);
	json_put_name(&a->out, SLICE("text"));
	json_put_bool(&a->out, text);
}

/* The endpoint itself is a secret of the browser: whoever has it can be a nuisance. */
static void put_item(struct api_call *a, const struct push_subscription *s)
{
	struct push_endpoint parts;

	json_begin_object(&a->out);
	put_subscription(a, s->id, s->text);
	json_put_name(&a->out, SLICE("service"));
	if (push_endpoint_take(push_policy(a->env), s->endpoint, &parts)) {
		json_put_string(&a->out, parts.host);
	} else {
		json_put_null(&a->out); /* it may not be used any more */
	}
	json_put_name(&a->out, SLICE("this_session"));
	json_put_bool(&a->out, slice_eq(s->session, slice_str(a->token_hash)));
	json_put_name(&a->out, SLICE("created_at"));
	json_put_i64(&a->out, s->created_ms);
	json_end_object(&a->out);
}

enum err api_get_pushes(struct api_call *a)
{
	struct push_subscription *all =
	    arena_alloc(a->c->arena, PUSH_SUBSCRIPTIONS_MAX * sizeof(*all));
	char owner[PAIRS_OWNER_SIZE];
	unsigned n = 0;
	enum err e = all == NULL ? ERR_MEMORY : api_begin(a);

	if (e == ERR_OK) {
		e = push_list(a->env->db, a->c->arena, pairs_push_owner(a->user.id, owner), all, &n,
		    &a->c->note);
	}
	if (e != ERR_OK) {
		return e;
	}
	json_begin_object(&a->out);
	json_put_name(&a->out, SLICE("items"));
	json_begin_array(&a->out);
	for (unsigned i = 0; i < n; i++) {
		put_item(a, &all[i]);
	}
	json_end_array(&a->out);
	json_end_object(&a->out);
	return api_send(a, 200);
}

/* The members of keys, if they can be encrypted for. */
static bool take_keys(struct api_call *a, struct slice *ret_p256dh, struct slice *ret_auth)
{
	const struct json *keys = NULL;
	struct push_keys unused;

	return json_parse(a->c->arena, api_text(a, "keys"), &keys, NULL) == ERR_OK &&
	       json_get_string(json_member(keys, "p256dh"), ret_p256dh) &&
	       json_get_string(json_member(keys, "auth"), ret_auth) &&
	       ret_p256dh->len <= PUSH_KEY_TEXT_MAX && ret_auth->len <= PUSH_KEY_TEXT_MAX &&
	       push_keys_take(*ret_p256dh, *ret_auth, &unused);
}

enum err api_add_push(struct api_call *a)
{
	struct pairs_change_req r = { .kind = PAIRS_PUSH_ADD,
		.user = a->user.id,
		.hash = slice_str(a->token_hash),
		.new_id = pairs_new_id(),
		.endpoint = api_text(a, "endpoint"),
		.with_text = api_number(a, "text", 1) };
	struct push_endpoint unused;
	struct pairs_changed changed;
	enum err e = ERR_OK;

	if (!push_is_on(a->env)) {
		return refuse_off(a);
	}
	if (!push_endpoint_take(push_policy(a->env), r.endpoint, &unused)) {
		return api_refuse(a, 400, "invalid", "endpoint: pushes may not go there");
	}
	if (!take_keys(a, &r.p256dh, &r.auth)) {
		return api_refuse(
		    a, 400, "invalid", "keys: p256dh and auth of the subscription belong here");
	}
	if (!api_change(a, &r, &changed, &e)) {
		return e;
	}
	e = api_begin(a);
	if (e != ERR_OK) {
		return e;
	}
	json_begin_object(&a->out);
	put_subscription(a, changed.user, r.with_text != 0);
	json_end_object(&a->out);
	return api_send(a, a->row->success);
}

enum err api_delete_push(struct api_call *a)
{
	struct pairs_change_req r = { .kind = PAIRS_PUSH_DELETE, .user = a->user.id };
	struct pairs_changed changed;
	enum err e = ERR_OK;

	if (!api_path_id(a, "id", &r.id)) {
		return ERR_NOT_FOUND;
	}
	return api_change(a, &r, &changed, &e) ? api_send_empty(a) : e;
}
