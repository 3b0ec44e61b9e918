/*
 * The secrets that tokens are signed with: [sync] master_secret, which the signer knows and hands
 * to web, or else what web derives from the symmetric keys that it has from there.
 */
#ifndef PLIMSOLL_SYNC_SECRETS_H
#define PLIMSOLL_SYNC_SECRETS_H

#include "core/rpc/rpc.h"
#include "core/service.h"
#include "services/sync/token.h"

/* sync.secrets: web -> signer. */
extern const struct rpc_def sync_secrets;

/*
 * The same for a command of who may read the server's files. ERR_NOT_FOUND: there is no secret yet,
 * as the server never ran; errors of key files.
 */
NODISCARD enum err token_secrets_read(const struct conf *conf, const char *data_dir,
    struct token_secrets *ret, struct err_note *note);

/* Web, in a task. */
NODISCARD enum err token_secrets_fetch(
    struct svc_env *env, struct token_secrets *ret, struct err_note *note);

#endif
