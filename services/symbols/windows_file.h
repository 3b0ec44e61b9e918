/*
 * Strangers' PE files, PDBs and portable PDBs, as far as their own ids, under which debuggers on
 * Windows ask for them (symbols.md 0 and 4.2). Read as ELF files are (elf_file.h): through a
 * function, each number compared with a bound before it is used.
 */
#ifndef PLIMSOLL_SYMBOLS_WINDOWS_FILE_H
#define PLIMSOLL_SYMBOLS_WINDOWS_FILE_H

#include "services/symbols/elf_file.h"

enum {
	WINDOWS_ID_SIZE = 48 /* of an id's text, with NUL */
};

/* Bits of a row's elf_kind, beside those of enum elf_kind: what is no ELF file but has an id. */
enum windows_kind {
	WINDOWS_PE = 8,
	WINDOWS_PDB = 16 /* also portable ones */
};

struct windows_facts {
	unsigned kind; /* enum windows_kind */
	/*
	 * Lower case. Of a PE: time stamp and size; of a PDB: GUID and age; of a portable one: GUID
	 * and ffffffff.
	 */
	char id[WINDOWS_ID_SIZE];
};

/* Is that how one of them begins? head: the first bytes of the file. */
bool windows_begins(struct slice head);

/*
 * Reads the id. ERR_SYNTAX: it is none of them; ERR_INVALID: it contradicts itself or is cut off,
 * and what the source returns.
 */
NODISCARD enum err windows_read(const struct elf_source *source, struct windows_facts *ret);

#endif
