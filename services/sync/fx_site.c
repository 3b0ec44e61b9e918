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

/* /firefox, where the preference has no slash at its end. */
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
