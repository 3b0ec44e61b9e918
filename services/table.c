/*
 * The services that are built in. accounts comes first: the others stand on it.
 */
#include "services/table.h"

#include "accounts/accounts.h"
#include "services/identity/identity.h"

const struct service *const service_table[] = {
	&accounts_service,
	&identity_service,
	&verifier_service,
};
const size_t service_table_count = sizeof(service_table) / sizeof(service_table[0]);
