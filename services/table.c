/*
 * The services that are built in. accounts and well_known come first: the others stand on them.
 */
#include "services/table.h"

#include "accounts/accounts.h"
#include "accounts/well_known.h"
#include "services/identity/identity.h"
#include "services/pairs/pairs.h"
#include "services/symbols/symbols.h"
#include "services/sync/sync.h"

const struct service *const service_table[] = {
	&accounts_service,
	&well_known_service,
	&identity_service,
	&sync_service,
	&symbols_service,
	&pairs_service,
	&verifier_service,
};
const size_t service_table_count = sizeof(service_table) / sizeof(service_table[0]);
