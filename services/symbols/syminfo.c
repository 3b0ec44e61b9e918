/*
 * GET /api/syminfo/{NAME}/{ID}: from debug file and id to code file and id, or the other way; and
 * what debuggers have of that build, which the build id ties to its .sym.
 */
#include "services/symbols/symbol_find.h"
#include "services/symbols/symbols_json.h"
#include "services/symbols/symbols_priv.h"

enum {
	JSON_MAX = 8 * 1024
};

/* The .sym of a build or, if there is none, an ELF file. */
static enum err find_build(struct op_call *c, struct slice id, struct symbol_file *ret)
{
	const struct svc_env *env = c->env;
	static const struct symbol_kinds kinds[] = { { .sym = true },
		{ .elf = ELF_DEBUGINFO | ELF_EXECUTABLE } };
	struct slice build_id = symbol_id_lower(c->arena, id);
	enum err e = build_id.ptr == NULL ? ERR_MEMORY : ERR_NOT_FOUND;

	for (size_t i = 0; e == ERR_NOT_FOUND && i < 2 * sizeof(kinds) / sizeof(kinds[0]); i++) {
		e = symbol_file_by_build(
		    env->db, c->arena, build_id, kinds[i / 2], i % 2 == 1, ret, &c->note);
	}
	return e;
}

/* By the name of its .sym, or else as a code file and id, or as that of a build. */
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
	if (e == ERR_NOT_FOUND) {
		e = find_build(c, id, ret);
	}
	return e;
}

/* Addresses of what is there of the build. */
static enum err put_build(struct op_call *c, struct json_writer *w, const struct symbol_file *f)
{
	static const struct {
		enum elf_kind kind;
		struct slice name;
	} parts[] = { { ELF_DEBUGINFO, { "debuginfo", 9 } },
		{ ELF_EXECUTABLE, { "executable", 10 } } };
	const struct symbols_state *state = c->state;

	symbols_put_text(w, SLICE("build_id"), f->build_id);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct symbol_file part;
		enum err e = symbol_find_build(c, f->build_id, parts[i].kind, true, &part);
		if (e == ERR_NOT_FOUND) {
			continue;
		}
		const char *url = e != ERR_OK
				      ? NULL
				      : arena_printf(c->arena, "%s%s/buildid/%.*s/%.*s",
					    state->url.origin, part.is_try ? "/try" : "",
					    SLICE_ARG(f->build_id), SLICE_ARG(parts[i].name));
		if (url == NULL) {
			return e == ERR_OK ? ERR_MEMORY : e;
		}
		symbols_put_text(w, parts[i].name, slice_str(url));
	}
	return ERR_OK;
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
	bool is_elf = (f->elf_kind & (ELF_DEBUGINFO | ELF_EXECUTABLE)) != 0;
	/* The key of an ELF file may be its build id: the other ids are made from that. */
	bool is_buildid = slice_eq(f->key.debug_file, SYMBOL_BUILDID);
	struct slice debug_file = is_buildid ? http_param(c->req, "name") : f->key.debug_file;
	struct slice debug_id =
	    is_elf ? symbol_id_of_build(c->arena, f->build_id) : f->key.debug_id;
	struct slice code_id = is_elf ? symbol_id_fold(c->arena, f->build_id) : f->code_id;
	struct json_writer w = json_writer_new(out);
	json_begin_object(&w);
	symbols_put_text(&w, SLICE("debug_id"), debug_id);
	symbols_put_text(&w, SLICE("debug_filename"), debug_file);
	symbols_put_text(&w, SLICE("code_file"), f->code_file);
	symbols_put_text(&w, SLICE("code_id"), code_id);
	symbols_put_text(&w, SLICE("generator"), f->generator);
	symbols_put_text(&w, SLICE("url"), slice_str(url));
	bool is_windows = f->elf_kind != 0 && !is_elf;
	enum err e = f->build_id.len > 0 && !is_windows ? put_build(c, &w, f) : ERR_OK;
	json_end_object(&w);
	if (e != ERR_OK || out->failed) {
		return e == ERR_OK ? ERR_MEMORY : e;
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
