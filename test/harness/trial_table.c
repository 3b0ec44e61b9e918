/*
 * The list of services of the two programs that the tests of upgrades run: those of plimsoll, and
 * one more that answers slowly. TRIAL_MIGRATIONS says of which version the program is: the later
 * one has a migration that the earlier one has not.
 */
#include "services/table.h"

#include <stdio.h>

#include "accounts/accounts.h"
#include "accounts/well_known.h"
#include "core/ev/task.h"
#include "services/identity/identity.h"

enum {
	PIECE_BYTES = 8192,
	PIECES = 32,
	PIECE_US = 15000,
	UPLOAD_MAX = 1024 * 1024,
	LIMIT_MS = 30000,
};

/* 256 KiB of 'd', in pieces over half a second. */
static enum err download(struct op_call *c)
{
	char piece[PIECE_BYTES];
	enum err e = http_stream_begin(
	    c->req, 200, SLICE("application/octet-stream"), (int64_t)PIECES * PIECE_BYTES);

	memset(piece, 'd', sizeof(piece));
	for (int i = 0; e == ERR_OK && i < PIECES; i++) {
		e = http_stream_write(c->req, SLICE_OF(piece, sizeof(piece)));
		if (e == ERR_OK) {
			e = task_sleep(PIECE_US);
		}
	}
	return e == ERR_OK ? http_stream_end(c->req) : e;
}

/* Answers how many bytes came. */
static enum err upload(struct op_call *c)
{
	char piece[PIECE_BYTES];
	uint64_t sum = 0;
	size_t n = 0;
	enum err e;

	while ((e = http_body_read(c->req, piece, sizeof(piece), &n)) == ERR_OK) {
		sum += n;
	}
	if (e != ERR_END) {
		return e;
	}
	const char *text = arena_printf(c->arena, "%llu", (unsigned long long)sum);
	http_reply(c->req, 200, SLICE("text/plain"), slice_str(text));
	return ERR_OK;
}

/* clang-format off */
static const struct op ops[] = {
	{ "trial.download", HTTP_GET,  "/trial/download", COST_MEMORY, SHED_LATE, LIMIT_MS, 0,          0,         download },
	{ "trial.upload",   HTTP_POST, "/trial/upload",   COST_MEMORY, SHED_LATE, LIMIT_MS, UPLOAD_MAX, OP_STREAM, upload },
};
/* clang-format on */

static const struct migration migrations[] = {
	{ 1, "CREATE TABLE trial (id BIGINT NOT NULL PRIMARY KEY)" },
	{ 2, "ALTER TABLE trial ADD COLUMN note TEXT NOT NULL DEFAULT ''" },
};

static const struct service trial_service = {
	.name = "trial",
	.summary = "Slow answers for the tests of upgrades.",
	.listener = "main",
	.ops = ops,
	.n_ops = sizeof(ops) / sizeof(ops[0]),
	.migrations = migrations,
	.n_migrations = TRIAL_MIGRATIONS,
};

const struct service *const service_table[] = {
	&accounts_service,
	&well_known_service,
	&identity_service,
	&trial_service,
};
const size_t service_table_count = sizeof(service_table) / sizeof(service_table[0]);
