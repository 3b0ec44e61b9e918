/*
 * See symbol_find.h.
 */
#include "services/symbols/symbol_find.h"

#include "services/symbols/windows_file.h"

void symbol_has_arrived(struct miss_cache *misses, const struct symbol_file *f)
{
	miss_cache_forget(misses, f->key.debug_id);
	miss_cache_forget(misses, f->code_id);
	miss_cache_forget(misses, f->build_id);
}

static enum err find_exactly(
    struct op_call *c, const struct symbol_key *key, bool with_try, struct symbol_file *ret)
{
	const struct svc_env *env = c->env;

	return with_try ? symbol_file_find(env->db, c->arena, key, ret, &c->note)
			: symbol_file_get(env->db, c->arena, key, false, ret, &c->note);
}

/*
 * A PE or PDB that was uploaded under another id than it has itself is found by both. Debuggers ask
 * so for the module itself alone.
 */
static enum err find_by_own_id(
    struct op_call *c, const struct symbol_key *key, bool with_try, struct symbol_file *ret)
{
	const struct symbol_kinds kinds = { .elf = WINDOWS_PE | WINDOWS_PDB };
	const struct svc_env *env = c->env;
	enum err e = ERR_NOT_FOUND;

	if (!slice_eq_nocase(key->file, key->debug_file)) {
		return e;
	}
	struct slice id = symbol_id_lower(c->arena, key->debug_id);
	if (id.ptr == NULL) {
		return ERR_MEMORY;
	}
	for (unsigned pass = 0; e == ERR_NOT_FOUND && pass <= (with_try ? 1u : 0u); pass++) {
		e = symbol_file_by_build(env->db, c->arena, id, kinds, pass == 1, ret, &c->note);
	}
	return e == ERR_OK && !slice_eq_nocase(ret->key.file, key->file) ? ERR_NOT_FOUND : e;
}

enum err symbol_find_key(
    struct op_call *c, const struct symbol_key *key, bool with_try, struct symbol_file *ret)
{
	const struct svc_env *env = c->env;
	enum err e = find_exactly(c, key, with_try, ret);

	for (unsigned pass = 0; e == ERR_NOT_FOUND && pass <= (with_try ? 1u : 0u); pass++) {
		e = symbol_file_any_case(env->db, c->arena, key, pass == 1, ret, &c->note);
	}
	return e == ERR_NOT_FOUND ? find_by_own_id(c, key, with_try, ret) : e;
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
