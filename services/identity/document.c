/*
 * Documents about this server: its key for verifiers, and what the first page shows.
 */
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "services/identity/identity_priv.h"

enum {
	ABOUT_MAX = 8 * 1024
};

/* For a domain that a bridge speaks for: who that is. A host name needs no escapes. */
static enum err reply_bridge(struct op_call *c, struct slice host)
{
	const char *text = arena_printf(c->arena, "{\"authority\":\"%.*s\"}", SLICE_ARG(host));

	if (text == NULL) {
		return ERR_MEMORY;
	}
	http_reply(c->req, 200, SLICE("application/json"), slice_str(text));
	return ERR_OK;
}

/* The keys may change while a slow client reads: a copy of its own. */
static enum err reply_document(struct op_call *c, const struct buf *document)
{
	struct slice text = SLICE_EMPTY;
	enum err e = arena_copy(c->arena, buf_slice(document), &text);

	if (e == ERR_OK) {
		http_add_header(c->req, SLICE("Cache-Control"), SLICE("public, max-age=10"));
		http_reply(c->req, 200, SLICE("application/json"), text);
	}
	return e;
}

/* /.well-known/browserid */
enum err identity_well_known(struct op_call *c)
{
	struct identity_state *state = c->state;
	struct slice domain, bridge;

	if (http_query_get(c->req, SLICE("domain"), &domain) &&
	    providers_bridge(discovery_configured(state->discovery), domain, &bridge)) {
		http_add_header(c->req, SLICE("Cache-Control"), SLICE("public, max-age=10"));
		return reply_bridge(c, bridge);
	}
	identity_keys_settle(state, clock_wall_ms());
	return reply_document(c, &state->well_known);
}

/* /pk: the bare key. */
enum err identity_pk(struct op_call *c)
{
	struct identity_state *state = c->state;

	identity_keys_settle(state, clock_wall_ms());
	return reply_document(c, &state->public_key_json);
}

/* Where a listener is found by people beside the server, if that is known: not of port 0. */
static void put_address(
    struct json_writer *w, struct op_call *c, const char *name, const char *section)
{
	const struct svc_env *env = c->env;
	struct slice listen = slice_str(conf_str(env->conf, section, "listen"));

	if (listen.len > 0 && !slice_ends(listen, SLICE(":0"))) {
		json_put_name(w, slice_str(name));
		json_put_string(
		    w, slice_str(arena_printf(c->arena, "http://%.*s", SLICE_ARG(listen))));
	}
}

static void put_services(struct json_writer *w, struct op_call *c, bool is_beside)
{
	const struct svc_env *env = c->env;

	json_put_name(w, SLICE("services"));
	json_begin_array(w);
	for (size_t i = 0; i < env->n_services; i++) {
		const struct service *s = env->services[i];
		if (s->n_ops == 0) {
			continue; /* nobody outside can call it */
		}
		json_begin_object(w);
		json_put_name(w, SLICE("name"));
		json_put_string(w, slice_str(s->name));
		json_put_name(w, SLICE("summary"));
		json_put_string(w, slice_str(s->summary));
		/* Those of a listener of their own have a section of that name. */
		if (is_beside && strcmp(s->listener, "main") != 0) {
			put_address(w, c, "url", s->listener);
		}
		json_end_object(w);
	}
	json_end_array(w);
}

/* /__about__: what the first page tells. Other listeners are named only to people beside them. */
enum err identity_about_json(struct op_call *c)
{
	const struct svc_env *env = c->env;
	const struct identity_state *state = c->state;
	bool has_smtp = conf_str(env->conf, "mail", "smtp")[0] != '\0';
	struct buf *body = identity_body(c, ABOUT_MAX);
	struct slice text = SLICE_EMPTY;

	if (body == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer w = json_writer_new(body);
	json_begin_object(&w);
	json_put_name(&w, SLICE("version"));
	json_put_string(&w, slice_str(env->version));
	json_put_name(&w, SLICE("public_url"));
	json_put_string(&w, slice_str(state->url.origin));
	put_services(&w, c, state->url.is_loopback);
	if (state->url.is_loopback) {
		put_address(&w, c, "admin", "admin");
	}
	json_put_name(&w, SLICE("mail"));
	json_put_string(&w, has_smtp ? SLICE("smtp") : SLICE("development"));
	json_put_name(&w, SLICE("signup"));
	json_put_string(&w, slice_str(conf_str(env->conf, "identity", "signup")));
	json_end_object(&w);
	enum err e = buf_finish(body, &text);
	if (e == ERR_OK) {
		http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-cache"));
		http_reply(c->req, 200, SLICE("application/json; charset=utf-8"), text);
	}
	return e;
}
