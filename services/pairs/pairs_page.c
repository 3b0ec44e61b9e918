/*
 * Pages on the listener of pairs (web/pairs): the one with which two people try this service, and
 * the one for signing up that waits for its time slot; the style that all pages of this server
 * share, and what the pages want to know of the server.
 */
#include "accounts/public_url.h"
#include "core/base/json.h"
#include "core/http/asset.h"
#include "services/pairs/media_answer.h"
#include "services/pairs/pairs_priv.h"
#include "web/assets.h"

enum {
	ABOUT_MAX = 1024
};

#define REVALIDATE SLICE("public, max-age=0, must-revalidate")

/* Pictures may be on a host of their own, to which the API sends on. */
struct slice pairs_page_policy(const struct op_call *c)
{
	const struct svc_env *env = c->env;
	struct slice path = http_path(c->req);
	bool is_page = slice_eq(path, SLICE("/")) || slice_eq(path, SLICE("/signup")) ||
		       slice_starts(path, SLICE("/pairs/")) ||
		       slice_starts(path, SLICE("/identity/"));

	if (!is_page) {
		return SLICE_EMPTY;
	}
	const char *policy = arena_printf(c->arena,
	    "default-src 'self'; img-src 'self' blob: %.*s; object-src 'none'; base-uri 'none'; "
	    "form-action 'self'; frame-ancestors 'none'",
	    SLICE_ARG(media_base(env->conf)));
	return policy == NULL ? SLICE_EMPTY : slice_str(policy);
}

static enum err reply(struct op_call *c, struct slice path)
{
	const struct asset *asset = asset_find(&web_assets, path);

	if (asset == NULL || media_is_own_host(c)) {
		return pairs_not_found(c);
	}
	asset_reply(c, asset, REVALIDATE);
	return ERR_OK;
}

enum err pairs_page(struct op_call *c)
{
	return reply(c, SLICE("pairs/index.html"));
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

/* Where mails are kept that nobody sends; told only to people beside the server. */
enum err pairs_page_about(struct op_call *c)
{
	const struct svc_env *env = c->env;
	const struct conf *conf = env->conf;
	struct public_url url;
	struct buf *body = arena_buf(c->arena, ABOUT_MAX);
	struct slice text = SLICE_EMPTY;
	enum err e =
	    public_url_parse(slice_str(conf_str(conf, "plimsoll", "public_url")), &url, NULL);

	if (e != ERR_OK || body == NULL) {
		return e != ERR_OK ? e : ERR_MEMORY;
	}
	struct json_writer w = json_writer_new(body);
	json_begin_object(&w);
	if (url.is_loopback && conf_str(conf, "mail", "smtp")[0] == '\0') {
		const char *outbox =
		    arena_printf(c->arena, "http://%s/outbox", conf_str(conf, "admin", "listen"));
		if (outbox == NULL) {
			return ERR_MEMORY;
		}
		json_put_name(&w, SLICE("outbox"));
		json_put_string(&w, slice_str(outbox));
	}
	json_end_object(&w);
	e = buf_finish(body, &text);
	if (e == ERR_OK) {
		http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-cache"));
		http_reply(c->req, 200, SLICE("application/json; charset=utf-8"), text);
	}
	return e;
}
