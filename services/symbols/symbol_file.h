/*
 * Stored files in the database: reading them (web, commands) and changing them (store).
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOL_FILE_H
#define PLIMSOLL_SYMBOLS_SYMBOL_FILE_H

#include <stdint.h>

#include "core/base/arena.h"
#include "core/store/sql.h"
#include "services/symbols/elf_file.h"
#include "services/symbols/symbol_key.h"

/* Text is in the caller's arena, or borrowed from whoever writes one. */
struct symbol_file {
	struct symbol_key key;
	bool is_try;
	struct slice blob;	   /* name in the blob store; ".gz" behind it: gzip */
	int64_t size, stored_size; /* of the content; of the blob */
	struct slice md5;
	struct slice code_file, code_id, build_id, generator; /* empty: not known */
	int64_t upload, modified_ms, used_ms;
	unsigned elf_kind;     /* enum elf_kind or windows_kind; 0: nothing for a debugger */
	int64_t elf_size;      /* of the ELF file itself, unpacked */
	struct slice upstream; /* the server it was fetched from; empty: it was uploaded */
};

enum {
	SYMBOL_FILE_TEXTS = 10
};

/* Where its texts are. */
void symbol_file_texts(struct symbol_file *f, struct slice *ret[SYMBOL_FILE_TEXTS]);

/* Whether the blob is the content in gzip form. */
bool symbol_file_is_gzip(const struct symbol_file *f);

/* The SHA-256 of the content, as 64 digits. */
struct slice symbol_file_hash(const struct symbol_file *f);

/* ERR_NOT_FOUND: no such file in that storage. */
NODISCARD enum err symbol_file_get(struct sql_db *db, struct arena *arena,
    const struct symbol_key *key, bool is_try, struct symbol_file *ret, struct err_note *note);

/* The regular one, else that of a try build. ERR_NOT_FOUND: there is neither. */
NODISCARD enum err symbol_file_find(struct sql_db *db, struct arena *arena,
    const struct symbol_key *key, struct symbol_file *ret, struct err_note *note);

/* The newest file whose .sym tells that code file and id (folded), try or not. ERR_NOT_FOUND. */
NODISCARD enum err symbol_file_by_code(struct sql_db *db, struct arena *arena,
    struct slice code_file, struct slice code_id, struct symbol_file *ret, struct err_note *note);

/*
 * The newest file of a build (lower case) that is of one of those kinds: an ELF file or (sym) a
 * .sym that names the build. So the two are known to belong together. ERR_NOT_FOUND.
 */
struct symbol_kinds {
	unsigned elf; /* ELF_DEBUGINFO | ELF_EXECUTABLE */
	bool sym;
};
NODISCARD enum err symbol_file_by_build(struct sql_db *db, struct arena *arena,
    struct slice build_id, struct symbol_kinds kinds, bool is_try, struct symbol_file *ret,
    struct err_note *note);

/* As symbol_file_get(), but for the case of ASCII letters in names. */
NODISCARD enum err symbol_file_any_case(struct sql_db *db, struct arena *arena,
    const struct symbol_key *key, bool is_try, struct symbol_file *ret, struct err_note *note);

/* What it gets lives until it returns. */
typedef enum err symbol_file_fn(void *arg, const struct symbol_file *f);

/*
 * Calls fn for up to most files of upstreams that came before that time, those that nobody has
 * asked for in the longest time first. *ret_n: how many.
 */
NODISCARD enum err symbol_file_cached_oldest(struct sql_db *db, int64_t before_ms, int64_t most,
    symbol_file_fn *fn, void *arg, int64_t *ret_n, struct err_note *note);
/*
 * The same for files behind a place in the order of keys (empty names: from the first on).
 */
NODISCARD enum err symbol_file_after(struct sql_db *db, const struct symbol_key *key, bool is_try,
    int64_t most, symbol_file_fn *fn, void *arg, int64_t *ret_n, struct err_note *note);

/* ---- in a transaction of the store, or of a command ---- */

NODISCARD enum err symbol_file_put(
    struct sql_db *db, const struct symbol_file *f, struct err_note *note);
/* One that was fetched from an upstream: what is there already stays, but may learn its code ids.
 */
NODISCARD enum err symbol_file_put_cached(
    struct sql_db *db, const struct symbol_file *f, struct err_note *note);
NODISCARD enum err symbol_file_delete(
    struct sql_db *db, const struct symbol_key *key, bool is_try, struct err_note *note);
NODISCARD enum err symbol_file_set_used(struct sql_db *db, const struct symbol_key *key,
    bool is_try, int64_t used_ms, struct err_note *note);

/* Does a file have that blob? */
NODISCARD enum err symbol_blob_is_used(
    struct sql_db *db, struct slice blob, bool *ret, struct err_note *note);

#endif
