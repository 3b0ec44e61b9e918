/*
 * Files of symbols on this machine: what is in folders, and under which key each goes up. A .sym
 * says it itself; of others the folders do, DEBUG_FILE/DEBUG_ID/FILE, or else the id in a PE or
 * PDB.
 */
#ifndef PLIMSOLL_CMD_FOUND_SYMBOLS_H
#define PLIMSOLL_CMD_FOUND_SYMBOLS_H

#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"

enum {
	FOUND_SYMBOLS_MAX = 100000
};

struct found_symbol {
	const char *path, *key; /* in the arena of the list */
	uint64_t size;
	char md5[33]; /* filled in by found_symbol_hash() */
};

struct found_symbols {
	struct arena arena;
	struct found_symbol *all;
	size_t n, room;
	size_t unknown; /* files that have no key */
};

struct found_symbols found_symbols_new(void);
void found_symbols_free(struct found_symbols *f);

/*
 * Adds a file, or all files of a folder, into the depths. A file that has no key is told of on
 * standard error and counted. ERR_NOT_FOUND, ERR_IO, ERR_LIMIT: too many.
 */
NODISCARD enum err found_symbols_add(
    struct found_symbols *f, const char *path, struct err_note *note);

/* Reads the file through for its MD5; its size is what was read. */
NODISCARD enum err found_symbol_hash(struct found_symbol *s, struct err_note *note);

#endif
