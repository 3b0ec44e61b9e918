/*
 * Role: files. Removes blobs of files that were fetched from upstreams and whose rows are gone; see
 * cache_bound.h.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/wire.h"
#include "services/symbols/cache_bound.h"
#include "services/symbols/symbols_priv.h"

enum {
	FRESH_MS = 60000,
	MESSAGE_MAX = 16 * 1024
};

/* Written again since, by an upload whose row is about to come. */
static bool is_fresh(const struct blob_store *blobs, struct slice blob)
{
	struct stat st;
	uint64_t size;
	int fd = -1;

	if (blob_get(blobs, blob, &fd, &size, NULL) != ERR_OK) {
		return true;
	}
	bool is_known = fstat(fd, &st) == 0;
	(void)close(fd);
	return !is_known || (int64_t)st.st_mtim.tv_sec * 1000 > clock_wall_ms() - FRESH_MS;
}

static enum err handle_forget(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct blob_store *blobs = symbols_state(role_state)->blobs;
	struct wire_reader r = wire_reader_new(req);
	struct wire_reader names = wire_reader_new(wire_take_bytes(&r));

	(void)info;
	(void)reply;
	CHECK(wire_done(&r));
	/* Not while a backup copies what its rows have. */
	enum err e = blob_hold(blobs, true, note);
	if (e != ERR_OK) {
		return e;
	}
	while (e == ERR_OK && names.rest.len > 0) {
		struct slice blob = wire_take_bytes(&names);
		CHECK(!names.bad && blob_name_is_good(blob));
		e = is_fresh(blobs, blob) ? ERR_OK : blob_remove(blobs, blob, note);
	}
	blob_release(blobs);
	return e;
}

const struct rpc_def symbols_blobs_forget = {
	.name = "symbols.blobs_forget",
	.from = ROLE_BIT(ROLE_COURIER),
	.to = ROLE_FILES,
	.max_req = MESSAGE_MAX,
	.max_rep = 16,
	.deadline_ms = 60000,
	.cost_us = 1000,
	.flags = RPC_IDEMPOTENT,
	.handle = handle_forget,
};
