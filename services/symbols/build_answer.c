/*
 * See build_answer.h. What is known not to be there is answered from memory, as downloads are: gdb
 * asks for every library of a process, most of which are the distribution's.
 */
#include "services/symbols/build_answer.h"

#include <inttypes.h>

#include "core/base/clock.h"
#include "services/symbols/blob_small.h"

#define CACHE_MISS SLICE("public, max-age=10")

/* ---- requests ---- */

bool build_wants_try(const struct op_call *c)
{
	return slice_starts(slice_str(c->op->path), SLICE("/try/"));
}

enum err build_take_id(struct op_call *c, struct slice text, struct slice *ret)
{
	if (!symbol_id_is_good(text) || text.len % 2 != 0) {
		return ERR_SYNTAX;
	}
	*ret = symbol_id_lower(c->arena, text);
	return ret->ptr == NULL ? ERR_MEMORY : ERR_OK;
}

enum err build_refuse_id(struct op_call *c)
{
	http_reply(c->req, 400, SLICE("text/plain; charset=utf-8"),
	    SLICE("a build id is an even number of hex digits"));
	return ERR_OK;
}

/* ---- what is not there ---- */

struct build_wish build_wish_of(
    struct op_call *c, struct slice build_id, struct slice what, struct slice more, bool with_try)
{
	const struct symbols_state *state = c->state;
	const struct slice parts[] = { SLICE("/buildid"), build_id, what, more,
		with_try ? SLICE("try") : SLICE_EMPTY };

	return (struct build_wish){ .c = c,
		.key = hot_key_of(state->misses, parts, sizeof(parts) / sizeof(parts[0]), build_id,
		    clock_mono_us()) };
}

bool build_is_known_miss(const struct build_wish *w)
{
	const struct symbols_state *state = w->c->state;

	return miss_cache_has(state->misses, w->key.hash, w->key.stamp);
}

enum err build_answer_miss(const struct build_wish *w)
{
	struct op_call *c = w->c;
	const struct symbols_state *state = c->state;

	miss_cache_mark(state->misses, w->key.hash, w->key.stamp);
	return build_answer_never(c);
}

enum err build_answer_never(struct op_call *c)
{
	http_add_header(c->req, SLICE("Cache-Control"), CACHE_MISS);
	http_reply(c->req, 404, SLICE("text/plain; charset=utf-8"), SLICE("not found"));
	return ERR_OK;
}

/* ---- what is ---- */

/* The ELF file of a row, unpacked if the row's file is in gzip form. */
static struct blob_content elf_content(const struct symbol_file *f)
{
	struct blob_content content = blob_content_of(f, f->is_try ? BUILD_CACHE_TRY : BUILD_CACHE);

	content.type = SLICE("application/octet-stream");
	if ((f->elf_kind & ELF_PACKED) != 0) {
		content.is_gzip = true;
		content.size = f->elf_size;
	}
	return content;
}

const char *build_file_name(struct op_call *c, const struct symbol_file *f)
{
	struct slice name = f->key.file;
	size_t at = name.len;

	while (at > 0 && name.ptr[at - 1] != '/') {
		at--;
	}
	name = slice_sub(name, at, name.len);
	if ((f->elf_kind & ELF_PACKED) != 0 && slice_ends(name, SLICE(".gz"))) {
		name = slice_sub(name, 0, name.len - 3);
	}
	return symbol_name_encode(c->arena, name);
}

/* What clients of debuginfod look at. */
static enum err add_headers(
    struct op_call *c, const struct blob_content *content, const char *name, int64_t modified_ms)
{
	const char *size = arena_printf(c->arena, "%" PRId64, content->size);
	char *date = arena_alloc(c->arena, CLOCK_HTTP_DATE_SIZE);

	if (size == NULL || date == NULL || name == NULL) {
		return ERR_MEMORY;
	}
	clock_http_date(modified_ms / 1000, date);
	http_add_header(c->req, SLICE("X-DEBUGINFOD-SIZE"), slice_str(size));
	http_add_header(c->req, SLICE("X-DEBUGINFOD-FILE"), slice_str(name));
	http_add_header(c->req, SLICE("Last-Modified"), slice_str(date));
	return ERR_OK;
}

static bool is_too_large(struct op_call *c, const struct blob_content *content)
{
	struct slice text = http_header_get(c->req, SLICE("X-DEBUGINFOD-MAXSIZE"));
	uint64_t max = 0;

	return text.ptr != NULL && slice_to_u64(text, INT64_MAX, &max) == ERR_OK && max > 0 &&
	       (uint64_t)content->size > max;
}

enum err build_answer_content(struct op_call *c, const struct blob_store *blobs,
    const struct blob_content *content, const char *name, int64_t modified_ms)
{
	if (is_too_large(c, content)) {
		const char *text = arena_printf(c->arena, "File too large, max size=%.*s",
		    SLICE_ARG(http_header_get(c->req, SLICE("X-DEBUGINFOD-MAXSIZE"))));
		if (text == NULL) {
			return ERR_MEMORY;
		}
		http_reply(c->req, 406, SLICE("text/plain; charset=utf-8"), slice_str(text));
		return ERR_OK;
	}
	enum err e = add_headers(c, content, name, modified_ms);
	return e == ERR_OK ? blob_answer(c, blobs, content) : e;
}

static enum err answer_file(struct op_call *c, const struct hot_file *hot)
{
	const struct symbols_state *state = c->state;
	const struct symbol_file *f = &hot->row;
	struct blob_content content = elf_content(f);

	content.bytes = hot->bytes;
	content.is_open = hot->is_open;
	content.fd = hot->fd;
	symbols_count_use(state->counts, f, clock_wall_ms());
	return build_answer_content(
	    c, state->blobs, &content, build_file_name(c, f), f->modified_ms);
}

enum err build_answer_file(struct op_call *c, const struct symbol_file *f)
{
	const struct hot_file file = { .row = *f };

	return answer_file(c, &file);
}

enum err build_answer_found(const struct build_wish *w, const struct symbol_file *f)
{
	const struct symbols_state *state = w->c->state;
	struct blob_content content = elf_content(f);
	enum err e = blob_take(w->c, state->blobs, &content);

	if (e == ERR_OK) {
		const struct hot_file hot = { *f, content.bytes, content.is_open, content.fd };
		/* An empty blob may be removed by another machine, and headers are said before. */
		if (hot.bytes.len > 0 || hot.is_open) {
			hot_files_put(state->hot, &w->key, &hot);
		}
		e = answer_file(w->c, &hot);
	}
	blob_let_go(&content);
	return e;
}

bool build_answer_hot(const struct build_wish *w, enum err *ret)
{
	const struct symbols_state *state = w->c->state;
	struct hot_file hot;

	if (!hot_files_get(state->hot, &w->key, clock_wall_ms(), &hot)) {
		return false;
	}
	*ret = answer_file(w->c, &hot);
	return true;
}
