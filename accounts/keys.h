/*
 * The symmetric keys: what cookies, and later tickets and tokens, are sealed with. The signer keeps
 * them in data_dir/keys/symmetric.key and hands them to web processes over their socketpair; no
 * other role ever gets them. Two of them, so that a rotation ends nobody's session.
 */
#ifndef PLIMSOLL_ACCOUNTS_KEYS_H
#define PLIMSOLL_ACCOUNTS_KEYS_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/rpc/rpc.h"

struct svc_env;

enum {
	SYMMETRIC_KEY_BYTES = 32,
	DERIVED_KEY_BYTES = 32
};

struct symmetric_keys {
	uint8_t current[SYMMETRIC_KEY_BYTES];
	uint8_t previous[SYMMETRIC_KEY_BYTES];
};

/* accounts.symmetric_keys: web -> signer; the reply is both keys, current first. */
extern const struct rpc_def accounts_symmetric_keys;

/* Signer, at start: reads the key file or makes it. Errors as keyfile_load. */
NODISCARD enum err symmetric_keys_load(
    const char *data_dir, struct symmetric_keys *ret, struct err_note *note);

/* The same for a command beside it: nothing is made. ERR_NOT_FOUND. */
NODISCARD enum err symmetric_keys_read(
    const char *data_dir, struct symmetric_keys *ret, struct err_note *note);

/* Web, in a task: asks the signer. */
NODISCARD enum err symmetric_keys_fetch(
    struct svc_env *env, struct symmetric_keys *ret, struct err_note *note);

/* Web, after accounts is ready: the keys of this process. */
const struct symmetric_keys *accounts_keys(const struct svc_env *env);

/* HMAC-SHA256(key, label "/" context): a key or value of its own for each use. */
void symmetric_derive(const uint8_t key[SYMMETRIC_KEY_BYTES], struct slice label,
    struct slice context, uint8_t out[DERIVED_KEY_BYTES]);

#endif
