/*
 * See upload_url.h. Web judges the address that it was given, to refuse it at once; the courier
 * judges it again with every one that it is sent on to, since it is the courier that goes there.
 */
#include "services/symbols/upload_url.h"

#include "accounts/downloading.h"
#include "core/base/check.h"
#include "core/base/json.h"
#include "core/base/wire.h"
#include "core/ev/task.h"
#include "core/obs/log.h"

enum {
	CONNECT_MS = 5000,
	IDLE_MS = 300000,
	TIMEOUT_MS = 840000,
	SCRATCH_MAX = 64 * 1024,
	REDIRECTS_JSON_MAX = 2 * DOWNLOAD_REDIRECTS_MAX * DOWNLOAD_URL_MAX,
	REPLY_MAX = REDIRECTS_JSON_MAX + 2 * DOWNLOAD_URL_MAX
};

/* ---- the list ---- */

enum verdict {
	URL_GOOD,
	URL_INSECURE,
	URL_OTHER_DOMAIN,
	URL_NONE /* it is no address */
};

static bool is_listed(struct slice host, struct slice list)
{
	for (struct slice piece; slice_split(&list, ',', &piece);) {
		if (slice_eq_nocase(slice_trim(piece), host)) {
			return true;
		}
	}
	return false;
}

static enum verdict judge(const struct symbols_settings *settings, struct slice url)
{
	struct download_address a;

	if (!download_address(url, &a)) {
		return slice_starts(url, SLICE("https://")) ? URL_NONE : URL_INSECURE;
	}
	if (!a.is_https && !settings->upload_insecure) {
		return URL_INSECURE;
	}
	return is_listed(a.host, settings->upload_domains) ? URL_GOOD : URL_OTHER_DOMAIN;
}

/* ---- courier ---- */

struct fetching {
	struct symbols_state *state;
	struct slice draft;
	uint64_t written;
	struct arena scratch;
	struct err_note *note;
	struct slice refused; /* the address that may not be asked */
};

static enum err take(void *arg, struct slice bytes)
{
	struct fetching *f = arg;
	const struct file_caller files = {
		.files = f->state->env->peer[ROLE_FILES], .arena = &f->scratch, .note = f->note
	};
	enum err e = file_draft_write(&files, f->draft, f->written, bytes);

	f->written += bytes.len;
	arena_reset(&f->scratch);
	return e;
}

static bool may_ask(void *arg, struct slice url)
{
	struct fetching *f = arg;
	bool is_good = judge(&f->state->settings, url) == URL_GOOD;

	if (!is_good) {
		f->refused = url;
	}
	return is_good;
}

static void put_reply(struct buf *reply, const struct download *d, const struct fetching *f)
{
	struct buf urls = buf_new(REDIRECTS_JSON_MAX);
	struct json_writer w = json_writer_new(&urls);

	json_begin_array(&w);
	for (unsigned i = 0; i < d->n_redirects; i++) {
		json_put_string(&w, slice_str(d->redirects[i]));
	}
	json_end_array(&w);
	wire_put_u8(reply, (uint8_t)d->outcome);
	wire_put_i64(reply, d->status);
	wire_put_i64(reply, d->bytes);
	wire_put_bytes(reply, buf_slice(&urls));
	wire_put_bytes(reply, f->refused);
	buf_free(&urls);
}

static enum err handle_fetch(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct symbols_state *state = symbols_state(role_state);
	struct wire_reader r = wire_reader_new(req);
	struct fetching f = { .state = state,
		.draft = wire_take_bytes(&r),
		.scratch = arena_new(SCRATCH_MAX),
		.note = note,
		.refused = SLICE_EMPTY };
	char url[DOWNLOAD_URL_MAX + 1];
	bool fits = slice_to_cstr(wire_take_bytes(&r), url, sizeof(url)) == ERR_OK;
	struct download d = { .rules = { .allow_private = state->settings.upload_insecure,
				  .allow_http = state->settings.upload_insecure,
				  .needs_length = true,
				  .alone = true,
				  .max_bytes = wire_take_i64(&r),
				  .timeout_ms = TIMEOUT_MS,
				  .connect_ms = CONNECT_MS,
				  .idle_ms = IDLE_MS,
				  .may_ask = may_ask },
		.url = url,
		.user_agent = state->user_agent,
		.take = take,
		.arg = &f };

	(void)info;
	CHECK(wire_done(&r) && fits && blob_draft_is_good(f.draft));
	enum err e = download_run(state->env, &d);
	if (e == ERR_OK && d.outcome == DOWNLOAD_OK && d.bytes == 0) {
		e = take(&f, SLICE_EMPTY); /* an empty draft is one, too */
	}
	if (e == ERR_OK) {
		put_reply(reply, &d, &f);
		LOG(LOG_INFO, "symbols", "upload_fetched", LOG_C("url", url),
		    LOG_C("outcome", download_outcome_text(d.outcome)), LOG_I("status", d.status),
		    LOG_I("bytes", d.bytes), LOG_C("detail", d.details == NULL ? "" : d.details));
	}
	download_fini(&d);
	arena_reset(&f.scratch);
	return e;
}

const struct rpc_def symbols_upload_url = {
	.name = "symbols.upload_url",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_COURIER,
	.max_req = 2 * DOWNLOAD_URL_MAX,
	.max_rep = REPLY_MAX,
	.deadline_ms = TIMEOUT_MS + 30000,
	.cost_us = 1000000,
	.flags = RPC_TASK,
	.handle = handle_fetch,
};

/* ---- web ---- */

struct fetched {
	enum download_outcome outcome;
	int64_t status, bytes;
	struct slice redirects; /* JSON */
	struct slice refused;
};

