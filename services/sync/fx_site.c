/*
 * Where Firefox finds everything: the document it is configured by, and the page it signs in on.
 */
#include "core/http/asset.h"
#include "services/sync/fx.h"
#include "web/assets.h"

enum {
	DOCUMENT_MAX = 2048
};

static const char policy[] = "default-src 'self'; object-src 'none'; base-uri 'none'; "
			     "form-action 'self'; frame-ancestors 'none'";

#define REVALIDATE SLICE("public, max-age=0, must-revalidate")

/*
 * GET /.well-known/fxa-client-configuration. Firefox appends "/v1" and "/1.0/sync/1.5" itself, and
 * takes its own preference as the place of the page.
 */
enum err fx_configuration(struct op_call *c)
{
	const struct sync_state *state = c->state;
	struct slice origin = slice_str(state->url.origin);
	struct fx_answer a;
	enum err e = fx_begin(c, &a);

	if (e != ERR_OK) {
		return e;
	}
	fx_put_text(&a, "auth_server_base_url", origin);
	fx_put_text(&a, "oauth_server_base_url", origin);
	fx_put_text(&a, "profile_server_base_url", origin);
	fx_put_text(&a, "pairing_server_base_uri", SLICE(""));
	fx_put_text(&a, "sync_tokenserver_base_url",
	    slice_str(arena_printf(c->arena, "%s/token", state->url.origin)));
	return fx_send(&a);
}

/* A member that is an address of ours. */
static void put_url(struct fx_answer *a, const char *name, const char *path)
{
	const struct sync_state *state = a->c->state;

	fx_put_text(a, name, slice_str(arena_printf(a->c->arena, "%s%s", state->url.origin, path)));
}

/*
 * GET /.well-known/openid-configuration: what Firefox on phones reads beside the document above. Of
 * OpenID Connect this is the OAuth part; nobody gets an id_token here.
 */
enum err fx_openid_configuration(struct op_call *c)
{
	struct fx_answer a;
	enum err e = fx_begin(c, &a);

	if (e != ERR_OK) {
		return e;
	}
	put_url(&a, "issuer", "");
	put_url(&a, "authorization_endpoint", "/firefox/");
	put_url(&a, "token_endpoint", "/v1/oauth/token");
	put_url(&a, "introspection_endpoint", "/v1/introspect");
	put_url(&a, "revocation_endpoint", "/v1/oauth/destroy");
	put_url(&a, "userinfo_endpoint", "/v1/profile");
	put_url(&a, "jwks_uri", "/v1/jwks");
	json_put_name(&a.json, SLICE("response_types_supported"));
	json_begin_array(&a.json);
	json_put_string(&a.json, SLICE("code"));
	json_end_array(&a.json);
	return fx_send(&a);
}

/*
 * GET /v1/jwks: no public key proves access tokens of ours, which end before their time where a
 * browser signs out; a token server elsewhere therefore asks POST /v1/verify.
 */
enum err fx_jwks(struct op_call *c)
{
	struct fx_answer a;
	enum err e = fx_begin(c, &a);

	if (e != ERR_OK) {
		return e;
	}
	json_put_name(&a.json, SLICE("keys"));
	json_begin_array(&a.json);
	json_end_array(&a.json);
	return fx_send(&a);
}

/* /firefox/{rest*}: the page, and what it loads. */
enum err fx_file(struct op_call *c)
{
	struct slice rest = http_param(c->req, "rest");
	const char *path = arena_printf(
	    c->arena, "firefox/%.*s", SLICE_ARG(rest.len == 0 ? SLICE("index.html") : rest));
	const struct asset *asset = path == NULL ? NULL : asset_find(&web_assets, slice_str(path));

	if (path == NULL) {
		return ERR_MEMORY;
	}
	if (asset == NULL) {
		http_reply_text(c->req, 404, "no such page");
		return ERR_OK;
	}
	http_add_header(
	    c->req, SLICE("Content-Security-Policy"), SLICE_OF(policy, sizeof(policy) - 1));
	http_add_header(c->req, SLICE("Referrer-Policy"), SLICE("no-referrer"));
	asset_reply(c, asset, REVALIDATE);
	return ERR_OK;
}

/* /firefox, where the preference has no slash at its end, and what browsers open below /. */
enum err fx_home(struct op_call *c)
{
	struct slice query = http_query(c->req);
	const char *to =
	    arena_printf(c->arena, "/firefox/%s%.*s", query.len > 0 ? "?" : "", SLICE_ARG(query));

	if (to == NULL) {
		return ERR_MEMORY;
	}
	http_add_header(c->req, SLICE("Location"), slice_str(to));
	http_reply(c->req, 302, SLICE_EMPTY, SLICE_EMPTY);
	return ERR_OK;
}
