/*
 * Role: web. What is common to requests of the old storage: who asks, and how answers look.
 */
#include <string.h>

#include "core/base/clock.h"
#include "core/obs/log.h"
#include "services/sync/change.h"
#include "services/sync/stamp.h"
#include "services/sync/weave.h"

enum {
	RETRY_S = 1800, /* what servers of that time said */
	QUOTA_TOLD_KB = 1024
};

bool weave_is_on(const struct op_call *c)
{
	const struct sync_state *state = c->state;

	return state->weave_cache != NULL;
}

bool weave_owns_path(struct slice path)
{
	static const char *const begins[] = { "/1/", "/1.0/", "/1.1/", "/user/", "/misc/",
		"/weave-password-reset" };

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		if (slice_starts(path, slice_str(begins[i]))) {
			return true;
		}
	}
	return false;
}

/* ---- answers ---- */

void weave_refuse(struct op_call *c, int status, enum weave_code code)
{
	const char *body = arena_printf(c->arena, "%d", (int)code);

	http_reply(c->req, status, SLICE("application/json"), slice_str(body));
}

/* Overload in the words of that time: both headers, and a text. */
void weave_error(struct op_call *c, enum err e)
{
	int status = err_http_status(e);

	if (status >= 500 && e != ERR_READ_ONLY && e != ERR_TOO_BUSY && e != ERR_DRAINING) {
		LOG(LOG_WARN, "sync", "failed", LOG_C("op", c->op->name), LOG_C("err", err_name(e)),
		    LOG_C("detail", c->note.text));
	}
	if (status < 500) {
		weave_refuse(c, status == 413 ? 400 : status,
		    e == ERR_LIMIT ? WEAVE_TOO_LARGE : WEAVE_OTHER);
		return;
	}
	const char *seconds = arena_printf(c->arena, "%u", sync_backoff_retry_s(c, RETRY_S));
	const char *body = arena_printf(c->arena, "\"server issue: %s\"", err_text(e));
	if (seconds != NULL && body != NULL) {
		http_add_header(c->req, SLICE("Retry-After"), slice_str(seconds));
		http_add_header(c->req, SLICE("X-Weave-Backoff"), slice_str(seconds));
	}
	http_reply(c->req, 503, SLICE("application/json"), slice_str(body));
}

void weave_add_time(struct weave_call *w, int64_t time_ms)
{
	int64_t now_ms = sync_grid_ms(w->s.now_ms);
	char *text = arena_alloc(w->s.c->arena, SYNC_TIME_SIZE);

	if (text != NULL) {
		http_add_header(w->s.c->req, SLICE("X-Weave-Timestamp"),
		    sync_time_text(time_ms != 0 ? time_ms : now_ms, text));
	}
}

void weave_reply(
    struct weave_call *w, struct slice content_type, struct slice body, int64_t time_ms)
{
	weave_add_time(w, time_ms);
	http_reply(w->s.c->req, 200, content_type, body);
}

enum err weave_reply_time(struct weave_call *w, int64_t time_ms)
{
	char *text = arena_alloc(w->s.c->arena, SYNC_TIME_SIZE);

	if (text == NULL) {
		return ERR_MEMORY;
	}
	int64_t ms = time_ms != 0 ? time_ms : sync_grid_ms(w->s.now_ms);
	weave_reply(w, SLICE("application/json"), sync_time_text(ms, text), ms);
	return ERR_OK;
}

/* ---- the beginning ---- */

static bool is_version(struct slice v)
{
	return slice_eq(v, SLICE("1")) || slice_eq(v, SLICE("1.0")) || slice_eq(v, SLICE("1.1"));
}

/* Versions in paths as /1/ are literal there, and no parameter. */
static bool is_ours(struct op_call *c)
{
	struct slice version = http_param(c->req, "version");

	return weave_is_on(c) && (version.len == 0 || is_version(version));
}

static enum weave_form form_of(struct op_call *c)
{
	struct slice accept = http_header_get(c->req, SLICE("Accept"));

	if (accept.ptr == NULL) {
		return WEAVE_AS_JSON;
	}
	bool lines = memmem(accept.ptr, accept.len, "application/newlines", 20) != NULL;
	bool whoisi = memmem(accept.ptr, accept.len, "application/whoisi", 18) != NULL;
	return lines ? WEAVE_AS_LINES : whoisi ? WEAVE_AS_WHOISI : WEAVE_AS_JSON;
}

bool weave_begin(struct op_call *c, struct weave_call *ret, enum err *ret_err)
{
	char name[WEAVE_NAME_MAX + 1];
	struct slice since = http_header_get(c->req, SLICE("X-If-Unmodified-Since"));

	*ret = (struct weave_call){ .form = form_of(c), .rest = http_param(c->req, "rest") };
	ret->s.c = c;
	ret->s.now_ms = clock_wall_ms();
	*ret_err = ERR_OK;
	if (!is_ours(c)) {
		*ret_err = sync_not_found(c);
		return false;
	}
	if (!weave_name(http_param(c->req, "user"), name)) {
		weave_refuse(c, 404, WEAVE_OTHER);
		return false;
	}
	if (slice_ends(ret->rest, SLICE("/"))) {
		ret->rest.len--;
	}
	if (!weave_authenticate(c, name, &ret->user, ret_err)) {
		return false;
	}
	ret->s.user.uid = ret->user.uid;
	sync_backoff_serves(c);
	if (http_method(c->req) != HTTP_GET && since.ptr != NULL) {
		ret->s.condition = SYNC_IF_UNMODIFIED_SINCE;
		if (sync_time_parse(slice_trim(since), &ret->s.since_ms) != ERR_OK) {
			weave_refuse(c, 400, WEAVE_OTHER);
			return false;
		}
	}
	return true;
}

/* ---- changes ---- */

static void answer_refusal(struct op_call *c, enum sync_outcome outcome)
{
	switch (outcome) {
	case SYNC_MODIFIED:
		weave_refuse(c, 412, WEAVE_OVERWRITE);
		break;
	case SYNC_OVER_QUOTA:
		weave_refuse(c, 400, WEAVE_QUOTA);
		break;
	case SYNC_TOO_MANY_COLLECTIONS:
		weave_refuse(c, 400, WEAVE_COLLECTION);
		break;
	case SYNC_NOT_THERE:
	case SYNC_TOO_LARGE:
	case SYNC_TOO_MANY_BATCHES:
	case SYNC_NO_BATCH:
	case SYNC_DONE:
	case SYNC_OUTCOMES:
		weave_refuse(c, 400, WEAVE_OTHER);
	}
}

enum err weave_change_run(struct weave_call *w, enum sync_write_kind kind, struct slice records,
    struct sync_written *ret, bool *ret_done)
{
	const struct sync_state *state = w->s.c->state;
	struct sync_write_req r = sync_change_new(&w->s, kind);

	r.item = SLICE_EMPTY; /* conditions are about the collection */
	r.records = records;
	r.is_weave = true;
	*ret_done = false;
	enum err e = sync_change_send(w->s.c, &r, ret);
	if (e != ERR_OK) {
		return e;
	}
	*ret_done = ret->outcome == SYNC_DONE;
	if (!*ret_done) {
		answer_refusal(w->s.c, ret->outcome);
	} else if (state->limits.quota_bytes > 0 && ret->quota_left / 1024 <= QUOTA_TOLD_KB) {
		sync_add_number(&w->s, "X-Weave-Quota-Remaining",
		    ret->quota_left > 0 ? ret->quota_left / 1024 : 0);
	}
	return ERR_OK;
}
