/*
 * What a stored file is to debuggers: whether it holds an ELF file, plain or in gzip form, which
 * build it is of, and what of the build; or a file of Windows, and its id. Role: files, which alone
 * looks into strangers' files.
 */
#ifndef PLIMSOLL_SYMBOLS_ELF_FACTS_H
#define PLIMSOLL_SYMBOLS_ELF_FACTS_H

#include "core/base/slice.h"
#include "services/symbols/elf_file.h"

enum {
	ELF_BUILD_ID_HEX = 2 * ELF_BUILD_ID_MAX
};

struct elf_facts {
	/* enum elf_kind or enum windows_kind; 0: it is nothing for a debugger, the rest is empty */
	unsigned kind;
	uint64_t size;			     /* bytes of the ELF file itself */
	char build_id[ELF_BUILD_ID_HEX + 1]; /* lower case; of Windows' files their own id */
};

/* Bytes of a file's content as they are stored. */
struct elf_place {
	int fd;
	uint64_t at, len;
	bool is_gzip; /* the content is unpacked from them */
	uint64_t max; /* bytes of content that are looked at */
};

/* Reads of a place that is not in gzip form; arg is the struct elf_place. See elf_read_fn. */
NODISCARD enum err elf_place_read(void *arg, uint64_t at, void *out, size_t len);

/*
 * head: how the content begins. Whatever cannot be read, or has no id, is nothing for a debugger:
 * that is no error.
 */
struct elf_facts elf_facts_of(const struct elf_place *place, struct slice head);

#endif
