/*
 * debuginfod's /section: cut out once by the role files, then a file like others. Of builds that
 * are not here upstreams are asked for the section alone: whoever asks so wants to be spared the
 * file.
 */
#include <unistd.h>

#include "core/base/clock.h"
#include "core/ev/task.h"
#include "services/symbols/build_answer.h"
#include "services/symbols/build_fetch.h"
#include "services/symbols/section_calls.h"
#include "services/symbols/symbol_find.h"

enum {
	LOOK_AGAIN_US = 50000
};

/* What is wrong with the file, and not with us, for now. */
static bool lies_in_file(enum err e)
{
	return e == ERR_INVALID || e == ERR_SYNTAX || e == ERR_UNSUPPORTED || e == ERR_LIMIT;
}

/* Opens the section's blob to see how large it is. ERR_NOT_FOUND: it is not cut out yet. */
static enum err look_at_section(struct op_call *c, const char *blob, struct blob_content *ret)
{
	const struct symbols_state *state = c->state;
	uint64_t size = 0;
	int fd = -1;
	enum err e = blob_get(state->indexes, slice_str(blob), &fd, &size, &c->note);

	if (e != ERR_OK) {
		return e;
	}
	(void)close(fd);
	e = arena_copy(c->arena, slice_str(blob), &ret->blob);
	ret->type = SLICE("application/octet-stream");
	ret->size = ret->stored_size = (int64_t)size;
	return e;
}

/* The section of one file. ERR_NOT_FOUND: it has none of that name with bytes. */
static enum err find_section(
    struct op_call *c, const struct symbol_file *f, struct slice section, struct blob_content *ret)
{
	const struct svc_env *env = c->env;
	const struct file_caller files = { .files = env->peer[ROLE_FILES],
		.arena = c->arena,
		.trace = c->trace,
		.note = &c->note };
	const struct symbols_state *state = c->state;
	bool is_gzip = symbol_file_is_gzip(f) || (f->elf_kind & ELF_PACKED) != 0;
	char blob[BLOB_NAME_SIZE];

	/* It would have to be unpacked to find that it is too large. */
	if (is_gzip && f->elf_size > state->settings.index_cache / SECTION_SHARE) {
		return ERR_NOT_FOUND;
	}
	enum err e = section_blob(f->blob, section, blob);
	if (e != ERR_OK) {
		return e;
	}
	*ret = (struct blob_content){ .cache_control = f->is_try ? BUILD_CACHE_TRY : BUILD_CACHE };
	while ((e = look_at_section(c, blob, ret)) == ERR_NOT_FOUND) {
		e = section_cut(&files, f->blob, is_gzip, section);
		if (e == ERR_AGAIN) {
			e = task_sleep(LOOK_AGAIN_US);
		}
		if (e != ERR_OK) {
			return lies_in_file(e) ? ERR_NOT_FOUND : e;
		}
	}
	return e;
}

/* From an upstream that has the build, or from here once it came so. */
static enum err answer_fetched(
    struct op_call *c, struct slice build_id, struct slice section, const struct build_wish *wish)
{
	const char *file =
	    arena_printf(c->arena, "%.*s%.*s", SLICE_ARG(BUILD_SECTION), SLICE_ARG(section));
	struct symbol_file f;

	if (file == NULL) {
		return ERR_MEMORY;
	}
	if (!symbol_name_is_good(section)) {
		return build_answer_miss(wish);
	}
	enum err e = symbol_find_source(c, build_id, slice_str(file), false, &f);
	if (e == ERR_NOT_FOUND) {
		e = build_fetch(c, build_id, slice_str(file));
		e = e == ERR_OK ? symbol_find_source(c, build_id, slice_str(file), false, &f) : e;
	}
	return e == ERR_OK ? build_answer_file(c, &f) : build_answer_unfetched(wish, e);
}

/* From the file with debug information or, where that has not its bytes, from that with code. */
static enum err answer_section(
    struct op_call *c, struct slice build_id, struct slice section, const struct build_wish *wish)
{
	static const enum elf_kind kinds[] = { ELF_DEBUGINFO, ELF_EXECUTABLE };
	const struct symbols_state *state = c->state;
	struct blob_content content;
	struct symbol_file f;
	bool has_debug = false;
	enum err e = ERR_NOT_FOUND;

	for (size_t i = 0; e == ERR_NOT_FOUND && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		e = symbol_find_build(c, build_id, kinds[i], build_wants_try(c), &f);
		if (e == ERR_OK) {
			symbols_count_use(state->counts, &f, clock_wall_ms());
			has_debug = has_debug || kinds[i] == ELF_DEBUGINFO;
			e = find_section(c, &f, section, &content);
		}
	}
	/* Who has the debug file has what there is to ask for. */
	if (e == ERR_NOT_FOUND) {
		return has_debug ? build_answer_miss(wish)
				 : answer_fetched(c, build_id, section, wish);
	}
	return e == ERR_OK ? build_answer_content(
				 c, state->indexes, &content, build_file_name(c, &f), f.modified_ms)
			   : e;
}

enum err symbols_section(struct op_call *c)
{
	struct slice build_id = SLICE_EMPTY, section = http_param(c->req, "section");
	enum err e = build_take_id(c, http_param(c->req, "id"), &build_id);

	if (e != ERR_OK) {
		return e == ERR_SYNTAX ? build_refuse_id(c) : e;
	}
	struct build_wish wish =
	    build_wish_of(c, build_id, SLICE("/section"), section, build_wants_try(c));
	if (section.len > SECTION_NAME_MAX || build_is_known_miss(&wish)) {
		return build_answer_miss(&wish);
	}
	return answer_section(c, build_id, section, &wish);
}
