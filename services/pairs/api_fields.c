/*
 * Bodies and queries of requests, and objects of events, read by the fields of the call's row. A
 * body is JSON, or a form where all that it says fits into one. Unknown names are ignored, so that
 * clients can be newer than the server.
 */
#include "services/pairs/api.h"

enum take {
	TAKEN,
	NOT_THERE,
	BAD, /* of the wrong kind */
};

/* ---- out of JSON ---- */

static enum take take_raw(
    struct api_call *a, const struct json *v, enum json_kind kind, struct api_value *ret)
{
	struct buf *text = arena_buf(a->c->arena, PAIRS_BODY_MAX);

	if (json_kind(v) != kind || text == NULL) {
		return BAD;
	}
	struct json_writer w = json_writer_new(text);
	json_put_value(&w, v);
	ret->text = buf_slice(text);
	return text->failed ? BAD : TAKEN;
}

static bool to_id(struct slice text, int64_t *ret)
{
	uint64_t n = 0;

	if (slice_to_u64(text, INT64_MAX, &n) != ERR_OK) {
		return false;
	}
	*ret = (int64_t)n;
	return true;
}

static enum take take_json(
    struct api_call *a, const struct api_field *f, const struct json *v, struct api_value *ret)
{
	bool flag = false, is_good = false;

	if (v == NULL || json_kind(v) == JSON_KIND_NULL) {
		return NOT_THERE;
	}
	switch (f->kind) {
	case API_TEXT:
	case API_LONG:
		is_good = json_get_string(v, &ret->text);
		break;
	case API_INT:
		is_good = json_get_i64(v, &ret->number);
		break;
	case API_BOOL:
		is_good = json_get_bool(v, &flag);
		ret->number = flag ? 1 : 0;
		break;
	case API_OBJECT:
		return take_raw(a, v, JSON_KIND_OBJECT, ret);
	case API_ARRAY:
		return take_raw(a, v, JSON_KIND_ARRAY, ret);
	case API_ID:
		is_good = json_get_string(v, &ret->text) && to_id(ret->text, &ret->number);
		break;
	}
	return is_good ? TAKEN : BAD;
}

/* ---- out of a form or a query ---- */

static bool to_number(struct slice text, int64_t *ret)
{
	bool negative = text.len > 0 && text.ptr[0] == '-';
	uint64_t n = 0;

	if (slice_to_u64(slice_sub(text, negative ? 1 : 0, text.len), INT64_MAX, &n) != ERR_OK) {
		return false;
	}
	*ret = negative ? -(int64_t)n : (int64_t)n;
	return true;
}

static enum take take_text(
    struct api_call *a, const struct api_field *f, struct slice text, struct api_value *ret)
{
	const struct json *v = NULL;
	bool yes = slice_eq(text, SLICE("1")) || slice_eq(text, SLICE("true"));
	bool no = slice_eq(text, SLICE("0")) || slice_eq(text, SLICE("false"));

	switch (f->kind) {
	case API_TEXT:
	case API_LONG:
		ret->text = text;
		return TAKEN;
	case API_INT:
		return to_number(text, &ret->number) ? TAKEN : BAD;
	case API_BOOL:
		ret->number = yes ? 1 : 0;
		return yes || no ? TAKEN : BAD;
	case API_ID:
		return to_id(text, &ret->number) ? TAKEN : BAD;
	case API_OBJECT:
	case API_ARRAY:
		break;
	}
	return json_parse(a->c->arena, text, &v, NULL) == ERR_OK ? take_json(a, f, v, ret) : BAD;
}

/* ---- limits ---- */

/* The status that it is refused with, 0: fine. */
static int check(const struct api_field *f, const struct api_value *v)
{
	int64_t n = f->kind == API_INT ? v->number : (int64_t)v->text.len;

	if (f->kind == API_BOOL || f->kind == API_ID) {
		return 0;
	}
	if (n > f->max) {
		return f->kind == API_LONG ? 413 : 400;
	}
	return n < f->min ? 400 : 0;
}

static bool refuse(
    struct api_call *a, int status, const struct api_field *f, const char *what, enum err *ret)
{
	const char *text = arena_printf(a->c->arena, "%s: %s", f->name, what);

	*ret = api_refuse(
	    a, status, status == 413 ? "too_large" : "invalid", text == NULL ? what : text);
	return false;
}

static enum take take(
    struct api_call *a, const struct api_field *f, struct slice form, struct api_value *ret)
{
	struct slice text = SLICE_EMPTY;

	if (f->in_query && api_is_request(a)) {
		return http_query_get(a->c->req, slice_str(f->name), &text)
			   ? take_text(a, f, text, ret)
			   : NOT_THERE;
	}
	if (a->json != NULL || !api_is_request(a)) {
		return take_json(a, f, json_member(a->json, f->name), ret);
	}
	return http_form_get(a->c->arena, form, slice_str(f->name), &text)
		   ? take_text(a, f, text, ret)
		   : NOT_THERE;
}

/* The body as JSON or a form; false: it is neither. */
static bool open_body(struct api_call *a, struct slice *ret_form, enum err *ret)
{
	struct slice type = http_header_get(a->c->req, SLICE("Content-Type"));
	bool is_read_later = (a->c->op->flags & OP_STREAM) != 0;
	struct slice body = is_read_later ? SLICE_EMPTY : http_body(a->c->req);
	struct err_note why = { 0 };

	*ret_form = SLICE_EMPTY;
	if (body.len == 0) {
		return true;
	}
	if (type.ptr != NULL && slice_starts(type, SLICE("application/x-www-form-urlencoded"))) {
		*ret_form = body;
		return true;
	}
	if (type.ptr == NULL || !slice_starts(type, SLICE("application/json"))) {
		*ret =
		    api_refuse(a, 400, "malformed", "the body must be application/json, or a form");
		return false;
	}
	enum err e = json_parse(a->c->arena, body, &a->json, &why);
	if (e == ERR_OK && json_kind(a->json) == JSON_KIND_OBJECT) {
		return true;
	}
	*ret = e == ERR_MEMORY ? e : api_refuse(a, 400, "malformed", "the body is no JSON object");
	return false;
}

bool api_take_fields(struct api_call *a, enum err *ret)
{
	struct slice form = SLICE_EMPTY;

	if (api_is_request(a) && !open_body(a, &form, ret)) {
		return false;
	}
	for (unsigned i = 0; a->row->fields[i].name != NULL; i++) {
		const struct api_field *f = &a->row->fields[i];
		struct api_value v = { .given = true, .text = SLICE_EMPTY };
		enum take got = take(a, f, form, &v);

		if (got == BAD) {
			return refuse(a, 400, f, "is not of the right kind", ret);
		}
		if (got == NOT_THERE) {
			if (f->required) {
				return refuse(a, 400, f, "is missing", ret);
			}
			continue;
		}
		int status = check(f, &v);
		if (status != 0) {
			return refuse(a, status, f, "is out of bounds", ret);
		}
		a->values[i] = v;
	}
	return true;
}
