/*
 * Calls about the session itself: session_context, logout, prolong_session; and those that are
 * there to be called: interaction_data, ping.
 */
#include "core/base/enc.h"
#include "core/base/rng.h"
#include "services/identity/wsapi.h"

enum {
	SEED_BYTES = 32
};

static void put_time(struct wsapi *w, struct slice name, int64_t ms)
{
	json_put_name(&w->json, name);
	json_put_i64(&w->json, ms);
}

static void put_flag(struct wsapi *w, struct slice name, bool flag)
{
	json_put_name(&w->json, name);
	json_put_bool(&w->json, flag);
}

/* Fresh random bytes for pages whose browser has a poor generator. */
static void put_seed(struct wsapi *w)
{
	uint8_t seed[SEED_BYTES];
	struct buf text = buf_new(64);

	rng_bytes(seed, sizeof(seed));
	enc_base64(&text, SLICE_OF(seed, sizeof(seed)));
	json_put_name(&w->json, SLICE("random_seed"));
	json_put_string(&w->json, buf_slice(&text));
	buf_free(&text);
}

/* persona.md 2.3 */
enum err wsapi_session_context(struct wsapi *w)
{
	const struct session *s = &w->session;
	bool is_known = s->level != SESSION_NOBODY;
	bool has_cookie = http_cookie(w->c->req, SLICE("can_set_cookies")).ptr != NULL;

	session_need_csrf(&w->session);
	enum err e = wsapi_begin(w);
	if (e != ERR_OK) {
		return e;
	}
	json_put_name(&w->json, SLICE("csrf_token"));
	json_put_string(&w->json, slice_str(s->csrf));
	put_time(w, SLICE("server_time"), w->now_ms);
	put_flag(w, SLICE("authenticated"), is_known);
	if (is_known) {
		json_put_name(&w->json, SLICE("auth_level"));
		json_put_string(&w->json,
		    s->level == SESSION_PASSWORD ? SLICE("password") : SLICE("assertion"));
	}
	put_flag(w, SLICE("has_password"), w->has_password);
	put_time(w, SLICE("domain_key_creation_time"), w->state->key_created_ms);
	put_seed(w);
	put_time(w, SLICE("data_sample_rate"), 0);
	put_flag(w, SLICE("cookies"), is_known || has_cookie);
	if (is_known) {
		json_put_name(&w->json, SLICE("userid"));
		json_put_i64(&w->json, s->userid);
	}
	return wsapi_send(w, 200);
}

enum err wsapi_logout(struct wsapi *w)
{
	session_logout(&w->session, w->now_ms);
	return wsapi_ok(w);
}

enum err wsapi_prolong_session(struct wsapi *w)
{
	w->session.created_ms = w->now_ms;
	w->session.duration_ms = wsapi_duration_ms(w, false);
	return wsapi_plain(w, SLICE("OK"));
}

/* Measurements of old pages: taken, and thrown away. */
enum err wsapi_interaction_data(struct wsapi *w)
{
	return wsapi_ok(w);
}

/* For load balancers: web and its database answer. */
enum err wsapi_ping(struct wsapi *w)
{
	int64_t owner;
	enum err e = email_owner(w->env->db, SLICE("ping"), &owner, &w->c->note);

	if (e != ERR_OK && e != ERR_NOT_FOUND) {
		http_reply(w->c->req, 500, SLICE("text/plain; charset=utf-8"), SLICE("fail"));
		return ERR_OK;
	}
	return wsapi_plain(w, SLICE("ok"));
}
