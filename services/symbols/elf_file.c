/*
 * See elf_file.h: the header and the sections; elf_note.c has the build id. Structures are taken
 * apart byte by byte, so a file of another machine is one like any other.
 */
#include "services/symbols/elf_file.h"

#include <elf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "services/symbols/elf_priv.h"

enum {
	HEADERS_AT_ONCE = 64
};

uint64_t elf_number(const struct elf *e, const unsigned char *p, unsigned len)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < len; i++) {
		unsigned shift = 8 * (e->is_big ? len - 1 - i : i);
		n |= (uint64_t)p[i] << shift;
	}
	return n;
}

bool elf_begins(struct slice head)
{
	return head.len > EI_VERSION && memcmp(head.ptr, ELFMAG, SELFMAG) == 0 &&
	       (head.ptr[EI_CLASS] == ELFCLASS32 || head.ptr[EI_CLASS] == ELFCLASS64) &&
	       (head.ptr[EI_DATA] == ELFDATA2LSB || head.ptr[EI_DATA] == ELFDATA2MSB) &&
	       head.ptr[EI_VERSION] == EV_CURRENT;
}

enum err elf_read(const struct elf *e, uint64_t at, void *out, size_t len)
{
	return at > UINT64_MAX - len ? ERR_INVALID : e->source.read(e->source.arg, at, out, len);
}

/* ---- sections ---- */

static struct elf_row section_of(const struct elf *e, const unsigned char *p)
{
	return (struct elf_row){ .name = (uint32_t)ELF_FIELD(e, p, Shdr, sh_name),
		.link = (uint32_t)ELF_FIELD(e, p, Shdr, sh_link),
		.section = { .type = (uint32_t)ELF_FIELD(e, p, Shdr, sh_type),
		    .flags = ELF_FIELD(e, p, Shdr, sh_flags),
		    .offset = ELF_FIELD(e, p, Shdr, sh_offset),
		    .size = ELF_FIELD(e, p, Shdr, sh_size),
		    .align = ELF_FIELD(e, p, Shdr, sh_addralign) } };
}

static enum err read_rows(struct elf *e, uint64_t first, uint64_t n)
{
	unsigned char piece[HEADERS_AT_ONCE * sizeof(Elf64_Shdr)];
	size_t width = e->is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	enum err err = ERR_OK;

	for (uint64_t i = first; err == ERR_OK && i < n; i += HEADERS_AT_ONCE) {
		size_t now = n - i < HEADERS_AT_ONCE ? (size_t)(n - i) : HEADERS_AT_ONCE;
		err = elf_read(e, e->sections_at + i * width, piece, now * width);
		for (size_t k = 0; err == ERR_OK && k < now; k++) {
			e->rows[i + k] = section_of(e, piece + k * width);
		}
	}
	return err;
}

/* Names that point outside of their table, or have none, are empty ones. */
static void name_rows(struct elf *e)
{
	const struct slice names = { e->names, e->names_len };

	for (size_t i = 0; i < e->n_rows; i++) {
		struct elf_row *row = &e->rows[i];
		struct slice rest = slice_sub(names, row->name, names.len);
		row->section.name = slice_sub(rest, 0, slice_find(rest, '\0', 0));
	}
}

static enum err read_names(struct elf *e, uint64_t index)
{
	if (index == SHN_UNDEF) {
		return ERR_OK;
	}
	if (index >= e->n_rows || e->rows[index].section.type != SHT_STRTAB) {
		return ERR_INVALID;
	}
	struct elf_section s = e->rows[index].section;
	if (s.size > ELF_NAMES_MAX) {
		return ERR_LIMIT;
	}
	e->names = malloc((size_t)s.size + 1);
	if (e->names == NULL) {
		return ERR_MEMORY;
	}
	enum err err = ERR_OK;
	for (size_t at = 0; err == ERR_OK && at < s.size; at += ELF_READ_MAX) {
		size_t left = (size_t)s.size - at;
		err = elf_read(
		    e, s.offset + at, e->names + at, left < ELF_READ_MAX ? left : ELF_READ_MAX);
	}
	e->names_len = err == ERR_OK ? (size_t)s.size : 0;
	return err;
}

/* Numbers that do not fit into the header stand in the first section. */
static enum err read_sections(struct elf *e, uint64_t n, uint64_t names)
{
	unsigned char first[sizeof(Elf64_Shdr)];
	struct elf_row row = { .link = 0 };

