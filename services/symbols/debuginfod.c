/*
 * See debuginfod.h: whole files and sources.
 */
#include "services/symbols/debuginfod.h"

#include "services/symbols/build_fetch.h"
#include "services/symbols/symbol_find.h"

static void count_miss(struct op_call *c, struct slice build_id)
{
	const struct symbols_state *state = c->state;
	const struct symbol_key key = { .debug_file = SYMBOL_BUILDID,
		.debug_id = symbol_id_fold(c->arena, build_id),
		.file = SLICE("debuginfo") };

	if (state->settings.counts_missing && http_method(c->req) == HTTP_GET &&
	    key.debug_id.ptr != NULL) {
		symbols_count_miss(state->counts, &key, SLICE_EMPTY, SLICE_EMPTY);
	}
}

enum err debuginfod_answer_build(
    struct op_call *c, struct slice build_id, enum elf_kind kind, bool with_try)
{
	struct slice what = kind == ELF_DEBUGINFO ? SLICE("debuginfo") : SLICE("executable");
	struct build_wish wish = build_wish_of(c, build_id, what, SLICE_EMPTY, with_try);
	struct symbol_file f;
	enum err e = ERR_OK;

	if (build_answer_hot(&wish, &e)) {
		return e;
	}
	e = build_is_known_miss(&wish) ? ERR_NOT_FOUND
				       : symbol_find_build(c, build_id, kind, with_try, &f);
	if (e == ERR_NOT_FOUND) {
		e = build_fetch(c, build_id, what);
		e = e == ERR_OK ? symbol_find_build(c, build_id, kind, with_try, &f) : e;
	}
	if (e == ERR_OK) {
		return build_answer_found(&wish, &f);
	}
	/* Who wants to debug asks for this, and for the others only then. */
	if (kind == ELF_DEBUGINFO && (e == ERR_NOT_FOUND || e == ERR_AGAIN)) {
		count_miss(c, build_id);
	}
	return build_answer_unfetched(&wish, e);
}

static enum err answer_kind(struct op_call *c, enum elf_kind kind)
{
	struct slice build_id = SLICE_EMPTY;
	enum err e = build_take_id(c, http_param(c->req, "id"), &build_id);

	if (e != ERR_OK) {
		return e == ERR_SYNTAX ? build_refuse_id(c) : e;
	}
	return debuginfod_answer_build(c, build_id, kind, build_wants_try(c));
}

enum err symbols_debuginfo(struct op_call *c)
{
	return answer_kind(c, ELF_DEBUGINFO);
}

enum err symbols_executable(struct op_call *c)
{
	return answer_kind(c, ELF_EXECUTABLE);
}

enum err symbols_source(struct op_call *c)
{
	struct slice build_id = SLICE_EMPTY, file = SLICE_EMPTY;
	enum err e = build_take_id(c, http_param(c->req, "id"), &build_id);
	struct symbol_file f;

	if (e != ERR_OK) {
		return e == ERR_SYNTAX ? build_refuse_id(c) : e;
	}
	e = symbol_source_file(c->arena, http_param(c->req, "path"), &file);
	if (e != ERR_OK && e != ERR_SYNTAX) {
		return e;
	}
	struct build_wish wish = build_wish_of(c, build_id, file, SLICE_EMPTY, build_wants_try(c));
	if (e == ERR_SYNTAX) {
		return build_answer_miss(&wish);
	}
	if (build_answer_hot(&wish, &e)) {
		return e;
	}
	e = build_is_known_miss(&wish)
		? ERR_NOT_FOUND
		: symbol_find_source(c, build_id, file, build_wants_try(c), &f);
	if (e == ERR_NOT_FOUND) {
		e = build_fetch(c, build_id, file);
		e = e == ERR_OK ? symbol_find_source(c, build_id, file, build_wants_try(c), &f) : e;
	}
	return e == ERR_OK ? build_answer_found(&wish, &f) : build_answer_unfetched(&wish, e);
}
