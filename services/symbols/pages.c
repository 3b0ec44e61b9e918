/*
 * The pages of the service: one for browsers, which asks the API, and what it loads. Others that
 * ask for "/" get the same in words.
 */
#include "core/http/asset.h"
#include "services/symbols/symbols_priv.h"
#include "web/assets.h"

#define REVALIDATE SLICE("public, max-age=0, must-revalidate")

/* %s: where the script of sign-in comes from, with a space before; its window is a page of its own.
 */
#define POLICY                                                                                     \
	"default-src 'none'; script-src 'self' %s; style-src 'self'; img-src 'self'; "             \
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static enum err in_words(struct op_call *c)
{
	const struct symbols_state *state = c->state;
	const char *text = arena_printf(c->arena,
	    "Plimsoll symbol server.\n\n"
	    "download:  %s/DEBUG_FILE/DEBUG_ID/FILE\n"
	    "upload:    curl -H 'Auth-Token: KEY' --form symbols.zip=@symbols.zip %s/upload/\n"
	    "missing:   %s/missingsymbols.csv\n"
	    "a token:   plimsoll symbols token add EMAIL upload_symbols, beside the server;\n"
	    "           or at this address in a browser\n\n"
	    "gdb and everything else that knows debuginfod:\n\n"
	    "export DEBUGINFOD_URLS=%s/\n",
	    state->url.origin, state->url.origin, state->url.origin, state->url.origin);

	if (text == NULL) {
		return ERR_MEMORY;
	}
	http_reply(c->req, 200, SLICE("text/plain; charset=utf-8"), slice_str(text));
	return ERR_OK;
}

static enum err reply_file(struct op_call *c, const struct asset *asset)
{
	const struct svc_env *env = c->env;
	const char *policy =
	    arena_printf(c->arena, POLICY, conf_str(env->conf, "plimsoll", "public_url"));

	if (policy == NULL) {
		return ERR_MEMORY;
	}
	if (asset == NULL) {
		return symbols_not_found(c);
	}
	http_add_header(c->req, SLICE("Content-Security-Policy"), slice_str(policy));
	http_add_header(c->req, SLICE("Referrer-Policy"), SLICE("no-referrer"));
	asset_reply(c, asset, REVALIDATE);
	return ERR_OK;
}

enum err symbols_page(struct op_call *c)
{
	struct slice accept = http_header_get(c->req, SLICE("Accept")), html = SLICE("text/html");

	/* Which of the two it is depends on the header. */
	http_add_header(c->req, SLICE("Vary"), SLICE("Accept"));
	if (accept.ptr == NULL || memmem(accept.ptr, accept.len, html.ptr, html.len) == NULL) {
		return in_words(c);
	}
	return reply_file(c, asset_find(&web_assets, SLICE("symbols/index.html")));
}

/* Style and mark are those of all pages of this program. */
static bool is_shared(struct slice path)
{
	return slice_eq(path, SLICE("identity/style.css")) ||
	       slice_eq(path, SLICE("identity/favicon.svg"));
}

enum err symbols_page_file(struct op_call *c)
{
	struct slice path = http_param(c->req, "rest");
	bool is_ours = slice_starts(path, SLICE("symbols/")) || is_shared(path);

	return reply_file(c, is_ours ? asset_find(&web_assets, path) : NULL);
}
