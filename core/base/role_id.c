/*
 * Names of the roles.
 */
#include "core/base/role_id.h"

#include "core/base/check.h"

const char *role_name(enum role_id role)
{
	static const char *const names[ROLE_COUNT] = { "supervisor", "web", "store", "signer",
		"compute", "courier", "admin", "files", "media", "offload", "helper" };

	CHECK((unsigned)role < ROLE_COUNT);
	return names[role];
}
