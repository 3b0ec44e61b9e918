/*
 * See job_rows.h.
 */
#include "core/offload/job_rows.h"

#include "core/base/check.h"
#include "core/rpc/frame.h"

enum {
	WIRE_VERSION = 1
};

static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++) {
		hash = (hash ^ p[i]) * 0x100000001b3; /* FNV-1a */
	}
	return hash;
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
	const struct slice s = slice_str(text);

	return mix(mix(hash, s.ptr, s.len), "", 1);
}

static uint64_t kind_of(const struct job_rows *rows, const char *version)
{
	const uint32_t head[] = { WIRE_VERSION, ERR_COUNT, rows->registry.n };
	uint64_t hash = mix_text(mix(0xcbf29ce484222325, head, sizeof(head)), version);

	for (unsigned i = 0; i < rows->registry.n; i++) {
		const struct rpc_def *def = rows->def[i];
		const uint32_t limits[] = { def->max_req, def->max_rep, def->flags };

		hash = mix(mix_text(hash, def->name), limits, sizeof(limits));
	}
	return hash;
}

void job_rows_init(struct job_rows *ret, const struct rpc_registry *all, const char *version)
{
	*ret = (struct job_rows){ .registry = { .defs = ret->def } };
	for (unsigned i = 0; i < all->n; i++) {
		const struct rpc_def *def = all->defs[i];
		if (def->to == ROLE_COMPUTE && (def->from & ROLE_BIT(ROLE_WEB)) != 0) {
			CHECK(ret->registry.n < JOB_ROWS_MAX);
			ret->def[ret->registry.n++] = def;
		}
	}
	ret->kind = kind_of(ret, version);
	ret->frame_max = rpc_frame_max_bytes(
	    &ret->registry, RPC_FRAME_BIT(RPC_FRAME_REQUEST) | RPC_FRAME_BIT(RPC_FRAME_REPLY));
}

unsigned job_rows_type(const struct job_rows *rows, const struct rpc_def *def)
{
	unsigned i = 0;

	while (i < rows->registry.n && rows->def[i] != def) {
		i++;
	}
	const bool row_is_a_job = i < rows->registry.n;
	CHECK(row_is_a_job);
	return i;
}
