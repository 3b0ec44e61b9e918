/*
 * debuginfod's addresses (symbols.md 4.1): the ELF files of a build, their sections, its sources.
 */
#ifndef PLIMSOLL_SYMBOLS_DEBUGINFOD_H
#define PLIMSOLL_SYMBOLS_DEBUGINFOD_H

#include "services/symbols/elf_file.h"
#include "services/symbols/symbols_priv.h"

/* Answers with the ELF file of a build, or 404. */
NODISCARD enum err debuginfod_answer_build(
    struct op_call *c, struct slice build_id, enum elf_kind kind, bool with_try);

#endif
