/*
 * The keys with which certificates of this server may be signed, parsed: the current one, retired
 * ones whose certificates still run, and one that is to follow. Kept by the text they came as, so
 * that whoever gets that text with every message parses it only when it is another one.
 */
#ifndef PLIMSOLL_IDENTITY_OWN_KEYS_H
#define PLIMSOLL_IDENTITY_OWN_KEYS_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "services/identity/bundle.h"
#include "services/identity/pubkey.h"

enum {
	OWN_KEYS_MAX = 8,
	OWN_KEYS_BYTES = OWN_KEYS_MAX * 1024 /* of their text; one of 2048 bits takes 680 */
};

/* Zeroed memory: none. */
struct own_keys {
	struct pubkey keys[OWN_KEYS_MAX]; /* the current one first */
	unsigned n;
	struct buf json; /* the array they were parsed from */
};

/*
 * Takes the keys of a JSON array (empty text: none), if it is not the text of the last time.
 * ERR_INVALID, ERR_SYNTAX, ERR_MEMORY leave none.
 */
NODISCARD enum err own_keys_parse(struct own_keys *k, struct slice json, struct err_note *note);
void own_keys_free(struct own_keys *k);

/* Puts them into a question; they must stay as long as that is used. */
void own_keys_offer(const struct own_keys *k, struct bundle_query *q);

#endif
