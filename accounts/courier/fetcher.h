/*
 * Role: courier. The fetches that web asks for: a bounded number at a time, others wait their turn,
 * and who asks for what is being fetched already waits for the same answer.
 */
#ifndef PLIMSOLL_ACCOUNTS_COURIER_FETCHER_H
#define PLIMSOLL_ACCOUNTS_COURIER_FETCHER_H

#include "core/service.h"

struct fetcher;

NODISCARD enum err fetcher_new(struct svc_env *env, struct fetcher **ret);

/* With fetches under way nothing is freed: the process ends. */
void fetcher_free(struct fetcher **f);

/* What to give to rpc_server_new(): other messages go to their handlers at once. */
struct rpc_executor fetcher_executor(struct fetcher *f);

#endif
