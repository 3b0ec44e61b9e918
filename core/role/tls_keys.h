/*
 * Role: signer. The TLS keys: taken from the supervisor's descriptors, used for one signature per
 * full handshake of a web process; and the keys of the session tickets, which are made here.
 */
#ifndef PLIMSOLL_ROLE_TLS_KEYS_H
#define PLIMSOLL_ROLE_TLS_KEYS_H

#include "core/role/control.h"
#include "core/role/role.h"

struct tls_keys;

/* Nothing if TLS is off. ERR_MEMORY. */
NODISCARD enum err tls_keys_start(struct role_ctx *r);

/* CONTROL_TLS has come: reads the files and tells the supervisor whether they are taken. */
void tls_keys_take(struct role_ctx *r, const struct control_message *m);

/* Waits in a task until the first files have come. What is wrong with them, in note. */
NODISCARD enum err tls_keys_await(struct role_ctx *r, struct err_note *note);

void tls_keys_reload(struct role_ctx *r);
void tls_keys_stop(struct role_ctx *r);

/* web -> signer: one signature. Again after a restart of the signer: it changes nothing. */
extern const struct rpc_def tls_sign_row;

/*
 * web -> signer: the state that web processes share. The request is the hash of the certificates
 * that the caller has, or empty; the reply is that hash, the ticket keys, and the certificates if
 * the hash is another one (each length-prefixed).
 */
extern const struct rpc_def tls_state_row;

enum {
	TLS_HASH_BYTES = 32
};

/* Seconds until the first of the certificates expires. */
extern const struct metric_def tls_expiry_metric;

#endif
