/*
 * What several services share: accounts and their addresses, staged changes, password hashes, the
 * session cookie, the mail outbox. Listed like a service (schema, messages, keys), but nobody can
 * call it from outside.
 */
#ifndef PLIMSOLL_ACCOUNTS_ACCOUNTS_H
#define PLIMSOLL_ACCOUNTS_ACCOUNTS_H

#include "core/service.h"

extern const struct service accounts_service;

#endif
