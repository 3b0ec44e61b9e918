/*
 * Role: courier. Takes posts (accounts/posts.h) out of the database and sends them: notices to
 * the app's own server, signed, and pushes to browsers.
 */
#ifndef PLIMSOLL_ACCOUNTS_COURIER_POSTING_H
#define PLIMSOLL_ACCOUNTS_COURIER_POSTING_H

#include "core/base/err.h"
#include "core/service.h"

struct posting;

/* Begins, once the store may be called; *ret NULL: there is nowhere to post to. */
NODISCARD enum err posting_start(struct svc_env *env, struct posting **ret, struct err_note *note);

/* Leases no more. What is on its way is finished, or goes out again after its lease. */
void posting_drain(struct posting *p);

/* With posts on their way nothing is freed: the process ends. */
void posting_free(struct posting **p);

#endif
