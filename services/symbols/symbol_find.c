/*
 * See symbol_find.h.
 */
#include "services/symbols/symbol_find.h"

static enum err find_exactly(
    struct op_call *c, const struct symbol_key *key, bool with_try, struct symbol_file *ret)
{
	const struct svc_env *env = c->env;

	return with_try ? symbol_file_find(env->db, c->arena, key, ret, &c->note)
			: symbol_file_get(env->db, c->arena, key, false, ret, &c->note);
}

enum err symbol_find_key(
    struct op_call *c, const struct symbol_key *key, bool with_try, struct symbol_file *ret)
{
	const struct svc_env *env = c->env;
	enum err e = find_exactly(c, key, with_try, ret);

	for (unsigned pass = 0; e == ERR_NOT_FOUND && pass <= (with_try ? 1u : 0u); pass++) {
		e = symbol_file_any_case(env->db, c->arena, key, pass == 1, ret, &c->note);
	}
	return e;
}

enum err symbol_find_code(struct op_call *c, const struct symbol_key *key, struct symbol_file *ret)
{
	const struct svc_env *env = c->env;

	/* Debug ids are longer. */
	if (!slice_ends(key->file, SLICE(".sym")) || key->debug_id.len >= SYMBOL_DEBUG_ID) {
		return ERR_NOT_FOUND;
	}
	return symbol_file_by_code(
	    env->db, c->arena, key->debug_file, key->debug_id, ret, &c->note);
}

/*
 * A file whose note has another build id than the path that it was uploaded to, buildid/ID/..., is
 * found by both.
 */
static enum err find_by_path(struct op_call *c, struct slice build_id, enum elf_kind kind,
    bool with_try, struct symbol_file *ret)
{
	const struct symbol_key key = { .debug_file = SYMBOL_BUILDID,
		.debug_id = symbol_id_fold(c->arena, build_id),
		.file = kind == ELF_DEBUGINFO ? SLICE("debuginfo") : SLICE("executable") };

	if (key.debug_id.ptr == NULL) {
		return ERR_MEMORY;
	}
	enum err e = find_exactly(c, &key, with_try, ret);
	return e == ERR_OK && (ret->elf_kind & kind) == 0 ? ERR_NOT_FOUND : e;
}

enum err symbol_find_build(struct op_call *c, struct slice build_id, enum elf_kind kind,
    bool with_try, struct symbol_file *ret)
{
	const struct svc_env *env = c->env;
	enum err e = ERR_NOT_FOUND;

	for (unsigned pass = 0; e == ERR_NOT_FOUND && pass <= (with_try ? 1u : 0u); pass++) {
		e = symbol_file_by_build(env->db, c->arena, build_id,
		    (struct symbol_kinds){ .elf = kind }, pass == 1, ret, &c->note);
	}
	return e == ERR_NOT_FOUND ? find_by_path(c, build_id, kind, with_try, ret) : e;
}

enum err symbol_find_source(struct op_call *c, struct slice build_id, struct slice file,
    bool with_try, struct symbol_file *ret)
{
	const struct symbol_key key = { .debug_file = SYMBOL_BUILDID,
		.debug_id = symbol_id_fold(c->arena, build_id),
		.file = file };

	return key.debug_id.ptr == NULL ? ERR_MEMORY : find_exactly(c, &key, with_try, ret);
}