	if (e->sections_at == 0) {
		return ERR_OK;
	}
	if (n == 0 || names == SHN_XINDEX) {
		enum err err = elf_read(
		    e, e->sections_at, first, e->is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));
		if (err != ERR_OK) {
			return err;
		}
		row = section_of(e, first);
		n = n == 0 ? row.section.size : n;
		names = names == SHN_XINDEX ? row.link : names;
	}
	if (n > ELF_SECTIONS_MAX) {
		return ERR_LIMIT;
	}
	e->rows = calloc((size_t)n + 1, sizeof(*e->rows));
	if (e->rows == NULL) {
		return ERR_MEMORY;
	}
	e->n_rows = (size_t)n;
	enum err err = read_rows(e, 0, n);
	if (err == ERR_OK) {
		err = read_names(e, names);
	}
	if (err == ERR_OK) {
		name_rows(e);
	}
	return err;
}

/* ---- the header ---- */

static enum err read_header(struct elf *e)
{
	unsigned char p[sizeof(Elf64_Ehdr)];
	enum err err = elf_read(e, 0, p, EI_NIDENT);

	if (err != ERR_OK || !elf_begins(SLICE_OF(p, EI_NIDENT))) {
		return err == ERR_INVALID || err == ERR_OK ? ERR_SYNTAX : err;
	}
	e->is_64 = p[EI_CLASS] == ELFCLASS64;
	e->is_big = p[EI_DATA] == ELFDATA2MSB;
	err = elf_read(e, 0, p, e->is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr));
	if (err != ERR_OK) {
		return err;
	}
	uint64_t type = ELF_FIELD(e, p, Ehdr, e_type);
	if (type != ET_EXEC && type != ET_DYN && type != ET_REL) {
		return ERR_SYNTAX;
	}
	e->segments_at = ELF_FIELD(e, p, Ehdr, e_phoff);
	e->n_segments = (unsigned)ELF_FIELD(e, p, Ehdr, e_phnum);
	e->sections_at = ELF_FIELD(e, p, Ehdr, e_shoff);
	uint64_t width = ELF_FIELD(e, p, Ehdr, e_shentsize);
	if (e->sections_at != 0 && width != (e->is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr))) {
		return ERR_INVALID;
	}
	width = ELF_FIELD(e, p, Ehdr, e_phentsize);
	if (width != (e->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr))) {
		e->n_segments = 0;
	}
	return read_sections(e, ELF_FIELD(e, p, Ehdr, e_shnum), ELF_FIELD(e, p, Ehdr, e_shstrndx));
}

enum err elf_open(const struct elf_source *source, struct elf **ret)
{
	struct elf *e = calloc(1, sizeof(*e));

	if (e == NULL) {
		return ERR_MEMORY;
	}
	e->source = *source;
	enum err err = read_header(e);
	if (err != ERR_OK) {
		elf_close(&e);
		return err;
	}
	*ret = e;
	return ERR_OK;
}

void elf_close(struct elf **ep)
{
	struct elf *e = *ep;

	if (e == NULL) {
		return;
	}
	free(e->rows);
	free(e->names);
	free(e);
	*ep = NULL;
}

/* ---- questions ---- */

bool elf_section_has_bytes(const struct elf_section *s)
{
	return s->type != SHT_NOBITS && s->type != SHT_NULL;
}

unsigned elf_kind(const struct elf *e)
{
	unsigned kind = 0;
	bool has_symbols = false;

	for (size_t i = 0; i < e->n_rows; i++) {
		const struct elf_section *s = &e->rows[i].section;
		if (!elf_section_has_bytes(s) || s->size == 0) {
			continue;
		}
		bool is_loaded = (s->flags & SHF_ALLOC) != 0 && s->type != SHT_NOTE;
		kind |= is_loaded ? ELF_EXECUTABLE : 0u;
		if (slice_starts(s->name, SLICE(".debug_")) ||
		    slice_starts(s->name, SLICE(".zdebug_"))) {
			kind |= ELF_DEBUGINFO;
		}
		has_symbols = has_symbols || s->type == SHT_SYMTAB;
	}
	/* Split off from a program that was built without debug information. */
	return kind == 0 && has_symbols ? ELF_DEBUGINFO : kind;
}

bool elf_section_find(const struct elf *e, struct slice name, struct elf_section *ret)
{
	for (size_t i = 0; i < e->n_rows; i++) {
		if (name.len > 0 && slice_eq(e->rows[i].section.name, name)) {
			*ret = e->rows[i].section;
			return true;
		}
	}
	return false;
}
