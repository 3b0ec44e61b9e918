/*
 * Role: courier. Its row for the program plimsoll-courier, the only one that links libcurl.
 */
#ifndef PLIMSOLL_ACCOUNTS_COURIER_COURIER_ROLE_H
#define PLIMSOLL_ACCOUNTS_COURIER_COURIER_ROLE_H

#include "core/role/role.h"

extern const struct role_ops courier_role_ops;

#endif
