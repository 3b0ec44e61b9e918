/*
 * Strangers' ELF files (System V ABI, chapters 4 and 5), as far as a symbol server has to know
 * them: the build id, the sections, and whether there is code or debug information in them. Our
 * own, and not libelf's, for the reasons of decision 88. Both classes and both byte orders.
 *
 * Bytes come through a function, so that what is packed can be read as well, and every number of a
 * file is compared with a bound before it is used: nothing is mapped, a file that gets shorter
 * while it is read is one that is damaged, and memory does not depend on what a header says.
 */
#ifndef PLIMSOLL_SYMBOLS_ELF_FILE_H
#define PLIMSOLL_SYMBOLS_ELF_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	ELF_READ_MAX = 64 * 1024,    /* bytes of one read */
	ELF_SECTIONS_MAX = 65536,    /* files with more are not looked into */
	ELF_NAMES_MAX = 1024 * 1024, /* bytes of all names of sections */
	ELF_BUILD_ID_MAX = 64,	     /* bytes; linkers write 8 to 20 */
	ELF_HEADER_MAX = 64	     /* bytes that tell whether something is an ELF file at all */
};

/* Reads exactly len bytes, at most ELF_READ_MAX. ERR_INVALID: they are not there; ERR_IO. */
typedef enum err elf_read_fn(void *arg, uint64_t at, void *out, size_t len);

struct elf_source {
	elf_read_fn *read;
	void *arg;
};

/* What can be asked for of a build; bits of a row's elf_kind. */
enum elf_kind {
	ELF_DEBUGINFO = 1,  /* debug sections, or nothing but symbols: split off or not */
	ELF_EXECUTABLE = 2, /* code or data to be loaded; shared objects, too */
	ELF_PACKED = 4	    /* the file that holds it is in gzip form */
};

/* Numbers as they stand in the file: offset and size may point anywhere. */
struct elf_section {
	struct slice name; /* borrowed from the struct elf */
	uint32_t type;
	uint64_t flags, offset, size, align;
};

struct elf;

/* Is that how an ELF file begins? head: its first ELF_HEADER_MAX bytes, or all. */
bool elf_begins(struct slice head);

/*
 * Reads the header and the table of sections. ERR_SYNTAX: it is no ELF file, or none of a program
 * (cores are not); ERR_INVALID: it contradicts itself; ERR_LIMIT: more than is looked at;
 * ERR_MEMORY, and what the source returns.
 */
NODISCARD enum err elf_open(const struct elf_source *source, struct elf **ret);
void elf_close(struct elf **e);

/* ELF_DEBUGINFO and ELF_EXECUTABLE, by its sections. */
unsigned elf_kind(const struct elf *e);

/* Reads the build id, at least one byte. ERR_NOT_FOUND: it has none. */
NODISCARD enum err elf_build_id(
    const struct elf *e, unsigned char ret[ELF_BUILD_ID_MAX], size_t *ret_len);

/* The first section of that name. False: there is none. */
bool elf_section_find(const struct elf *e, struct slice name, struct elf_section *ret);

/* A section whose bytes are in the file (others, of .bss and of stripped files, only say so). */
bool elf_section_has_bytes(const struct elf_section *s);

/*
 * Writes the bytes of a section, unpacked if they are compressed, to a descriptor from its
 * beginning on. ERR_INVALID: they are not all there, or are not what the section says;
 * ERR_UNSUPPORTED: packed in a way that nobody knows; ERR_LIMIT: more than max, unpacked; ERR_IO,
 * ERR_DISK_FULL, ERR_MEMORY.
 */
NODISCARD enum err elf_section_copy(
    const struct elf *e, const struct elf_section *s, uint64_t max, int out, struct err_note *note);

#endif
