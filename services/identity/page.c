/*
 * Pages and scripts, all from the program itself; the operator's texts are in page_text.c. A page
 * with scripts is the same for everybody; what differs it asks for by /wsapi, and its texts by
 * language. One without has a file per language.
 */
#include "services/identity/page.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "services/identity/identity_priv.h"
#include "web/assets.h"

static const char landing[] = "identity/landing.html";

static const struct {
	const char *path, *asset;
} pages[] = {
	{ "/", "identity/index.html" },
	{ "/sign_in", "identity/sign_in.html" },
	/* Behind links, mailed or printed: one document, which looks at its path. */
	{ "/verify_email_address", landing },
	{ "/confirm", landing },
	{ "/add_email_address", landing },
	{ "/reset_password", landing },
	{ "/complete_transition", landing },
	{ "/first_account", landing },
	{ "/include.js", "identity/include.js" },
	{ "/include.orig.js", "identity/include.orig.js" },
	{ "/provisioning_api.js", "identity/provisioning_api.js" },
	{ "/provisioning_api.orig.js", "identity/provisioning_api.orig.js" },
	{ "/authentication_api.js", "identity/authentication_api.js" },
	{ "/authentication_api.orig.js", "identity/authentication_api.orig.js" },
	{ "/auth", "identity/sign_in.html" },
	{ "/provision", "identity/provision.html" },
	{ "/communication_iframe", "identity/communication_iframe.html" },
	{ "/relay", "identity/relay.html" },
	{ "/about", "identity/about.html" },
	{ "/unsupported_dialog", "identity/unsupported_dialog.html" },
	{ "/unsupported_dialog_without_watch", "identity/unsupported_dialog.html" },
	{ "/cookies_disabled", "identity/cookies_disabled.html" },
	{ "/favicon.ico", "identity/favicon.svg" },
	{ "/humans.txt", "identity/humans.txt" },
	{ "/.well-known/dnt-policy.txt", "identity/dnt-policy.txt" },
};

enum {
	PAGES = sizeof(pages) / sizeof(pages[0]),
	ARENA_MAX = 16 * 1024 * 1024,
	PATH_MAX_BYTES = 64 /* of an embedded file's path */
};

struct pages {
	struct arena arena;
	struct asset made[LANGUAGES][PAGES], text[LANGUAGES][PAGE_TEXTS];
	const char *policy[FRAMES_KINDS];
};

/* ---- made when a process starts ---- */

/* %s: where assets come from, twice, with a space before; then what is said of frames. */
#define POLICY                                                                                     \
	"default-src 'self'%s; connect-src 'self'; img-src 'self'%s https: data:; "                \
	"object-src 'none'; base-uri 'none'; form-action 'self'; %s"

static const char policy_alone[] =
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

struct slice pages_policy(const struct pages *p, enum page_frames frames)
{
	return slice_str(p == NULL ? policy_alone : p->policy[frames]);
}

/*
 * Pages load scripts and styles only from here and where assets are kept; images of sites may come
 * from anywhere over https.
 */
static enum err set_policies(struct pages *p, const char *assets, bool is_loopback)
{
	const char *frames[FRAMES_KINDS] = {
		[FRAMES_NONE] = "frame-ancestors 'none'",
		/* A provider on this machine need not speak https either. */
		[FRAMES_PROVIDERS] = is_loopback ? "frame-src https: http:; frame-ancestors 'none'"
						 : "frame-src https:; frame-ancestors 'none'",
		[FRAMES_SITES] = "frame-ancestors *",
	};

	for (int i = 0; i < FRAMES_KINDS; i++) {
		p->policy[i] = arena_printf(&p->arena, POLICY, assets, assets, frames[i]);
		if (p->policy[i] == NULL) {
			return ERR_MEMORY;
		}
	}
	return ERR_OK;
}

/* The origin that asset_url names; empty: this server. */
static enum err asset_origin(const struct conf *conf, struct public_url *ret, struct err_note *note)
{
	const char *text = conf_str(conf, "identity", "asset_url");
	enum err e = ERR_OK;

	*ret = (struct public_url){ .origin = "" };
	if (text[0] == '\0') {
		return ERR_OK;
	}
	e = public_url_parse(slice_str(text), ret, NULL);
	for (const char *c = text; e == ERR_OK && *c != '\0'; c++) {
		bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
				(*c >= '0' && *c <= '9') || strchr(".:/-[]", *c) != NULL;
		e = is_plain ? ERR_OK : ERR_CONFIG;
	}
	if (e != ERR_OK || strchr(strstr(ret->origin, "//") + 2, '/') != NULL) {
		return err_note_set(note, ERR_CONFIG,
		    "[identity] asset_url: %s is not of the form https://HOST[:PORT]", text);
	}
	return ERR_OK;
}

/* Sets where pages load from: base is the folder of the embedded files as they are now. */
static enum err set_origin(
    struct pages *p, const struct conf *conf, const char **ret_base, struct err_note *note)
{
	struct public_url own, assets;
	enum err e =
	    public_url_parse(slice_str(conf_str(conf, "plimsoll", "public_url")), &own, note);

