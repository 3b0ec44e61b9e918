/*
 * The domain keys of a server and their turns. One signs; one may wait, published already, until
 * its time comes; retired ones can only verify, until the last certificate they signed has expired,
 * and of these only the public half is kept. Everybody goes by the clock: the signer, and web with
 * the copy that it asked for, so that no certificate is signed with a key that web does not know.
 *
 * Files in data_dir/keys: identity.key, identity-next.key, identity.retired. `plimsoll identity
 * key` changes them; the signer reads them at start and at a reload, and has the next key take its
 * turn.
 */
#ifndef PLIMSOLL_IDENTITY_DOMAIN_KEYS_H
#define PLIMSOLL_IDENTITY_DOMAIN_KEYS_H

#include "core/conf/conf.h"
#include "core/rpc/rpc.h"
#include "services/identity/domain_key.h"
#include "services/identity/own_keys.h"

enum {
	RETIRED_MAX = OWN_KEYS_MAX - 2,
	/*
	 * A new key is published for so long before it signs: verifiers may keep our support
	 * document for 10 s, and the signer and web must have heard of it.
	 */
	KEY_LEAD_MS = 15000
};

struct retired_key {
	char json[DOMAIN_KEY_JSON_BYTES]; /* the public half */
	int64_t created_ms, retired_ms;
	int64_t until_ms; /* its certificates have expired by then */
};

struct domain_keys {
	struct domain_key current, next;	 /* next.key NULL: none waits */
	struct retired_key retired[RETIRED_MAX]; /* oldest first */
	unsigned n_retired;
};

/* How long the certificate of a user's key may run, and clocks be off. */
int64_t domain_keys_lifetime_ms(const struct conf *conf);

/* Reads the files; makes the first key. Zeroed *ret is none. */
NODISCARD enum err domain_keys_load(
    const char *data_dir, struct domain_keys *ret, struct err_note *note);
void domain_keys_free(struct domain_keys *k);

/* Has the next key take its turn if its time has come, here and in the files. */
NODISCARD enum err domain_keys_settle(const char *data_dir, struct domain_keys *k, int64_t now_ms,
    int64_t lifetime_ms, struct err_note *note);

/* Makes a key that signs from then on. ERR_EXISTS: one waits; ERR_LIMIT: too many retired. */
NODISCARD enum err domain_keys_new(
    const char *data_dir, struct domain_keys *k, int64_t from_ms, struct err_note *note);

/*
 * Ends the trust in a key at once. Of the current one only if another waits, which signs then.
 * ERR_NOT_FOUND: there is none of that id; ERR_CONFLICT: it is the only one that could sign.
 */
NODISCARD enum err domain_keys_retire(const char *data_dir, struct domain_keys *k, struct slice id,
    int64_t now_ms, struct err_note *note);

/* ---- identity.public_key: web -> signer; empty request, the keys as reply ---- */

extern const struct rpc_def identity_public_key;

struct public_key_info {
	struct slice json;   /* {"algorithm":"RS",...} */
	int64_t from_ms;     /* it signs from then on, if no later one does */
	int64_t until_ms;    /* and is good until then; INT64_MAX: no end is known */
	bool is_for_signing; /* not a retired one */
};

/* Up to OWN_KEYS_MAX of them. */
NODISCARD enum err public_keys_list(const struct domain_keys *k, int64_t lifetime_ms,
    struct arena *arena, struct public_key_info ret[OWN_KEYS_MAX], unsigned *ret_n);
void public_keys_put(struct buf *out, const struct public_key_info *i, unsigned n);
NODISCARD bool public_keys_take(
    struct slice message, struct public_key_info ret[OWN_KEYS_MAX], unsigned *ret_n);

#endif
