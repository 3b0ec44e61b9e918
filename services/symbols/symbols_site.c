/*
 * What is common to the answers of the service: errors as JSON, headers, and paths that are none.
 */
#include "core/base/json.h"
#include "core/base/rng.h"
#include "core/obs/log.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/symbols_token.h"

enum {
	RETRY_S = 5,
	READ_ONLY_RETRY_S = 30, /* maintenance takes minutes */
	JSON_MAX = 16 * 1024,
};

/* Answers with a file say it with their other headers. */
static bool says_vary_itself(op_fn *handle)
{
	op_fn *const some[] = { symbols_download, symbols_download_try, symbols_download_tier,
		symbols_stored, symbols_debuginfo, symbols_executable, symbols_source,
		symbols_section };

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		if (handle == some[i]) {
			return true;
		}
	}
	return false;
}

void symbols_decorate(struct op_call *c)
{
	http_add_header(c->req, SLICE("X-Content-Type-Options"), SLICE("nosniff"));
	http_add_header(c->req, SLICE("X-Frame-Options"), SLICE("DENY"));
	if (!says_vary_itself(c->op->handle) &&
	    http_header_get(c->req, SLICE("Auth-Token")).ptr != NULL) {
		http_add_header(c->req, SLICE("Vary"), SLICE("Auth-Token"));
	}
}

/* {"error": text} or, with a path, {"error": text, "path": path}. */
static enum err reply_error(struct op_call *c, int status, struct slice text, struct slice path)
{
	struct buf *out = arena_buf(c->arena, JSON_MAX);

	if (out == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer w = json_writer_new(out);
	json_begin_object(&w);
	json_put_name(&w, SLICE("error"));
	json_put_string(&w, text);
	if (path.ptr != NULL) {
		json_put_name(&w, SLICE("path"));
		json_put_string(&w, path);
	}
	json_end_object(&w);
	if (out->failed) {
		return ERR_MEMORY;
	}
	http_reply(c->req, status, SLICE("application/json"), buf_slice(out));
	return ERR_OK;
}

enum err symbols_refuse(struct op_call *c, int status, const char *text)
{
	return reply_error(c, status, slice_str(text), (struct slice){ NULL, 0 });
}

enum err symbols_reply(struct op_call *c, int status, const struct buf *json)
{
	if (json->failed) {
		return ERR_LIMIT;
	}
	http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-store"));
	enum err e =
	    http_stream_begin(c->req, status, SLICE("application/json"), (int64_t)json->len);

	e = e == ERR_OK ? http_stream_write(c->req, buf_slice(json)) : e;
	return e == ERR_OK ? http_stream_end(c->req) : e;
}

enum err symbols_let(struct op_call *c, enum err e, const char *refusal, bool *ret_good)
{
	*ret_good = e == ERR_OK && refusal == NULL;
	return e == ERR_OK && refusal != NULL ? symbols_refuse(c, 403, refusal) : e;
}

enum err symbols_authorize(
    struct op_call *c, uint32_t any_of, struct symbols_token *ret, bool *ret_good)
{
	const char *refusal = NULL;
	enum err e = symbols_token_check(c, any_of, ret, &refusal);

	return symbols_let(c, e, refusal, ret_good);
}

static void add_retry_after(struct op_call *c, unsigned seconds)
{
	const char *text = arena_printf(c->arena, "%u", seconds + (unsigned)rng_below(seconds + 1));

	if (text != NULL) {
		http_add_header(c->req, SLICE("Retry-After"), slice_str(text));
	}
}

void symbols_error(struct op_call *c, enum err e)
{
	bool is_state = e == ERR_READ_ONLY || e == ERR_TOO_BUSY || e == ERR_DRAINING;
	int status = e == ERR_CORRUPT || e == ERR_CONFLICT ? 503 : err_http_status(e);

	if (status >= 500 && !is_state) {
		LOG(LOG_WARN, "symbols", "failed", LOG_C("op", c->op->name),
		    LOG_C("err", err_name(e)), LOG_C("detail", c->note.text));
	}
	if (status == 503) {
		add_retry_after(c, e == ERR_READ_ONLY ? READ_ONLY_RETRY_S : RETRY_S);
	}
	const char *text = status == 500 ? "Internal Server Error" : err_text(e);
	if (symbols_refuse(c, status, text) != ERR_OK) {
		http_reply_busy(c->req, RETRY_S);
	}
}

/* The rows that are written with '/' at their end are meant without it, too. */
static bool lacks_slash(const struct op_call *c, struct slice path)
{
	for (unsigned i = 0; i < SYMBOLS_OPS; i++) {
		struct slice row = slice_str(symbols_ops[i].path);
		if (row.len == path.len + 1 && row.len > 1 && slice_starts(row, path) &&
		    row.ptr[path.len] == '/') {
			return true;
		}
	}
	(void)c;
	return false;
}

enum err symbols_not_found(struct op_call *c)
{
	struct slice path = http_path(c->req), query = http_query(c->req);

	if (!lacks_slash(c, path)) {
		return reply_error(c, 404, SLICE("Not Found"), path);
	}
	const char *to = arena_printf(
	    c->arena, "%.*s/%s%.*s", SLICE_ARG(path), query.len > 0 ? "?" : "", SLICE_ARG(query));
	if (to == NULL) {
		return ERR_MEMORY;
	}
	http_add_header(c->req, SLICE("Location"), slice_str(to));
	http_reply(c->req, 301, SLICE_EMPTY, SLICE_EMPTY);
	return ERR_OK;
}

enum err symbols_wrong_method(struct op_call *c)
{
	const char *text = arena_printf(c->arena, "Method Not Allowed (%.*s): %.*s",
	    SLICE_ARG(http_method_text(c->req)), SLICE_ARG(http_path(c->req)));

	return text == NULL ? ERR_MEMORY : symbols_refuse(c, 405, text);
}

enum err symbols_broken(struct op_call *c)
{
	return symbols_refuse(c, 500, "Internal Server Error");
}
