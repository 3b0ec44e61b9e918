/*
 * Finding what was asked for among the files that are stored here: one function for each kind of
 * key. All are point reads. with_try: also among the files of try builds, which never shadow
 * others. ERR_NOT_FOUND of any of them is what upstream servers would be asked about.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOL_FIND_H
#define PLIMSOLL_SYMBOLS_SYMBOL_FIND_H

#include "services/symbols/elf_file.h"
#include "services/symbols/symbols_priv.h"

/* Debug file, id (folded) and file; names in another case too, if there is none in this one. */
NODISCARD enum err symbol_find_key(
    struct op_call *c, const struct symbol_key *key, bool with_try, struct symbol_file *ret);

/* The .sym of a code file and id (folded). */
NODISCARD enum err symbol_find_code(
    struct op_call *c, const struct symbol_key *key, struct symbol_file *ret);

/* The ELF file of a build (id in lower case) that is of that kind. */
NODISCARD enum err symbol_find_build(struct op_call *c, struct slice build_id, enum elf_kind kind,
    bool with_try, struct symbol_file *ret);

/* A source of a build; file as symbol_source_file() gives it. */
NODISCARD enum err symbol_find_source(struct op_call *c, struct slice build_id, struct slice file,
    bool with_try, struct symbol_file *ret);

/* A file has been added: what is known not to be there may be there now. */
void symbol_has_arrived(struct miss_cache *misses, const struct symbol_file *f);

#endif
