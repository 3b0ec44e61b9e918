/*
 * See build_fetch.h.
 */
#include "services/symbols/build_fetch.h"

static enum upstream_kind kind_of(struct slice file)
{
	return slice_eq(file, SLICE("debuginfo"))    ? UPSTREAM_DEBUGINFO
	       : slice_eq(file, SLICE("executable")) ? UPSTREAM_EXECUTABLE
	       : slice_starts(file, BUILD_SECTION)   ? UPSTREAM_SECTION
						     : UPSTREAM_SOURCE;
}

enum err build_fetch(struct op_call *c, struct slice build_id, struct slice file)
{
	const struct symbols_state *state = c->state;
	struct upstream_key key = { .kind = kind_of(file),
		.key = { SYMBOL_BUILDID, symbol_id_fold(c->arena, build_id), file },
		.build_id = build_id,
		.path = SLICE_EMPTY };

	if (key.kind == UPSTREAM_SOURCE) {
		/* "source/PATH" */
		key.path = slice_sub(file, slice_find(file, '/', 0), file.len);
	} else if (key.kind == UPSTREAM_SECTION) {
		key.path = slice_sub(file, BUILD_SECTION.len, file.len);
	}
	return key.key.debug_id.ptr == NULL ? ERR_MEMORY
					    : upstream_get(c, &key, upstream_wait_until_us(state));
}

enum err build_answer_unfetched(const struct build_wish *w, enum err e)
{
	struct op_call *c = w->c;

	if (e == ERR_NOT_FOUND) {
		return build_answer_miss(w);
	}
	if (e != ERR_AGAIN) {
		return upstream_answer_later(c, e);
	}
	http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-store"));
	http_reply(c->req, 404, SLICE("text/plain; charset=utf-8"), SLICE("not found"));
	return ERR_OK;
}
