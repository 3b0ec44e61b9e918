/*
 * Answers of the accounts server, and the bodies that requests bring.
 */
#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/obs/log.h"
#include "services/sync/fx.h"

enum {
	RETRY_S = 5,
	READ_ONLY_RETRY_S = 30
};

static const char info_url[] = "https://mozilla.github.io/ecosystem-platform/api";

static void free_buf(void *arg)
{
	buf_free(arg);
}

struct buf *fx_buf(struct op_call *c, size_t max)
{
	struct buf *b = arena_alloc(c->arena, sizeof(*b));

	if (b == NULL) {
		return NULL;
	}
	*b = buf_new(max);
	return arena_defer(c->arena, free_buf, b) == ERR_OK ? b : NULL;
}

static enum err begin(struct op_call *c, struct fx_answer *ret)
{
	*ret = (struct fx_answer){ .c = c, .body = fx_buf(c, FX_ANSWER_MAX) };
	if (ret->body == NULL) {
		return ERR_MEMORY;
	}
	ret->json = json_writer_new(ret->body);
	return ERR_OK;
}

enum err fx_begin(struct op_call *c, struct fx_answer *ret)
{
	enum err e = begin(c, ret);

	if (e == ERR_OK) {
		json_begin_object(&ret->json);
	}
	return e;
}

enum err fx_begin_array(struct op_call *c, struct fx_answer *ret)
{
	enum err e = begin(c, ret);

	if (e == ERR_OK) {
		json_begin_array(&ret->json);
	}
	return e;
}

/* Seconds of the server's clock: clients set theirs by it (beside Date). */
static void add_timestamp(struct op_call *c)
{
	const char *text = arena_printf(c->arena, "%lld", (long long)(clock_wall_ms() / 1000));

	if (text != NULL) {
		http_add_header(c->req, SLICE("Timestamp"), slice_str(text));
		http_add_header(c->req, SLICE("X-Timestamp"), slice_str(text));
	}
}

static enum err finish(struct fx_answer *a, int status)
{
	struct slice text = SLICE_EMPTY;
	enum err e = buf_finish(a->body, &text);

	if (e == ERR_OK) {
		add_timestamp(a->c);
		http_add_header(a->c->req, SLICE("Cache-Control"), SLICE("no-store"));
		http_reply(a->c->req, status, SLICE("application/json; charset=utf-8"), text);
	}
	return e;
}

enum err fx_send(struct fx_answer *a)
{
	json_end_object(&a->json);
	return finish(a, 200);
}

enum err fx_send_array(struct fx_answer *a)
{
	json_end_array(&a->json);
	return finish(a, 200);
}

enum err fx_send_empty(struct op_call *c)
{
	struct fx_answer a;
	enum err e = fx_begin(c, &a);

	return e == ERR_OK ? fx_send(&a) : e;
}

void fx_put_text(struct fx_answer *a, const char *name, struct slice value)
{
	json_put_name(&a->json, slice_str(name));
	json_put_string(&a->json, value);
}

void fx_put_number(struct fx_answer *a, const char *name, int64_t value)
{
	json_put_name(&a->json, slice_str(name));
	json_put_i64(&a->json, value);
}

void fx_put_flag(struct fx_answer *a, const char *name, bool value)
{
	json_put_name(&a->json, slice_str(name));
	json_put_bool(&a->json, value);
}

enum err fx_refuse(struct op_call *c, int status, enum fx_errno number, const char *text)
{
	struct fx_answer a;
	enum err e = fx_begin(c, &a);

	if (e != ERR_OK) {
		return e;
	}
	fx_put_number(&a, "code", status);
	fx_put_number(&a, "errno", (int64_t)number);
	fx_put_text(&a, "error", slice_str(http_status_phrase(status)));
	fx_put_text(&a, "message", slice_str(text));
	fx_put_text(&a, "info", slice_str(info_url));
	if (number == FX_ERRNO_TIMESTAMP && status == 401) {
		fx_put_number(&a, "serverTime", clock_wall_ms() / 1000);
	}
	json_end_object(&a.json);
	return finish(&a, status);
}

/* ---- failures ---- */

bool fx_owns_path(struct slice path)
{
	return slice_starts(path, SLICE("/v1/"));
}

static void add_retry(struct op_call *c, unsigned seconds)
{
	const char *text = arena_printf(c->arena, "%u", seconds + (unsigned)rng_below(seconds + 1));

	if (text != NULL) {
		http_add_header(c->req, SLICE("Retry-After"), slice_str(text));
	}
}

void fx_error(struct op_call *c, enum err e)
{
	int status = err_http_status(e);
	enum fx_errno number = status == 413   ? FX_ERRNO_TOO_LARGE
			       : status == 503 ? FX_ERRNO_BUSY
			       : status == 401 ? FX_ERRNO_TOKEN
			       : status < 500  ? FX_ERRNO_PARAMETER
					       : FX_ERRNO_FAULT;

	if (status == 500) {
		LOG(LOG_WARN, "sync", "failed", LOG_C("op", c->op->name), LOG_C("err", err_name(e)),
		    LOG_C("detail", c->note.text));
	}
	if (status == 503 && e != ERR_OUTCOME_UNKNOWN) { /* that may have been done */
		add_retry(c, e == ERR_READ_ONLY ? READ_ONLY_RETRY_S : RETRY_S);
	}
	if (fx_refuse(c, status, number, err_text(e)) != ERR_OK) {
		http_reply_text(c->req, status, err_text(e));
	}
}

/* ---- bodies ---- */

bool fx_take_body(struct op_call *c, const struct json **ret_object, enum err *ret)
{
	struct slice body = http_body(c->req);
	enum err e = json_parse(c->arena, body.len == 0 ? SLICE("{}") : body, ret_object, NULL);

	if (e == ERR_MEMORY) {
		*ret = e;
		return false;
	}
	if (e != ERR_OK || json_kind(*ret_object) != JSON_KIND_OBJECT) {
		*ret = fx_refuse(c, 400, FX_ERRNO_JSON, "Invalid JSON in request body");
		return false;
	}
	return true;
}

bool fx_take_text(const struct json *object, const char *name, size_t max, struct slice *ret)
{
	struct slice text;

	if (!json_get_string(json_member(object, name), &text) || text.len == 0 || text.len > max) {
		return false;
	}
	*ret = text;
	return true;
}

bool fx_is_hex(struct slice text, size_t len)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
			return false;
		}
	}
	return text.len == len;
}

bool fx_take_hex(const struct json *object, const char *name, size_t len, struct slice *ret)
{
	struct slice text;

	if (!json_get_string(json_member(object, name), &text) || !fx_is_hex(text, len)) {
		return false;
	}
	*ret = text;
	return true;
}
