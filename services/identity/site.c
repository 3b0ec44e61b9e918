/*
 * What is common to all answers of the service: headers, errors, and the answers to paths that are
 * none.
 */
#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/obs/log.h"
#include "services/identity/identity_priv.h"

enum {
	OWN_ROLES_US = 2500 * 1000,
	READ_ONLY_RETRY_S = 30 /* and up to as much more: maintenance takes minutes */
};

/* The referrer stays on this origin, because addresses of pages hold tokens. */
static const struct http_fixed_header fixed_headers[] = {
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "same-origin" },
	{ NULL, NULL },
};

/* Pages that are not for themselves alone. */
static const struct {
	const char *path;
	enum page_frames frames;
} frame_pages[] = {
	{ "/", FRAMES_PROVIDERS },
	{ "/sign_in", FRAMES_PROVIDERS },
	{ "/auth", FRAMES_PROVIDERS },
	{ "/communication_iframe", FRAMES_SITES },
	{ "/relay", FRAMES_SITES },
	{ "/{lang:token}/embedded_tos", FRAMES_SITES },
	{ "/{lang:token}/embedded_privacy", FRAMES_SITES },
};

static enum page_frames frames_of(const struct op *op)
{
	for (size_t i = 0; i < sizeof(frame_pages) / sizeof(frame_pages[0]); i++) {
		if (strcmp(op->path, frame_pages[i].path) == 0) {
			return frame_pages[i].frames;
		}
	}
	return FRAMES_NONE;
}

static void add_policy(struct op_call *c)
{
	const struct identity_state *state = c->state;
	enum page_frames frames = frames_of(c->op);

	if (frames != FRAMES_SITES) {
		http_add_header(c->req, SLICE("X-Frame-Options"), SLICE("DENY"));
	}
	http_add_header(
	    c->req, SLICE("Content-Security-Policy"), pages_policy(state->pages, frames));
}

static bool is_wsapi(const struct op_call *c)
{
	return slice_starts(http_path(c->req), SLICE("/wsapi/"));
}

void identity_add_hsts(struct op_call *c)
{
	const struct svc_env *env = c->env;
	const struct identity_state *state = c->state;
	int64_t ms = state->url.is_https ? conf_ms(env->conf, "identity", "hsts") : 0;

	if (ms > 0) {
		const char *value = arena_printf(c->arena, "max-age=%lld", (long long)(ms / 1000));
		if (value != NULL) {
			http_add_header(
			    c->req, SLICE("Strict-Transport-Security"), slice_str(value));
		}
	}
}

void identity_decorate(struct op_call *c)
{
	http_add_headers(c->req, fixed_headers);
	add_policy(c);
	if (is_wsapi(c)) {
		http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-cache, max-age=0"));
	}
	identity_add_hsts(c);
}

unsigned identity_retry_after_s(const struct svc_env *env)
{
	int64_t wait_us = env->peer[ROLE_COMPUTE] == NULL
			      ? 0
			      : rpc_pool_expected_wait_us(env->peer[ROLE_COMPUTE]);
	int64_t seconds = wait_us / 1000000 + 1;

	seconds = seconds > 30 ? 30 : seconds;
	/* Spread, so that those who were refused together do not come back together. */
	return (unsigned)seconds + (unsigned)rng_below((uint64_t)seconds + 1);
}

int64_t identity_soon_us(const struct op_call *c)
{
	int64_t soon_us = clock_mono_us() + OWN_ROLES_US;

	return soon_us < c->deadline_us ? soon_us : c->deadline_us;
}

/* The words of persona.md 2.1, rule 8, where HTTP's own are others. */
static const char *phrase_of(int status)
{
	return status == 401   ? "Authentication Required"
	       : status == 500 ? "Server Error"
			       : http_status_phrase(status);
}

void identity_reply_text(struct op_call *c, int status, const char *detail)
{
	const char *text = arena_printf(c->arena, "%s: %s", phrase_of(status), detail);

	http_reply(c->req, status, SLICE("text/plain; charset=utf-8"), slice_str(text));
}

void identity_error(struct op_call *c, enum err e)
{
	int status = err_http_status(e);

	if (err_is_database(e)) {
		status = 503;
	}
	if (status >= 500 && e != ERR_READ_ONLY) {
		LOG(LOG_WARN, "identity", "failed", LOG_C("op", c->op->name),
		    LOG_C("err", err_name(e)), LOG_C("detail", c->note.text));
	}
	/* Who is told no time does not repeat what may have been done (web/identity/patience.js).
	 */
	if (status == 503 && e != ERR_OUTCOME_UNKNOWN) {
		unsigned wait_s = e == ERR_READ_ONLY
				      ? READ_ONLY_RETRY_S + (unsigned)rng_below(READ_ONLY_RETRY_S)
				      : identity_retry_after_s(c->env);
		const char *seconds = arena_printf(c->arena, "%u", wait_s);
		if (seconds != NULL) {
			http_add_header(c->req, SLICE("Retry-After"), slice_str(seconds));
		}
	}
	identity_reply_text(c, status,
	    err_is_database(e)	 ? "database unavailable"
	    : e == ERR_READ_ONLY ? err_text(e)
	    : status == 503	 ? "server is too busy"
				 : err_text(e));
}

/* Calls between the original's processes: its front said of them that they are not to be found. */
static bool is_internal(const struct op_call *c)
{
	static const char *const names[] = { "create_account_with_assertion", "forget_idp",
		"increment_failed_auth_tries", "reset_failed_auth_tries", "saw_idp",
		"user_used_email_as" };
	struct slice name = slice_sub(http_path(c->req), 7, SIZE_MAX);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_eq(name, slice_str(names[i]))) {
			return true;
		}
	}
	return false;
}

enum err identity_not_found(struct op_call *c)
{
	if (is_wsapi(c) && is_internal(c)) {
		identity_reply_text(c, 404, "no such api");
	} else if (is_wsapi(c)) {
		identity_reply_text(c, 400, "no such api");
	} else {
		identity_reply_text(c, 404, "there is no such page");
	}
	return ERR_OK;
}

enum err identity_wrong_method(struct op_call *c)
{
	if (is_wsapi(c)) {
		identity_reply_text(c, 400, "no such api");
	} else {
		identity_reply_text(c, 405, "this address does not take that method");
	}
	return ERR_OK;
}

struct buf *identity_body(struct op_call *c, size_t max)
{
	return arena_buf(c->arena, max);
}
