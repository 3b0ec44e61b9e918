/*
 * See found_symbols.h.
 */
#include "cmd/found_symbols.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "services/symbols/elf_facts.h"
#include "services/symbols/symbol_key.h"
#include "services/symbols/windows_file.h"

enum {
	ARENA_MAX = 256 * 1024 * 1024,
	DEPTH_MAX = 32,
	HEAD_BYTES = 4096,
	KEY_PARTS = 3,
	ID_MIN = 9, /* digits: a shorter name of hex digits is more likely just a folder */
	READ_BYTES = 8 * 1024
};

struct found_symbols found_symbols_new(void)
{
	return (struct found_symbols){ .arena = arena_new(ARENA_MAX) };
}

void found_symbols_free(struct found_symbols *f)
{
	free(f->all);
	arena_reset(&f->arena);
	*f = (struct found_symbols){ .n = 0 };
}

/* ---- keys ---- */

/* By "MODULE os cpu ID NAME", the first line; NULL: it has none. */
static const char *key_by_content(struct found_symbols *f, const char *path)
{
	char head[HEAD_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, head, sizeof(head)) : -1;
	struct slice line = SLICE_OF(head, n > 0 ? (size_t)n : 0), word[4];

	if (fd >= 0) {
		(void)close(fd);
	}
	line = slice_sub(line, 0, slice_find(line, '\n', 0));
	for (size_t i = 0; i < 4; i++) {
		line = slice_trim(line);
		size_t end = slice_find(line, ' ', 0);
		word[i] = slice_sub(line, 0, end);
		line = slice_sub(line, end, line.len);
	}
	struct slice name = slice_trim(line);
	if (!slice_eq(word[0], SLICE("MODULE")) || !symbol_id_is_good(word[3]) ||
	    !symbol_name_is_good(name)) {
		return NULL;
	}
	const char *sym = symbol_sym_name(&f->arena, name);
	return sym == NULL ? NULL
			   : arena_printf(&f->arena, "%.*s/%.*s/%s", SLICE_ARG(name),
				 SLICE_ARG(word[3]), sym);
}

/* By the last three parts of the path. */
static const char *key_by_path(struct found_symbols *f, const char *path)
{
	char *full = realpath(path, NULL);
	const char *key = full == NULL ? NULL : full + strlen(full);
	unsigned slashes = 0;
	struct symbol_key parts;

	while (key != NULL && key > full) {
		slashes += key[-1] == '/' ? 1 : 0;
		if (slashes == KEY_PARTS) {
			break;
		}
		key--;
	}
	bool good = key != NULL && symbol_key_parse(&f->arena, slice_str(key), &parts) == ERR_OK &&
		    parts.debug_id.len >= ID_MIN;
	const char *copy = good ? arena_printf(&f->arena, "%s", key) : NULL;
	free(full);
	return copy;
}

/* By the id that a PE or PDB has itself, for those that lie as the linker left them. */
static const char *key_by_own_id(struct found_symbols *f, const char *path, uint64_t size)
{
	char head[HEAD_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, head, sizeof(head)) : -1;
	const struct elf_place place = { .fd = fd, .len = size };
	struct elf_facts facts = { .kind = 0 };
	struct slice name = slice_str(path);

	if (n > 0) {
		facts = elf_facts_of(&place, SLICE_OF(head, (size_t)n));
	}
	if (fd >= 0) {
		(void)close(fd);
	}
	while (slice_find(name, '/', 0) < name.len) {
		name = slice_sub(name, slice_find(name, '/', 0) + 1, name.len);
	}
	if ((facts.kind & (WINDOWS_PE | WINDOWS_PDB)) == 0 || !symbol_name_is_good(name)) {
		return NULL;
	}
	struct slice id = symbol_id_fold(&f->arena, slice_str(facts.build_id));
	return id.ptr == NULL ? NULL
			      : arena_printf(&f->arena, "%.*s/%.*s/%.*s", SLICE_ARG(name),
				    SLICE_ARG(id), SLICE_ARG(name));
}

static const char *key_of(struct found_symbols *f, const char *path, uint64_t size)
{
	const char *key = symbol_is_sym(slice_str(path)) ? key_by_content(f, path) : NULL;

	if (key == NULL) {
		key = key_by_path(f, path);
	}
	return key != NULL ? key : key_by_own_id(f, path, size);
}

