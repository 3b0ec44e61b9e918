/*
 * See symbol_row.h.
 */
#include "services/symbols/symbol_row.h"

#include "core/base/enc.h"

enum err symbol_row_make(struct arena *arena, const struct symbol_key *key,
    const struct file_unpacked *f, struct slice blob, struct symbol_file *ret)
{
	char *md5 = arena_alloc(arena, 2 * sizeof(f->md5) + 1);
	struct slice code_id = symbol_id_fold(arena, f->code_id);
	bool is_sym = symbol_is_sym(key->file);
	/* Debuggers ask by it, in lower case; what Windows' files have instead nobody asks by. */
	struct slice build_id = !is_sym	    ? slice_str(f->elf.build_id)
				: f->is_elf ? symbol_id_lower(arena, f->code_id)
					    : SLICE_EMPTY;

	if (md5 == NULL || code_id.ptr == NULL || (build_id.len > 0 && build_id.ptr == NULL)) {
		return ERR_MEMORY;
	}
	enc_hex_text(SLICE_OF(f->md5, sizeof(f->md5)), md5);
	*ret = (struct symbol_file){ .key = *key,
		.blob = blob,
		.size = (int64_t)f->size,
		.stored_size = (int64_t)f->stored_size,
		.md5 = slice_str(md5),
		.code_file = is_sym ? f->code_file : SLICE_EMPTY,
		.code_id = is_sym ? code_id : SLICE_EMPTY,
		.build_id = build_id,
		.generator = is_sym ? f->generator : SLICE_EMPTY,
		.elf_kind = is_sym ? 0 : f->elf.kind,
		.elf_size = is_sym ? 0 : (int64_t)f->elf.size,
		.upstream = SLICE_EMPTY };
	return ERR_OK;
}
