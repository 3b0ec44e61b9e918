/*
 * Pages on the listener of pairs (web/pairs), and the style that all pages of this server share.
 */
#include "core/http/asset.h"
#include "services/pairs/pairs_priv.h"
#include "web/assets.h"

#define REVALIDATE SLICE("public, max-age=0, must-revalidate")

static const char policy[] = "default-src 'self'; object-src 'none'; base-uri 'none'; "
			     "form-action 'self'; frame-ancestors 'none'";

struct slice pairs_page_policy(struct slice path)
{
	bool is_page = slice_eq(path, SLICE("/signup")) || slice_starts(path, SLICE("/pairs/")) ||
		       slice_starts(path, SLICE("/identity/"));

	return is_page ? SLICE_OF(policy, sizeof(policy) - 1) : SLICE_EMPTY;
}

static enum err reply(struct op_call *c, struct slice path)
{
	const struct asset *asset = asset_find(&web_assets, path);

	if (asset == NULL) {
		return pairs_not_found(c);
	}
	asset_reply(c, asset, REVALIDATE);
	return ERR_OK;
}

/* For people who want to sign up; it waits for its time slot by itself. */
enum err pairs_page_signup(struct op_call *c)
{
	return reply(c, SLICE("pairs/signup.html"));
}

/* /pairs/{rest*}, and /identity/style.css: as they are called in web/. */
enum err pairs_page_file(struct op_call *c)
{
	struct slice path = http_path(c->req);

	return reply(c, slice_sub(path, 1, path.len));
}
