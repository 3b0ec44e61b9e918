/*
 * What the files of the ELF reader share.
 */
#ifndef PLIMSOLL_SYMBOLS_ELF_PRIV_H
#define PLIMSOLL_SYMBOLS_ELF_PRIV_H

#include "services/symbols/elf_file.h"

enum {
	ELF_COMPRESS_ZSTD = 2 /* glibc 2.36 has no name for it */
};

struct elf_row {
	struct elf_section section;
	uint32_t name, link;
};

struct elf {
	struct elf_source source;
	bool is_64, is_big;
	uint64_t segments_at, sections_at;
	unsigned n_segments;
	struct elf_row *rows;
	size_t n_rows;
	char *names;
	size_t names_len;
};

/* A number of len bytes in the file's byte order. */
uint64_t elf_number(const struct elf *e, const unsigned char *p, unsigned len);

NODISCARD enum err elf_read(const struct elf *e, uint64_t at, void *out, size_t len);

/* A field of a structure that both classes have, be it as wide in both or not. */
#define ELF_FIELD(e, p, type, field)                                                               \
	((e)->is_64 ? elf_number((e), (p) + offsetof(Elf64_##type, field),                         \
			  sizeof(((Elf64_##type *)0)->field))                                      \
		    : elf_number((e), (p) + offsetof(Elf32_##type, field),                         \
			  sizeof(((Elf32_##type *)0)->field)))

#endif
