/*
 * What Microsoft's layout of symbol servers (symbols.md 4.2) has beyond that of Breakpad, which is
 * the same three parts: files that are named after the module itself, keys of ELF files, and trees
 * of two tiers.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMSRV_H
#define PLIMSOLL_SYMBOLS_SYMSRV_H

#include "services/symbols/symbols_priv.h"

/*
 * "xul.pdb/ID/xul.pdb" and, compressed, "xul.pdb/ID/xul.pd_": what debuggers ask for, in any case.
 */
bool symsrv_is_plain(const struct symbol_key *key);

/* The id of "libc.so.6/elf-buildid-ID/libc.so.6" or "_.debug/elf-buildid-sym-ID/_.debug". */
bool symsrv_is_build(struct slice id);

/* Answers one of those; file: the last part. */
NODISCARD enum err symsrv_answer_build(
    struct op_call *c, struct slice id, struct slice file, bool with_try);

/* "xu" of "xu/xul.pdb/ID/xul.pdb". */
bool symsrv_is_tier(struct slice tier, struct slice debug_file);

#endif
