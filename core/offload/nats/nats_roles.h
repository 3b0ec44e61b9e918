/*
 * The two roles of the program plimsoll-nats, the only one that links libnats: offload on servers,
 * helper on machines that compute for them.
 */
#ifndef PLIMSOLL_OFFLOAD_NATS_NATS_ROLES_H
#define PLIMSOLL_OFFLOAD_NATS_NATS_ROLES_H

#include "core/role/role.h"

extern const struct role_ops offload_role_ops;
extern const struct role_ops helper_role_ops;

#endif
