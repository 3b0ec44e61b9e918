/*
 * GET /api/syminfo/{NAME}/{ID}: from debug file and id to code file and id, or the other way.
 */
#include "services/symbols/symbols_json.h"
#include "services/symbols/symbols_priv.h"

enum {
	JSON_MAX = 8 * 1024
};

/* By the name of its .sym, or else as a code file and id. */
static enum err find(struct op_call *c, struct slice name, struct slice id, struct symbol_file *ret)
{
	const struct svc_env *env = c->env;
	const char *sym = symbol_sym_name(c->arena, name);
	const struct symbol_key key = { name, id, slice_str(sym) };

	if (sym == NULL) {
		return ERR_MEMORY;
	}
	enum err e = symbol_file_find(env->db, c->arena, &key, ret, &c->note);
	if (e == ERR_NOT_FOUND) {
		e = symbol_file_by_code(env->db, c->arena, name, id, ret, &c->note);
	}
	return e;
}

static enum err reply(struct op_call *c, const struct symbol_file *f)
{
	const struct symbols_state *state = c->state;
	struct buf *out = arena_buf(c->arena, JSON_MAX);
	const char *path = symbol_key_path(c->arena, &f->key);
	const char *url = path == NULL ? NULL
				       : arena_printf(c->arena, "%s%s/%s", state->url.origin,
					     f->is_try ? "/try" : "", path);

	if (out == NULL || url == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer w = json_writer_new(out);
	json_begin_object(&w);
	symbols_put_text(&w, SLICE("debug_id"), f->key.debug_id);
	symbols_put_text(&w, SLICE("debug_filename"), f->key.debug_file);
	symbols_put_text(&w, SLICE("code_file"), f->code_file);
	symbols_put_text(&w, SLICE("code_id"), f->code_id);
	symbols_put_text(&w, SLICE("generator"), f->generator);
	symbols_put_text(&w, SLICE("url"), slice_str(url));
	json_end_object(&w);
	if (out->failed) {
		return ERR_MEMORY;
	}
	http_reply(c->req, 200, SLICE("application/json"), buf_slice(out));
	return ERR_OK;
}

enum err symbols_syminfo(struct op_call *c)
{
	struct slice name = http_param(c->req, "name"), id = http_param(c->req, "id");
	struct symbol_file f;
	enum err e = ERR_NOT_FOUND;

	if (symbol_name_is_good(name) && symbol_id_is_good(id) && !symbol_id_is_null(id)) {
		id = symbol_id_fold(c->arena, id);
		e = id.ptr == NULL ? ERR_MEMORY : find(c, name, id, &f);
	}
	if (e == ERR_NOT_FOUND) {
		http_reply(c->req, 404, SLICE("text/plain; charset=utf-8"), SLICE("Not Found"));
		return ERR_OK;
	}
	return e == ERR_OK ? reply(c, &f) : e;
}
