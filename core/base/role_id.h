/*
 * The roles (process kinds) of DESIGN.md 2. One enum, so that RPC rows, configuration keys and the
 * role table can name them without including each other.
 */
#ifndef PLIMSOLL_BASE_ROLE_ID_H
#define PLIMSOLL_BASE_ROLE_ID_H

enum role_id {
	ROLE_SUPERVISOR,
	ROLE_WEB,
	ROLE_STORE,
	ROLE_SIGNER,
	ROLE_COMPUTE,
	ROLE_COURIER,
	ROLE_ADMIN,
	ROLE_FILES,
	ROLE_MEDIA,
	ROLE_OFFLOAD,
	ROLE_HELPER,
	ROLE_COUNT
};

/* Bit of a role in masks such as "who may send this". */
#define ROLE_BIT(role) (1u << (role))
#define ROLE_ALL       ((1u << ROLE_COUNT) - 1)

/* "web", "store", ...; static storage. */
const char *role_name(enum role_id role);

#endif
