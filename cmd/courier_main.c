/*
 * plimsoll-courier: the program of the courier role, executed by the supervisor. It is a program of
 * its own because libcurl brings some thirty libraries along, which the other roles should not map.
 */
#include "accounts/courier/courier_role.h"
#include "services/table.h"

int main(int argc, char **argv)
{
	const struct app app = { service_table, service_table_count, PLIMSOLL_VERSION };
	const struct role_ops *const ops[ROLE_COUNT] = { [ROLE_COURIER] = &courier_role_ops };

	return role_main(&app, ops, argc, argv);
}
