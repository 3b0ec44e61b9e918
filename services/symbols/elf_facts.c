/*
 * See elf_facts.h.
 */
#include "services/symbols/elf_facts.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "services/symbols/gunzip.h"
#include "services/symbols/symbol_key.h"
#include "services/symbols/windows_file.h"

enum {
	GZIP_MAGIC_BYTES = 3
};

_Static_assert(
    (size_t)GUNZIP_READ_MAX >= (size_t)ELF_READ_MAX, "what the one asks for the other gives");

enum err elf_place_read(void *arg, uint64_t at, void *out, size_t len)
{
	const struct elf_place *p = arg;
	char *to = out;

	if (at > p->len || len > p->len - at) {
		return ERR_INVALID;
	}
	while (len > 0) {
		ssize_t n = pread(p->fd, to, len, (off_t)(p->at + at));
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n == 0 ? ERR_INVALID : ERR_IO;
		}
		to += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

static void put_hex(char *out, const unsigned char *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

static bool is_null(const unsigned char *id, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (id[i] != 0) {
			return false;
		}
	}
	return true;
}

/*
 * The sections first and the size next, because they are at the end: what is packed is so read once
 * to its end, and from its beginning again only to where the notes are.
 */
static enum err look(const struct elf_source *source, struct gunzip *g, struct elf_facts *f)
{
	unsigned char id[ELF_BUILD_ID_MAX];
	struct elf *e = NULL;
	size_t len = 0;
	enum err err = elf_open(source, &e);

	if (err != ERR_OK) {
		return err;
	}
	f->kind = elf_kind(e);
	err = g != NULL ? gunzip_size(g, &f->size) : ERR_OK;
	if (err == ERR_OK) {
		err = elf_build_id(e, id, &len);
	}
	if (err == ERR_OK && is_null(id, len)) {
		err = ERR_NOT_FOUND;
	}
	if (err == ERR_OK) {
		put_hex(f->build_id, id, len);
	}
	elf_close(&e);
	return err;
}

static enum err look_packed(const struct elf_place *p, struct elf_facts *f)
{
	char head[ELF_HEADER_MAX];
	struct gunzip *g = NULL;
	enum err err = gunzip_open(p->fd, p->at, p->len, p->max, &g);

	if (err == ERR_OK) {
		err = gunzip_read(g, 0, head, sizeof(head));
	}
	if (err == ERR_OK && !elf_begins(SLICE_OF(head, sizeof(head)))) {
		err = ERR_SYNTAX;
	}
	if (err == ERR_OK) {
		err = look(&(struct elf_source){ gunzip_read, g }, g, f);
	}
	gunzip_close(&g);
	return err;
}

/* ---- files of Windows ---- */

static enum err look_windows(const struct elf_source *source, struct elf_facts *f)
{
	struct windows_facts w;
	enum err err = windows_read(source, &w);

	if (err == ERR_OK && symbol_id_is_null(slice_str(w.id))) {
		err = ERR_NOT_FOUND;
	}
	if (err == ERR_OK) {
		f->kind = w.kind;
		f->size = 0;
		err = slice_to_cstr(slice_str(w.id), f->build_id, sizeof(f->build_id));
	}
	return err;
}

/* As they were linked; what is kept in gzip form here, too. */
static enum err look_at_windows(const struct elf_place *p, struct elf_facts *f)
{
	struct gunzip *g = NULL;

	if (!p->is_gzip) {
		return look_windows(
		    &(struct elf_source){ elf_place_read, (void *)(uintptr_t)p }, f);
	}
	enum err err = gunzip_open(p->fd, p->at, p->len, p->max, &g);
	if (err == ERR_OK) {
		err = look_windows(&(struct elf_source){ gunzip_read, g }, f);
	}
	gunzip_close(&g);
	return err;
}

struct elf_facts elf_facts_of(const struct elf_place *place, struct slice head)
{
	const struct slice gzip = SLICE_OF("\x1f\x8b\x08", GZIP_MAGIC_BYTES);
	struct elf_facts f = { .size = place->len };
	struct elf_place p = *place;
	bool is_packed = slice_starts(head, gzip);
	enum err err = ERR_SYNTAX;

	/* What is in gzip form twice would have to be unpacked twice for everybody. */
	if (is_packed ? !p.is_gzip : elf_begins(head)) {
		err = is_packed || p.is_gzip
			  ? look_packed(&p, &f)
			  : look(&(struct elf_source){ elf_place_read, &p }, NULL, &f);
	} else if (windows_begins(head)) {
		err = look_at_windows(&p, &f);
	}
	if (err != ERR_OK || f.kind == 0) {
		return (struct elf_facts){ .kind = 0 };
	}
	f.kind |= is_packed ? ELF_PACKED : 0u;
	return f;
}