/* ---- files and folders ---- */

static enum err add_file(
    struct found_symbols *f, const char *path, uint64_t size, struct err_note *note)
{
	const char *key = key_of(f, path, size), *copy;

	if (key == NULL) {
		fprintf(stderr,
		    "plimsoll symbols upload: %s is left out: it has no MODULE line, no id of its own, "
		    "and is not in folders DEBUG_FILE/DEBUG_ID\n",
		    path);
		f->unknown++;
		return ERR_OK;
	}
	if (f->n == f->room) {
		size_t room = f->room == 0 ? 64 : 2 * f->room;
		struct found_symbol *all = realloc(f->all, room * sizeof(*all));
		if (all == NULL) {
			return ERR_MEMORY;
		}
		f->all = all;
		f->room = room;
	}
	copy = arena_printf(&f->arena, "%s", path);
	if (copy == NULL || f->n == FOUND_SYMBOLS_MAX) {
		return err_note_set(note, ERR_LIMIT, "too many files for one run");
	}
	f->all[f->n++] = (struct found_symbol){ .path = copy, .key = key, .size = size };
	return ERR_OK;
}

static enum err add_at(
    struct found_symbols *f, const char *path, unsigned depth, struct err_note *note);

static enum err add_folder(
    struct found_symbols *f, const char *folder, unsigned depth, struct err_note *note)
{
	struct dirent **names = NULL;
	int n = depth < DEPTH_MAX ? scandir(folder, &names, NULL, alphasort) : -1;
	char path[PATH_MAX];
	enum err e = ERR_OK;

	if (n < 0) {
		return depth < DEPTH_MAX ? err_note_set(note, err_from_errno(errno), "%s: %s",
					       folder, strerror(errno))
					 : err_note_set(note, ERR_LIMIT, "%s is too deep", folder);
	}
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		if (e == ERR_OK && name[0] != '.' &&
		    snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path)) {
			e = add_at(f, path, depth + 1, note);
		}
		free(names[i]);
	}
	free(names);
	return e;
}

static enum err add_at(
    struct found_symbols *f, const char *path, unsigned depth, struct err_note *note)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		return err_note_set(note, err_from_errno(errno), "%s: %s", path, strerror(errno));
	}
	if (S_ISDIR(st.st_mode)) {
		return add_folder(f, path, depth, note);
	}
	return S_ISREG(st.st_mode) ? add_file(f, path, (uint64_t)st.st_size, note) : ERR_OK;
}

enum err found_symbols_add(struct found_symbols *f, const char *path, struct err_note *note)
{
	return add_at(f, path, 0, note);
}

/* ---- content ---- */

static enum err read_through(int fd, EVP_MD_CTX *hash, uint64_t *ret_size)
{
	char piece[READ_BYTES];
	ssize_t n = 0;

	*ret_size = 0;
	while ((n = read(fd, piece, sizeof(piece))) > 0) {
		if (EVP_DigestUpdate(hash, piece, (size_t)n) != 1) {
			return ERR_CRYPTO;
		}
		*ret_size += (uint64_t)n;
	}
	return n == 0 ? ERR_OK : err_from_errno(errno);
}

enum err found_symbol_hash(struct found_symbol *s, struct err_note *note)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	int fd = open(s->path, O_RDONLY | O_CLOEXEC);
	enum err e = fd >= 0 ? ERR_OK : err_from_errno(errno);

	if (e == ERR_OK && (hash == NULL || EVP_DigestInit_ex(hash, EVP_md5(), NULL) != 1)) {
		e = ERR_CRYPTO;
	}
	e = e == ERR_OK ? read_through(fd, hash, &s->size) : e;
	if (e == ERR_OK && EVP_DigestFinal_ex(hash, digest, &len) != 1) {
		e = ERR_CRYPTO;
	}
	for (unsigned i = 0; e == ERR_OK && i < 16; i++) {
		(void)snprintf(s->md5 + (size_t)i * 2, 3, "%02x", digest[i]);
	}
	EVP_MD_CTX_free(hash);
	if (fd >= 0) {
		(void)close(fd);
	}
	return e == ERR_OK ? ERR_OK : err_note_set(note, e, "%s: %s", s->path, err_text(e));
}
