/*
 * The roles that the program plimsoll itself carries; plimsoll-courier brings its own.
 */
#ifndef PLIMSOLL_ROLE_ROLES_H
#define PLIMSOLL_ROLE_ROLES_H

#include "core/role/role.h"

extern const struct role_ops web_role_ops;
extern const struct role_ops store_role_ops;
extern const struct role_ops signer_role_ops;
extern const struct role_ops compute_role_ops;
extern const struct role_ops admin_role_ops;

/* For role_main(); index is enum role_id, NULL for roles of other programs. */
extern const struct role_ops *const core_role_ops[ROLE_COUNT];

#endif