	if (e == ERR_OK) {
		e = asset_origin(conf, &assets, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	const char *spaced =
	    assets.origin[0] == '\0' ? "" : arena_printf(&p->arena, " %s", assets.origin);
	*ret_base = arena_printf(&p->arena, "%s/v/%s", assets.origin, web_assets.hash);
	if (spaced == NULL || *ret_base == NULL) {
		return ERR_MEMORY;
	}
	return set_policies(p, spaced, own.is_loopback);
}

const struct asset *page_embedded(const char *path)
{
	const struct asset *a = asset_find(&web_assets, slice_str(path));

	CHECK(a != NULL);
	return a;
}

const struct asset *page_embedded_in(const char *path, enum language l)
{
	const char *end = strrchr(path, '.');
	char name[PATH_MAX_BYTES];

	CHECK(end != NULL);
	int n = snprintf(
	    name, sizeof(name), "%.*s.%s%s", (int)(end - path), path, language_tag(l), end);
	CHECK(n > 0 && (size_t)n < sizeof(name));
	const struct asset *a = asset_find(&web_assets, slice_str(name));
	return a == NULL ? page_embedded(path) : a;
}

static bool is_html(const struct asset *a)
{
	return slice_starts(slice_str(a->content_type), SLICE("text/html"));
}

static enum err make_pages(struct pages *p, struct slice base, enum language l)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < PAGES; i++) {
		const struct asset *from = page_embedded_in(pages[i].asset, l);
		if (l != LANGUAGE_EN && from == page_embedded(pages[i].asset)) {
			p->made[l][i] = p->made[LANGUAGE_EN][i];
			continue;
		}
		p->made[l][i] = *from;
		if (is_html(from)) {
			e = page_make(&p->arena, from, base, &p->made[l][i]);
		}
	}
	return e;
}

static enum err make_all(struct pages *p, const struct conf *conf, struct err_note *note)
{
	const char *base = NULL;
	enum err e = set_origin(p, conf, &base, note);

	for (enum language l = LANGUAGE_EN; e == ERR_OK && l < LANGUAGES; l++) {
		e = make_pages(p, slice_str(base), l);
		if (e == ERR_OK) {
			e = page_texts_make(&p->arena, conf, slice_str(base), l, p->text[l], note);
		}
	}
	return e;
}

enum err pages_load(const struct conf *conf, struct pages **ret, struct err_note *note)
{
	struct pages *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		return ERR_MEMORY;
	}
	p->arena = arena_new(ARENA_MAX);
	enum err e = make_all(p, conf, note);
	if (e != ERR_OK) {
		pages_free(&p);
		return e;
	}
	*ret = p;
	return ERR_OK;
}

void pages_free(struct pages **p)
{
	if (*p != NULL) {
		arena_reset(&(*p)->arena);
		free(*p);
		*p = NULL;
	}
}

const struct asset *pages_text(const struct pages *p, unsigned i, enum language l)
{
	CHECK(i < PAGE_TEXTS && l < LANGUAGES);
	return &p->text[l][i];
}

/* ---- answers ---- */

/* Files that pages load, for pages of this server even where they come by way of a cache. */
static void add_origin(struct op_call *c)
{
	const struct identity_state *state = c->state;

	http_add_header(c->req, SLICE("Access-Control-Allow-Origin"), slice_str(state->url.origin));
}

/*
 * Firefox opens its page at the root where its preference names no folder: /firefox/ has it. False:
 * it is not Firefox that asks.
 */
static bool send_firefox_on(struct op_call *c)
{
	struct slice context;
	struct slice query = http_query(c->req);

	if (query.len == 0 || !http_query_get(c->req, SLICE("context"), &context) ||
	    !slice_eq(context, SLICE("oauth_webchannel_v1"))) {
		return false;
	}
	const char *to = arena_printf(c->arena, "/firefox/?%.*s", SLICE_ARG(query));
	if (to == NULL) {
		return false;
	}
	http_add_header(c->req, SLICE("Location"), slice_str(to));
	http_reply_text(c->req, 302, "/firefox/");
	return true;
}

/* A row of the first table, by the path of its operation. */
enum err identity_page(struct op_call *c)
{
	const struct identity_state *state = c->state;
	enum language l = language_accepted(http_header_get(c->req, SLICE("Accept-Language")));
	size_t i = 0;

	while (i < PAGES && strcmp(c->op->path, pages[i].path) != 0) {
		i++;
	}
	CHECK(i < PAGES);
	if (i == 0 && send_firefox_on(c)) {
		return ERR_OK;
	}
	const struct asset *page = &state->pages->made[l][i];
	if (!is_html(page)) {
		add_origin(c);
	}
	asset_reply(c, page, PAGE_REVALIDATE);
	return ERR_OK;
}

/* What pages load: /identity/NAME. */
enum err identity_file(struct op_call *c)
{
	const char *path =
	    arena_printf(c->arena, "identity/%.*s", SLICE_ARG(http_param(c->req, "rest")));
	const struct asset *asset = path == NULL ? NULL : asset_find(&web_assets, slice_str(path));

	if (path == NULL) {
		return ERR_MEMORY;
	}
	if (asset == NULL) {
		return identity_not_found(c);
	}
	add_origin(c);
	asset_reply(c, asset, PAGE_REVALIDATE);
	return ERR_OK;
}

/* /v/HASH/PATH: for ever. */
enum err identity_hashed(struct op_call *c)
{
	add_origin(c);
	asset_reply_hashed(c, &web_assets, http_param(c->req, "hash"), http_param(c->req, "rest"));
	return ERR_OK;
}
