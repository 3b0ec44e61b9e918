/*
 * The domain keys as web serves and uses them: what it asked the signer for, put in order by the
 * clock.
 */
#ifndef PLIMSOLL_IDENTITY_SERVED_KEYS_H
#define PLIMSOLL_IDENTITY_SERVED_KEYS_H

#include "core/base/arena.h"
#include "services/identity/domain_keys.h"

struct identity_state;

struct served_keys {
	struct public_key_info keys[OWN_KEYS_MAX]; /* texts in the arena */
	unsigned n;
	struct arena arena;
	int64_t change_ms; /* when they have to be put in order anew */
	bool fetching, fetch_again;
};

/* Web, in a task: asks the signer and puts them in order. */
NODISCARD enum err served_keys_fetch(struct identity_state *state, struct err_note *note);

/* Web, at a reload: has a task ask. */
void served_keys_refetch(struct identity_state *state);

void served_keys_free(struct served_keys *k);

#endif
