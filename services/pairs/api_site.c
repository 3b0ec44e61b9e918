/*
 * What is common to all answers of pairs: headers, errors, paths that are none. All errors look
 * alike, wherever they come from.
 */
#include <string.h>

#include "core/base/rng.h"
#include "core/obs/log.h"
#include "services/pairs/api.h"

enum {
	RETRY_S = 3,
	READ_ONLY_RETRY_S = 30 /* maintenance takes minutes */
};

static const struct http_fixed_header fixed_headers[] = {
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ NULL, NULL },
};

/*
 * Pictures never change under their name, so who has one need not ask again, and caches between us
 * and the browser are not to have it. They are shown but never run.
 */
static const struct http_fixed_header picture_headers[] = {
	{ "X-Content-Type-Options", "nosniff" },
	{ "Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'" },
	{ "Referrer-Policy", "no-referrer" },
	{ NULL, NULL },
};

static void decorate_picture(struct op_call *c)
{
	int status = http_replied_status(c->req);
	bool keeps = status == 200 || status == 206 || status == 304;
	http_add_headers(c->req, picture_headers);
	http_add_header(c->req, SLICE("Cache-Control"),
	    keeps ? SLICE("private, max-age=31536000, immutable") : SLICE("no-store"));
}

/* But for pages nothing here is a document. */
static void add_policy(const struct op_call *c)
{
	struct slice policy = pairs_page_policy(c);

	http_add_header(c->req, SLICE("Content-Security-Policy"),
	    policy.len > 0 ? policy : SLICE("default-src 'none'; frame-ancestors 'none'"));
}

void pairs_decorate(struct op_call *c)
{
	if (slice_starts(slice_str(c->op->path), SLICE("/media/")) ||
	    slice_ends(slice_str(c->op->path), SLICE("/{size:token}"))) {
		decorate_picture(c);
		return;
	}
	add_policy(c);
	http_add_headers(c->req, fixed_headers);
	/* Answers of Engine.IO and Socket.IO say so themselves. */
	if (slice_starts(http_path(c->req), SLICE("/api/"))) {
		http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-store"));
	}
}

static const char *code_of(int status)
{
	switch (status) {
	case 400:
		return "malformed";
	case 401:
		return "unauthorized";
	case 403:
		return "forbidden";
	case 404:
		return "not_found";
	case 413:
		return "too_large";
	case 503:
		return "overloaded";
	default:
		return "internal";
	}
}

struct api_failure api_fail(const struct op_call *c, enum err e)
{
	int status = err_is_database(e) ? 503 : err_http_status(e);

	if (status >= 500 && e != ERR_READ_ONLY && e != ERR_TOO_BUSY && e != ERR_DRAINING) {
		LOG(LOG_WARN, "pairs", "failed", LOG_C("op", c->op->name),
		    LOG_C("err", err_name(e)), LOG_C("detail", c->note.text));
	}
	return (struct api_failure){ .status = status,
		.code = e == ERR_READ_ONLY ? "read_only" : code_of(status),
		.message = status == 500 ? "something is wrong on this server" : err_text(e) };
}

void api_error(struct op_call *c, enum err e)
{
	const struct api_failure f = api_fail(c, e);

	if (f.status == 503) {
		unsigned base = e == ERR_READ_ONLY ? READ_ONLY_RETRY_S : RETRY_S;
		const char *seconds =
		    arena_printf(c->arena, "%u", base + (unsigned)rng_below(base + 1));
		if (seconds != NULL) {
			http_add_header(c->req, SLICE("Retry-After"), slice_str(seconds));
		}
	}
	api_refuse_call(c, f.status, f.code, f.message);
}

enum err pairs_not_found(struct op_call *c)
{
	api_refuse_call(c, 404, "not_found", "there is no such call");
	return ERR_OK;
}
