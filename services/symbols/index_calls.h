/*
 * Indexes between web, which reads them, and the role files, which builds and removes them. They
 * lie in a blob store of their own, DATA_DIR/blobs/index, under the hash of the symbols' content:
 * what is uploaded twice is indexed once, and nothing of an index ever changes.
 */
#ifndef PLIMSOLL_SYMBOLS_INDEX_CALLS_H
#define PLIMSOLL_SYMBOLS_INDEX_CALLS_H

#include "core/blob/blob.h"
#include "core/rpc/rpc.h"
#include "services/symbols/index_build.h"

/* Names change with the format, so that an older program's indexes are simply not there. */
#define INDEX_FORM "ix1"

/*
 * Opens that store; makes the folders, so the sandbox must not have closed yet. BLOB_WRITE removes
 * builds that broke off.
 */
NODISCARD enum err index_store_open(
    const char *data_dir, enum blob_mode mode, struct blob_store **ret, struct err_note *note);

/* The index's name of symbols whose content has that hash (64 digits). */
struct slice index_name(struct arena *arena, struct slice hash);

/* The bytes of a hash of 64 digits. False: it is none. */
bool index_hash(struct slice hash, unsigned char ret[INDEX_HASH_BYTES]);

/* symbols.index_build, .index_used: web -> files */
extern const struct rpc_def symbols_index_build, symbols_index_used;

struct index_caller {
	struct rpc_pool *files;
	struct arena *arena;
	int64_t deadline_us;
	uint64_t trace;
	struct err_note *note;
};

/*
 * Has the index of a blob built, unless it is there by now. ERR_AGAIN: another process is building
 * it; look again soon. Errors as index_build(), and those of rpc_call().
 */
NODISCARD enum err index_call_build(
    const struct index_caller *c, struct slice blob, struct index_built *ret);

/* Tells that an index is in use; damaged: removes it instead. */
NODISCARD enum err index_call_used(
    const struct index_caller *c, struct slice hash, bool is_damaged);

#endif
