/*
 * The OpenAPI document of the REST API, made from its table.
 */
#include "services/pairs/api.h"

enum {
	DOCUMENT_MAX = 256 * 1024,
	PATH_BYTES = 200
};

static const struct {
	const char *type;
	bool is_number; /* bounds are of the value, not of its length */
} types[] = {
	[API_TEXT] = { "string", false },
	[API_LONG] = { "string", false },
	[API_INT] = { "integer", true },
	[API_BOOL] = { "boolean", false },
	[API_OBJECT] = { "object", false },
	[API_ARRAY] = { "array", false },
	[API_ID] = { "string", false },
};

static void put_text(struct json_writer *w, const char *name, const char *value)
{
	json_put_name(w, slice_str(name));
	json_put_string(w, slice_str(value));
}

static void put_number(struct json_writer *w, const char *name, int64_t value)
{
	json_put_name(w, slice_str(name));
	json_put_i64(w, value);
}

static void begin(struct json_writer *w, const char *name)
{
	json_put_name(w, slice_str(name));
	json_begin_object(w);
}

static void put_schema(struct json_writer *w, const struct api_field *f)
{
	bool is_text = f->kind == API_TEXT || f->kind == API_LONG;

	put_text(w, "type", types[f->kind].type);
	if (types[f->kind].is_number) {
		put_number(w, "minimum", f->min);
		put_number(w, "maximum", f->max);
	} else if (is_text) {
		put_number(w, "minLength", f->min);
		put_number(w, "maxLength", f->max);
	}
	if (f->kind == API_ARRAY) {
		begin(w, "items");
		json_end_object(w);
	}
	put_text(w, "description", f->help);
}

/* "/lists/{id:digits}" as "/lists/{id}"; its parameters into params (at most 4). */
static struct slice plain_path(
    struct arena *arena, const char *path, struct slice params[4], unsigned *ret_n)
{
	struct buf *out = arena_buf(arena, PATH_BYTES);
	struct slice rest = slice_str(path), piece;

	*ret_n = 0;
	if (out == NULL) {
		return SLICE_EMPTY;
	}
	rest = slice_sub(rest, 1, rest.len);
	while (slice_split(&rest, '/', &piece)) {
		buf_append_char(out, '/');
		if (piece.len > 0 && piece.ptr[0] == '{') {
			struct slice name = slice_sub(piece, 1, slice_find(piece, ':', 0));
			buf_printf(out, "{%.*s}", SLICE_ARG(name));
			params[(*ret_n)++] = name;
		} else {
			buf_append_slice(out, piece);
		}
	}
	return buf_slice(out);
}

static void put_parameter(
    struct json_writer *w, struct slice name, const char *in, const struct api_field *f)
{
	json_begin_object(w);
	json_put_name(w, SLICE("name"));
	json_put_string(w, name);
	put_text(w, "in", in);
	json_put_name(w, SLICE("required"));
	json_put_bool(w, f == NULL || f->required);
	begin(w, "schema");
	if (f == NULL) {
		put_text(w, "type", "string");
		put_text(w, "pattern", slice_eq(name, SLICE("size")) ? "^[0-9a-z]+$" : "^[0-9]+$");
	} else {
		put_schema(w, f);
	}
	json_end_object(w);
	json_end_object(w);
}

/* The bytes of a picture; which formats are taken is told by them. */
static void put_picture(struct json_writer *w)
{
	begin(w, "requestBody");
	json_put_name(w, SLICE("required"));
	json_put_bool(w, true);
	begin(w, "content");
	begin(w, "image/*");
	begin(w, "schema");
	put_text(w, "type", "string");
	put_text(w, "format", "binary");
	json_end_object(w);
	json_end_object(w);
	json_end_object(w);
	json_end_object(w);
}

static bool has_body(const struct api_row *row)
{
	return row->fields[0].name != NULL && !row->fields[0].in_query;
}

static void put_body(struct json_writer *w, const struct api_row *row)
{
	begin(w, "requestBody");
	json_put_name(w, SLICE("required"));
	json_put_bool(w, row->fields[0].required);
	begin(w, "content");
	begin(w, "application/json");
	begin(w, "schema");
	put_text(w, "type", "object");
	begin(w, "properties");
	for (const struct api_field *f = row->fields; f->name != NULL; f++) {
		begin(w, f->name);
		put_schema(w, f);
		json_end_object(w);
	}
	json_end_object(w);
	json_put_name(w, SLICE("required"));
	json_begin_array(w);
	for (const struct api_field *f = row->fields; f->name != NULL; f++) {
		if (f->required) {
			json_put_string(w, slice_str(f->name));
		}
	}
	json_end_array(w);
	json_end_object(w);
	json_end_object(w);
	json_end_object(w);
	json_end_object(w);
}

