/*
 * The build id: a note with the owner "GNU" and the type NT_GNU_BUILD_ID, in a section of notes,
 * or in a segment of them where a file has no sections.
 */
#include <elf.h>
#include <stddef.h>
#include <string.h>

#include "services/symbols/elf_priv.h"

enum {
	NOTES_MAX = 64,	    /* places that are looked at; programs have two or three */
	NOTES_BYTES = 4096, /* of each, from its beginning on */
	NOTE_HEAD = 12,
	SEGMENTS_MAX = 4096
};

static size_t align_up(size_t n, size_t align)
{
	return (n + align - 1) / align * align;
}

/* Walks the notes of one place. */
static bool find_in_notes(const struct elf *e, const unsigned char *p, size_t len, size_t align,
    unsigned char ret[ELF_BUILD_ID_MAX], size_t *ret_len)
{
	while (len >= NOTE_HEAD) {
		size_t name_len = (size_t)elf_number(e, p, 4);
		size_t id_len = (size_t)elf_number(e, p + 4, 4);
		uint64_t type = elf_number(e, p + 8, 4);
		/* Of 32 bits each, so that no sum wraps around. */
		size_t id_at = align_up(NOTE_HEAD + name_len, align);
		size_t end = align_up(id_at + id_len, align);
		if (id_at > len || id_len > len - id_at) {
			return false;
		}
		if (type == NT_GNU_BUILD_ID && name_len == sizeof(ELF_NOTE_GNU) &&
		    memcmp(p + NOTE_HEAD, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0 && id_len > 0 &&
		    id_len <= ELF_BUILD_ID_MAX) {
			memcpy(ret, p + id_at, id_len);
			*ret_len = id_len;
			return true;
		}
		end = end < len ? end : len;
		p += end;
		len -= end;
	}
	return false;
}

/* ERR_NOT_FOUND: it is not there. Notes that lie outside of the file are none. */
static enum err look_at(const struct elf *e, uint64_t at, uint64_t len, uint64_t align,
    unsigned char ret[ELF_BUILD_ID_MAX], size_t *ret_len)
{
	unsigned char bytes[NOTES_BYTES];
	size_t n = len < NOTES_BYTES ? (size_t)len : NOTES_BYTES;
	enum err err = elf_read(e, at, bytes, n);

	if (err != ERR_OK) {
		return err == ERR_INVALID ? ERR_NOT_FOUND : err;
	}
	return find_in_notes(e, bytes, n, align == 8 ? 8 : 4, ret, ret_len) ? ERR_OK
									    : ERR_NOT_FOUND;
}

static enum err look_at_sections(
    const struct elf *e, unsigned char ret[ELF_BUILD_ID_MAX], size_t *ret_len)
{
	enum err err = ERR_NOT_FOUND;
	unsigned n = 0;

	for (size_t i = 0; err == ERR_NOT_FOUND && i < e->n_rows && n < NOTES_MAX; i++) {
		const struct elf_section *s = &e->rows[i].section;
		if (s->type == SHT_NOTE) {
			n++;
			err = look_at(e, s->offset, s->size, s->align, ret, ret_len);
		}
	}
	return err;
}

static enum err look_at_segments(
    const struct elf *e, unsigned char ret[ELF_BUILD_ID_MAX], size_t *ret_len)
{
	unsigned char p[sizeof(Elf64_Phdr)];
	size_t width = e->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	enum err err = ERR_NOT_FOUND;
	unsigned n = 0;

	for (unsigned i = 0; err == ERR_NOT_FOUND && i < e->n_segments && i < SEGMENTS_MAX &&
			     n < NOTES_MAX && e->segments_at <= UINT64_MAX - (i + 1) * width;
	     i++) {
		err = elf_read(e, e->segments_at + i * width, p, width);
		if (err != ERR_OK) {
			return err == ERR_INVALID ? ERR_NOT_FOUND : err;
		}
		err = ERR_NOT_FOUND;
		if (ELF_FIELD(e, p, Phdr, p_type) == PT_NOTE) {
			n++;
			err = look_at(e, ELF_FIELD(e, p, Phdr, p_offset),
			    ELF_FIELD(e, p, Phdr, p_filesz), ELF_FIELD(e, p, Phdr, p_align), ret,
			    ret_len);
		}
	}
	return err;
}

enum err elf_build_id(const struct elf *e, unsigned char ret[ELF_BUILD_ID_MAX], size_t *ret_len)
{
	enum err err = look_at_sections(e, ret, ret_len);

	return err == ERR_NOT_FOUND ? look_at_segments(e, ret, ret_len) : err;
}
