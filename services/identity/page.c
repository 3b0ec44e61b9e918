/*
 * Pages and scripts, all from the program itself. A page is the same for everybody; what differs
 * it asks for by /wsapi.
 */
#include "core/base/check.h"
#include "core/http/asset.h"
#include "services/identity/identity_priv.h"
#include "web/assets.h"

static const char landing[] = "identity/landing.html";

static const struct {
	const char *path, *asset;
} pages[] = {
	{ "/", "identity/index.html" },
	{ "/sign_in", "identity/sign_in.html" },
	/* Behind links in mails: one document, which looks at its path. */
	{ "/verify_email_address", landing },
	{ "/confirm", landing },
	{ "/add_email_address", landing },
	{ "/reset_password", landing },
	{ "/complete_transition", landing },
	{ "/include.js", "identity/include.js" },
	{ "/include.orig.js", "identity/include.js" },
	{ "/provisioning_api.js", "identity/provisioning_api.js" },
	{ "/provisioning_api.orig.js", "identity/provisioning_api.js" },
	{ "/authentication_api.js", "identity/authentication_api.js" },
	{ "/authentication_api.orig.js", "identity/authentication_api.js" },
	{ "/auth", "identity/sign_in.html" },
	{ "/provision", "identity/provision.html" },
	{ "/communication_iframe", "identity/communication_iframe.html" },
	{ "/relay", "identity/relay.html" },
	{ "/favicon.ico", "identity/favicon.svg" },
};

static const char robots[] =
    "User-agent: *\nDisallow: /wsapi/\nDisallow: /verify_email_address\n"
    "Disallow: /confirm\nDisallow: /add_email_address\nDisallow: /reset_password\n"
    "Disallow: /complete_transition\nDisallow: /auth\nDisallow: /provision\n"
    "Disallow: /communication_iframe\nDisallow: /relay\n";

static enum err reply_asset(struct op_call *c, struct slice path)
{
	const struct asset *asset = asset_find(&web_assets, path);

	if (asset == NULL) {
		return identity_not_found(c);
	}
	asset_reply(c, asset, SLICE("public, max-age=0, must-revalidate"));
	return ERR_OK;
}

/* A row of the table above, by the path of its operation. */
enum err identity_page(struct op_call *c)
{
	size_t i = 0;

	while (i < sizeof(pages) / sizeof(pages[0]) && strcmp(c->op->path, pages[i].path) != 0) {
		i++;
	}
	CHECK(i < sizeof(pages) / sizeof(pages[0]));
	return reply_asset(c, slice_str(pages[i].asset));
}

/* What pages load: /identity/NAME. */
enum err identity_file(struct op_call *c)
{
	const char *path =
	    arena_printf(c->arena, "identity/%.*s", SLICE_ARG(http_param(c->req, "rest")));

	return path == NULL ? ERR_MEMORY : reply_asset(c, slice_str(path));
}

/* /v/HASH/PATH: for ever. */
enum err identity_hashed(struct op_call *c)
{
	asset_reply_hashed(c, &web_assets, http_param(c->req, "hash"), http_param(c->req, "rest"));
	return ERR_OK;
}

enum err identity_robots(struct op_call *c)
{
	http_add_header(c->req, SLICE("Cache-Control"), SLICE("public, max-age=3600"));
	http_reply(
	    c->req, 200, SLICE("text/plain; charset=utf-8"), SLICE_OF(robots, sizeof(robots) - 1));
	return ERR_OK;
}
