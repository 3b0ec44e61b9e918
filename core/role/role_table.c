/*
 * The table of roles (DESIGN.md 2): who there is, whom it may call, what its sandbox leaves it.
 * probe.c and test/scenario/roles.test.mjs prove the sandbox column.
 */
#include "core/role/role.h"

/* clang-format off */
const struct role_def role_table[ROLE_COUNT] = {
	[ROLE_WEB] = {
		.role = ROLE_WEB, .program = "plimsoll", .instances_key = "web",
		.calls = ROLE_BIT(ROLE_STORE) | ROLE_BIT(ROLE_SIGNER) | ROLE_BIT(ROLE_COMPUTE) |
			 ROLE_BIT(ROLE_COURIER) | ROLE_BIT(ROLE_FILES) | ROLE_BIT(ROLE_MEDIA),
		.sandbox = SANDBOX_ACCEPT | SANDBOX_READ_DATA | SANDBOX_READ_BLOBS,
		.siblings = true, /* sessions stay in one of them */
	},
	[ROLE_STORE] = {
		.role = ROLE_STORE, .program = "plimsoll",
		.calls = ROLE_BIT(ROLE_COURIER),
		.sandbox = SANDBOX_WRITE_DATA | SANDBOX_THREADS,
		.max_credits = 512, /* group commit wants many at once */
	},
	[ROLE_SIGNER] = {
		.role = ROLE_SIGNER, .program = "plimsoll",
		.sandbox = SANDBOX_KEYS,
		.max_credits = 64,
	},
	[ROLE_COMPUTE] = {
		.role = ROLE_COMPUTE, .program = "plimsoll", .instances_key = "compute",
		.sandbox = SANDBOX_THREADS,
		.nice = 10, /* hashing gives way to answering */
		.max_credits = 64,
	},
	[ROLE_COURIER] = {
		.role = ROLE_COURIER, .program = "plimsoll-courier",
		.calls = ROLE_BIT(ROLE_STORE) | ROLE_BIT(ROLE_SIGNER) |
			 ROLE_BIT(ROLE_FILES),
		.sandbox = SANDBOX_DIAL | SANDBOX_THREADS, /* names are resolved on a thread */
		.max_credits = 128, /* a fetch waits for a stranger's server */
	},
	[ROLE_ADMIN] = {
		.role = ROLE_ADMIN, .program = "plimsoll",
		.calls = ROLE_BIT(ROLE_STORE),
		.sandbox = SANDBOX_ACCEPT | SANDBOX_THREADS, /* health is answered on one */
	},
	[ROLE_FILES] = {
		.role = ROLE_FILES, .program = "plimsoll", .instances_key = "files",
		.sandbox = SANDBOX_WRITE_BLOBS | SANDBOX_THREADS,
		.nice = 10, /* unpacking gives way to answering */
		.max_credits = 64,
	},
	/* Its pictures are decoded by a program for each, which takes less still (decision 0105). */
	[ROLE_MEDIA] = {
		.role = ROLE_MEDIA, .program = "plimsoll", .instances_key = "media",
		.helper = "plimsoll-media",
		.sandbox = SANDBOX_READ_BLOBS | SANDBOX_THREADS | SANDBOX_SPAWN,
		.nice = 15, /* pictures give way to hashing and unpacking, too */
		.max_credits = 16,
	},
	/* Stands for the compute processes of other machines (decision 0124). */
	[ROLE_OFFLOAD] = {
		.role = ROLE_OFFLOAD, .acts_as = ROLE_COMPUTE, .program = "plimsoll-nats",
		.sandbox = SANDBOX_DIAL | SANDBOX_THREADS, /* those of libnats */
	},
	/* On such a machine: speaks for the web processes elsewhere. */
	[ROLE_HELPER] = {
		.role = ROLE_HELPER, .acts_as = ROLE_WEB, .program = "plimsoll-nats",
		.calls = ROLE_BIT(ROLE_COMPUTE),
		.sandbox = SANDBOX_DIAL | SANDBOX_THREADS,
	},
};
/* clang-format on */

enum role_id role_as(enum role_id role)
{
	const enum role_id as = role_table[role].acts_as;

	return as == ROLE_SUPERVISOR ? role : as;
}

uint32_t role_sandbox(enum role_id role, const struct pg_reach *database)
{
	const uint32_t files = SANDBOX_READ_DATA | SANDBOX_WRITE_DATA;
	const uint32_t flags = role_table[role].sandbox;

	if (database == NULL || (flags & files) == 0) {
		return flags;
	}
	/* The store's thread is for checkpoints of a file. */
	return flags & ~(files | SANDBOX_THREADS);
}
