/*
 * Which of the roles the program plimsoll carries. A file of its own, so that a program of one role
 * (plimsoll-courier) links none of them.
 */
#include "core/role/roles.h"

const struct role_ops *const core_role_ops[ROLE_COUNT] = {
	[ROLE_WEB] = &web_role_ops,
	[ROLE_STORE] = &store_role_ops,
	[ROLE_SIGNER] = &signer_role_ops,
	[ROLE_COMPUTE] = &compute_role_ops,
	[ROLE_ADMIN] = &admin_role_ops,
	[ROLE_FILES] = &compute_role_ops, /* the same thread, other rights */
	[ROLE_MEDIA] = &compute_role_ops,
};