static enum err call_courier(
    struct upload *u, struct slice draft, struct slice url, struct fetched *ret)
{
	const struct svc_env *env = u->c->env;
	struct buf message = buf_new(symbols_upload_url.max_req);
	struct slice reply = SLICE_EMPTY;
	enum err e = ERR_LIMIT;

	wire_put_bytes(&message, draft);
	wire_put_bytes(&message, url);
	wire_put_i64(&message, u->state->settings.max_upload);
	if (!message.failed) {
		e = rpc_call(env->peer[ROLE_COURIER], &symbols_upload_url, buf_slice(&message),
		    u->c->deadline_us, u->c->trace, u->c->arena, &reply, &u->c->note);
	}
	buf_free(&message);
	if (e != ERR_OK) {
		return e;
	}
	struct wire_reader r = wire_reader_new(reply);
	uint8_t outcome = wire_take_u8(&r);
	*ret = (struct fetched){ .outcome = (enum download_outcome)outcome };
	ret->status = wire_take_i64(&r);
	ret->bytes = wire_take_i64(&r);
	ret->redirects = wire_take_bytes(&r);
	ret->refused = wire_take_bytes(&r);
	CHECK(wire_done(&r) && outcome < DOWNLOAD_OUTCOMES);
	return ERR_OK;
}

static enum err refuse_with(struct op_call *c, int status, const char *text)
{
	return text == NULL ? ERR_MEMORY : symbols_refuse(c, status, text);
}

static enum err refuse_verdict(struct op_call *c, enum verdict verdict, struct slice url)
{
	struct download_address a = { .host = SLICE_EMPTY };

	if (verdict == URL_INSECURE) {
		return symbols_refuse(c, 400, "Insecure URL");
	}
	if (verdict == URL_NONE || !download_address(url, &a)) {
		return symbols_refuse(c, 400, "Enter a valid URL.");
	}
	return refuse_with(c, 400,
	    arena_printf(
		c->arena, "Not an allowed domain ('%.*s') to download from.", SLICE_ARG(a.host)));
}

/* What the address said; whatever is the other server's fault is a 500 here, as clients know it. */
static enum err refuse_outcome(struct upload *u, struct slice url, const struct fetched *f)
{
	struct op_call *c = u->c;

	switch (f->outcome) {
	case DOWNLOAD_STATUS:
		return f->status >= 500 ? refuse_with(c, 500,
					      arena_printf(c->arena, "%.*s errored (%d)",
						  SLICE_ARG(url), (int)f->status))
					: refuse_with(c, 400,
					      arena_printf(c->arena, "%.*s can't be found (%d)",
						  SLICE_ARG(url), (int)f->status));
	case DOWNLOAD_REDIRECTS:
		return refuse_with(c, 400,
		    arena_printf(
			c->arena, "Too many redirects trying to open %.*s", SLICE_ARG(url)));
	case DOWNLOAD_FORBIDDEN:
		return refuse_verdict(c, judge(&u->state->settings, f->refused), f->refused);
	case DOWNLOAD_NO_LENGTH:
		return refuse_with(c, 400,
		    arena_printf(c->arena, "%.*s does not tell its length", SLICE_ARG(url)));
	case DOWNLOAD_ADDRESS:
		return refuse_with(c, 400,
		    arena_printf(c->arena, "%.*s is not on the public internet", SLICE_ARG(url)));
	case DOWNLOAD_TOO_BIG:
		return symbols_refuse(c, 413, "the upload is larger than this server takes");
	case DOWNLOAD_OK:
	case DOWNLOAD_UNREACHABLE:
	case DOWNLOAD_BROKEN:
	case DOWNLOAD_TIMEOUT:
	case DOWNLOAD_TLS:
	case DOWNLOAD_OUTCOMES:
	default:
		return refuse_with(c, 500,
		    arena_printf(c->arena, "ConnectionError trying to open %.*s: %s",
			SLICE_ARG(url), download_outcome_text(f->outcome)));
	}
}

/* The last part of the path, which is what the archive is called. */
static struct slice name_of(struct slice url)
{
	struct slice path = slice_sub(url, 0, slice_find(url, '?', 0));

	path = slice_sub(path, 0, slice_find(path, '#', 0));
	size_t slash = path.len;
	while (slash > 0 && path.ptr[slash - 1] != '/') {
		slash--;
	}
	return slice_sub(path, slash, path.len);
}

static enum err fetch_and_store(struct upload *u, struct slice url, struct slice draft)
{
	struct fetched f;
	enum err e = call_courier(u, draft, url, &f);

	if (e != ERR_OK) {
		return upload_failed(u->c, e);
	}
	if (f.outcome != DOWNLOAD_OK) {
		return refuse_outcome(u, url, &f);
	}
	return archive_store(u, &(struct archive){ .draft = draft,
				    .size = (uint64_t)f.bytes,
				    .filename = upload_stored_name(name_of(url)),
				    .download_url = url,
				    .redirect_urls = f.redirects });
}

enum err upload_from_url(struct upload *u, struct slice url)
{
	const struct svc_env *env = u->c->env;
	enum verdict verdict = judge(&u->state->settings, url);
	char draft[BLOB_DRAFT_CHARS + 1];

	if (verdict != URL_GOOD) {
		return refuse_verdict(u->c, verdict, url);
	}
	if (!upload_name_is_zip(name_of(url))) {
		return upload_refuse_name(u->c, name_of(url));
	}
	blob_draft_name(draft);
	enum err e = fetch_and_store(u, url, slice_str(draft));
	file_drop_later(env->loop, env->peer[ROLE_FILES], slice_str(draft));
	return e;
}
