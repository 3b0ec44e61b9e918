/*
 * What web and courier ask of the role files, which alone changes blobs and alone opens what
 * strangers send: writing drafts, listing archives, unpacking, keeping. Calls from a task; every
 * one is bounded and touches one draft, so whoever is free of the role's processes can do it.
 */
#ifndef PLIMSOLL_SYMBOLS_FILE_CALLS_H
#define PLIMSOLL_SYMBOLS_FILE_CALLS_H

#include "core/blob/blob.h"
#include "core/rpc/rpc.h"
#include "services/symbols/elf_facts.h"
#include "services/symbols/unpack.h"
#include "services/symbols/zip.h"

enum {
	FILE_WRITE_MAX = 256 * 1024, /* bytes of one write */
	FILE_LIST_MAX = 8 * 1024 * 1024,
	FILE_MESSAGE_MAX = 4096,
	FILE_PATIENCE_US = 10000000
};

/* symbols.draft_write, .draft_size, .draft_take, .archive_list, .unpack, .keep, .drop: web, courier
 * -> files */
extern const struct rpc_def symbols_draft_write, symbols_draft_size, symbols_draft_take,
    symbols_archive_list, symbols_unpack, symbols_keep, symbols_drop;

/* Who asks: the request whose task it is. */
struct file_caller {
	struct rpc_pool *files;
	struct arena *arena; /* of answers */
	uint64_t trace;
	struct err_note *note;
	/* How long a call may wait where too many are under way; 0: ERR_TOO_BUSY at once. Some
	 * FILE_PATIENCE_US for those who would lose what they have fetched from far away. */
	int64_t patience_us;
};

/* Writes at offset; 0 makes the draft anew. */
NODISCARD enum err file_draft_write(
    const struct file_caller *c, struct slice draft, uint64_t offset, struct slice bytes);

/* ERR_NOT_FOUND: there is no such draft. */
NODISCARD enum err file_draft_size(
    const struct file_caller *c, struct slice draft, uint64_t *ret_size);

/*
 * Gives it the other name, which makes it the caller's alone: nobody changes any more what is
 * looked at from then on. ERR_NOT_FOUND: there is no such draft.
 */
NODISCARD enum err file_draft_take(
    const struct file_caller *c, struct slice draft, struct slice name);

/*
 * Lists the members of an archive; *ret is to be walked with file_list_next(). Errors as
 * zip_list().
 */
NODISCARD enum err file_list(const struct file_caller *c, struct slice draft, uint64_t max_members,
    uint64_t max_unpacked, struct slice *ret);
bool file_list_next(struct slice *rest, struct zip_member *ret);

struct file_unpack {
	struct slice source;		 /* draft */
	const struct zip_member *member; /* of an archive; NULL: the source as a whole */
	enum unpack_form form;		 /* of the whole source */
	uint64_t max_size;		 /* likewise: of its content */
	bool as_gzip;
	struct slice out; /* draft that is made; empty: the source is right as it is */
};

struct file_unpacked {
	unsigned char sha256[32], md5[16];
	uint64_t size, stored_size;
	/* Of a .sym, in the arena. */
	struct slice debug_file, debug_id, code_file, code_id, generator;
	bool is_elf;
	struct elf_facts elf; /* of an ELF file */
};

/* Errors as unpack() and zip_data(). */
NODISCARD enum err file_unpack(
    const struct file_caller *c, const struct file_unpack *u, struct file_unpacked *ret);

NODISCARD enum err file_keep(const struct file_caller *c, struct slice draft, struct slice name);

NODISCARD enum err file_drop(const struct file_caller *c, struct slice draft);

/* Drops a draft in a task of its own, so that it also happens when the caller is cancelled. */
void file_drop_later(struct loop *l, struct rpc_pool *files, struct slice draft);

#endif
