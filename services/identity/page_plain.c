/*
 * Answers beside the pages that are no files: addresses of old, what search engines shall leave
 * alone, the version.
 */
#include <string.h>

#include "core/base/check.h"
#include "services/identity/identity_priv.h"
#include "services/identity/page.h"

static const struct {
	const char *path;
	int status;
	const char *to;
} redirects[] = {
	{ "/developers", 302, "/about#sites" },
	{ "/developers/", 302, "/about#sites" },
	{ "/signin", 301, "/" },
	{ "/signin/", 301, "/" },
	{ "/signup", 301, "/" },
	{ "/signup/", 301, "/" },
	{ "/forgot", 301, "/" },
	{ "/forgot/", 301, "/" },
};

enum {
	REDIRECTS = sizeof(redirects) / sizeof(redirects[0])
};

static const char robots[] =
    "User-agent: *\nDisallow: /wsapi/\nDisallow: /verify_email_address\n"
    "Disallow: /confirm\nDisallow: /add_email_address\nDisallow: /reset_password\n"
    "Disallow: /complete_transition\nDisallow: /first_account\nDisallow: /auth\nDisallow: /provision\n"
    "Disallow: /communication_iframe\nDisallow: /relay\n";

/* Addresses of old, which people have bookmarked. */
enum err identity_redirect(struct op_call *c)
{
	size_t i = 0;

	while (i < REDIRECTS && strcmp(c->op->path, redirects[i].path) != 0) {
		i++;
	}
	CHECK(i < REDIRECTS);
	http_add_header(c->req, SLICE("Location"), slice_str(redirects[i].to));
	http_reply_text(c->req, redirects[i].status, redirects[i].to);
	return ERR_OK;
}

/* /ver.txt: the version, then whose it is. */
enum err identity_version(struct op_call *c)
{
	const struct svc_env *env = c->env;
	const char *text = arena_printf(c->arena, "%s plimsoll\n", env->version);

	if (text == NULL) {
		return ERR_MEMORY;
	}
	http_add_header(c->req, SLICE("Cache-Control"), PAGE_REVALIDATE);
	http_reply(c->req, 200, SLICE("text/plain; charset=utf-8"), slice_str(text));
	return ERR_OK;
}

enum err identity_robots(struct op_call *c)
{
	http_add_header(c->req, SLICE("Cache-Control"), SLICE("public, max-age=3600"));
	http_reply(
	    c->req, 200, SLICE("text/plain; charset=utf-8"), SLICE_OF(robots, sizeof(robots) - 1));
	return ERR_OK;
}
