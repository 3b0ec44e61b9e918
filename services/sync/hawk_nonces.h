/*
 * Which Hawk requests came before, so that one that somebody listened to is not taken twice. One
 * table for all web processes of the machine, in memory they share: a fixed number of places, each
 * a few bits of a request's fingerprint and its second. Where all places for a request are taken,
 * the oldest goes; so memory is bounded and what came lately is known. How long "lately" is depends
 * on the load (131,072 places: some minutes at 500 requests a second); the token's expiry bounds
 * the rest.
 */
#ifndef PLIMSOLL_SYNC_HAWK_NONCES_H
#define PLIMSOLL_SYNC_HAWK_NONCES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	HAWK_NONCES_PLACES = 128 * 1024 /* of 8 bytes each */
};

struct hawk_nonces;

/*
 * Maps the table of a file that all processes open, made if it is not there; NULL: a table of this
 * process alone. ERR_MEMORY; errors of the file with note.
 */
NODISCARD enum err hawk_nonces_open(
    const char *path, struct hawk_nonces **ret, struct err_note *note);
void hawk_nonces_close(struct hawk_nonces **n);

/*
 * Remembers a request whose mac was good. key is the secret it was signed with: nobody else can
 * make a fingerprint of that user's. False: it was there already.
 */
NODISCARD bool hawk_nonces_use(
    struct hawk_nonces *n, struct slice key, struct slice ts, struct slice nonce, int64_t now_s);

#endif
