/*
 * POST /verify, the remote verifier of version 1 (persona.md 2.5): is this assertion good for my
 * site, and whose is it? And what verifying here needs whoever asks: the keys, and compute for DSA.
 */
#include "services/identity/verify.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "services/identity/bundle.h"
#include "services/identity/identity_priv.h"

enum {
	ANSWER_MAX = 128 * 1024,
	REQUEST_MAX = 32 * 1024
};

static const char content_types[] =
    "Content-Type expected to be one of: application/x-www-form-urlencoded, application/json";

/* The body, or nothing of it. */
struct input {
	struct op_call *c;
	const struct json *object; /* JSON body */
	struct slice form;	   /* form body */
};

bool verify_has_type(struct slice value, struct slice type)
{
	return slice_eq_nocase(slice_trim(slice_sub(value, 0, slice_find(value, ';', 0))), type);
}

/* ERR_UNSUPPORTED: neither JSON nor form. */
static enum err read_body(struct op_call *c, struct input *ret)
{
	struct slice type = http_header_get(c->req, SLICE("Content-Type"));
	struct slice body = http_body(c->req);

	*ret = (struct input){ .c = c, .object = NULL, .form = SLICE_EMPTY };
	if (type.ptr == NULL || type.len == 0) {
		/* All may stand in the query. */
		return body.len == 0 ? ERR_OK : ERR_UNSUPPORTED;
	}
	if (verify_has_type(type, SLICE("application/x-www-form-urlencoded"))) {
		ret->form = body;
		return ERR_OK;
	}
	if (!verify_has_type(type, SLICE("application/json"))) {
		return ERR_UNSUPPORTED;
	}
	if (body.len == 0) {
		return ERR_OK;
	}
	enum err e = json_parse(c->arena, body, &ret->object, &c->note);
	return e == ERR_OK || e == ERR_MEMORY ? e : ERR_SYNTAX;
}

/* A parameter of query or body, query first. *ret_text ptr NULL: there, but no string. */
static bool find(const struct input *in, const char *name, struct slice *ret_text)
{
	const struct json *v = json_member(in->object, name);

	if (http_query_get(in->c->req, slice_str(name), ret_text)) {
		return true;
	}
	if (in->object == NULL) {
		return http_form_get(in->c->arena, in->form, slice_str(name), ret_text);
	}
	if (v == NULL || json_kind(v) == JSON_KIND_NULL) {
		return false;
	}
	if (!json_get_string(v, ret_text)) {
		*ret_text = (struct slice){ NULL, 0 };
	}
	return true;
}

static bool is_true(const struct input *in, const char *name)
{
	struct slice text;
	bool flag = false;

	if (json_get_bool(json_member(in->object, name), &flag)) {
		return flag;
	}
	return find(in, name, &text) && text.ptr != NULL && slice_eq(text, SLICE("true"));
}

/* Ends the object and answers with it. */
static enum err reply(struct op_call *c, int status, struct buf *body, struct json_writer *w)
{
	struct slice text = SLICE_EMPTY;

	json_end_object(w);
	enum err e = buf_finish(body, &text);
	if (e == ERR_OK) {
		http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-store"));
		http_reply(c->req, status, SLICE("application/json; charset=utf-8"), text);
	}
	return e;
}

enum err verify_fail(struct op_call *c, int status, const char *reason)
{
	struct buf *body = identity_body(c, ANSWER_MAX);

	if (body == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer w = json_writer_new(body);
	json_begin_object(&w);
	json_put_name(&w, SLICE("status"));
	json_put_string(&w, SLICE("failure"));
	json_put_name(&w, SLICE("reason"));
	json_put_string(&w, slice_str(reason));
	return reply(c, status, body, &w);
}

static void put_claims(struct json_writer *w, struct slice name, struct slice claims)
{
	if (claims.len > 0) {
		json_put_name(w, name);
		json_put_raw(w, claims);
	}
}

enum err verify_okay(struct op_call *c, struct slice audience, const struct bundle_result *r)
{
	struct buf *body = identity_body(c, ANSWER_MAX);

	if (body == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer w = json_writer_new(body);
	json_begin_object(&w);
	json_put_name(&w, SLICE("status"));
	json_put_string(&w, SLICE("okay"));
	json_put_name(&w, r->is_unverified ? SLICE("unverified-email") : SLICE("email"));
	json_put_string(&w, r->email);
	json_put_name(&w, SLICE("audience"));
	json_put_string(&w, audience);
	json_put_name(&w, SLICE("expires"));
	json_put_i64(&w, r->expires_ms);
	json_put_name(&w, SLICE("issuer"));
	json_put_string(&w, r->issuer);
	put_claims(&w, SLICE("idpClaims"), r->idp_claims);
	put_claims(&w, SLICE("userClaims"), r->user_claims);
	return reply(c, 200, body, &w);
}

/* Verifies in compute, in a task. */
static enum err verify_there(
    struct op_call *c, const struct bundle_query *q, struct bundle_result *ret)
{
	const struct svc_env *env = c->env;
	const struct identity_state *state = c->state;
	struct buf *message = identity_body(c, REQUEST_MAX);
	struct slice found = SLICE_EMPTY;

	if (message == NULL) {
		return ERR_MEMORY;
	}
	bundle_put_query(message, q, buf_slice(&state->own.json));
	if (message->failed) {
		return ERR_LIMIT;
	}
	enum err e = rpc_call(env->peer[ROLE_COMPUTE], state->verify_row, buf_slice(message),
	    identity_soon_us(c), c->trace, c->arena, &found, &c->note);
	if (e == ERR_OK && !bundle_take_result(c->arena, found, ret)) {
		return err_note_set(&c->note, ERR_PEER_GONE, "no answer to a bundle came back");
	}
	return e;
}

/* Adds the provider of a name, if there is one. */
static enum err add_trust(struct op_call *c, struct bundle_query *q, struct slice name)
{
	const struct identity_state *state = c->state;
	struct provider_answer a;
	enum err e = discovery_find(state->discovery, c->arena, name, c->deadline_us, &a);