static void put_response(struct json_writer *w, struct slice status, const char *text)
{
	json_put_name(w, status);
	json_begin_object(w);
	put_text(w, "description", text);
	json_end_object(w);
}

static void put_responses(struct json_writer *w, struct arena *arena, const struct api_row *row)
{
	struct slice rest = slice_str(row->refusals), status;

	begin(w, "responses");
	put_response(w, slice_str(arena_printf(arena, "%d", row->success)), "Done.");
	while (rest.len > 0 && slice_split(&rest, ' ', &status)) {
		put_response(w, status, "Refused; see error.code.");
	}
	json_end_object(w);
}

static void put_security(struct json_writer *w, enum api_who who)
{
	static const char *const names[] = {
		[API_MEMBER] = "member", [API_COUPLE] = "member", [API_SERVER] = "server"
	};

	put_text(w, "x-who",
	    who == API_OPEN	? "anybody"
	    : who == API_MEMBER ? "member"
	    : who == API_COUPLE ? "couple"
				: "server");
	json_put_name(w, SLICE("security"));
	json_begin_array(w);
	if (who != API_OPEN) {
		json_begin_object(w);
		json_put_name(w, slice_str(names[who]));
		json_begin_array(w);
		json_end_array(w);
		json_end_object(w);
	}
	json_end_array(w);
}

static void put_call(struct json_writer *w, struct arena *arena, const struct op *op,
    const struct api_row *row, const struct slice *params, unsigned n_params)
{
	static const char *const methods[] = { [HTTP_GET] = "get",
		[HTTP_POST] = "post",
		[HTTP_PUT] = "put",
		[HTTP_DELETE] = "delete",
		[HTTP_PATCH] = "patch" };

	begin(w, methods[op->method]);
	put_text(w, "operationId", op->name);
	put_text(w, "summary", row->summary);
	const char *event = api_event_name((enum api_number)(row - api_rows));
	if (event != NULL) {
		put_text(w, "x-event", event);
	}
	put_security(w, row->who);
	json_put_name(w, SLICE("parameters"));
	json_begin_array(w);
	for (unsigned i = 0; i < n_params; i++) {
		put_parameter(w, params[i], "path", NULL);
	}
	for (const struct api_field *f = row->fields; f->name != NULL; f++) {
		if (f->in_query) {
			put_parameter(w, slice_str(f->name), "query", f);
		}
	}
	json_end_array(w);
	if ((op->flags & OP_STREAM) != 0) {
		put_picture(w);
	} else if (has_body(row)) {
		put_body(w, row);
	}
	put_responses(w, arena, row);
	json_end_object(w);
}

/* Rows of one path stand behind each other only by chance: each path once, with all its calls. */
static void put_paths(struct json_writer *w, struct arena *arena)
{
	const struct op *ops = pairs_ops + PAIRS_SOCKET_OPS;

	begin(w, "paths");
	for (unsigned i = 0; i < API_ROWS; i++) {
		struct slice params[4];
		unsigned n = 0;
		bool is_first = true;

		for (unsigned k = 0; k < i; k++) {
			is_first = is_first && strcmp(ops[k].path, ops[i].path) != 0;
		}
		if (!is_first) {
			continue;
		}
		json_put_name(w, plain_path(arena, ops[i].path, params, &n));
		json_begin_object(w);
		for (unsigned k = i; k < API_ROWS; k++) {
			if (strcmp(ops[k].path, ops[i].path) == 0) {
				put_call(w, arena, &ops[k], &api_rows[k], params, n);
			}
		}
		json_end_object(w);
	}
	json_end_object(w);
}

static void put_scheme(struct json_writer *w, const char *name, const char *what)
{
	begin(w, name);
	put_text(w, "type", "http");
	put_text(w, "scheme", "bearer");
	put_text(w, "description", what);
	json_end_object(w);
}

enum err api_openapi(struct api_call *a)
{
	struct buf *document = arena_buf(a->c->arena, DOCUMENT_MAX);

	if (document == NULL) {
		return ERR_MEMORY;
	}
	a->body = document;
	a->out = json_writer_new(document);
	struct json_writer *w = &a->out;
	json_begin_object(w);
	put_text(w, "openapi", "3.0.3");
	begin(w, "info");
	put_text(w, "title", "Pairs");
	put_text(w, "version", a->env->version);
	json_end_object(w);
	begin(w, "components");
	begin(w, "securitySchemes");
	put_scheme(w, "member", "The token of a session; a cookie pairs_session does as well.");
	put_scheme(w, "server", "The key of the app's own server.");
	json_end_object(w);
	json_end_object(w);
	put_paths(w, a->c->arena);
	json_end_object(w);
	return api_send(a, a->row->success);
}
