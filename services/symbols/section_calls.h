/*
 * Sections of stored ELF files, for debuginfod's /section. Web asks the role files, which cuts one
 * out (unpacked, if it is compressed) into the store of what is derived (derived.h); from there web
 * serves it like any other file.
 */
#ifndef PLIMSOLL_SYMBOLS_SECTION_CALLS_H
#define PLIMSOLL_SYMBOLS_SECTION_CALLS_H

#include "services/symbols/file_calls.h"

enum {
	SECTION_NAME_MAX = 255, /* bytes */
	/*
	 * Of [symbols] index_cache: nothing larger is made for a section, because anybody may ask
	 * for one and indexes would have to go. Clients take the whole file then.
	 */
	SECTION_SHARE = 4
};

/* What a section is called in that store; an error of the cryptographic library. */
NODISCARD enum err section_blob(struct slice blob, struct slice section, char ret[BLOB_NAME_SIZE]);

/* symbols.section_cut: web -> files */
extern const struct rpc_def symbols_section_cut;

/*
 * Has a section cut out of the ELF file in a blob, which is in gzip form or holds one that is
 * (is_gzip). ERR_NOT_FOUND: there is no such section, or it has no bytes there; ERR_AGAIN: another
 * process is at it, look again soon; errors of elf_open(), elf_section_copy() and rpc_call().
 */
NODISCARD enum err section_cut(
    const struct file_caller *c, struct slice blob, bool is_gzip, struct slice section);

#endif
