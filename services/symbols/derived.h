/*
 * Role: files. What is made from stored files and can be made again: indexes of symbols, pieces of
 * ELF files. It lies in a blob store of its own, DATA_DIR/blobs/index, under names that are made
 * from the name of what it came from; is made once on the machine, however many ask; and those that
 * nobody has used for longest are removed when all together take more than they may.
 */
#ifndef PLIMSOLL_SYMBOLS_DERIVED_H
#define PLIMSOLL_SYMBOLS_DERIVED_H

#include <stdbool.h>

#include "core/blob/blob.h"

struct derived {
	const struct blob_store *store;
	struct slice name;
	uint64_t max_bytes; /* of all in the store */
	/* Writes it to the descriptor, from its beginning on. */
	enum err (*make)(void *arg, int out);
	void *arg;
	struct err_note *note;
};

bool derived_is_there(const struct blob_store *store, struct slice name);

/*
 * Makes it unless it is there. ERR_AGAIN: another process is making it; look again soon. Errors of
 * make() and of the blob store.
 */
NODISCARD enum err derived_make(const struct derived *d);

/* It is in use. */
NODISCARD enum err derived_touch(const struct blob_store *store, struct slice name);

#endif