	if (e != ERR_OK) {
		return e;
	}
	if (a.kind == PROVIDER_LIVE) {
		q->trust[q->n_trust++] = (struct bundle_trust){
			.domain = name, .issuer = a.provider.domain, .key_json = a.provider.key_json
		};
	}
	q->why_not = a.kind == PROVIDER_LIVE ? "another domain speaks for it" : a.why.ptr;
	return ERR_OK;
}

/*
 * Who may speak for the address: asked of its domain always, because a domain with a provider takes
 * that right from us (persona.md 10.7); and of the issuer when it is another one.
 */
static enum err find_trust(struct op_call *c, struct bundle_query *q)
{
	const struct identity_state *state = c->state;
	struct slice issuer, domain;
	enum err e = bundle_outline(c->arena, q->bundle, &issuer, &domain);
	bool is_forced = q->forced_issuer.len > 0 && slice_eq_nocase(issuer, q->forced_issuer);

	if (e != ERR_OK || issuer.len == 0 || is_forced) {
		return e;
	}
	if (domain.len > 0) {
		e = add_trust(c, q, domain);
	}
	/* A verifier's fallback is one like others. */
	bool is_ours = !state->is_verifier && slice_eq_nocase(issuer, q->own_host);
	bool is_known = is_ours || slice_eq_nocase(issuer, domain) ||
			(q->n_trust > 0 && slice_eq_nocase(issuer, q->trust[0].issuer));
	return e == ERR_OK && !is_known ? add_trust(c, q, issuer) : e;
}

enum err identity_verify_query(struct op_call *c, struct bundle_query *q, struct bundle_result *ret)
{
	const struct svc_env *env = c->env;
	struct identity_state *state = c->state;

	q->now_ms = clock_wall_ms();
	q->clock_skew_ms = conf_ms(env->conf, "identity", "clock_skew");
	if (state->is_verifier) {
		q->own_host = slice_str(conf_str(env->conf, "verifier", "fallback"));
	} else {
		q->own_host = slice_str(state->url.host);
	}
	enum err e = find_trust(c, q);
	if (e != ERR_OK) {
		return e;
	}
	/* Behind whatever waits: a reload may replace the keys meanwhile. */
	if (!state->is_verifier) {
		identity_keys_settle(state, q->now_ms);
		own_keys_offer(&state->own, q);
	}
	return bundle_needs_compute(q->bundle) ? verify_there(c, q, ret)
					       : bundle_verify(c->arena, q, ret);
}

enum err identity_verify_bundle(struct op_call *c, struct slice bundle, struct slice audience,
    bool allow_unverified, struct bundle_result *ret)
{
	struct bundle_query q = {
		.bundle = bundle, .audience = audience, .allow_unverified = allow_unverified
	};

	return identity_verify_query(c, &q, ret);
}

enum err identity_verify_for(struct op_call *c, void *state, struct slice bundle,
    struct slice audience, struct assertion_result *ret)
{
	struct op_call own = *c;
	struct bundle_result result = { .reason = NULL };

	own.state = state;
	enum err e = identity_verify_bundle(&own, bundle, audience, false, &result);
	c->note = own.note;
	ret->reason = result.reason;
	ret->email = result.email;
	return e;
}

/*
 * The issuer that a site forces. Here it is another name of ours, from the list that the operator
 * has allowed; a verifier for sites takes the site's word for whom it trusts.
 */
static enum err force_issuer(struct op_call *c, struct slice issuer, struct bundle_query *q)
{
	const struct svc_env *env = c->env;
	const struct identity_state *state = c->state;
	struct slice first = SLICE_EMPTY, domain = SLICE_EMPTY;
	enum err e = ERR_OK;

	if (!state->is_verifier) {
		q->forced_issuer = identity_may_force(env->conf, issuer) ? issuer : SLICE_EMPTY;
		return ERR_OK;
	}
	e = bundle_outline(c->arena, q->bundle, &first, &domain);
	q->trusts_issuer = e == ERR_OK && slice_eq_nocase(first, issuer);
	return e;
}

enum err identity_verify(struct op_call *c)
{
	struct input in;
	struct slice issuer = SLICE_EMPTY;
	struct bundle_query q = { .bundle = SLICE_EMPTY };
	struct bundle_result result = { .reason = NULL };
	enum err e = read_body(c, &in);

	if (e == ERR_UNSUPPORTED) {
		return verify_fail(c, 415, content_types);
	}
	if (e == ERR_SYNTAX) {
		return verify_fail(c, 400, "malformed JSON");
	}
	if (e != ERR_OK) {
		return e;
	}
	if (!find(&in, "assertion", &q.bundle) || !find(&in, "audience", &q.audience) ||
	    q.audience.ptr == NULL) {
		return verify_fail(c, 400, "need assertion and audience");
	}
	if (q.bundle.ptr == NULL) {
		return verify_fail(c, 200, "malformed backed assertion");
	}
	q.allow_unverified = is_true(&in, "experimental_allowUnverified");
	if (find(&in, "experimental_forceIssuer", &issuer) && issuer.len > 0) {
		e = force_issuer(c, issuer, &q);
	}
	if (e == ERR_OK) {
		e = identity_verify_query(c, &q, &result);
	}
	if (e != ERR_OK) {
		return e;
	}
	return result.reason != NULL ? verify_fail(c, 200, result.reason)
				     : verify_okay(c, q.audience, &result);
}
